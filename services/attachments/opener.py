"""Handing a saved file to the system's own opener, which the operator has asked for.

Closes three traps: a file that is a program and is run by "opening" it, a path that is read as a
command line (no shell, one argument, absolute), and a viewer that inherits the token or the
terminal from us.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import stat
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from services.errors import MailError, NotFound, UsageError

SECONDS: Final = 5.0
"""How long an opener gets to say that it cannot; one that goes on has taken the file."""
_PROGRAMS: Final = frozenset(
    """app appimage application bash bat bin cmd com command cpl csh deb desktop dll dmg exe hta inf
    iso jar js jse ksh lnk msc msi msp pif pkg pl ps1 py pyc pyw rb reg rpm run scf scr sh sys url
    vb vbe vbs webloc workflow wsf wsh zsh""".split()  # noqa: SIM905
)
"""Endings of what a desktop may run, install or follow instead of showing it."""
_HANDED_ON: Final = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|XDG_[A-Z_]+"
    r"|DBUS_SESSION_BUS_ADDRESS|BROWSER|DESKTOP_SESSION|TMPDIR|__CF_USER_TEXT_ENCODING"
)


def runs(name: str) -> bool:
    """Whether a desktop might run a file of this name instead of showing it."""
    return name.rstrip(". ").rpartition(".")[2].casefold() in _PROGRAMS


async def open_with_system(path: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Hand a file (an absolute path) to the program that the desktop has for it.

    Raises NotFound (it is gone), UsageError (it may run as a program, or there is no desktop), and
    MailError when the opener says that it cannot.
    """
    facts = _facts(path)
    if runs(path.name) or facts.st_mode & 0o111:
        raise UsageError(
            "A file of this kind may run as a program; it is not opened from here.",
            "Look at it first, then start it yourself if you trust it.",
        )
    process = await asyncio.create_subprocess_exec(
        _opener(environ),
        str(path),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        start_new_session=True,
        env={name: value for name, value in environ.items() if _HANDED_ON.fullmatch(name)},
    )
    try:
        async with asyncio.timeout(SECONDS):
            code = await process.wait()
    except TimeoutError:
        return
    if code != 0:
        raise MailError("No program was found that opens this file.", "Open it yourself.")


def _facts(path: Path) -> os.stat_result:
    try:
        facts = path.lstat()
    except OSError:
        raise NotFound("The file is not where it was saved any more.") from None
    if not stat.S_ISREG(facts.st_mode):
        raise UsageError("What lies there now is not the file that was saved.")
    return facts


def _opener(environ: Mapping[str, str]) -> str:
    if sys.platform == "darwin":
        return "/usr/bin/open"
    has_desktop = environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")
    found = shutil.which("xdg-open", path=environ.get("PATH")) if has_desktop else None
    if found is None:
        raise UsageError(
            "There is no desktop here that could open files.", "Open it where it was saved."
        )
    return found
