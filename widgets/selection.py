"""Which messages are selected: single ones by id, and a range that follows the cursor.

Closes two traps. By position, new mail above would shift the selection onto other messages: ids are
kept. By ids alone, every step of a range over 100,000 rows would copy a set: an open range is kept
as its anchor and turned into ids only when somebody asks.
"""

from __future__ import annotations

from services.models import RowSource


class Selection:
    """The selection of a list; positions are asked of the row source that is shown."""

    __slots__ = ("_anchor", "_ids")

    def __init__(self) -> None:
        self._ids: frozenset[str] = frozenset()
        self._anchor: str | None = None

    @property
    def ranging(self) -> bool:
        """Whether a range follows the cursor."""
        return self._anchor is not None

    def holds(self, message_id: str, position: int, span: range) -> bool:
        """Whether a row is selected; `span` comes from `span`."""
        return position in span or message_id in self._ids

    def span(self, source: RowSource, cursor: int | None) -> range:
        """The positions of the open range, empty without one."""
        if self._anchor is None or cursor is None:
            return range(0)
        anchor = source.position_of(self._anchor)
        if anchor is None:
            return range(cursor, cursor + 1)
        return range(min(anchor, cursor), max(anchor, cursor) + 1)

    def ids(self, source: RowSource, cursor: int | None) -> frozenset[str]:
        """All selected ids."""
        span = self.span(source, cursor)
        return self._ids.union(map(source.message_id, span)) if span else self._ids

    def count(self, source: RowSource, cursor: int | None) -> int:
        """How many are selected, without collecting the ids of a range."""
        span = self.span(source, cursor)
        if not span:
            return len(self._ids)
        inside = sum(1 for one in self._ids if source.position_of(one) in span)
        return len(self._ids) + len(span) - inside

    def toggle(self, message_id: str) -> None:
        """Select one more, or one less."""
        self._ids = self._ids ^ {message_id}

    def start_range(self, message_id: str) -> None:
        """Let a range follow the cursor from here."""
        self._anchor = message_id

    def end_range(self, source: RowSource, cursor: int | None) -> None:
        """Keep what the range holds and let it follow no longer."""
        self._ids = self.ids(source, cursor)
        self._anchor = None

    def set_all(self, source: RowSource) -> None:
        """Select every row of a source."""
        self._ids = frozenset(source.message_id(place) for place in range(len(source)))
        self._anchor = None

    def clear(self) -> None:
        """Select nothing."""
        self._ids = frozenset()
        self._anchor = None

    def keep_known(self, source: RowSource) -> None:
        """Drop what a new source does not hold."""
        if self._anchor is not None and source.position_of(self._anchor) is None:
            self._anchor = None
        if self._ids:
            self._ids = frozenset(one for one in self._ids if source.position_of(one) is not None)
