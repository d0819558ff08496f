"""The list of the Keys screen: peers, domains, former keys and trusted senders under one cursor.

Closes the trap of a cursor that loses its peer when the list is told anew: it stays on the same
entry, and it never stands on a heading.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment

from services.key_models import KeysView, OwnKeyView, PeerView, TrustedSenderView
from services.safe_text import EMPTY, SafeText
from widgets.cells import GUTTER_CELLS
from widgets.glyphs import UNICODE, Glyphs
from widgets.key_rows import Domain, Entry, Heading, Remark, entries, entry_parts, key_columns
from widgets.list_window import ListWindow
from widgets.row_list import RowList
from widgets.rows import Part

_ANY_HEIGHT = 1_000

Chosen = Domain | PeerView | OwnKeyView | TrustedSenderView
"""What the cursor can stand on."""


class KeyList(RowList[Entry]):
    """Rows under headings; `current` is what the cursor stands on."""

    INKS: ClassVar[Mapping[str, str]] = {**RowList.INKS, "heading": "$mail-accent bold"}

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, clock=clock, id=id)
        # Until the height is known nothing is scrolled away, or the first heading would be.
        self._window.resize(_ANY_HEIGHT)

    def key_of(self, record: Entry) -> Hashable:
        """What stays the same when the rest of an entry changes."""
        match record:
            case PeerView():
                return "peer", record.address
            case OwnKeyView():
                return "own", record.fingerprint.raw
            case TrustedSenderView():
                return "sender", record.peer_agent_id
            case _:
                return record

    @property
    def current(self) -> Chosen | None:
        """The entry under the cursor."""
        place = self._window.cursor
        entry = None if place is None else self._records[place]
        return None if isinstance(entry, Heading | Remark) else entry

    def show_keys(self, keys: KeysView, no_peers: SafeText) -> None:
        """List what there is; the cursor stays on its entry, or at its place."""
        self.show_records(tuple(entries(keys, no_peers)), EMPTY)
        self._pass_headings(self._window, 1)

    def go_to_peer(self, address: str) -> bool:
        """Put the cursor on a peer; False when it is not listed."""
        self.go_to(("peer", address))
        return isinstance(self.current, PeerView) and self.current.address == address

    def move(self, move: Callable[[ListWindow], None]) -> None:
        """Move, and on past headings."""

        def passing(window: ListWindow) -> None:
            before = window.cursor or 0
            move(window)
            self._pass_headings(window, 1 if (window.cursor or 0) >= before else -1)

        super().move(passing)

    def opened(self, place: int) -> None:
        """Say that an entry was opened."""
        if self.current is not None:
            super().opened(place)

    def parts(self, record: Entry, width: int) -> Sequence[Part]:
        """The parts of an entry's row, or of a heading."""
        columns = key_columns(width + GUTTER_CELLS)
        return entry_parts(record, columns, self._glyphs, self._clock())

    def gutter_cell(self, place: int) -> Segment:
        """No bar on a heading, when there is nothing else to stand on."""
        if isinstance(self._records[place], Heading | Remark):
            return Segment(" ", self.ink("text"))
        return super().gutter_cell(place)

    def _pass_headings(self, window: ListWindow, direction: int) -> None:
        start = window.cursor
        if start is None:
            return
        last = len(self._records)
        onwards = range(start, last) if direction > 0 else range(start, -1, -1)
        back = range(start, -1, -1) if direction > 0 else range(start, last)
        for place in (*onwards, *back):
            if not isinstance(self._records[place], Heading | Remark):
                window.go(place)
                return
