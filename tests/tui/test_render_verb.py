"""`agentmail-tui render` as a real process: any mail file, in order, always an answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.mail_corpora import all_mails, corpora, generate_hostile_mails

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; from tui.__main__ import main; sys.exit(main(sys.argv[1:]))"
MAIL = b"From: Ann <ann@x.example>\r\nSubject: t\r\nReceived: one\r\nReceived: two\r\n\r\n> q\r\nown\r\n"
KEYS = [
    "file", "headers", "from", "body", "unencrypted_text", "links", "attachments", "notes",
    "encryption",
]  # fmt: skip


@pytest.fixture(scope="module")
def bombs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return generate_hostile_mails(tmp_path_factory.mktemp("mails"))


def render(*arguments: str | bytes | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[bytes]:
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{START}",
        "render",
    ]
    return subprocess.run(
        [os.fsencode(word) for word in (*command, *arguments)],
        capture_output=True,
        check=False,
        cwd=cwd,
    )


def objects(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.decode("utf-8", "strict").splitlines()]


def test_one_mail_becomes_one_object_with_the_documented_keys(tmp_path: Path) -> None:
    mail = tmp_path / "a.eml"
    mail.write_bytes(MAIL)
    done = render("--json", mail)
    assert done.returncode == 0, done.stderr
    (found,) = objects(done)
    assert list(found) == KEYS
    assert found["from"] == {"name": "Ann", "address": "ann@x.example"}
    assert found["headers"] == {
        "From": "Ann <ann@x.example>",
        "Subject": "t",
        "Received": "one\ntwo",
    }
    assert found["body"] == "> q\nown"


def test_every_mail_of_the_corpora_is_answered_in_order(bombs: list[Path]) -> None:
    files = [*all_mails(), *bombs]
    done = render("--json", *files)
    assert done.returncode == 0, done.stderr
    found = objects(done)
    assert [Path(str(entry["file"])) for entry in found] == files
    assert all(list(entry) == KEYS and entry["body"] for entry in found)
    assert b"took too long" not in done.stdout
    # ASCII only, and no escape that stands for half a character.
    assert done.stdout.isascii()
    json.dumps(found, ensure_ascii=False).encode("utf-8", "strict")


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_rendered(tmp_path: Path) -> None:
    mail = tmp_path / "a.eml"
    mail.write_bytes(MAIL)
    done = render("--json", mail, tmp_path / "missing\x1b.eml", tmp_path, mail)
    assert done.returncode == 4
    assert len(objects(done)) == 2
    sentences = done.stderr.decode().splitlines()
    assert len(sentences) == 2
    assert all(line.startswith("agentmail-tui: ") and line.endswith(".") for line in sentences)
    assert "\x1b" not in done.stderr.decode()


def test_odd_file_names_are_answered(tmp_path: Path) -> None:
    names = [b"caf\xe9.eml", "emoji-👩‍💻.eml".encode(), b"new\nline.eml", b"[red]x[-].eml"]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(MAIL)
    done = render("--json", *(os.fsdecode(name) for name in names), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [entry["file"] for entry in objects(done)] == [
        name.decode("utf-8", "replace") for name in names
    ]


def test_text_for_a_terminal_holds_no_control_but_line_feeds(bombs: list[Path]) -> None:
    files = [path for path in bombs if path.stat().st_size < 200_000]
    done = render("--width", "72", *files)
    assert done.returncode == 0
    shown = done.stdout.decode("utf-8", "strict")
    assert not [
        char for char in shown if (ord(char) < 32 and char != "\n") or 0x7F <= ord(char) < 0xA0
    ]


def test_text_names_sender_notes_links_and_files() -> None:
    path = corpora() / "stalwart/resources/eml/legacy/028.eml"
    shown = render("--width", "60", path).stdout.decode()
    assert "From: Doug Sauder <doug@example.com>" in shown
    assert "(0) " in shown
    body = shown.split("\n\n", 1)[1]
    assert max(len(line) for line in body.splitlines() if not line.startswith(("(", "["))) <= 60


@pytest.mark.parametrize(
    "arguments", [(), ("--width", "abc", "x"), ("--width", "3", "x"), ("--nope", "x")]
)
def test_a_bad_command_line_is_one_sentence_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = render(*arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    assert len(done.stderr.decode().splitlines()) == 1
    assert b"Traceback" not in done.stderr


def test_a_pipe_that_nobody_writes_to_does_not_hold_the_others(tmp_path: Path) -> None:
    pipe, mail = tmp_path / "pipe", tmp_path / "a.eml"
    os.mkfifo(pipe)
    mail.write_bytes(MAIL)
    done = render("--json", pipe, tmp_path, "", mail)
    assert done.returncode == 4
    assert [one["file"] for one in objects(done)] == [str(pipe), str(mail)]
    assert done.stderr.count(b"\n") == 2


def test_mail_is_read_from_standard_input_s_pipe(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START, "render", "--json", "/dev/stdin"],
        input=MAIL, capture_output=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert objects(done)[0]["headers"]["Subject"] == "t"  # type: ignore[index]
