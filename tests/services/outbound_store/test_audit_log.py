"""No line of the audit log is changed, taken out, put in, moved or cut off unnoticed."""

from __future__ import annotations

import json
import os
import random
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.errors import CacheError, UsageError
from services.outbound.log.audit import AUDIT_FILE, BEGIN, AuditLog
from services.outbound.log.store import OUTBOX, OutboundStore
from tests.fakes.child_process import Child, Tell
from tests.fakes.fake_file_ops import FakeFileOps
from tests.fakes.operators import FakeClock

LINES = 12


class Office:
    """A store and its audit log."""

    def __init__(self, folder: Path, ops: FakeFileOps | None = None) -> None:
        self.path = folder / AUDIT_FILE
        self.store = OutboundStore.open(folder)
        self.audit = AuditLog(self.path, self.store, FakeClock(1_800_000_000), ops)

    def fill(self, count: int = LINES) -> None:
        for n in range(count):
            self.audit.record(
                "operator" if n % 3 else "agent scout",
                "approved",
                subject=f"mail {n} to Ann <ann@example.com>",
                digest=f"{n:064x}",
                reason="as agreed",
                answer="202",
            )

    def lines(self) -> list[bytes]:
        return self.path.read_bytes().splitlines(keepends=True)

    def numbers(self) -> list[int]:
        return [json.loads(line)["n"] for line in self.lines()]


@pytest.fixture
def office(disk: Path) -> Iterator[Office]:
    made = Office(disk)
    yield made
    made.store.close()


def test_an_empty_log_holds_and_so_does_a_long_one(office: Office) -> None:
    assert office.audit.verify() is None
    assert office.audit.rows() == office.audit.rows("anything")
    office.fill(100)
    assert office.audit.verify() is None
    assert office.numbers() == list(range(1, 101))
    assert json.loads(office.lines()[0])["prev"] == BEGIN
    assert stat.S_IMODE(office.path.stat().st_mode) == 0o600


# ── tampering ────────────────────────────────────────────────────────────────────────────────────

Tamper = Callable[[list[bytes], int], list[bytes]]


def _rechained(
    lines: list[bytes], at: int, change: Callable[[dict[str, Any]], None]
) -> list[bytes]:
    """Change a line and bind everything after it to it, as somebody would who knows the program."""
    from services.outbound.log.audit import _line

    out = lines[:at]
    before = json.loads(lines[at - 1])["hash"] if at else BEGIN
    for number, line in enumerate(lines[at:]):
        entry = json.loads(line)
        entry["prev"] = before
        if number == 0:
            change(entry)
        made = _line(entry)
        before = json.loads(made)["hash"]
        out.append(made.encode() + b"\n")
    return out


def _changed(lines: list[bytes], at: int) -> list[bytes]:
    return [*lines[:at], lines[at].replace(b"approved", b"rejected"), *lines[at + 1 :]]


def _forged(lines: list[bytes], at: int) -> list[bytes]:
    return _rechained(lines, at, lambda entry: entry.update(action="rejected"))


TAMPERINGS: dict[str, Tamper] = {
    "changed": _changed,
    "changed with all hashes made anew": _forged,
    "removed": lambda lines, at: lines[:at] + lines[at + 1 :],
    "swapped": lambda lines, at: [*lines[:at], *lines[at : at + 2][::-1], *lines[at + 2 :]],
    "doubled": lambda lines, at: [*lines[: at + 1], lines[at], *lines[at + 1 :]],
    "inserted": lambda lines, at: [*lines[:at], b'{"n":1}\n', *lines[at:]],
    "inserted blank": lambda lines, at: [*lines[:at], b"\n", *lines[at:]],
    "not text": lambda lines, at: [*lines[:at], b"\xff\x00\x1b\n", *lines[at + 1 :]],
    "spaced out": lambda lines, at: [
        *lines[:at],
        lines[at].replace(b'":"', b'": "'),
        *lines[at + 1 :],
    ],
    "key added": lambda lines, at: [
        *lines[:at],
        lines[at].replace(b"{", b'{"x":1,', 1),
        *lines[at + 1 :],
    ],
    "cut off": lambda lines, at: lines[:at],
    "torn": lambda lines, at: [*lines[:at], lines[at][:40]],
    "line feeds lost": lambda lines, at: [*lines[:at], lines[at][:-1], *lines[at + 1 :]],
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampering_with_any_line_is_found(office: Office, how: str) -> None:
    office.fill()
    before = office.lines()
    for at in range(LINES):
        spoilt = TAMPERINGS[how](before, at)
        if at == LINES - 1 and how in ("torn", "cut off", "removed", "line feeds lost", "swapped"):
            continue  # the last line is the store's to give: see the next test
        office.path.write_bytes(b"".join(spoilt))
        trouble = office.audit.verify()
        assert trouble is not None, at
        assert at <= trouble.line <= LINES + 1
        assert trouble.sentence.endswith(".")
        # And however the log goes on, it stays found.
        office.audit.record("operator", "later")
        assert office.audit.verify() is not None
        office.path.write_bytes(b"".join(before))
        office.store.put("state", "audit", office_mark(before))


def office_mark(lines: list[bytes]) -> dict[str, Any]:
    """What the store knew when the log had these lines."""
    last = json.loads(lines[-1])
    waiting = [lines[-1].decode().strip()]
    return {"count": last["n"], "last": last["hash"], "waiting": waiting}


@pytest.mark.parametrize("cut", [1, 40, 300])
def test_what_the_last_act_said_is_written_again_when_its_line_is_gone(
    office: Office, cut: int
) -> None:
    office.fill(3)
    data = office.path.read_bytes()
    length = min(cut, len(office.lines()[-1]))
    office.path.write_bytes(data[:-length])
    assert office.audit.verify() is None
    assert office.path.read_bytes() == data


@pytest.mark.parametrize("seed", range(10))
def test_any_changed_byte_is_found(office: Office, seed: int) -> None:
    office.fill()
    chance = random.Random(seed)
    data = office.path.read_bytes()
    for _ in range(10):
        at = chance.randrange(len(data) - 1)
        spoilt = bytearray(data)
        spoilt[at] ^= 1 << chance.randrange(7)
        office.path.write_bytes(spoilt)
        assert office.audit.verify() is not None, at


def test_a_log_that_was_removed_or_written_anew_is_found(office: Office, disk: Path) -> None:
    office.fill()
    office.path.unlink()
    trouble = office.audit.verify()
    assert trouble is not None
    other = Office(disk / "other")
    other.fill(LINES)
    office.path.write_bytes(other.path.read_bytes())
    assert office.audit.verify() is None  # the very same acts: nothing was changed
    other.audit.record("operator", "more")
    office.path.write_bytes(other.path.read_bytes())
    found = office.audit.verify()
    assert found is not None
    assert found.line == LINES + 1
    other.store.close()


def test_a_forged_line_with_a_high_number_does_not_swallow_later_ones(office: Office) -> None:
    office.fill(3)
    with office.path.open("ab") as file:
        file.write(b'{"n":999999999,"hash":"00"}\n')
    office.audit.record("operator", "after the forgery")
    office.audit.record("operator", "and again")
    actions = [str(row.action) for row in office.audit.rows().rows]
    assert actions[:2] == ["and again", "after the forgery"]
    found = office.audit.verify()
    assert found is not None
    assert found.line == 4


def test_a_store_that_was_lost_is_told_and_is_a_line_itself(office: Office) -> None:
    office.fill(3)
    office.store.remove("state", "audit")
    trouble = office.audit.verify()
    assert trouble is not None
    assert "not known any more" in trouble.sentence
    office.audit.record("operator", "approved")
    assert [str(row.action) for row in office.audit.rows().rows][:2] == ["approved", "resumed"]


# ── one act, one line ────────────────────────────────────────────────────────────────────────────


def test_a_line_is_part_of_its_transaction(office: Office) -> None:
    def fail() -> None:
        with office.store.transaction():
            office.store.put(OUTBOX, "a", {})
            office.audit.record("operator", "approved")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (office.audit.rows().total, office.path.exists()) == (0, False)
    with office.store.transaction():
        for n in range(3):
            office.store.put(OUTBOX, str(n), {})
            office.audit.record("operator", "queued", subject=str(n))
        assert not office.path.exists()
    assert [str(row.subject) for row in office.audit.rows().rows] == ["2", "1", "0"]
    assert office.audit.verify() is None


def test_a_program_that_dies_before_its_line_is_in_the_log_leaves_it_to_the_next_one(
    disk: Path,
) -> None:
    Office(disk).fill(2)

    def work(tell: Tell) -> None:
        dying = Office(disk, FakeFileOps(stop_at=0, stop=lambda: os._exit(0), torn=True))
        dying.audit.record("operator", "approved", subject="the last one")
        tell("done")

    assert Child(work).rest() == []
    assert not (disk / AUDIT_FILE).read_bytes().endswith(b"\n")
    office = Office(disk)
    assert str(office.audit.rows().rows[0].subject) == "the last one"
    office.audit.record("operator", "next")
    assert office.audit.verify() is None
    assert office.numbers() == [1, 2, 3, 4]
    office.store.close()


class Refusing(FakeFileOps):
    """A disk that has no room for the log while `refuses` is set."""

    refuses = True

    def write(self, fd: int, data: bytes | bytearray, offset: int) -> int:
        if self.refuses:
            raise OSError(28, "No space left on device")
        return super().write(fd, data, offset)


def test_a_disk_that_refuses_the_log_stops_no_act_and_gets_the_lines_later(disk: Path) -> None:
    ops = Refusing()
    office = Office(disk, ops)
    office.fill(3)
    assert office.audit.rows().total == 3
    trouble = office.audit.verify()
    assert trouble is not None
    assert "could not be written yet" in trouble.sentence
    ops.refuses = False
    office.fill(1)
    assert office.audit.verify() is None
    assert office.numbers() == [1, 2, 3, 4]
    office.store.close()


def test_a_log_that_can_never_be_written_stops_sending_in_the_end(disk: Path) -> None:
    office = Office(disk, Refusing())
    with pytest.raises(CacheError, match="so nothing more is sent"):
        office.fill(300)
    assert 150 < office.audit.rows().total < 300
    office.store.close()


def test_two_processes_write_one_chain(disk: Path) -> None:
    def work(name: str) -> Callable[[Tell], None]:
        def write(tell: Tell) -> None:
            audit = Office(disk).audit
            for n in range(150):
                audit.record(name, "sent", subject=str(n))
            tell("done")

        return write

    children = [Child(work(name)) for name in ("ann", "bob")]
    assert [child.rest() for child in children] == [["done"], ["done"]]
    office = Office(disk)
    assert office.audit.verify() is None
    assert office.numbers() == list(range(1, 301))
    rows = office.audit.rows(limit=300).rows
    for name in ("ann", "bob"):
        mine = [int(row.subject) for row in rows if str(row.actor) == name]
        assert mine == list(range(149, -1, -1))
    office.store.close()


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def test_rows_are_found_by_all_their_words_in_any_case(office: Office) -> None:
    office.fill()
    page = office.audit.rows("SCOUT mail ann@", limit=2)
    assert (page.total, [row.number for row in page.rows]) == (LINES, [10, 7])
    assert office.audit.rows("scout nobody").rows == ()
    assert office.audit.rows(limit=0).rows == ()


@pytest.mark.parametrize(
    "text", ["\x1b]0;x\x07", "a\nb\r\nc", "\u202egnp.exe", "\ud800", "\x00", "x" * 100_000, '"}']
)
def test_hostile_text_is_one_safe_line(office: Office, text: str) -> None:
    office.audit.record(text, text, subject=text, digest=text, reason=text, answer=text)
    office.fill(1)
    (_, row) = office.audit.rows().rows
    assert not {"\x1b", "\x07", "\n", "\r", "\u202e", "\x00"} & set(row.actor + row.subject)
    assert (len(office.lines()), office.audit.verify()) == (2, None)
    assert office.lines()[0].isascii()


def test_an_export_is_a_new_private_file_with_the_same_lines(office: Office, disk: Path) -> None:
    office.fill()
    file = disk / "export.jsonl"
    assert office.audit.export(file) == LINES
    assert file.read_bytes() == office.path.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="is there already"):
        office.audit.export(file)
    with pytest.raises(UsageError):
        office.audit.export(disk / "missing" / "export.jsonl")


def test_a_link_in_place_of_the_log_is_not_followed(disk: Path) -> None:
    office = Office(disk)
    target = disk / "elsewhere"
    target.write_text("")
    office.path.symlink_to(target)
    office.fill(1)
    assert target.read_bytes() == b""
    assert office.audit.rows().total == 1
    office.store.close()
