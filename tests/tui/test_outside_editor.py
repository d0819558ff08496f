"""$VISUAL and $EDITOR: what is handed over, what comes back, and a terminal that is alive afterwards."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.errors import MailError, UsageError
from services.outbound.drafts.outside_texts import memory_folder
from tests.widgets.terminal import Terminal
from tui.editor import edit, editor_command

STAGE = ["-m", "tests.tui.compose_stage"]


def script(folder: Path, body: str) -> str:
    """An editor of a few lines: `file` is what it edits."""
    path = folder / "editor.py"
    path.write_text(f"import os, pathlib, sys\nfile = pathlib.Path(sys.argv[-1])\n{body}\n")
    return f"{sys.executable} {path}"


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"VISUAL": "cat -n", "EDITOR": "true"}, ("cat", "-n")),
        ({"VISUAL": " ", "EDITOR": "true"}, ("true",)),
    ],
    ids=["VISUAL first", "EDITOR else"],
)
def test_the_editor_is_what_the_environment_says(
    environ: dict[str, str], wanted: tuple[str, ...]
) -> None:
    assert editor_command(environ) == wanted


@pytest.mark.parametrize("editor", ["", "'unbalanced", "no-such-editor-anywhere"])
def test_without_a_usable_editor_it_is_said_how_to_set_one(editor: str) -> None:
    with pytest.raises(UsageError) as raised:
        editor_command({"EDITOR": editor})
    assert "VISUAL or EDITOR" in raised.value.next_step


def test_the_file_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    seen: list[Path] = []

    def look(words: list[str]) -> int:
        file = Path(words[-1])
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert file.suffix == ".eml"
        seen.append(file)
        file.write_text(file.read_text() + "more")
        return 0

    assert edit("text ", ("ed",), tmp_path, look).text == "text more"
    assert not seen[0].parent.exists()


def test_a_line_end_that_the_editor_adds_is_no_change(tmp_path: Path) -> None:
    def add_line_end(words: list[str]) -> int:
        with Path(words[-1]).open("a") as file:
            file.write("\n")
        return 0

    assert edit("text", ("ed",), tmp_path, add_line_end).text == "text"


def test_a_text_that_became_too_large_leaves_the_old_one(tmp_path: Path) -> None:
    def blow_up(words: list[str]) -> int:
        Path(words[-1]).write_bytes(b"x" * (9 << 20))
        return 0

    with pytest.raises(MailError, match="larger than 8 MB"):
        edit("text", ("ed",), tmp_path, blow_up)
    assert list(tmp_path.iterdir()) == []


def test_an_editor_that_cannot_be_started_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    with pytest.raises(MailError) as raised:
        edit("text", (str(tmp_path),), tmp_path)
    assert raised.value.next_step


def test_a_folder_in_memory_is_preferred(tmp_path: Path) -> None:
    assert memory_folder({"XDG_RUNTIME_DIR": str(tmp_path)}) == tmp_path


# ── in a real terminal ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    environ = {"VISUAL": script(tmp_path, request.param), "EDITOR": ""}
    with Terminal(STAGE, environ=environ) as terminal:
        terminal.until(lambda screen: "read" in screen.display[-1])
        terminal.painted("r")
        terminal.until(lambda screen: "column F" in "".join(screen.display))
        terminal.painted("draft ")
        yield terminal


def rows(terminal: Terminal) -> str:
    return "\n".join(terminal.screen.display)


TAKES_WORDS = (
    "print('editing', file.stat().st_mode & 0o777, flush=True)\n"
    "file.write_text(input() + file.read_text())"
)


@pytest.mark.parametrize("opened", [TAKES_WORDS], indirect=True)
def test_the_terminal_is_the_editors_and_ours_again(opened: Terminal) -> None:
    opened.press("\x0f")
    opened.until(lambda screen: "editing 384" in "".join(screen.display))
    opened.press("from outside \r")
    opened.until(lambda screen: "from outside draft" in "".join(screen.display))
    opened.painted("x\x1a\x1a")
    assert " draft " in opened.screen.display[4]
    assert "from outside" not in rows(opened)


@pytest.mark.parametrize("opened", ["file.write_text('saved'); os.abort()"], indirect=True)
def test_what_a_dying_editor_had_saved_is_taken_and_can_be_undone(opened: Terminal) -> None:
    opened.press("\x0f")
    opened.until(lambda screen: screen.display[4].startswith(" saved"))
    opened.painted("\x1a")
    assert opened.screen.display[4].startswith(" draft")


@pytest.mark.parametrize("opened", ["os.kill(os.getppid(), 2); sys.exit(3)"], indirect=True)
def test_an_interrupt_in_the_editor_is_not_ours_and_its_exit_code_is_said(opened: Terminal) -> None:
    opened.press("\x0f")
    opened.until(lambda screen: "ended with code 3" in screen.display[0])
    opened.painted("y")
    assert opened.screen.display[4].startswith(" draft y")
