"""Handing a text to the operator's own editor and taking it back.

Closes four traps: an exception that leaves the terminal dead (everything is caught here and told
after), a temporary file that others can read or that stays (0600 in a folder of its own, removed in
any case, after a death at the next start: `services.outbound.drafts.outside_texts`), a Ctrl+C in the editor that ends this program, and text that is lost because the editor
failed: what it had saved is taken back all the same.
"""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from services.errors import MailError, UsageError
from services.outbound.drafts.outside_texts import OutsideText, Whose
from tui.editor_watch import EditorWatch, text_in

_HOW: Final = "Set VISUAL or EDITOR to the command that starts your editor."


@dataclass(frozen=True, slots=True)
class Edited:
    """What came back: the text, and the exit code of the editor (negative: it was killed)."""

    text: str
    code: int = 0


def editor_command(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the operator's editor: VISUAL, then EDITOR; UsageError says how to set one."""
    for name in ("VISUAL", "EDITOR"):
        written = environ.get(name, "").strip()
        if not written:
            continue
        try:
            words = tuple(shlex.split(written))
        except ValueError:
            raise UsageError(f"{name} cannot be read as a command.", _HOW) from None
        if shutil.which(words[0]) is None:
            raise UsageError(f"The editor of {name} was not found.", _HOW)
        return words
    raise UsageError("No editor is set.", _HOW)


def edit(
    text: str,
    command: tuple[str, ...],
    folder: Path | None = None,
    run: Callable[[list[str]], int] | None = None,
    watch: EditorWatch | None = None,
    whose: Whose | None = None,
) -> Edited:
    """Let the editor change a text; blocks until it ends. MailError when that cannot be.

    The file lies in a new 0700 folder within `folder`, or within the system's own temporary one;
    `watch` looks at it meanwhile, and should this program die, it is taken into the draft of `whose`
    at the next start.
    """
    watch = watch or EditorWatch(lambda _: None)
    try:
        laid = OutsideText.lay(text, folder, whose)
        try:
            watch.begin(laid.file, text, laid.note)
            code = (run or partial(_run, kept=laid.lock))([*command, str(laid.file)])
            return Edited(text_in(laid.file, text), code)
        finally:
            watch.end()
            laid.remove()
    except OSError as error:
        raise MailError(f"The editor could not be used: {error.strerror}.", _HOW) from error


def _run(words: list[str], kept: int) -> int:
    """Run the editor in this terminal; keys that interrupt are the editor's alone, `kept` its too."""
    before = signal.signal(signal.SIGINT, _nothing)
    try:
        return subprocess.run(words, check=False, pass_fds=(kept,)).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def _nothing(_number: int, _frame: object) -> None:
    """Taken, so that this program goes on; a started program gets its own way back."""
