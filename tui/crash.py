"""What happens when the program itself is wrong: a short private report and one sentence.

Closes the trap of Textual's crash screen, which prints the locals of every frame: tokens, mail text,
decrypted text. The report here names files, lines and functions, the type of the error and versions,
and nothing that was in a variable or in an error's text.
"""

from __future__ import annotations

import asyncio
import errno
import os
import platform
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from services.safe_text import SafeText, clean_line, phrase, ui

KEPT: Final = 10
"""Reports kept; older ones are removed."""
_ROOT: Final = Path(__file__).resolve().parent.parent


def write_report(folder: Path, error: BaseException) -> Path | None:
    """Write a report with mode 0600 and return its path; None when that fails too."""
    name = time.strftime("crash-%Y%m%d-%H%M%S", time.gmtime()) + f"-{os.getpid()}.txt"
    path = folder / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("\n".join(_lines(error)) + "\n")
        _drop_old(folder)
    except OSError:
        return None
    return path


def sentence(path: Path | None) -> SafeText:
    """What the operator reads after a crash."""
    if path is None:
        return ui("agentmail-tui met an error of its own and left; no report could be written.")
    say = ui("agentmail-tui met an error of its own and left. Report without mail text: {}")
    return phrase(say, clean_line(str(path)))


def install(folder: Path) -> None:
    """Replace the hooks that would print a traceback with locals of other threads and of the end."""

    def report(error: BaseException) -> None:
        said = sentence(write_report(folder, error))
        with suppress(OSError, ValueError):
            sys.__stderr__ and sys.__stderr__.write(f"{said}\n")

    def on_error(
        _kind: type[BaseException], error: BaseException, _where: TracebackType | None
    ) -> None:
        report(error)

    def on_thread_error(hook: threading.ExceptHookArgs) -> None:
        if hook.exc_value is not None and not _is_lost_terminal(hook.exc_value):
            write_report(folder, hook.exc_value)

    sys.excepthook = on_error
    threading.excepthook = on_thread_error


def _is_lost_terminal(error: BaseException) -> bool:
    """Textual's writing thread meets it when a terminal is closed: nothing is wrong with the program."""
    return isinstance(error, OSError) and error.errno in (errno.EIO, errno.EPIPE, errno.ENXIO)


def loop_handler(folder: Path) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]:
    """A handler for errors that no task waits for: written, never printed over the screen."""

    def handle(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            write_report(folder, error)

    return handle


def _lines(error: BaseException) -> Iterator[str]:
    yield "agentmail-tui crash report"
    yield f"when    {time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())}"
    yield f"python  {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield f"textual {_version('textual')}"
    yield f"program {_version('agentmail-tui')}"
    for depth, link in enumerate(_chain(error)):
        yield ""
        yield f"{'caused by ' if depth else ''}{type(link).__module__}.{type(link).__qualname__}"
        for frame in traceback.extract_tb(link.__traceback__, limit=-40):
            yield f"  {_place(frame.filename)}:{frame.lineno} in {frame.name}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen and len(seen) < 8:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _place(filename: str) -> str:
    """A file's path without the home folder's name in it."""
    path = Path(filename)
    if path.is_relative_to(_ROOT):
        return str(path.relative_to(_ROOT))
    parts = path.parts
    return "/".join(parts[-3:])


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _drop_old(folder: Path) -> None:
    for old in sorted(folder.glob("crash-*.txt"))[:-KEPT]:
        old.unlink(missing_ok=True)
