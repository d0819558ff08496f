"""The disk as the file picker sees it, and paths as terminals paste them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.safe_text import EMPTY
from tui.file_choice import LOOKED_AT, begun_anew, chosen_files, completed, look_into, paths_in
from tui.screens.send_later import read_time

NOON = 1_795_003_200.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("report.pdf", "report-2.pdf", "notes.txt", ".hidden"):
        (tmp_path / name).write_text("words")
    (tmp_path / "figures").mkdir()
    return tmp_path


def names(typed: str) -> list[str]:
    return [str(entry.name) for entry in look_into(typed).entries]


def test_folders_come_first_and_hidden_files_only_when_asked_for(folder: Path) -> None:
    assert names(f"{folder}/") == ["figures", "notes.txt", "report-2.pdf", "report.pdf"]
    assert names(f"{folder}/.h") == [".hidden"]
    assert names(f"{folder}/REP") == ["report-2.pdf", "report.pdf"]


def test_a_path_is_completed_as_far_as_there_is_one_choice(folder: Path) -> None:
    for typed, wanted in (
        ("rep", "report"),
        ("no", "notes.txt"),
        ("fig", "figures/"),
        ("zz", "zz"),
    ):
        path = f"{folder}/{typed}"
        assert completed(path, look_into(path)) == f"{folder}/{wanted}"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("~/", "~/"),
        ("~/a~b/~c", "~/a~b/~c"),
        ("~//", "/"),
        ("~//tmp/report", "/tmp/report"),
        ("/tmp//var//log", "/log"),
        ("/tmp/~/notes", "~/notes"),
    ],
)
def test_a_path_typed_behind_another_is_begun_anew(typed: str, meant: str) -> None:
    assert begun_anew(typed) == meant


def test_what_is_no_file_is_left_out_and_what_cannot_be_shown_is_counted(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "bad\x1b[31mname").write_text("x")
    (folder / "bi\u202edi").write_text("x")
    (folder / "gone").symlink_to(folder / "nowhere")
    listed = look_into(f"{folder}/")
    assert [entry.name for entry in listed.entries if entry.name in ("pipe", "gone")] == []
    assert listed.hidden == 2


def test_a_folder_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert look_into(f"{tmp_path}/nowhere/").trouble
    assert look_into("~nobody-of-that-name/").trouble != EMPTY


def test_of_a_huge_folder_only_so_much_is_looked_at(tmp_path: Path) -> None:
    for number in range(LOOKED_AT + 5):
        (tmp_path / str(number)).touch()
    listed = look_into(f"{tmp_path}/")
    assert listed.more
    assert len(listed.entries) <= LOOKED_AT + 1


def test_paths_are_read_as_each_terminal_drops_them(folder: Path) -> None:
    (folder / "two words.txt").write_text("x")
    (folder / "it's.txt").write_text("x")
    two, plain = folder / "two words.txt", folder / "notes.txt"
    for dropped, wanted in (
        (f"{plain}", [plain]),
        (f"{two}", [two]),
        (f"'{two}' {plain} ", [two, plain]),
        (f"{folder}/two\\ words.txt {plain}", [two, plain]),
        (f"file://{folder}/two%20words.txt\r\nfile://{plain}\r\n", [two, plain]),
        (f"{folder}/it's.txt", [folder / "it's.txt"]),
        (f"{folder}/nowhere.txt", []),
        ("just some words", []),
        ("unbalanced ' quote", []),
        (f"{folder}", []),
        ("\0", []),
    ):
        assert list(paths_in(dropped)) == wanted, dropped


def test_files_are_looked_at_and_the_programs_own_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = folder / "config" / "agentmail-tui"
    own.mkdir(parents=True)
    (own / "config.toml").write_text("token")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    files, errors = chosen_files([folder / "report.pdf", own / "config.toml", folder / "gone"])
    assert [(file.name, file.content_type, file.size) for file in files] == [
        ("report.pdf", "application/pdf", 5)
    ]
    assert len(errors) == 2


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("", 0), ("in 2 h", NOON + 7_200), ("45 min", NOON + 2_700), ("1d", NOON + 86_400),
        ("16:30", NOON + 16_200), ("11:00", NOON + 82_800), ("tomorrow 9:00", NOON + 75_600),
        ("2026-12-24 18:00", 1_798_135_200), ("25:00", None), ("2026-02-30 10:00", None),
        ("soon", None), ("12", None),
    ],
    ids=str,
)  # fmt: skip
def test_times_are_read_as_people_write_them(typed: str, seconds: float | None) -> None:
    assert read_time(typed, NOON) == seconds
