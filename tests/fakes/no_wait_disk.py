"""The real files without waiting for the disk: for tests of something else than what survives."""

from __future__ import annotations

from pathlib import Path

from services.cache.files import FileOps


class FakeDisk(FileOps):
    """The real files, without waiting for the disk."""

    def sync(self, fd: int) -> None:
        return

    def sync_folder(self, folder: Path) -> None:
        return
