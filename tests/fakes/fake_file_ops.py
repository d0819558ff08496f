"""A disk that stops: before a chosen durable step, or in the middle of a write."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

from services.cache.files import FileOps


def kill_myself() -> None:
    """Die as from `kill -9`: nothing is flushed, nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def refuse() -> None:
    """Answer as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FakeFileOps(FileOps):
    """Counts the durable steps; the one numbered `stop_at` does not happen, `stop` does instead.

    With `torn`, a write that is stopped has written half of its bytes.
    """

    def __init__(
        self, stop_at: int = -1, stop: Callable[[], None] = refuse, *, torn: bool = False
    ) -> None:
        self.steps: list[str] = []
        self.stop_at = stop_at
        self._stop = stop
        self._torn = torn

    def _step(self, name: str) -> bool:
        self.steps.append(name)
        return len(self.steps) - 1 == self.stop_at

    def write(self, fd: int, data: bytes | bytearray, offset: int) -> int:
        if self._step("write"):
            if self._torn:
                super().write(fd, data[: len(data) // 2], offset)
            self._stop()
        return super().write(fd, data, offset)

    def truncate(self, fd: int, size: int) -> None:
        if self._step("truncate"):
            self._stop()
        super().truncate(fd, size)

    def sync(self, fd: int) -> None:
        if self._step("sync"):
            self._stop()
        super().sync(fd)

    def replace(self, source: Path, target: Path) -> None:
        if self._step("replace"):
            self._stop()
        super().replace(source, target)

    def sync_folder(self, folder: Path) -> None:
        if self._step("sync_folder"):
            self._stop()
        super().sync_folder(folder)
