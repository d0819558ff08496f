"""Where the files of a forwarded message lie until the forward has left.

Closes three traps: a name of a stranger that becomes a path (only what `safe_name` lets through is
ever used, below a folder with a number), files that others can read (0600 in folders 0700), and files
that stay for ever because a program was killed: what belongs to no draft is swept away at the next
opening, unless a program that runs has just begun that draft. Touches the disk: call it in a thread.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterable, Set
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.attachments.names import safe_name
from services.cache.files import open_private, private_folder
from services.draft import DraftFile
from services.errors import UsageError

FOLDER: Final = "carried"
_IN_USE: Final = ".in-use"
_ARRIVING: Final = "arriving"
_DRAFT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


class CarriedFolders:
    """The folders of carried files of one account, one for each draft; usable from any thread."""

    def __init__(self, outbound: Path) -> None:
        self._root = outbound / FOLDER
        self._held: dict[str, int] = {}

    def place(self, draft_id: str, number: int, name: str) -> Path:
        """Return where a file of a draft lies or will lie; touches nothing."""
        return self.of(draft_id) / str(number) / safe_name(name)

    def of(self, draft_id: str) -> Path:
        """Return the folder of a draft; UsageError for what is no id of one."""
        if not _DRAFT_ID.fullmatch(draft_id):
            raise UsageError("There is no such draft.")
        return self._root / draft_id

    def owns(self, draft_id: str, path: Path) -> bool:
        """Whether a path is a file's place in the folder of this draft; touches nothing."""
        return path.parent.parent == self.of(draft_id) and path.parent.name.isdecimal()

    def arriving(self, draft_id: str) -> Path:
        """Return where downloads for a draft grow."""
        return self.of(draft_id) / _ARRIVING

    def hold(self, draft_id: str) -> None:
        """Make the folder of a draft and keep others from sweeping it while this program runs."""
        folder = self.of(draft_id)
        while draft_id not in self._held or not _is_at(folder, self._held[draft_id]):
            self.let_go(draft_id)
            private_folder(folder)
            descriptor = open_private(folder / _IN_USE, os.O_RDWR | os.O_CREAT)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            self._held[draft_id] = descriptor

    def keep_only(self, draft_id: str, paths: Iterable[Path], *, arrived: bool) -> None:
        """Remove what a draft has no use for; `arrived`: nothing of it is on its way any more."""
        kept = {path.parent.name for path in paths} | {_IN_USE}
        if not arrived:
            kept.add(_ARRIVING)
        with suppress(OSError):
            for found in tuple(self.of(draft_id).iterdir()):
                if found.name not in kept:
                    _remove(found)

    def remove(self, draft_id: str) -> None:
        """Remove all files of a draft; nothing when there are none."""
        self.let_go(draft_id)
        _remove(self.of(draft_id))

    def let_go(self, draft_id: str) -> None:
        """Hold the folder of a draft no longer: what is saved as its file is swept by nobody."""
        descriptor = self._held.pop(draft_id, None)
        if descriptor is not None:
            os.close(descriptor)

    def stored_bytes(self, draft_id: str) -> int:
        """Return how many bytes the files of a draft take on the disk."""
        with suppress(OSError):
            return sum(one.stat().st_size for one in self.of(draft_id).glob("*/*"))
        return 0

    def sweep(self, kept: Callable[[], Set[str]]) -> None:
        """Remove the folders of drafts other than `kept` gives, if nobody holds them.

        The folders are read first, so that a draft that is saved meanwhile loses nothing.
        """
        try:
            found = tuple(self._root.iterdir())
        except OSError:
            return
        names = kept() if found else set()
        for folder in found:
            if folder.name not in names:
                _remove_unused(folder)

    def close(self) -> None:
        """Let go of all folders; what belongs to no draft is swept at the next opening."""
        for draft_id in tuple(self._held):
            self.let_go(draft_id)


def not_here(file: DraftFile) -> UsageError | None:
    """Return what speaks against sending a carried file that has not come; None for any other."""
    if file.origin is None or file.path.exists():
        return None
    return UsageError(
        f"{safe_name(file.name)} of the original message has not been fetched yet.",
        "Open the draft and wait until it is there, fetch it again with r, or take it off.",
    )


def _is_at(folder: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat((folder / _IN_USE).lstat(), os.fstat(descriptor))
    except OSError:
        return False


def _remove_unused(folder: Path) -> None:
    """Remove a folder unless somebody holds it; nobody can begin to while it is removed."""
    if folder.is_symlink() or not folder.is_dir():
        _remove(folder)
        return
    with suppress(OSError):
        descriptor = open_private(folder / _IN_USE, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)
        finally:
            os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
