"""Which messages belong together, as the service tells it.

AgentMail.to names a thread for every message; Assmbl names none, and nothing is guessed then: a
subject that two mails share is no conversation. Closes the trap of one scan over all documents that
holds up the loop: it goes in slices. Source: api/agentmail_to.md §3 (`thread_id`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from services.cache.store import MailStore

THREAD: Final = "thread_id"
"""Where `InboxItem.extra` names the conversation."""
_SLICE: Final = 500


def thread_of(extra: object) -> str:
    """Return the conversation that a message's extra fields name, "" for none."""
    named = extra.get(THREAD) if isinstance(extra, Mapping) else None
    return named if isinstance(named, str) else ""


def thread_in(document: Mapping[str, Any]) -> str:
    """Return the conversation that a stored document names, "" for none."""
    return thread_of(document.get("o"))


async def conversation_of(store: MailStore, message_id: str) -> tuple[str, tuple[str, ...]]:
    """Return a message's conversation and its cached messages; "" and () when there is none."""
    item = store.item(message_id)
    thread = thread_of(item.extra) if item is not None else ""
    found: list[str] = []
    ids = store.ids() if thread else iter(())
    while piece := tuple(islice(ids, _SLICE)):
        for one in piece:
            other = store.item(one)
            if other is not None and thread_of(other.extra) == thread:
                found.append(one)
        await asyncio.sleep(0)
    return thread, tuple(found)
