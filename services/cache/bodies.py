"""Raw message bodies as files beside the log: content as received, names that say nothing.

Closes three traps: ids are chosen by senders (so no id becomes a file name), a body cut by a crash
must not be shown as the message (checksum in front), and a cache without a cap fills the disk.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final

from services.cache.files import FileOps, cache_error, private_folder, write_file

LIMIT: Final = 512 * 1024 * 1024
"""Bytes that bodies may take together."""
_MAGIC: Final = b"agentmail-body 1 "
_HEAD: Final = len(_MAGIC) + 33
_SUFFIX: Final = ".mail"


class BodyStore:
    """Bodies by message id, each in a file of mode 0600, together below `limit` bytes.

    When the limit is passed, those read longest ago go first, down to nine tenths of it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limit: int = LIMIT,
        read_only: bool = False,
        ops: FileOps | None = None,
    ) -> None:
        self._folder = folder
        self._limit = limit
        self._read_only = read_only
        self._ops = ops or FileOps()
        self._bytes: int | None = None

    def get(self, message_id: str) -> bytes | None:
        """Return a body, or None when it is missing or damaged; never raises for the disk."""
        path = self._path(message_id)
        raw = self._read(path)
        if raw is not None and not self._read_only:
            with contextlib.suppress(OSError):
                # The time of the last reading, in a form that mount options cannot switch off.
                os.utime(path)
        return raw

    def put(self, message_id: str, raw: bytes) -> None:
        """Keep a body; raises DiskFull or CacheError. Read-only, it does nothing."""
        if self._read_only:
            return
        path = self._path(message_id)
        try:
            private_folder(path.parent)
            others = self.size - (path.stat().st_size if path.exists() else 0)
            write_file(self._ops, path, [_head(raw), raw], durable=False)
            self._bytes = others + len(raw) + _HEAD
            if self._bytes > self._limit:
                self._evict(keep=path)
        except OSError as error:
            raise cache_error(error, "keeping a message") from error

    def remove(self, message_ids: Iterable[str]) -> None:
        """Forget bodies; unknown ids are ignored."""
        if self._read_only:
            return
        for message_id in message_ids:
            with contextlib.suppress(OSError):
                self._forget(self._path(message_id))

    def contents(self) -> Iterator[bytes]:
        """Yield all bodies, those read last first; damaged ones are left out."""
        for _, _, path in sorted(self._files(), reverse=True):
            raw = self._read(path)
            if raw is not None:
                yield raw

    def clear(self) -> None:
        """Forget all bodies."""
        if not self._read_only:
            for _, _, path in self._files():
                with contextlib.suppress(OSError):
                    self._forget(path)

    @property
    def size(self) -> int:
        """Bytes that the bodies take; counted once, then kept up."""
        if self._bytes is None:
            self._bytes = sum(size for _, size, _ in self._files())
        return self._bytes

    def _read(self, path: Path) -> bytes | None:
        try:
            content = path.read_bytes()
        except OSError:
            return None
        head, raw = content[:_HEAD], content[_HEAD:]
        return raw if head == _head(raw) else None

    def _path(self, message_id: str) -> Path:
        name = blake2b(message_id.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()
        return self._folder / name[:2] / (name + _SUFFIX)

    def _forget(self, path: Path) -> None:
        size = path.stat().st_size
        path.unlink()
        if self._bytes is not None:
            self._bytes -= size

    def _files(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self._folder.glob("??/*"):
            with contextlib.suppress(OSError):
                if path.suffix == ".new":
                    # What a crash left of a body that was never put in place.
                    path.unlink()
                    continue
                stat = path.stat()
                found.append((stat.st_mtime, stat.st_size, path))
        return found

    def _evict(self, keep: Path) -> None:
        self._bytes = sum(size for _, size, _ in self._files())
        for _, _, path in sorted(self._files()):
            if self._bytes <= self._limit * 9 // 10:
                return
            if path != keep:
                self._forget(path)


def _head(raw: bytes) -> bytes:
    return _MAGIC + blake2b(raw, digest_size=16).hexdigest().encode() + b"\n"
