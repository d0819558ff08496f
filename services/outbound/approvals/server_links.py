"""Which proposal stands for which draft on the service, and which version of it: kept durably.

Closes the trap of a program that dies between two steps: a link is written in the transaction that
writes the proposal, and what is still to be done on the service (delete, unschedule) follows from the
link and the state of the proposal, not from anybody's memory. Waits for the disk: call it in a thread.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from services.outbound.log.store import OutboundStore

TABLE: Final = "server_drafts"
_SPACE: Final = uuid.UUID("6b0f2f6e-6a0b-5d0c-9c57-4a7b5a3d3c11")
"""Of the ids that are made of drafts on the service: the same draft gives the same one everywhere."""


@dataclass(frozen=True, slots=True)
class Link:
    """A draft of the service, as it was taken in last."""

    server_id: str
    version: str
    draft_id: str = ""
    """Of the proposal; "" when it could not be made into one."""
    generation: int = 0
    """Grows when a draft comes up again whose proposal was decided for good."""
    left: bool = False
    """It was refused and is left on the service."""


class Links:
    """The links of one account."""

    def __init__(self, store: OutboundStore) -> None:
        self._store = store

    def every(self) -> dict[str, Link]:
        """Return all links by the service's id."""
        self._store.refresh()
        return {key: Link(key, **document) for key, document in self._store.all(TABLE)}

    def find(self, server_id: str) -> Link | None:
        """Return the link of a draft of the service."""
        document = self._store.get(TABLE, server_id)
        return None if document is None else Link(server_id, **document)

    def of(self, draft_id: str) -> Link | None:
        """Return the link of a proposal."""
        return next((one for one in self.every().values() if one.draft_id == draft_id), None)

    def put(self, link: Link) -> None:
        """Keep a link."""
        document = asdict(link)
        del document["server_id"]
        self._store.put(TABLE, link.server_id, document)

    def remove(self, link: Link) -> None:
        """Forget a link: there is nothing of the draft on the service any more."""
        self._store.remove(TABLE, link.server_id)


def proposal_id(inbox_id: str, server_id: str, generation: int) -> str:
    """Return the id of the proposal for a draft of the service, the same in every process."""
    return uuid.uuid5(_SPACE, f"{inbox_id}\n{server_id}\n{generation}").hex
