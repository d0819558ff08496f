"""What is known of every draft without opening it, read again only where it changed.

Closes the trap of a list that grows slower with every mail that was ever sent: what has left stays
known here, so that a late save makes no second mail of it, and that adds up to many thousands.
"""

from __future__ import annotations

from services.outbound.drafts.draft_documents import DraftHead, head_document, head_from
from services.outbound.log.store import DRAFTS, OutboundStore


class DraftHeads:
    """The heads of a store."""

    def __init__(self, store: OutboundStore) -> None:
        self._store = store
        self._known: dict[int, tuple[object, DraftHead]] = {}

    def find(self, draft_id: str) -> DraftHead | None:
        """Return one head as it is saved now, None when there is none; CacheDamaged."""
        self._store.refresh()
        document = self._store.get(DRAFTS, draft_id)
        return None if document is None else head_from(draft_id, document)

    def every(self) -> tuple[DraftHead, ...]:
        """Return all heads, also of discarded drafts and of those that have left; CacheDamaged."""
        self._store.refresh()
        known = self._known
        now: dict[int, tuple[object, DraftHead]] = {}
        for number, mark in self._store.marks(DRAFTS).items():
            kept = known.get(number)
            if kept is not None and mark is not None and kept[0] == mark:
                now[number] = kept
            elif (found := self._store.numbered(DRAFTS, number)) is not None:
                now[number] = (mark, head_from(*found))
        self._known = now
        return tuple(head for _, head in now.values())

    def put(self, head: DraftHead) -> None:
        """Save a head."""
        self._store.put(DRAFTS, head.draft_id, head_document(head))

    def remove(self, draft_id: str) -> None:
        """Remove a head."""
        self._store.remove(DRAFTS, draft_id)
