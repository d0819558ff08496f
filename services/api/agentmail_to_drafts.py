"""The drafts that lie on AgentMail.to: listed, read, unscheduled, deleted; sent by nobody here.

Closes the trap of `drafts/{id}/send`: it would send what lies there at that moment, HTML included,
and not what was approved. That call does not exist in this client. Source: api/agentmail_to.md §4.4,
§6, §13 rule 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from services.api.exchange import Exchange

LARGEST_TEXT: Final = 1_000_000
"""Characters of a draft's text or HTML that are read; more is cut, and said."""
MOST_DRAFTS: Final = 10_000
MOST_ADDRESSES: Final = 50


@dataclass(frozen=True, slots=True)
class ServerDraftHead:
    """One draft of the list; `version` changes whenever the draft does."""

    draft_id: str
    version: str
    """`updated_at` as the service wrote it."""
    send_status: str = ""
    """`scheduled`, `sending`, `failed`, a word of tomorrow, or ""."""


@dataclass(frozen=True, slots=True)
class ServerDraft:
    """A whole draft, raw; `send_at` in seconds since the epoch, 0 for none."""

    head: ServerDraftHead
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    file_names: tuple[str, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    forward_of: str = ""
    send_at: int = 0
    is_cut: bool = False
    """More was there than is read."""


class RemoteDrafts:
    """The drafts of one inbox."""

    def __init__(self, exchange: Exchange, inbox_id: str) -> None:
        self._exchange = exchange
        self._inbox_id = inbox_id

    async def heads(self) -> tuple[tuple[ServerDraftHead, ...], bool]:
        """Return the drafts that are there, and whether that is all of them; raises ServiceError."""
        raise NotImplementedError

    async def get(self, draft_id: str) -> ServerDraft:
        """Return one draft; NotFound when it was sent or deleted, other ServiceErrors."""
        raise NotImplementedError

    async def unschedule(self, draft_id: str) -> ServerDraft:
        """Keep the service from sending it by itself; NotFound, Conflict when it leaves just now."""
        raise NotImplementedError

    async def delete(self, draft_id: str) -> bool:
        """Delete it; False when it was gone already. Conflict when it leaves just now."""
        raise NotImplementedError
