"""Lists that never end: every one is given up after a bounded number of pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.api.agentmail_to.drafts import RemoteDrafts
from services.api.agentmail_to.inboxes import Inboxes
from services.errors import BadAnswer
from tests.fakes.scripted_service import FakeService, FakeSleep, Reply, Seen, answer

INBOX = "bot@agents.example.com"
ENTRIES = {
    "drafts": {"draft_id": "d1", "updated_at": "2026-11-01T00:00:00Z"},
    "inboxes": {"inbox_id": INBOX, "email": INBOX},
    "messages": {"message_id": "<m@x>", "labels": ["received", "unread"]},
    "events": {"event_id": "e1", "message_id": "<m@x>", "label": "a"},
}
Ask = Callable[[AgentMailToClient], Awaitable[object]]
ASKED: dict[str, Ask] = {
    "drafts": lambda client: _all_drafts(client),
    "inboxes": lambda client: Inboxes(client.door).all(),
    "messages": lambda client: client.get_unread_count(),
    "events": lambda client: client.list_changes("e0"),
}


async def _all_drafts(client: AgentMailToClient) -> None:
    async for _ in RemoteDrafts(client).pages():
        pass


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("is_empty", [False, True], ids=["the same entry", "no entry"])
async def test_a_list_with_ever_new_tokens_is_given_up(name: str, is_empty: bool) -> None:
    tokens = count()

    def page(_: Seen) -> Reply:
        entries = [] if is_empty else [ENTRIES[name]]
        return answer(200, {name: entries, "next_page_token": f"t{next(tokens)}"})

    async with FakeService(script=page) as service:
        client = AgentMailToClient(f"{service.url}/v0/", "am_key", INBOX, sleep=FakeSleep())
        with pytest.raises(BadAnswer, match="again and again"):
            await ASKED[name](client)
        assert len(service.seen) <= 102
        await client.aclose()
