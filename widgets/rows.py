"""One message as one row: pure functions from a `MessageRow` to pieces of text with a role.

Closes the trap of columns that wander: every state has a cell of its own at a fixed place,
everything else is fitted by cell width, so the parts of a row always add up to the width asked for.

    ▌●×✓▣¤…+ account  Sender name         Subject                    labels ∙2  14:05
    │││││││└ first contact    the gutter ▌ is drawn by the list, all other cells here
    ││││││└ pending change
    │││││└ marketplace
    ││││└ encrypted, or encrypted and unreadable
    │││└ verified or not
    ││└ selected
    │└ unread
    └ cursor
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len

from services.models import MessageRow, RowFlag
from services.safe_text import SafeText, ui
from widgets.account_mark import ACCOUNT_INKS, AccountMark
from widgets.cells import GUTTER_CELLS, fit, fit_right
from widgets.dates import DATE_CELLS, Calendar
from widgets.glyphs import Glyphs

Part = tuple[str, str]
"""A piece of text and its role: text, unread, muted, accent, caution."""

INKS: Final[Mapping[str, str]] = {
    "text": "$mail-text",
    "unread": "$mail-text bold",
    "muted": "$mail-muted $muted-style",
    "accent": "$mail-accent",
    "caution": "$mail-caution",
    "cursor": "$mail-accent",
    "cursor-blurred": "$mail-muted",
    **ACCOUNT_INKS,
}
"""What each role of a row is painted with: words, or variables of the theme with a `$`."""

_MARK_CELLS: Final = 8
_ATTACHMENT_CELLS: Final = 3
_MOST_SHOWN: Final = 99
NO_SUBJECT: Final = ui("(no subject)")


@dataclass(frozen=True, slots=True)
class Columns:
    """Cells of each column; together with gutter, marks and gaps they fill the row."""

    sender: int
    subject: int
    """Subject and labels share this room."""
    labels: int
    """At most this much of it goes to labels; 0 shows none."""
    attachments: bool
    date: int
    account: int = 0
    """Cells of the account's mark; 0 where there is only one account."""


def columns(width: int, account: int = 0) -> Columns:
    """How a row of `width` cells is divided (80: 20 for the sender, 140: 28); so many for a mark."""
    date = DATE_CELLS if width >= 36 else 0
    attachments = width >= 44
    sender = _sender_cells(width - account)
    right = (1 + _ATTACHMENT_CELLS if attachments else 0) + (1 + date if date else 0) + 1
    left = GUTTER_CELLS + _MARK_CELLS + (account + 1 if account else 0) + sender + 1
    subject = max(0, width - left - right)
    labels = subject // 3 if width >= 70 else 0
    return Columns(sender, subject, labels, attachments, date, account)


def _sender_cells(width: int) -> int:
    for least, cells in ((140, 28), (110, 24), (90, 22), (76, 20), (60, 16), (44, 12)):
        if width >= least:
            return cells
    return max(0, min(12, width - 22))


def row_parts(
    row: MessageRow,
    columns: Columns,
    glyphs: Glyphs,
    calendar: Calendar,
    *,
    selected: bool,
    opens: bool | None = None,
    mark: AccountMark | None = None,
) -> list[Part]:
    """Everything right of the gutter, as parts that add up to the width of `columns`.

    `opens` tells of a message that was found encrypted whether it can be read; None of any other.
    `mark` is that of the message's account, where `columns` have room for one.
    """
    voice = "unread" if RowFlag.UNREAD in row.flags else "text"
    parts = _marks(row, glyphs, selected=selected, opens=opens)
    if columns.account:
        parts.append(_account(mark, columns.account, glyphs))
    parts.append((fit(row.sender, columns.sender, glyphs.ellipsis) + " ", voice))
    parts += _subject_and_labels(row, columns, glyphs, voice)
    if columns.attachments:
        parts.append((" " + _attachments(row, glyphs), "muted"))
    if columns.date:
        date = fit_right(calendar.short(row.received_at), columns.date)
        parts.append((" " + date, voice if voice == "unread" else "muted"))
    parts.append((" ", "text"))
    return parts


def _marks(row: MessageRow, glyphs: Glyphs, *, selected: bool, opens: bool | None) -> list[Part]:
    flags = row.flags
    verified = RowFlag.VERIFIED in flags
    unread = glyphs.unread if RowFlag.UNREAD in flags else " "
    chosen = glyphs.selected if selected else " "
    encrypted = glyphs.encrypted if opens or RowFlag.ENCRYPTED in flags else " "
    rest = (
        (glyphs.unreadable if opens is False else encrypted)
        + (glyphs.marketplace if RowFlag.MARKETPLACE in flags else " ")
        + (glyphs.pending if RowFlag.PENDING in flags else " ")
    )
    first = glyphs.first_contact if RowFlag.FIRST_CONTACT in flags else " "
    return [
        (unread + chosen, "accent"),
        (glyphs.verified, "muted") if verified else (glyphs.unverified, "caution"),
        (rest, "text"),
        (first + " ", "caution"),
    ]


def _account(mark: AccountMark | None, cells: int, glyphs: Glyphs) -> Part:
    if mark is None:
        return " " * (cells + 1), "text"
    return mark.shown(cells, glyphs.ellipsis) + " ", mark.role


def _subject_and_labels(
    row: MessageRow, columns: Columns, glyphs: Glyphs, voice: str
) -> list[Part]:
    subject = row.subject or NO_SUBJECT
    labels = _labels(row.labels, columns.labels, glyphs)
    if not labels:
        return [(fit(subject, columns.subject, glyphs.ellipsis), voice)]
    room = columns.subject - cell_len(labels) - 1
    return [(fit(subject, room, glyphs.ellipsis), voice), (" " + labels, "muted")]


def _labels(labels: tuple[SafeText, ...], room: int, glyphs: Glyphs) -> str:
    """Whole labels as long as they fit; the first alone is cut when it is too long."""
    if not labels or room < 4:
        return ""
    shown = ""
    for label in labels:
        longer = f"{shown} {label}" if shown else str(label)
        if cell_len(longer) > room:
            break
        shown = longer
    return shown or fit(labels[0], room, glyphs.ellipsis).rstrip()


def _attachments(row: MessageRow, glyphs: Glyphs) -> str:
    if not row.attachments and RowFlag.ATTACHMENTS not in row.flags:
        return " " * _ATTACHMENT_CELLS
    count = min(row.attachments, _MOST_SHOWN)
    return fit(f"{glyphs.attachment}{count or ''}", _ATTACHMENT_CELLS)


def plain_row(parts: list[Part]) -> str:
    """The row as plain text, for tests and logs of what is shown."""
    return "".join(text for text, _role in parts)
