"""Drafts that lie on the mail service, as proposals of the agent `agentmail.to`.

Closes these traps: a draft that a second program sends while a person looks at it, one that is sent
twice because the program died between sending and deleting it, HTML that leaves because nobody saw
it (only text is proposed, and only text is sent), a draft that waits unseen on the service, and one
that the service sends by itself at a time that nobody approved. Source: api/agentmail_to.md §4.4, §6,
§13 rules 3, 7 and 9.
"""

from __future__ import annotations

from typing import Final

AGENT: Final = "agentmail.to"
"""Who proposes what lies on the service, whoever put it there."""
LOOK_EVERY: Final = 30.0
"""Seconds between two looks at the drafts of the service."""


class ServerDrafts:
    """Keeps the drafts of one inbox and the proposals of one office the same."""

    async def look(self) -> tuple[str, ...]:
        """Take in what is new, changed or gone, delete what was sent; return sentences to tell.

        Raises ServiceError when the service does not answer, CacheError when the disk refuses.
        """
        raise NotImplementedError

    async def hold(self, draft_id: str) -> None:
        """Before a decision counts: the server's draft must be the one that was shown.

        `draft_id` is the local one; nothing happens for a draft that is not from the service. Raises
        NotFound when it was sent or deleted elsewhere, ServiceError when nobody can tell.
        """
        raise NotImplementedError

    async def refused(self, draft_id: str) -> str:
        """After a refusal: delete the server's draft, or leave it unscheduled; return what was done."""
        raise NotImplementedError
