"""Sound answers with one or two values turned into something else: a value or an error, never a crash."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.api.agentmail_to.drafts import RemoteDrafts
from services.api.agentmail_to.inboxes import Inboxes
from services.api.agentmail_to.lists import Direction, ListKind
from services.api.assmbl import AssmblClient
from services.api.factory import check_account
from services.config import Account
from services.errors import MailError, UsageError
from services.shelves import Shelf
from tests.fakes.scripted_service import FakeService, FakeSleep, Seen, answer

ODD: tuple[Any, ...] = (
    None, True, -1, 2**70, 1e308, float("nan"), float("inf"), "", "\ud800", "\x00", "x" * 5_000, [],
    {}, [[]], {"a": {"b": []}}, ["\ud800", None, 7], "9999-12-31T23:59:59-23:59", "1e400", "..",
)  # fmt: skip
MANIFEST = [{"index": 0, "file_name": "a.txt", "content_type": "a/b", "size": 3, "status": "ready"}]
MESSAGE = {
    "MessageID": "<a@b>", "SenderVerified": True, "Sender": "a@b.example", "Subject": "s",
    "ReceivedAt": "2026-11-21T09:30:00Z", "Labels": ["x"], "IsRead": False, "Archived": False,
    "Encrypted": False, "AttachmentCount": 1, "raw_mime": "Subject: s\n\nx", "attachments": MANIFEST,
}  # fmt: skip
V0_MESSAGE = {
    "message_id": "<a@b>", "thread_id": "t", "labels": ["received", "unread"], "from": "a@b.example",
    "to": ["c@d.example"], "subject": "s", "preview": "p", "created_at": "2026-11-21T09:30:00Z",
    "attachments": [{"attachment_id": "f", "filename": "a", "size": 3, "content_type": "a/b"}],
    "agent_armor": {"verdict": "clear"}, "inbox_id": "c@d.example",
}  # fmt: skip
V0_DRAFT = {
    "draft_id": "d", "updated_at": "2026-11-21T09:30:00Z", "to": ["a@b.example"], "cc": [],
    "subject": "s", "text": "x", "send_at": "2027-01-01T00:00:00Z", "send_status": "scheduled",
    "attachments": [{"attachment_id": "f", "filename": "a", "size": 3}], "references": ["<r@s>"],
}  # fmt: skip
Assmbl = Callable[[AssmblClient], Awaitable[object]]
V0 = Callable[[AgentMailToClient], Awaitable[object]]
ASSMBL: dict[str, tuple[Any, Assmbl]] = {
    "page": ({"items": [MESSAGE], "next_cursor": "c"}, lambda client: client.list_inbox()),
    "message": (MESSAGE, lambda client: client.get_message("<a@b>")),
    "labels": (
        {"message_id": "<a@b>", "labels": ["x"]},
        lambda client: client.patch_message_labels("<a@b>", add=["x"]),
    ),
    "unread": ({"unread_count": 3}, lambda client: client.get_unread_count()),
    "status": (
        MANIFEST[0], lambda client: client.attachments.get_inbound_attachment_status("<a@b>", 0)
    ),
    "link": (
        {"url": "https://x.s3.amazonaws.com/a"},
        lambda client: client.attachments.request_inbound_attachment_download("<a@b>", 0),
    ),
    "agent": (
        {"agent_id": "a", "revoked": False, "key_version": 1, "public_key": "p", "algorithm": "RSA"},
        lambda client: client.directory.lookup_public_agent("a"),
    ),
    "pricing": (
        {"agent_id": "a", "currency": "EUR", "base_price": 1.5, "enabled": True},
        lambda client: client.directory.lookup_public_pricing("a"),
    ),
    "rules": (
        {"rules": [{"id": "r", "name": "n", "filters": {}, "channels": {"webhook": {"url": "u"}}}]},
        lambda client: client.admin.get_notifications(),
    ),
    "usage": (
        {"items": [{"correlation_id": "c", "recipient": "r", "sent_at": "s", "usage": {}}]},
        lambda client: client.admin.get_billing_usage(),
    ),
}  # fmt: skip
V0_ASKED: dict[str, tuple[Any, V0]] = {
    "page": (
        {"messages": [V0_MESSAGE], "next_page_token": "t"}, lambda client: client.list_inbox()
    ),
    "message": (V0_MESSAGE, lambda client: client.message("<a@b>")),
    "status": (
        V0_MESSAGE, lambda client: client.attachments.get_inbound_attachment_status("<a@b>", 0)
    ),
    "relabel": (V0_MESSAGE, lambda client: client.patch_message_read("<a@b>", is_read=True)),
    "together": (
        {"messages": [V0_MESSAGE]}, lambda client: client.archive_messages(["<a@b>"], archived=True)
    ),
    "held": ({"messages": [V0_MESSAGE]}, lambda client: client.list_shelf(Shelf.HELD)),
    "draft": (V0_DRAFT, lambda client: RemoteDrafts(client).get("d")),
    "inboxes": (
        {"inboxes": [{"inbox_id": "a@b.example", "email": "a@b.example", "display_name": "A"}]},
        lambda client: Inboxes(client.door).all(),
    ),
    "identity": (
        {"scope_type": "inbox", "organization_id": "o", "inbox_id": "i"},
        lambda client: client.door.identity(),
    ),
    "lists": (
        {"entries": [{"entry": "a@b.example", "reason": "r", "entry_type": "email"}]},
        lambda client: client.lists.entries(Direction.RECEIVE, ListKind.BLOCK),
    ),
    "changes": (
        {"events": [{"event_id": "e", "message_id": "<a@b>"}], "messages": [V0_MESSAGE]},
        lambda client: client.list_changes("before"),
    ),
}  # fmt: skip


def spoiled(sound: Any, chance: random.Random) -> bytes:
    """The same JSON with one or two of its values, or of its keys, turned into something else."""
    data = [copy.deepcopy(sound)]
    for _ in range(chance.randint(1, 2)):
        holder: Any = data
        while True:
            at = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
            inner = holder[at]
            if not isinstance(inner, dict | list) or not inner or chance.random() < 0.15:
                break
            holder = inner
        if isinstance(holder, dict) and chance.random() < 0.2:
            holder[chance.choice(["\ud800", "", "items", "MESSAGE_ID"])] = holder.pop(at)
        else:
            holder[at] = copy.deepcopy(chance.choice(ODD))
    return json.dumps(data[0]).encode()


async def outcome(call: Awaitable[object]) -> str:
    try:
        return repr(await call)
    except MailError as error:
        return error.sentence


@pytest.mark.parametrize("name", ASSMBL)
async def test_an_odd_answer_of_assmbl_is_a_value_or_an_error(name: str) -> None:
    sound, ask = ASSMBL[name]
    chance = random.Random(name)

    def script(_: Seen) -> Any:
        return answer(200, spoiled(sound, chance))

    async with FakeService(script=script) as service:
        client = AssmblClient(service.url, "token", sleep=FakeSleep())
        told = [await outcome(ask(client)) for _ in range(40)]
        await client.aclose()
    assert all(told)


@pytest.mark.parametrize("name", V0_ASKED)
async def test_an_odd_answer_of_agentmail_to_is_a_value_or_an_error(name: str) -> None:
    sound, ask = V0_ASKED[name]
    chance = random.Random(name)
    left = 0

    def script(_: Seen) -> Any:
        # An answer that leads on and on is another test's; here a call ends after a few.
        nonlocal left
        left -= 1
        return answer(200, spoiled(sound, chance) if left > 0 else b"{}")

    async with FakeService(script=script) as service:
        client = AgentMailToClient(f"{service.url}/v0/", "key", "c@d.example", sleep=FakeSleep())
        told = []
        for _ in range(40):
            left = 4
            told.append(await outcome(ask(client)))
        await client.aclose()
    assert all(told)


@pytest.mark.parametrize("depth", [50, 400, 900, 5_000])
@pytest.mark.parametrize("name", ["agent", "rules", "page", "message"])
async def test_an_answer_nested_without_end_is_a_value_or_an_error(name: str, depth: int) -> None:
    sound, ask = ASSMBL[name]
    # A lone surrogate leads to the slower reader of JSON, which goes deeper.
    nest = b'{"more":' * depth + b'"\\ud800"' + b"}" * depth
    body = json.dumps(sound).encode()[:-1] + b',"extra":' + nest + b"}"
    async with FakeService(answer(200, body)) as service:
        client = AssmblClient(service.url, "token", sleep=FakeSleep())
        assert await outcome(ask(client))
        await client.aclose()


@pytest.mark.parametrize("odd", ["\ud800", ["\ud800"], {"\ud800": "x"}])
async def test_what_is_not_text_is_not_asked_for(odd: Any) -> None:
    async with FakeService(answer(200, {})) as service:
        client = AssmblClient(service.url, "token", sleep=FakeSleep())
        with pytest.raises(UsageError):
            await client.exchange.call("patch_message_labels", ids={"message_id": "m"}, body={
                "add": odd
            })  # fmt: skip
        with pytest.raises(UsageError):
            await client.list_inbox(q="\ud800")
        await client.aclose()
    assert service.seen == []


@pytest.mark.parametrize("kind", ["assmbl", "agentmail.to"])
async def test_an_account_is_checked_without_a_crash(kind: str) -> None:
    sound = {"unread_count": 3, "messages": [V0_MESSAGE], "scope_type": "inbox"}
    chance = random.Random(kind)

    def script(_: Seen) -> Any:
        date = chance.choice(["Thu, 99 Jan 2026", "x", "Thu, 01 Jan 0000 00:00:00 +9999", "\xe9"])
        return answer(200, spoiled(sound, chance), headers={"Date": date})

    async with FakeService(script=script) as service:
        url = f"{service.url}/v0" if kind == "agentmail.to" else service.url
        for _ in range(40):
            told = await check_account(Account("a", kind, url, address="c@d.example"), "token")
            assert told.sentence
