"""Where the outgoing mail of an account lies: a mark that no copy of its folder carries.

Closes the trap of two folders with the same mail waiting in both, one a copy or restored from a
backup, which both would send. The mark is an empty file. Its inode stays with it when the folder is
moved, and is another one wherever it is copied or restored to, also at the same place: a file system
that gives a freed inode away again counts its generation. A new mark is made whenever mail leaves or
is taken back, so that an older state which is restored over the present one knows none that is there.

What it cannot tell: an image of a whole disk, or a virtual machine, that is set back or runs twice.
Touches the disk: call it in a thread.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.cache.files import FileOps, cache_error, open_private
from services.outbound.log.store import STATE

if TYPE_CHECKING:
    from services.outbound.log.store import OutboundStore

_ANCHOR: Final = "anchor"
"""In STATE: the name of the mark and what tells it from a copy."""
_PREFIX: Final = "anchor-"
_GET_GENERATION: Final = 0x80087601
"""`FS_IOC_GETVERSION` of Linux on machines of 64 bits."""


class Anchor:
    """The mark of one account's outgoing mail, in the folder of its log."""

    def __init__(self, store: OutboundStore) -> None:
        self._store = store
        self._folder = store.folder

    @property
    def is_known(self) -> bool:
        """There has been a mark; older versions of this program made none."""
        return self._store.get(STATE, _ANCHOR) is not None

    def holds(self) -> bool:
        """Whether the mark that is written down is the one that lies here.

        Only inside of a transaction is False certain: another process may just be making a new one.
        """
        kept = self._store.get(STATE, _ANCHOR)
        if kept is None:
            return False
        try:
            return _identity(self._folder / kept["name"]) == str(kept["identity"])
        except OSError:
            return False

    def cast(self) -> None:
        """Make a new mark, in the transaction under way; DiskFull or CacheError when that fails.

        The one before goes only when the transaction is on the disk: at every moment in between one
        of the two holds.
        """
        path = self._folder / f"{_PREFIX}{uuid.uuid4().hex}"
        try:
            os.close(open_private(path, os.O_RDWR | os.O_CREAT | os.O_EXCL))
            FileOps().sync_folder(self._folder)
            kept = {"name": path.name, "identity": _identity(path)}
        except OSError as error:
            raise cache_error(error, "marking the folder of outgoing mail") from error
        self._store.put(STATE, _ANCHOR, kept)
        self._store.after_commit(lambda: self._remove_others(path.name))

    def _remove_others(self, name: str) -> None:
        for other in self._folder.glob(f"{_PREFIX}*"):
            if other.name != name:
                with suppress(OSError):
                    other.unlink()


def _identity(path: Path) -> str:
    """Return what tells a file from every copy of it; OSError when it is not there."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        facts = os.fstat(descriptor)
        try:
            incarnation = fcntl.ioctl(descriptor, _GET_GENERATION, bytes(8)).hex()
        except OSError:
            # No generations here: the time of birth, or else the file system, stands in for it.
            born = getattr(facts, "st_birthtime", None)
            incarnation = str(born or os.fstatvfs(descriptor).f_fsid)
    finally:
        os.close(descriptor)
    return f"{facts.st_ino}:{incarnation}"
