"""What is saved in the operator's editor is a draft at once: killed editors, programs and lines lose none."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.errors import MailError
from services.outbound.drafts.outside_texts import LARGEST, PREFIX
from tests.tui.typing_kills import begin_writing, kept_in, program
from tests.widgets.terminal import Terminal
from tui.editor import edit
from tui.editor_watch import EditorWatch

WRITES = {
    "in place": lambda file, text: file.write_text(text),
    "by a new file": lambda file, text: (
        file.with_name("new").write_text(text),
        file.with_name("new").replace(file),
    ),
}


class Told:
    """What a watch has told; `wait` returns the next."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._came = threading.Semaphore(0)

    def __call__(self, text: str) -> None:
        self.texts.append(text)
        self._came.release()

    def wait(self) -> str:
        assert self._came.acquire(timeout=30)
        return self.texts[-1]


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_each_saved_text_is_told_while_the_editor_is_open(
    tmp_path: Path, write: Callable[[Path, str], object]
) -> None:
    told = Told()

    def run(words: list[str]) -> int:
        for text in ("first", "second"):
            write(Path(words[-1]), text)
            assert told.wait() == text
        return 0

    assert edit("old", ("ed",), tmp_path, run, EditorWatch(told)).text == "second"
    assert told.texts == ["first", "second"]


@pytest.mark.parametrize("text", ["", "\n", "old", "old\n", "x" * (LARGEST + 1)], ids=range(5))
def test_an_emptied_file_and_an_unchanged_or_endless_one_are_not_told(
    tmp_path: Path, text: str
) -> None:
    told, file = Told(), tmp_path / "draft.eml"
    watch = EditorWatch(told)
    file.write_text("old")
    watch.begin(file, "old")
    file.write_text(text)
    watch.look()
    watch.end()
    assert told.texts == []


def test_nothing_is_told_after_the_end(tmp_path: Path) -> None:
    told, file = Told(), tmp_path / "draft.eml"
    watch = EditorWatch(told)
    file.write_text("old")
    watch.begin(file, "old")
    watch.end()
    file.write_text("new")
    watch.look()
    assert told.texts == []


def test_what_was_saved_is_known_though_the_end_was_too_large(tmp_path: Path) -> None:
    told = Told()
    watch = EditorWatch(told)

    def run(words: list[str]) -> int:
        Path(words[-1]).write_text("good")
        told.wait()
        Path(words[-1]).write_bytes(b"x" * (LARGEST + 1))
        return 0

    with pytest.raises(MailError, match="larger than 8 MB"):
        edit("old", ("ed",), tmp_path, run, watch)
    assert watch.text == "good"


# ── in a real terminal ───────────────────────────────────────────────────────────────────────────


@contextmanager
def editing(tmp_path: Path, body: str) -> Iterator[Terminal]:
    """The whole program over a real folder, whose editor has saved and goes on."""
    script = tmp_path / "editor.py"
    script.write_text(f"import os, pathlib, sys\nfile = pathlib.Path(sys.argv[-1])\n{body}\n")
    # A killed program leaves the editor's file where it was.
    environ = {"VISUAL": f"{sys.executable} {script}", "XDG_RUNTIME_DIR": str(tmp_path)}
    with Terminal(program(tmp_path), environ=environ) as terminal:
        begin_writing(terminal)
        terminal.press("\x0f")
        yield terminal


def bodies(folder: Path) -> list[str]:
    return [draft.body for draft in kept_in(folder)]


def test_what_was_saved_in_the_editor_outlives_a_killed_program(tmp_path: Path) -> None:
    stays = "file.write_text('From the editor'); print('saved', flush=True); input()"
    with editing(tmp_path, stays) as terminal:
        terminal.until(lambda _: bodies(tmp_path) == ["From the editor"])
        terminal.process.kill()
        terminal.process.wait()
    assert bodies(tmp_path) == ["From the editor"]


def test_what_was_saved_a_moment_before_the_line_broke_is_kept(tmp_path: Path) -> None:
    breaks = "file.write_text('From the editor'); os.kill(os.getppid(), 1); sys.stdin.read()"
    with editing(tmp_path, breaks) as terminal:
        code = terminal.process.wait(timeout=60)
    assert code == 128 + signal.SIGHUP
    assert bodies(tmp_path) == ["From the editor"]


def test_a_text_that_was_saved_and_taken_back_again_leaves_one_draft_with_the_text_shown(
    tmp_path: Path,
) -> None:
    back = "old = file.read_text(); file.write_text('Away with it'); input(); file.write_text(old)"
    with editing(tmp_path, back) as terminal:
        terminal.until(lambda _: bodies(tmp_path) == ["Away with it"])
        terminal.press("\r")
        terminal.until(lambda _: bodies(tmp_path) == [""])


def test_what_was_saved_with_the_last_breath_is_in_the_draft_at_the_next_start(
    tmp_path: Path,
) -> None:
    kills = (
        "print('opened', flush=True); input()\n"
        "file.write_text('From the editor'); os.kill(os.getppid(), 9)"
    )
    with editing(tmp_path, kills) as terminal:
        terminal.until(lambda screen: "opened" in "".join(screen.display))
        terminal.until(lambda _: bodies(tmp_path) == [""])
        terminal.press("\r")
        terminal.process.wait()
    assert bodies(tmp_path) == [""]
    assert len(list(tmp_path.glob(f"{PREFIX}*"))) == 1
    with Terminal(program(tmp_path), environ={"XDG_RUNTIME_DIR": str(tmp_path)}) as terminal:
        terminal.until(lambda _: bodies(tmp_path) == ["From the editor"])
        terminal.until(lambda _: not list(tmp_path.glob(f"{PREFIX}*")))
