"""The disk as the file picker sees it: what lies in a folder, and which files a text names.

Closes three traps: a folder of a million entries, a name that the screen would show as another one (it
is left out, and counted), and a path dropped on the terminal, which every terminal writes in its own
way. Blocks: call it in a thread.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from services.draft import DraftFile
from services.errors import MailError
from services.outbound.drafts.attaching import look_at
from services.paths import Paths
from services.safe_text import EMPTY, SafeText, clean_line, inspect_line

LOOKED_AT: Final = 5_000
"""Entries of a folder that are looked at."""
_DROPPED: Final = 200
"""Paths that are taken from one paste."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a folder; `size` in bytes, -1 for a folder. Its name can be shown as it is."""

    name: SafeText
    is_folder: bool
    size: int = -1


@dataclass(frozen=True, slots=True)
class Folder:
    """What fits the typed path: `shown` is the folder as typed, with its slash."""

    shown: str
    entries: tuple[Entry, ...] = ()
    hidden: int = 0
    """Entries whose names cannot be shown as they are."""
    more: bool = False
    trouble: SafeText = EMPTY


def look_into(typed: str) -> Folder:
    """List what a typed path may become: folders first, then files, by name."""
    shown, _, begun = typed.rpartition("/")
    shown = f"{shown}/" if "/" in typed else ""
    try:
        with os.scandir(Path(shown or ".").expanduser()) as listed:
            found = list(islice(listed, LOOKED_AT + 1))
    except (OSError, RuntimeError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else "there is no such folder"
        return Folder(shown, trouble=clean_line(f"{shown or 'This folder'}: {words}"))
    fitting = [
        entry
        for entry in found
        if entry.name.casefold().startswith(begun.casefold())
        and (begun.startswith(".") or not entry.name.startswith("."))
    ]
    safe = [entry for entry in fitting if inspect_line(entry.name).text == entry.name]
    entries = sorted(
        (one for one in map(_entry, safe) if one is not None),
        key=lambda entry: (not entry.is_folder, entry.name.casefold()),
    )
    more = len(found) > LOOKED_AT
    return Folder(shown, tuple(entries), hidden=len(fitting) - len(safe), more=more)


def _entry(entry: os.DirEntry[str]) -> Entry | None:
    with suppress(OSError):
        if entry.is_dir():
            return Entry(clean_line(entry.name), is_folder=True)
        if entry.is_file():
            return Entry(clean_line(entry.name), is_folder=False, size=entry.stat().st_size)
    return None


def begun_anew(typed: str) -> str:
    """Return the path that was meant when `/` or `~/` is typed behind another: that one, whole."""
    if "//" in typed:
        typed = f"/{typed.rpartition('//')[2]}"
    return f"~/{typed.rpartition('/~/')[2]}" if "/~/" in typed else typed


def completed(typed: str, folder: Folder) -> str:
    """Return the typed path, made longer as far as the entries leave one choice."""
    names = [entry.name + ("/" if entry.is_folder else "") for entry in folder.entries]
    if not names:
        return typed
    same = _common_start(min(names), max(names))
    longer = f"{folder.shown}{same}"
    return longer if len(longer) > len(typed) else typed


def _common_start(one: str, other: str) -> str:
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(letter for letter, _ in same)


def paths_in(pasted: str) -> tuple[Path, ...]:
    """The paths in a pasted text: one a line, or quoted as a shell would, or as `file:` addresses.

    Only those of files that are there.
    """
    lines = [line.strip() for line in pasted.strip().splitlines() if line.strip()]
    whole = [path for line in lines if (path := _path(line)) is not None]
    if len(whole) == len(lines):
        return tuple(whole[:_DROPPED])
    words: list[str] = []
    for line in lines:
        with suppress(ValueError):
            words += shlex.split(line)
    return tuple(path for word in words[:_DROPPED] if (path := _path(word)) is not None)


def _path(text: str) -> Path | None:
    """The file that a text names, if there is one."""
    with suppress(OSError, ValueError, RuntimeError):
        if text.startswith("file:"):
            text = unquote(urlsplit(text).path)
        path = Path(text).expanduser()
        if path.is_absolute() and path.is_file():
            return path
    return None


def chosen_files(paths: Iterable[Path]) -> tuple[tuple[DraftFile, ...], tuple[MailError, ...]]:
    """Look at each path: the files that can go with a mail, and what is wrong with the others."""
    barred = Paths.from_environment().own
    files: list[DraftFile] = []
    errors: list[MailError] = []
    for path in paths:
        try:
            files.append(look_at(path, barred=barred))
        except MailError as error:
            errors.append(error)
    return tuple(files), tuple(errors)
