"""The header card: who wrote, to whom, when, about what; on a ground that no mail text gets.

Closes two traps. A display name that reads like another address: the address comes first and is the
brighter of the two. A header typed into the body: the card stands above the rule, keeps its own
ground and does not scroll.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from rich.cells import cell_len

from services.models import MessageRow
from services.safe_text import SafeText, join, ui
from services.shown_mail import RenderedMessage, TrustFacts
from widgets.account_mark import AccountMark
from widgets.card_view import CardView
from widgets.cells import fit
from widgets.dates import Calendar
from widgets.glyphs import UNICODE, Glyphs
from widgets.rows import NO_SUBJECT, Part

_NAME_CELLS = 10
_DATE_FROM = 44
"""Narrower cards need the room for the address."""


def header_lines(
    message: RenderedMessage,
    width: int,
    glyphs: Glyphs,
    calendar: Calendar,
    row: MessageRow | None = None,
    mark: AccountMark | None = None,
) -> list[list[Part]]:
    """The lines of the card, each exactly `width` cells; `mark` is that of the message's account."""
    date = calendar.full(message.date or (row.received_at if row else 0))
    lines = [[(fit(message.subject or NO_SUBJECT, width, glyphs.ellipsis), "strong")]]
    lines.append(_from_line(message, width, glyphs, date))
    if message.to or mark is not None:
        lines.append(_to_line(message.to, width, glyphs, mark))
    if message.cc:
        lines.append(_field(ui("Cc"), message.cc, width, glyphs, "text"))
    if message.reply_to:
        lines.append(_field(ui("Reply to"), message.reply_to, width, glyphs, "caution"))
    if row is not None and row.labels:
        lines.append(_field(ui("Labels"), join(", ", row.labels), width, glyphs, "text"))
    return lines


def _field(name: SafeText, value: SafeText, width: int, glyphs: Glyphs, role: str) -> list[Part]:
    room = max(0, width - _NAME_CELLS)
    return [(fit(name, _NAME_CELLS), "muted"), (fit(value, room, glyphs.ellipsis), role)]


def _to_line(to: SafeText, width: int, glyphs: Glyphs, mark: AccountMark | None) -> list[Part]:
    """To whom it was sent, and at the right edge the account that it came to."""
    if mark is None:
        return _field(ui("To"), to, width, glyphs, "text")
    short = fit(mark.short, min(len(mark.short), max(0, width // 3)), glyphs.ellipsis)
    arrow = f" {glyphs.arrow} "
    room = width - len(short) - len(arrow)
    return [*_field(ui("To"), to, room, glyphs, "text"), (arrow, "muted"), (short, "strong")]


def _from_line(message: RenderedMessage, width: int, glyphs: Glyphs, date: str) -> list[Part]:
    date = f" {date}" if width >= _DATE_FROM else ""
    room = max(0, width - _NAME_CELLS - len(date))
    address = message.from_address or ui("(no address)")
    address_cells = min(cell_len(address), room)
    name_room = room - address_cells - 2
    name = message.from_name if message.from_name != message.from_address else ""
    shown = fit(name, name_room, glyphs.ellipsis) if name and name_room > 3 else " " * name_room
    return [
        (fit(ui("From"), _NAME_CELLS), "muted"),
        (fit(address, address_cells, glyphs.ellipsis), "strong"),
        ("  " if name_room >= 0 else " " * (room - address_cells), "text"),
        (shown, "muted"),
        (date, "muted"),
    ]


class HeaderCard(CardView):
    """Subject, From (address first), To, Cc, Reply-To when it differs, date, labels, account."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, clock=clock, id=id)
        self._message: tuple[RenderedMessage, MessageRow | None] | None = None
        self._marks: Mapping[str, AccountMark] = {}

    def show_accounts(self, marks: Mapping[str, AccountMark]) -> None:
        """Tell which account a message came to, by these marks."""
        self._marks = marks

    def show_message(
        self,
        message: RenderedMessage,
        trust: TrustFacts,  # noqa: ARG002 - the same call for every widget of a message
        row: MessageRow | None = None,
    ) -> None:
        """Show the header of a message."""
        self._message = (message, row)
        self.changed()

    def show_row(self, row: MessageRow | None) -> None:
        """Show the labels that the message has now."""
        if self._message is not None and row is not None and row != self._message[1]:
            self._message = (self._message[0], row)
            self.changed()

    def fitted(self, width: int) -> list[list[Part]]:
        """The lines of the card."""
        if self._message is None:
            return []
        message, row = self._message
        mark = self._marks.get(row.account) if row is not None else None
        return header_lines(message, width, self._glyphs, Calendar.at(self._clock()), row, mark)
