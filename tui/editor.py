"""Handing a text to the operator's own editor and taking it back.

Closes four traps: an exception that leaves the terminal dead (everything is caught here and told
after), a temporary file that others can read or that stays (0600 in a folder of its own, removed in
any case), a Ctrl+C in the editor that ends this program, and text that is lost because the editor
failed: what it had saved is taken back all the same.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.errors import MailError, UsageError
from services.paths import private_folder
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


def memory_folder(environ: Mapping[str, str]) -> Path | None:
    """Return a folder of this person's that lies in memory, not on a disk; None without one."""
    for place in (environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm"):  # noqa: S108 - made private below
        folder = Path(place)
        if folder.is_absolute() and os.access(folder, os.W_OK | os.X_OK):
            return folder
    return None


def edit(
    text: str,
    command: tuple[str, ...],
    folder: Path | None = None,
    run: Callable[[list[str]], int] | None = None,
    watch: EditorWatch | None = None,
) -> Edited:
    """Let the editor change a text; blocks until it ends. MailError when that cannot be.

    The file lies in a new 0700 folder within `folder`, or within the system's own temporary one;
    `watch` looks at it meanwhile.
    """
    watch = watch or EditorWatch(lambda _: None)
    try:
        return _edit(text, command, folder, run or _run, watch)
    except OSError as error:
        raise MailError(f"The editor could not be used: {error.strerror}.", _HOW) from error


def _edit(
    text: str,
    command: tuple[str, ...],
    folder: Path | None,
    run: Callable[[list[str]], int],
    watch: EditorWatch,
) -> Edited:
    place = private_folder(Path(tempfile.mkdtemp(prefix="agentmail-", dir=folder)))
    file = place / "draft.eml"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(text.encode("utf-8", "surrogatepass"))
        watch.begin(file, text)
        code = run([*command, str(file)])
        return Edited(text_in(file, text), code)
    finally:
        watch.end()
        shutil.rmtree(place, ignore_errors=True)


def _run(words: list[str]) -> int:
    """Run the editor in this terminal; keys that interrupt are the editor's alone."""
    before = signal.signal(signal.SIGINT, _nothing)
    try:
        return subprocess.run(words, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def _nothing(_number: int, _frame: object) -> None:
    """Taken, so that this program goes on; a started program gets its own way back."""
