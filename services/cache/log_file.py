"""The append-only log as bytes: header, commits, and what is still good after a crash.

A file is one header line of 128 bytes, then commits. A commit is lines `table TAB id TAB json`
closed by `= TAB length TAB crc`; JSON holds no raw line feed, so no mail text can imitate a closing
line, and because that line tells where its commit began, good commits are found again behind a
damaged one. The checksum starts from the file's own random generation: blocks of another file
never pass for commits of this one.
"""

from __future__ import annotations

import mmap
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.cache.files import FileOps, ReadHandle, cache_error, open_private, write_all
from services.errors import CacheDamaged, CacheError

HEADER_SIZE: Final = 128
VERSION: Final = 1
_MAGIC: Final = b"agentmail-log "
_CLOSE: Final = b"\n=\t"


@dataclass(frozen=True, slots=True)
class Header:
    """`key` keys the hashes of message ids and stays for life; `generation` is new in each file."""

    key: bytes
    generation: bytes

    @classmethod
    def new(cls, key: bytes | None = None) -> Header:
        """Make the header of a new file, keeping the key of the one that it replaces."""
        return cls(key or os.urandom(16), os.urandom(8))

    def encode(self) -> bytes:
        """Return the 128 bytes."""
        text = b"%s%d %s %s" % (
            _MAGIC, VERSION, self.key.hex().encode(), self.generation.hex().encode()
        )  # fmt: skip
        line = b"%s %08x" % (text, zlib.crc32(text))
        return line.ljust(HEADER_SIZE - 1) + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """Read a header; raises CacheDamaged with the reason."""
        if not data.startswith(_MAGIC):
            raise CacheDamaged("is not a mail cache")
        words = data[: HEADER_SIZE - 1].split()
        if len(words) > 1 and words[1].isdigit() and int(words[1]) > VERSION:
            raise CacheDamaged("was written by a newer version of this program")
        text, _, crc = data.rstrip().rpartition(b" ")
        if len(data) != HEADER_SIZE or len(words) != 5 or b"%08x" % zlib.crc32(text) != crc:
            raise CacheDamaged("has a damaged header")
        return cls(bytes.fromhex(words[2].decode()), bytes.fromhex(words[3].decode()))

    @property
    def seed(self) -> int:
        """Where every checksum of this file starts."""
        return zlib.crc32(self.generation)


@dataclass(frozen=True, slots=True)
class Commit:
    """A good commit: its lines stand at `begin:lines_end`, the next one starts at `end`."""

    begin: int
    lines_end: int
    end: int


@dataclass(slots=True)
class Scan:
    """What reading the commits found besides them."""

    good_end: int
    """Where the last good commit ends."""
    gaps: int = 0
    """Damaged places with a good commit behind them."""
    spoilt_tail: bool = False
    """The rest after `good_end` once was a whole commit: damage, not a write cut short."""


class LogFile:
    """One open log; writes go to its end only."""

    def __init__(self, path: Path, ops: FileOps, *, writable: bool) -> None:
        self.path = path
        self._ops = ops
        self._fd = open_private(path, os.O_RDWR) if writable else -1
        self.handle = ReadHandle(path)
        self.header = Header.decode(self.handle.read(0, HEADER_SIZE))
        self.end = HEADER_SIZE
        self._broken = False

    def commits(self, start: int, scan: Scan) -> Iterator[Commit]:
        """Yield the good commits from `start` on and note in `scan` what lay between them."""
        size = self.handle.size
        if size <= start:
            return
        with mmap.mmap(self.handle.fileno(), size, access=mmap.ACCESS_READ) as data:
            yield from _commits(data, start, self.header.seed, scan)

    def last_line(self, end: int) -> bytes:
        """Return the bytes before `end` that tell this commit from any other."""
        return self.handle.read(end - 48, 48) if end >= HEADER_SIZE + 48 else b""

    def append(self, lines: bytearray) -> int:
        """Write one commit durably and return where its lines begin.

        Raises DiskFull or CacheError; the file then ends where it ended before.
        """
        if self._broken or self._fd < 0:
            raise CacheError("The local cache is open for reading only.")
        begin = self.end
        lines += close_line(lines, self.header.seed)
        try:
            write_all(self._ops, self._fd, lines, begin)
            self._ops.sync(self._fd)
        except OSError as error:
            self._take_back(begin)
            raise cache_error(error, "saving mail") from error
        self.end = begin + len(lines)
        return begin

    def cut(self, end: int) -> None:
        """Drop what stands behind the last good commit; raises CacheError."""
        try:
            self._ops.truncate(self._fd, end)
            self._ops.sync(self._fd)
        except OSError as error:
            raise cache_error(error, "dropping a commit that was cut short") from error

    def refuse(self) -> None:
        """Take no more commits: what would be written could be lost."""
        self._broken = True

    def close(self) -> None:
        """Stop writing; readers keep their handle."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _take_back(self, end: int) -> None:
        try:
            self._ops.truncate(self._fd, end)
        except OSError:
            # What a failed write left could pass for a commit: nothing may follow it.
            self._broken = True


def close_line(lines: bytes | bytearray, seed: int) -> bytes:
    """Return the line that closes a commit."""
    return b"=\t%d\t%08x\n" % (len(lines), zlib.crc32(lines, seed))


def _commits(data: mmap.mmap, start: int, seed: int, scan: Scan) -> Iterator[Commit]:
    at = scan.good_end = start
    close = data.find(_CLOSE, at)
    with memoryview(data) as view:
        while close >= 0:
            line_end = data.find(b"\n", close + 1) + 1
            begin = _begin(data[close + 1 : line_end], view, close + 1, seed)
            if begin < at:
                # A closing line that is itself cut short is a write cut short.
                scan.spoilt_tail = line_end > 0
                close = data.find(_CLOSE, close + 1)
                continue
            scan.gaps += begin > at
            scan.spoilt_tail = False
            at = scan.good_end = line_end
            yield Commit(begin, close + 1, line_end)
            close = data.find(_CLOSE, at)


def _begin(line: bytes, view: memoryview, lines_end: int, seed: int) -> int:
    """Return where the commit closed by `line` began, or -1 if it is no good one."""
    words = line.split(b"\t")
    if len(words) != 3 or not words[1].isdigit() or len(words[1]) > 15:
        return -1
    begin = lines_end - int(words[1])
    if begin < HEADER_SIZE:
        return -1
    with view[begin:lines_end] as lines:
        return begin if b"%08x\n" % zlib.crc32(lines, seed) == words[2] else -1
