"""A file that is being fetched: where it stands, and which version of the remote file it holds.

Closes the trap of a second half glued behind the first half of another file. Bytes are written as
they come: handing them to a thread costs half as much processor time again as it takes off the loop
(measured), and what is written goes to the kernel's memory, not to the disk. Nothing is hashed here:
at 240 MB a second, SHA-256 takes three times as long as a near host needs to send.
"""

from __future__ import annotations

import errno
import os
from typing import Final, Protocol

from services.errors import DiskFull, MailError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Sink(Protocol):
    """Where a download goes; `size` is what it holds, `version` the host's mark of what that is of."""

    size: int
    version: str

    def restart(self) -> None:
        """Forget what has come."""
        ...

    def write(self, data: bytes) -> None: ...


class MemorySink:
    """A download that is kept in memory; `take` returns it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0
        self.version = ""

    def restart(self) -> None:
        """Forget what has come."""
        self._pieces.clear()
        self.size = 0
        self.version = ""

    def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        self._pieces.append(data)
        self.size += len(data)

    def take(self) -> bytes:
        """Return all of it."""
        return b"".join(self._pieces)


class FileSink:
    """A file being filled through its descriptor, counted as it grows.

    Open for writing; what it holds already counts as fetched when `resume` is set. `version` is
    the host's mark of what is being fetched (a strong ETag), "" while it has told none.
    """

    def __init__(self, descriptor: int, *, resume: bool = False) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size if resume else 0
        self.version = ""
        if not resume:
            self.restart()

    def restart(self) -> None:
        """Empty the file."""
        os.ftruncate(self._descriptor, 0)
        self.size = 0
        self.version = ""

    def write(self, data: bytes) -> None:
        """Add bytes at the end; DiskFull when they do not fit."""
        done = 0
        try:
            while done < len(data):
                done += os.pwrite(self._descriptor, memoryview(data)[done:], self.size + done)
        except OSError as error:
            if error.errno in _FULL:
                raise DiskFull("The file does not fit on the disk.", "Make room.") from None
            raise MailError(f"The file cannot be written: {error.strerror}.") from None
        self.size += done
