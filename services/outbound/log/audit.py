"""The audit log: who did what with outgoing mail, line by line, each bound to the one before.

Every line carries the SHA-256 of the line before it, and the store knows how many lines there are
and the hash of the last. Closes two traps: a line that is changed, taken out, put in or cut off
unnoticed, and an audit line without its act or an act without its line: the line is part of the
store's commit and is copied to the log from there, again after a crash. It proves nothing against
somebody who rewrites the log and the store together.

A line holds no mail text, no token and no key; callers say who, what, to whom and why.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.cache.files import FileOps, cache_error, open_private, write_all
from services.errors import CacheError, UsageError
from services.outbound.log.store import STATE, OutboundStore
from services.outbound_models import AuditRow
from services.safe_text import clean_line

AUDIT_FILE: Final = "audit.log"
OPERATOR: Final = "operator"
"""The actor of what a person decided at a terminal; agents are `agent NAME`."""
BEGIN: Final = "0" * 64
"""What stands in the first line for the hash of the line before it."""
_KEY: Final = "audit"
_LONGEST: Final = 2_000
"""Characters of one field."""
_TAIL: Final = 64 * 1024
_LONGEST_LINE: Final = 256 * 1024
_MOST_WAITING: Final = 200
_FIELDS: Final = ("actor", "action", "subject", "digest", "reason", "answer")


@dataclass(frozen=True, slots=True)
class AuditTrouble:
    """Where the chain is broken: a line's number from 1, and what is wrong with it."""

    line: int
    sentence: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Rows, newest first, and how many lines there are in all."""

    rows: tuple[AuditRow, ...]
    total: int


@dataclass(frozen=True, slots=True)
class _Mark:
    """What the store knows: how many lines, the last hash, lines that may not be in the file."""

    count: int = 0
    last: str = BEGIN
    waiting: tuple[str, ...] = ()


class AuditLog:
    """The audit log of one account, at `path`; usable from any thread."""

    def __init__(
        self,
        path: Path,
        store: OutboundStore,
        clock: Callable[[], float] = time.time,
        ops: FileOps | None = None,
    ) -> None:
        self._path = path
        self._store = store
        self._clock = clock
        self._ops = ops or FileOps()

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def record(
        self,
        actor: str,
        action: str,
        *,
        subject: str = "",
        digest: str = "",
        reason: str = "",
        answer: str = "",
    ) -> None:
        """Write one line; inside a store transaction it is part of it, and of nothing otherwise.

        Raises as `OutboundStore.transaction`. A log that cannot be written then (disk full) gets
        the line with the next one.
        """
        with self._store.transaction():
            mark = self._mark()
            if mark is None:
                mark = self._begun()
            told = {"actor": actor, "action": action, "subject": subject, "digest": digest,
                    "reason": reason, "answer": answer}  # fmt: skip
            self._put(self._with_line(mark, told))
            self._store.after_commit(self._write_out)

    def _with_line(self, mark: _Mark, told: dict[str, str]) -> _Mark:
        entry: dict[str, Any] = {name: _short(text) for name, text in told.items()}
        entry |= {"n": mark.count + 1, "at": int(self._clock()), "prev": mark.last}
        line = _line(entry)
        waiting = self._unwritten(mark)
        if len(waiting) > _MOST_WAITING:
            raise CacheError(
                f"The audit log {self._path} cannot be written, so nothing more is sent.",
                "Make room on the disk, and check who owns the file.",
            )
        return _Mark(mark.count + 1, _hash_of(line), (*waiting, line))

    def _begun(self) -> _Mark:
        """Return where to go on when the store knows nothing: that it was lost is a line too."""
        lines = self._tail(_LONGEST_LINE)
        if not lines:
            return _Mark()
        mark = _Mark(_number(lines[-1]), _hash_of(lines[-1]))
        told = {"actor": "program", "action": "resumed",
                "reason": "What was known of this log's length was lost."}  # fmt: skip
        return self._with_line(mark, {name: told.get(name, "") for name in _FIELDS})

    def _write_out(self) -> None:
        """Append what is committed and not in the file yet; a failure leaves it for next time."""
        with suppress(CacheError):
            lines = self._unwritten(self._mark() or _Mark())
            if lines:
                self._append("".join(f"{line}\n" for line in lines).encode("ascii"))

    def _append(self, data: bytes) -> None:
        try:
            is_new = not self._path.exists()
            fd = open_private(self._path, os.O_RDWR | os.O_CREAT)
            try:
                size = os.fstat(fd).st_size
                torn = _torn(fd, size)
                # The beginning of our own line is written over; anything else stays to be found.
                is_ours = data.startswith(torn)
                at = size - len(torn) if is_ours else size
                write_all(self._ops, fd, data if is_ours else b"\n" + data, at)
                self._ops.sync(fd)
            finally:
                os.close(fd)
            if is_new:
                self._ops.sync_folder(self._path.parent)
        except OSError as error:
            raise cache_error(error, "writing the audit log") from error

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def rows(self, words: str = "", limit: int = 500) -> AuditPage:
        """Return the newest lines that hold all the words, in any case; CacheError."""
        wanted = words.casefold().split()
        newest: deque[tuple[int, str]] = deque(maxlen=max(limit, 0))
        total = 0
        for total, line in enumerate(self.lines(), start=1):
            if not wanted or _holds(line, wanted):
                newest.append((total, line))
        return AuditPage(tuple(_row(number, line) for number, line in reversed(newest)), total)

    def lines(self) -> Iterator[str]:
        """Yield the lines as they stand in the file, then those that could not be written yet."""
        _, size, unwritten = self._caught_up()
        yield from self._file_lines(size, unwritten)
        yield from unwritten

    def export(self, file: Path) -> int:
        """Write the log to a new file, 0600; returns how many lines. UsageError, CacheError."""
        try:
            fd = open_private(file.expanduser(), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except FileExistsError as error:
            raise UsageError(f"{file} is there already.", "Name a new file.") from error
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}.") from error
        count = 0
        try:
            with os.fdopen(fd, "wb") as out:
                for line in self.lines():
                    out.write(line.encode("utf-8", "surrogateescape") + b"\n")
                    count += 1
                out.flush()
                os.fsync(fd)
        except OSError as error:
            raise cache_error(error, "exporting the audit log") from error
        return count

    def verify(self) -> AuditTrouble | None:
        """Check every line, the chain and its end; None when all of it holds. CacheError."""
        mark, size, unwritten = self._caught_up()
        if mark is None:
            return AuditTrouble(0, _UNKNOWN) if size else None
        checked = _Chain()
        for line in self._file_lines(size, unwritten):
            trouble = checked.next(line)
            if trouble:
                return AuditTrouble(checked.count, trouble)
        return _end_trouble(checked, mark, len(unwritten))

    # ── the file and the mark ────────────────────────────────────────────────────────────────────

    def _caught_up(self) -> tuple[_Mark | None, int, tuple[str, ...]]:
        """Return the mark, the size of the file beside it, and the lines that it still lacks."""
        with self._store.transaction():
            self._write_out()
            mark = self._mark()
            return mark, self._size(), self._unwritten(mark or _Mark())

    def _mark(self) -> _Mark | None:
        found = self._store.get(STATE, _KEY)
        if found is None:
            return None
        return _Mark(int(found["count"]), str(found["last"]), tuple(found["waiting"]))

    def _put(self, mark: _Mark) -> None:
        document = {"count": mark.count, "last": mark.last, "waiting": list(mark.waiting)}
        self._store.put(STATE, _KEY, document)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise cache_error(error, "reading the audit log") from error

    def _unwritten(self, mark: _Mark) -> tuple[str, ...]:
        """Return the waiting lines that are not in the file, whatever number a forged one bears."""
        if not mark.waiting:
            return ()
        there = set(self._tail(_TAIL + 2 * sum(map(len, mark.waiting))))
        return tuple(line for line in mark.waiting if line not in there)

    def _tail(self, length: int) -> list[str]:
        """Return the whole lines in the last bytes of the file."""
        size = self._size()
        if not size:
            return []
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, size - length))
                data = file.read()
        except OSError as error:
            raise cache_error(error, "reading the audit log") from error
        whole = data[: data.rfind(b"\n") + 1]
        return whole.decode("utf-8", "surrogateescape").split("\n")[:-1]

    def _file_lines(self, size: int, unwritten: tuple[str, ...]) -> Iterator[str]:
        """Yield the lines in the first `size` bytes, but not the torn beginning of the next one."""
        left = size
        if not left:
            return
        coming = unwritten[0] if unwritten else ""
        try:
            with self._path.open("rb") as file:
                while left > 0 and (data := file.readline(left)):
                    left -= len(data)
                    line = data.removesuffix(b"\n").decode("utf-8", "surrogateescape")
                    if data.endswith(b"\n") or not coming.startswith(line):
                        yield line
        except OSError as error:
            raise cache_error(error, "reading the audit log") from error


_UNKNOWN: Final = "How long this log was is not known any more: outbound.log is another one."
_UNWRITTEN: Final = "From here on the lines could not be written yet: the disk is full or refuses."


class _Chain:
    """The chain as far as it has been followed."""

    def __init__(self) -> None:
        self.count = 0
        self.last = BEGIN

    def next(self, line: str) -> str:
        """Take the next line; returns what is wrong with it, "" when nothing is."""
        self.count += 1
        entry = _entry(line)
        if entry is None:
            return "This line cannot be read."
        if entry.get("n") != self.count:
            return f"Here should be line {self.count}; a line was taken out, put in or moved."
        if entry.get("prev") != self.last or line != _line(entry):
            return "This line, or the one before it, was changed."
        self.last = _hash_of(line)
        return ""


def _end_trouble(checked: _Chain, mark: _Mark, unwritten: int) -> AuditTrouble | None:
    count = checked.count
    missing = mark.count - count
    if missing > 0:
        is_cut = missing != unwritten
        sentence = f"The last {missing} lines are missing." if is_cut else _UNWRITTEN
        return AuditTrouble(count + 1, sentence)
    if missing < 0:
        return AuditTrouble(mark.count + 1, "This line was not written by this program.")
    if checked.last != mark.last:
        return AuditTrouble(count, "The log was written anew: its last line is another one.")
    return None


def _line(entry: dict[str, Any]) -> str:
    """Return the one form in which an entry is written: ASCII, so that a terminal may print it."""
    told = {name: value for name, value in entry.items() if name != "hash"}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return f'{text[:-1]},"hash":"{hashlib.sha256(text.encode("ascii")).hexdigest()}"}}'


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _hash_of(line: str) -> str:
    return str((_entry(line) or {}).get("hash", ""))


def _number(line: str) -> int:
    number = (_entry(line) or {}).get("n", 0)
    return number if isinstance(number, int) else 0


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _holds(line: str, wanted: list[str]) -> bool:
    entry = _entry(line) or {}
    told = " ".join(str(entry.get(name, "")) for name in _FIELDS).casefold()
    return all(word in told for word in wanted)


def _row(number: int, line: str) -> AuditRow:
    entry = _entry(line)
    if entry is None:
        return AuditRow(number, 0, clean_line("?"), clean_line("unreadable line"))
    at = entry.get("at", 0)
    told = {name: clean_line(str(entry.get(name, ""))) for name in _FIELDS}
    return AuditRow(number, at if isinstance(at, int) else 0, **told)


def _torn(descriptor: int, size: int) -> bytes:
    """Return what stands behind the last line feed."""
    start = max(0, size - _LONGEST_LINE)
    data = os.pread(descriptor, size - start, start)
    return data[data.rfind(b"\n") + 1 :]
