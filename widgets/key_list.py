"""The list of the Keys screen: peers, domains, former keys and trusted senders under one cursor.

Closes the trap of a cursor that loses its peer when the list is told anew: it stays on the same
entry, and it never stands on a heading.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import ClassVar

from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip

from services.key_models import KeysView, OwnKeyView, PeerView, TrustedSenderView
from services.safe_text import SafeText
from widgets.cells import GUTTER_CELLS
from widgets.cursor_view import CursorView
from widgets.glyphs import UNICODE, Glyphs
from widgets.key_rows import Domain, Entry, Heading, Remark, entries, entry_parts, key_columns
from widgets.list_window import ListWindow

_ANY_HEIGHT = 1_000

Chosen = Domain | PeerView | OwnKeyView | TrustedSenderView
"""What the cursor can stand on."""


class KeyList(CursorView):
    """Rows under headings; `current` is what the cursor stands on."""

    INKS: ClassVar[Mapping[str, str]] = {
        "text": "$mail-text",
        "strong": "$mail-text bold",
        "heading": "$mail-accent bold",
        "muted": "$mail-muted $muted-style",
        "good": "$mail-accent",
        "caution": "$mail-caution",
        "alarm": "$mail-caution bold",
        "cursor": "$mail-accent",
        "cursor-blurred": "$mail-muted",
    }
    DEFAULT_CSS = """
    KeyList { width: 1fr; height: 1fr; background: $mail-background; color: $mail-text; }
    """

    class CursorMoved(Message):
        """The cursor stands on another entry."""

    class Opened(Message):
        """Enter was pressed on an entry, or it was clicked."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._clock = clock
        self._entries: tuple[Entry, ...] = ()
        # Until the height is known nothing is scrolled away, or the first heading would be.
        self._window.resize(_ANY_HEIGHT)

    @property
    def current(self) -> Chosen | None:
        """The entry under the cursor."""
        place = self._window.cursor
        entry = None if place is None else self._entries[place]
        return None if isinstance(entry, Heading | Remark) else entry

    def show_keys(self, keys: KeysView, no_peers: SafeText) -> None:
        """List what there is; the cursor stays on its entry, or at its place."""
        before = self.current
        self._entries = tuple(entries(keys, no_peers))
        places = [at for at, entry in enumerate(self._entries) if _same(entry, before)]
        if self._window.cursor is None:
            self._window.restart(len(self._entries))
        else:
            self._window.follow(len(self._entries), places[0] if places else None)
        self._pass_headings(self._window, 1)
        self.refresh()
        self.post_message(self.CursorMoved())

    def go_to_peer(self, address: str) -> bool:
        """Put the cursor on a peer; False when it is not listed."""
        for place, entry in enumerate(self._entries):
            if isinstance(entry, PeerView) and entry.address == address:
                self.go(place)
                return True
        return False

    def move(self, move: Callable[[ListWindow], None]) -> None:
        """Move, and on past headings."""

        def passing(window: ListWindow) -> None:
            before = window.cursor or 0
            move(window)
            self._pass_headings(window, 1 if (window.cursor or 0) >= before else -1)

        super().move(passing)

    def cursor_moved(self) -> None:
        """Say that the cursor moved."""
        self.post_message(self.CursorMoved())

    def opened(self, place: int) -> None:  # noqa: ARG002 - it is the cursor's
        """Say that an entry was opened."""
        if self.current is not None:
            self.post_message(self.Opened())

    def line(self, number: int, width: int) -> Strip | None:
        """Draw a row."""
        if not 0 <= number < len(self._entries):
            return None
        parts = entry_parts(self._entries[number], key_columns(width), self._glyphs, self._clock())
        body = self.strip_of(parts, width - GUTTER_CELLS)
        return Strip([self.gutter_cell(number), *body], width)

    def gutter_cell(self, place: int) -> Segment:
        """No bar on a heading, when there is nothing else to stand on."""
        if isinstance(self._entries[place], Heading | Remark):
            return Segment(" ", self.ink("text"))
        return super().gutter_cell(place)

    def _pass_headings(self, window: ListWindow, direction: int) -> None:
        start = window.cursor
        if start is None:
            return
        last = len(self._entries)
        onwards = range(start, last) if direction > 0 else range(start, -1, -1)
        back = range(start, -1, -1) if direction > 0 else range(start, last)
        for place in (*onwards, *back):
            if not isinstance(self._entries[place], Heading | Remark):
                window.go(place)
                return


def _same(entry: Entry, before: Chosen | None) -> bool:
    if isinstance(entry, PeerView) and isinstance(before, PeerView):
        return entry.address == before.address
    if isinstance(entry, OwnKeyView) and isinstance(before, OwnKeyView):
        return entry.fingerprint.raw == before.fingerprint.raw
    if isinstance(entry, TrustedSenderView) and isinstance(before, TrustedSenderView):
        return entry.peer_agent_id == before.peer_agent_id
    return entry == before
