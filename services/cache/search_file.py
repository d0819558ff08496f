"""The search text as a file beside the index, mapped into memory instead of read.

Closes two traps: a text that belongs to other messages than it says (every frame carries a checksum
over the ids and texts of its messages, compared with the index on opening), and a damaged one (the
checksum of the text itself is looked at before its first use). Whatever does not fit is built anew
from the documents. The file only grows or is replaced as a whole: cutting it would end a process
that has it mapped.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import unicodedata
import zlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.cache.columns import Columns
from services.cache.files import FileOps, open_private, tighten, write_all, write_file
from services.cache.segment import SEGMENT, Segment, Slots, repacked

SEARCH_NAME: Final = "mail.search"
_SMALL: Final = 64
"""Up to so many frames that are not full are borne before the file is packed anew."""
_FRAME: Final = struct.Struct("=4sIIIIIIiI")
"""Mark, records, bytes of text, checksums of owners, text and numbers, first slot, step, checksum.

The numbers are the offsets of the records and, with step 0, the slots before them.
"""
_MARK: Final = b"SEG\n"


class Mapped:
    """The file as it is mapped now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._map: mmap.mmap | None = None
        self.view = memoryview(b"")

    def renew(self) -> None:
        """Map the file that the name points to, as long as it is; raises OSError."""
        fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            size = os.fstat(fd).st_size
            self._map = mmap.mmap(fd, size, access=mmap.ACCESS_READ) if size else None
            self.view = memoryview(self._map or b"")
        finally:
            os.close(fd)

    def release(self) -> None:
        """Let the system have the memory back until the text is read again."""
        if self._map is not None and hasattr(self._map, "madvise"):
            self._map.madvise(mmap.MADV_DONTNEED)


@dataclass(frozen=True, slots=True)
class MappedText:
    """Where the text of a frame stands, and its checksum."""

    mapped: Mapped
    at: int
    checksum: int

    def read(self, begin: int, end: int) -> str:
        """Return a part of it."""
        return str(self.mapped.view[self.at + begin : self.at + end], "latin-1")

    def is_good(self, length: int) -> bool:
        """Say whether the text is the one that was written."""
        return zlib.crc32(self.mapped.view[self.at : self.at + length]) == self.checksum


class SearchFile:
    """The frames of one generation of the log."""

    def __init__(self, folder: Path, ops: FileOps, *, read_only: bool) -> None:
        self._path = folder / SEARCH_NAME
        self._ops = ops
        self._read_only = read_only
        self._head = b""
        self._mapped = Mapped(self._path)
        self._end = 0
        """Where the next frame is appended; 0 if the file has to be written as a whole."""
        self._small = 0
        self._spoilt = False
        self.failed = False
        """Whether the last try to write failed."""
        if not read_only:
            tighten(self._path)

    def load(self, generation: bytes, columns: Columns) -> list[Segment]:
        """Return the segments that fit the index; the file is of this generation from now on."""
        self.begin(generation)
        mapped = Mapped(self._path)
        try:
            mapped.renew()
        except (OSError, ValueError):
            return []
        if mapped.view[: len(self._head)] != self._head:
            return []
        self._mapped = mapped
        segments = list(_frames(mapped, len(self._head), columns))
        end = _end_of(segments[-1]) if segments else len(self._head)
        self._note(segments, end if end == len(mapped.view) else 0)
        mapped.release()
        return segments

    def begin(self, generation: bytes) -> None:
        """Be the file of this generation, to be written as a whole."""
        self._head = _head(generation)
        self._end = self._small = 0

    def is_good(self, segment: Segment) -> bool:
        """Say whether the text of a segment is the one that was written."""
        source = segment.source
        if not isinstance(source, MappedText) or source.is_good(segment.length):
            return True
        self._spoilt = True
        return False

    @property
    def is_open(self) -> bool:
        """Whether segments can be appended."""
        return self._end > 0

    @property
    def is_due(self) -> bool:
        """Whether the file should be written as a whole."""
        return self._spoilt or not self._end or self._small > _SMALL

    def release(self) -> None:
        """Let the system have the mapped memory back."""
        self._mapped.release()

    def append(self, segments: list[Segment], columns: Columns) -> dict[Segment, Segment]:
        """Write segments behind the others; return them as read from the file, {} if it failed."""
        if self._read_only or not self._end or not segments:
            return {}
        at, self._end = self._end, 0
        frames, placed = [], {}
        for segment in segments:
            frames.append(_frame(segment, columns))
            placed[segment] = _placed(segment, frames[-1], at, self._mapped)
            at += len(frames[-1])
        try:
            self._write(b"".join(frames), at - sum(map(len, frames)))
            self._mapped.renew()
        except (OSError, ValueError):
            self.failed = True
            return {}
        self._note(segments, at)
        return placed

    def rewrite(self, segments: Iterable[Segment], columns: Columns) -> list[Segment] | None:
        """Write the file anew; return its segments, None if it failed (then nothing changed)."""
        if self._read_only:
            return None
        mapped = Mapped(self._path)
        placed: list[Segment] = []

        def chunks() -> Iterator[bytes]:
            at = len(self._head)
            yield self._head
            for segment in repacked(segments):
                frame = _frame(segment, columns)
                placed.append(_placed(segment, frame, at, mapped))
                at += len(frame)
                yield frame

        try:
            write_file(self._ops, self._path, chunks(), durable=False)
            mapped.renew()
        except (OSError, ValueError):
            self.failed = True
            return None
        self._mapped, self._small = mapped, 0
        self._spoilt = self.failed = False
        self._note(placed, len(mapped.view))
        return placed

    def _note(self, segments: list[Segment], end: int) -> None:
        self._end = end
        self._small += sum(len(segment.slots) < SEGMENT for segment in segments)

    def _write(self, data: bytes, end: int) -> None:
        fd = open_private(self._path, os.O_RDWR)
        try:
            if os.fstat(fd).st_size != end:
                raise OSError("another file stands there")
            write_all(self._ops, fd, data, end)
        finally:
            os.close(fd)


def _head(generation: bytes) -> bytes:
    """Return the first line: whatever is in it and differs makes the texts useless."""
    words = ("agentmail-search 1", generation.hex(), unicodedata.unidata_version, sys.byteorder)
    return " ".join(words).encode().ljust(63) + b"\n"


def _padded(length: int) -> int:
    return length + -length % 8


def _frame(segment: Segment, columns: Columns) -> bytes:
    text = segment.text.encode("latin-1")
    slots = segment.slots
    step = slots.step if isinstance(slots, range) else 0
    numbers = (b"" if step else array("I", slots).tobytes()) + segment.starts.tobytes()
    facts = (
        len(slots), len(text), _owners(columns, slots), zlib.crc32(text), zlib.crc32(numbers),
        slots[0], step,
    )  # fmt: skip
    head = _FRAME.pack(_MARK, *facts, 0)[:-4]
    return b"".join(
        (head, zlib.crc32(head).to_bytes(4, sys.byteorder), numbers, text, bytes(-len(text) % 8))
    )


def _placed(segment: Segment, frame: bytes, at: int, mapped: Mapped) -> Segment:
    """Return a segment as it is read from the file when its frame stands at `at`."""
    text_at = at + len(frame) - _padded(segment.length)
    checksum = _FRAME.unpack_from(frame)[4]
    source = MappedText(mapped, text_at, checksum)
    return Segment(source, segment.length, segment.starts, segment.slots)


def _frames(mapped: Mapped, at: int, columns: Columns) -> Iterator[Segment]:
    """Yield the frames that fit, up to the first one that does not."""
    while at < len(mapped.view):
        segment = _segment(mapped, at, columns)
        if segment is None:
            return
        yield segment
        at = _end_of(segment)


def _end_of(segment: Segment) -> int:
    source = segment.source
    return source.at + _padded(segment.length) if isinstance(source, MappedText) else 0


def _segment(mapped: Mapped, at: int, columns: Columns) -> Segment | None:
    """Return the segment whose frame stands at `at`, None if it does not fit."""
    view = mapped.view
    head = view[at : at + _FRAME.size]
    if len(head) < _FRAME.size or zlib.crc32(head[:-4]) != int.from_bytes(head[-4:], sys.byteorder):
        return None
    mark, count, length, owners, checksum, of_numbers, first, step, _ = _FRAME.unpack(head)
    numbers_at = at + _FRAME.size
    text_at = numbers_at + 4 * count * (1 if step else 2)
    if mark != _MARK or not count or text_at + _padded(length) > len(view):
        return None
    if zlib.crc32(view[numbers_at:text_at]) != of_numbers:
        return None
    numbers = array("I", view[numbers_at:text_at].tobytes())
    slots = range(first, first + step * count, step) if step else numbers[:count]
    try:
        fits = _owners(columns, slots) == owners
    except IndexError:
        return None
    return (
        Segment(MappedText(mapped, text_at, checksum), length, numbers[-count:], slots)
        if fits
        else None
    )


def _owners(columns: Columns, slots: Slots) -> int:
    """Return a checksum of the messages of these slots; raises IndexError for unknown ones."""
    total = 0
    for column in (columns.doc_ids, columns.texts):
        if isinstance(slots, range):
            low, high = min(slots[0], slots[-1]), max(slots[0], slots[-1])
            if low < 0 or high >= len(column):
                raise IndexError(high)
            values = column[low : high + 1]
        else:
            values = array(column.typecode, map(column.__getitem__, slots))
        total = zlib.crc32(values, total)
    return total
