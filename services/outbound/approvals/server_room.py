"""How much of the drafts on the service is kept here, in texts and in files.

Closes the trap of an inbox that somebody fills with drafts until the disk here is full: what waits is
kept up to a bound, what is beyond it stays on the service and is counted, and what was decided long
ago gives way. Waits for the disk: call it in a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.draft import SERVICE_AGENT, DraftState
from services.outbound.approvals.agent_room import MEGABYTE, AgentRoom

if TYPE_CHECKING:
    from services.draft import Draft
    from services.outbound.drafts.carried_folders import CarriedFolders
    from services.outbound.drafts.draft_store import Drafts
    from services.outbound.log.store import OutboundStore

TEXT_BYTES: Final = 64 * MEGABYTE
"""Text of drafts of one inbox that wait, as stored, older revisions included."""
FILE_BYTES: Final = 1024 * MEGABYTE
"""Their files."""
_AROUND: Final = 1_024
"""Bytes that are stored besides a text, roughly."""


class ServerRoom:
    """The room for the drafts of one inbox: measured at each look, counted in between."""

    def __init__(self, store: OutboundStore, drafts: Drafts, folders: CarriedFolders) -> None:
        self._store = store
        self._drafts = drafts
        self._folders = folders
        self._agents = AgentRoom(drafts)
        self._text = self._files = 0

    def measure(self) -> None:
        """Let go of what was decided long ago, and measure what waits; raises CacheError."""
        with self._store.transaction():
            self._agents.thin_out()
        waiting = self._drafts.heads(DraftState.WAITING)
        mine = [head for head in waiting if head.agent == SERVICE_AGENT]
        self._text = sum(map(self._drafts.stored_bytes, mine))
        with_files = (head.draft_id for head in mine if head.files)
        self._files = sum(map(self._folders.stored_bytes, with_files))

    def took(self, draft: Draft) -> None:
        """Count a draft that was taken in since; its files are `draft.files`."""
        self._text += len(draft.body.encode("utf-8", "replace")) + _AROUND
        self._files += sum(max(file.size, 0) for file in draft.files)

    @property
    def is_full(self) -> bool:
        """Nothing more is taken in until some is decided."""
        return self._text >= TEXT_BYTES or self._files >= FILE_BYTES

    @property
    def bound(self) -> str:
        """What of it is full, for a sentence."""
        if self._text >= TEXT_BYTES:
            return f"{TEXT_BYTES // MEGABYTE} MB of their text"
        return f"{FILE_BYTES // MEGABYTE} MB of their files"
