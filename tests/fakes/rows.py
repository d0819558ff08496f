"""Row sources and rows for widget tests: no cache, no disk."""

from __future__ import annotations

from collections.abc import Sequence

from services.models import MessageRow, RowFlag
from services.safe_text import SafeText, clean_line, ui

NOON = 1_795_003_200
"""Wed 18 Nov 2026, 12:00 UTC."""


def make_row(
    number: int = 0,
    *,
    subject: SafeText | None = None,
    sender: SafeText | None = None,
    flags: RowFlag = RowFlag.VERIFIED,
    received_at: int | None = None,
    attachments: int = 0,
    labels: tuple[SafeText, ...] = (),
) -> MessageRow:
    return MessageRow(
        message_id=f"m{number}",
        flags=flags,
        received_at=NOON - number * 600 if received_at is None else received_at,
        sender=ui(f"Sender {number}") if sender is None else sender,
        address=ui(f"sender{number}@mail.example"),
        subject=ui(f"Subject number {number}") if subject is None else subject,
        attachments=attachments,
        labels=labels,
    )


class FakeRows:
    """A RowSource over a sequence."""

    def __init__(self, rows: Sequence[MessageRow]) -> None:
        self.rows = tuple(rows)
        self.places = {row.message_id: place for place, row in enumerate(self.rows)}
        self.decoded = 0

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, position: int) -> MessageRow:
        self.decoded += 1
        return self.rows[position]

    def message_id(self, position: int) -> str:
        return self.rows[position].message_id

    def position_of(self, message_id: str) -> int | None:
        return self.places.get(message_id)


class FakeManyRows:
    """A RowSource that makes its rows when asked, `count` of them."""

    def __init__(self, count: int, shift: int = 0) -> None:
        self.count = count
        self.shift = shift
        self.decoded = 0

    def __len__(self) -> int:
        return self.count

    def row(self, position: int) -> MessageRow:
        if not 0 <= position < self.count:
            raise IndexError(position)
        self.decoded += 1
        number = position - self.shift
        unread = RowFlag.UNREAD if number % 7 == 3 else RowFlag(0)
        return make_row(number, flags=RowFlag.VERIFIED | unread)

    def message_id(self, position: int) -> str:
        return f"m{position - self.shift}"

    def position_of(self, message_id: str) -> int | None:
        position = int(message_id[1:]) + self.shift
        return position if 0 <= position < self.count else None


def sample_rows() -> FakeRows:
    """The rows of the sketch in the design: one of each state."""
    u, v = RowFlag.UNREAD, RowFlag.VERIFIED
    hour = 3_600

    def row(
        number: int, flags: RowFlag, sender: str, subject: str, at: int, **more: object
    ) -> MessageRow:
        labels = more.get("labels", ())
        attachments = more.get("attachments", 0)
        assert isinstance(labels, tuple)
        assert isinstance(attachments, int)
        return make_row(
            number,
            flags=flags,
            sender=clean_line(sender),
            subject=clean_line(subject),
            received_at=at,
            attachments=attachments,
            labels=tuple(clean_line(label) for label in labels),
        )

    return FakeRows(
        [
            row(0, u | v, "Ledger Agent", "Invoice 4821 ready for approval", NOON, attachments=1),
            row(
                1,
                u | RowFlag.FIRST_CONTACT,
                "unknown@mail.biz",
                "[URGENT] wire transfer today",
                NOON - 300,
            ),
            row(
                2,
                v | RowFlag.ENCRYPTED,
                "Research Agent",
                "Findings on supplier risk",
                NOON - hour,
                attachments=2,
            ),
            row(
                3,
                v | RowFlag.MARKETPLACE,
                "CSV Worker",
                "Job 42 done: 12 outcomes, 3.2 s",
                NOON - 2 * hour,
            ),
            row(
                4,
                u | RowFlag.PENDING,
                "Nightly Build",
                "release 1.9.2 failed on arm64",
                NOON - 3 * hour,
                labels=("ci", "ops"),
            ),
            row(5, v, "Maria Ortiz", "Re: contract wording", NOON - 50 * hour),
            row(6, v, "Old Friend", "Notes from spring", NOON - 200 * 24 * hour),
            row(7, RowFlag(0), "Archive Bot", "", NOON - 500 * 24 * hour, attachments=120),
        ]
    )
