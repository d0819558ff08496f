"""How much agents may keep here, each of them and all together.

Closes the trap of a program that runs wild under one name or under many: what waits is read again for
every list and every new proposal, so without an end of it the operator's own drafts would wait for
that. What waits for a person stays, and more is refused with the reason; what was decided long ago
gives way, but for what the operator wrote into it. The audit log keeps the record of all. Drafts that lie
on the service take no room from the agents here: they have their own (`server_room`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from services.draft import SERVICE_AGENT, DraftState
from services.errors import PolicyRefused

if TYPE_CHECKING:
    from services.outbound.drafts.draft_documents import DraftHead
    from services.outbound.drafts.draft_store import Drafts

MEGABYTE: Final = 1024 * 1024
AGENT_BYTES: Final = 16 * MEGABYTE
"""Text of one agent that waits, as stored, older revisions included; and as much that is decided."""
ALL_BYTES: Final = 4 * AGENT_BYTES
AGENT_DECIDED: Final = 500
ALL_WAITING: Final = 2_000
"""Mails of all agents that wait; and as many that are decided."""
_DECIDED: Final = (DraftState.REJECTED, DraftState.EXPIRED, DraftState.CANCELLED)


class AgentRoom:
    """The room for the drafts of agents in one account; use it inside of a transaction."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts

    def make(self, agent: str) -> None:
        """Make room for one more text of an agent; PolicyRefused when there is none."""
        self.thin_out()
        waiting = self._drafts.heads(DraftState.WAITING)
        heads = [head for head in waiting if head.agent not in ("", SERVICE_AGENT)]
        if len(heads) > ALL_WAITING:
            raise _full(f"More than {ALL_WAITING} mails of agents wait for a decision.")
        sizes = {head.draft_id: self._drafts.stored_bytes(head) for head in heads}
        if sum(sizes[head.draft_id] for head in heads if head.agent == agent) > AGENT_BYTES:
            raise _full(f"More than {AGENT_BYTES // MEGABYTE} MB of this agent's text wait.")
        if sum(sizes.values()) > ALL_BYTES:
            raise _full(f"More than {ALL_BYTES // MEGABYTE} MB of agents' text wait.")

    def thin_out(self) -> None:
        """Let go of what was decided long ago and is too much."""
        decided = [head for head in self._drafts.heads(*_DECIDED) if head.agent]
        by_agent: dict[str, list[DraftHead]] = {}
        for head in decided:
            by_agent.setdefault(head.agent, []).append(head)
        many = [*self._over(decided, ALL_WAITING, ALL_BYTES)]
        for mine in by_agent.values():
            many += self._over(mine, AGENT_DECIDED, AGENT_BYTES)
        for head in {head.draft_id: head for head in many if head.author}.values():
            self._drafts.drop(head)

    def _over(self, heads: Iterable[DraftHead], most: int, size: int) -> Iterator[DraftHead]:
        """Yield those that are too many, the oldest: what comes is sorted, the newest first."""
        total = 0
        for number, head in enumerate(heads):
            total += self._drafts.stored_bytes(head)
            if number >= most or total > size:
                yield head


def _full(sentence: str) -> PolicyRefused:
    return PolicyRefused(sentence, "Nothing more is taken until a person has decided some of it.")
