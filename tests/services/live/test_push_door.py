"""The WebSocket of AgentMail.to as the client holds it: what it tells, what it refuses, what ends it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.api.agentmail_to.push import AgentMailToPush, News, read, socket_url
from services.errors import (
    BadAnswer,
    Forbidden,
    NotFound,
    Offline,
    ServerBroken,
    ServiceError,
    SignedOut,
    UsageError,
)
from services.ports import PushSignal, PushSource
from services.redact import Secret
from tests.patience import PATIENCE
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail

LISTENING, CHANGED = PushSignal.LISTENING, PushSignal.CHANGED


class Ear:
    """One connection at work in a task, and what it has told."""

    def __init__(self, source: PushSource) -> None:
        self.heard: asyncio.Queue[PushSignal] = asyncio.Queue()
        self.task = asyncio.ensure_future(source.listen(self.heard.put_nowait))

    async def next(self) -> PushSignal:
        """The next signal; the connection's error when it ended."""
        waiting = asyncio.ensure_future(self.heard.get())
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait((waiting, self.task), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            await self.task
        return waiting.result()

    async def rest(self, v0: V0Control, org: Org) -> list[PushSignal]:
        """What it tells from now on until the service cuts the connection at its next event."""
        v0.sandbox.fault("drop_before", operation="v0_event")
        v0.receive(org.one, mail("The last"))
        assert isinstance(await self.end(), Offline)
        return [self.heard.get_nowait() for _ in range(self.heard.qsize())]

    async def end(self) -> ServiceError:
        with pytest.raises(ServiceError) as caught:
            async with asyncio.timeout(PATIENCE):
                await self.task
        return caught.value


@asynccontextmanager
async def listening(source: PushSource) -> AsyncIterator[Ear]:
    ear = Ear(source)
    try:
        assert await ear.next() is LISTENING
        yield ear
    finally:
        ear.task.cancel()
        await asyncio.gather(ear.task, return_exceptions=True)


@pytest.fixture
def push(v0: V0Control, org: Org) -> Callable[..., AgentMailToPush]:
    def make(key: str = "", inbox: str = "") -> AgentMailToPush:
        return AgentMailToPush(v0.base_url, Secret(key or org.key), inbox or org.one)

    return make


async def test_new_mail_is_told(v0: V0Control, org: Org, client: AgentMailToClient) -> None:
    assert client.capabilities.push
    assert isinstance(client, PushSource)
    async with listening(client) as ear:
        v0.receive(org.one, mail("News"))
        assert await ear.next() is CHANGED


async def test_mail_of_another_inbox_is_not_told(v0: V0Control, org: Org, push: Any) -> None:
    async with listening(push()) as ear:
        v0.receive(org.two, mail("Not for us"))
        v0.receive(org.one, mail("For us"))
        assert await ear.next() is CHANGED
        assert await ear.rest(v0, org) == []


@pytest.mark.parametrize("fault", ["unknown_event", "unknown_fields", "unknown_labels",
                                   "absent_text"])  # fmt: skip
async def test_words_of_tomorrow_end_nothing(
    v0: V0Control, org: Org, push: Any, fault: str
) -> None:
    async with listening(push()) as ear:
        v0.sandbox.fault(fault, operation="v0_event")
        v0.receive(org.one, mail("Spoilt"))
        assert await ear.next() is CHANGED
        assert await ear.rest(v0, org) == []


async def test_an_event_that_comes_twice_is_told_once(v0: V0Control, org: Org, push: Any) -> None:
    async with listening(push()) as ear:
        v0.sandbox.fault("repeated_event", operation="v0_event")
        v0.receive(org.one, mail("Once"))
        assert await ear.next() is CHANGED
        v0.receive(org.one, mail("Again"))
        assert await ear.next() is CHANGED
        assert await ear.rest(v0, org) == []


FRAMES = {
    "no JSON": "{",
    "a list": "[]",
    "a number": "1",
    "deep": "[" * 100_000,
    "ping": '{"type":"ping"}',
    "no payload": '{"type":"event","event_type":"message.received","event_id":"e"}',
    "odd payload": '{"type":"event","event_type":"message.received","message":["x"]}',
    "a type of another type": '{"type":["event"],"event_type":{"a":1}}',
    "other inbox": '{"type":"event","event_type":"message.received","message":'
    '{"inbox_id":"someone@else.example"}}',
    "an error": '{"type":"error","name":"Odd","message":"\\u001b[2J"}',
    "surrogates": '{"type":"event","event_id":"\\ud800","event_type":"\\ud800"}',
    "empty": "",
}


@pytest.mark.parametrize("body", FRAMES.values(), ids=FRAMES)
async def test_a_hostile_frame_is_passed_over(
    v0: V0Control, org: Org, push: Any, body: str
) -> None:
    async with listening(push()) as ear:
        v0.sandbox.fault("answer", operation="v0_event", body=body)
        v0.receive(org.one, mail("Hidden behind it"))
        v0.receive(org.one, mail("Heard"))
        assert await ear.next() is CHANGED
        assert await ear.rest(v0, org) == []


async def test_a_frame_without_end_ends_the_connection(v0: V0Control, org: Org, push: Any) -> None:
    async with listening(push()) as ear:
        body = '{"type":"event","x":"' + "x" * 5_000_000 + '"}'
        v0.sandbox.fault("answer", operation="v0_event", body=body)
        v0.receive(org.one, mail("Huge"))
        assert isinstance(await ear.end(), BadAnswer)


async def test_a_connection_that_is_cut_is_told_as_one(v0: V0Control, org: Org, push: Any) -> None:
    async with listening(push()) as ear:
        v0.sandbox.fault("drop_before", operation="v0_event")
        v0.receive(org.one, mail("Lost"))
        assert isinstance(await ear.end(), Offline)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "drop_before"}, Offline),
        ({"kind": "drop_after"}, Offline),
        ({"kind": "status", "status": 503}, ServerBroken),
        ({"kind": "status", "status": 302}, BadAnswer),
    ],
    ids=["cut", "cut after the handshake", "broken", "redirect"],
)
async def test_a_handshake_that_fails_says_how(
    v0: V0Control, push: Any, fault: dict[str, Any], kind: type[ServiceError]
) -> None:
    v0.sandbox.fault(fault.pop("kind"), operation="v0_websocket", **fault)
    assert type(await Ear(push()).end()) is kind


async def test_a_wrong_key_is_signed_out(push: Any) -> None:
    assert isinstance(await Ear(push(key="am_wrong")).end(), SignedOut)


async def test_a_key_that_may_not_read_hears_nothing(v0: V0Control, org: Org, push: Any) -> None:
    weak = v0.key(org, permissions={"message_send": True})
    assert isinstance(await Ear(push(key=weak)).end(), Forbidden)


async def test_a_key_of_another_inbox_does_not_reach_this_one(
    v0: V0Control, org: Org, push: Any
) -> None:
    assert isinstance(await Ear(push(key=v0.key(org, inbox_id=org.two))).end(), NotFound)


async def test_nobody_there_is_offline(org: Org) -> None:
    nobody = AgentMailToPush("http://127.0.0.1:9/v0", Secret(org.key), org.one)
    assert isinstance(await Ear(nobody).end(), Offline)


async def test_the_key_is_in_the_header_only(
    v0: V0Control, org: Org, push: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with listening(push()):
            pass
        error = await Ear(push(key="am_wrong_but_secret")).end()
    seen = [one for one in v0.sandbox.requests() if one["operation"] == "v0_websocket"]
    assert all(one["path"] == "/v0" for one in seen)
    assert "authorization" in seen[0]["headers"]
    assert org.key not in caplog.text
    assert "am_wrong_but_secret" not in f"{caplog.text}{error!r}{error.__cause__!r}"
    assert error.__traceback__ is None or "am_wrong" not in str(error.__traceback__.tb_frame)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.agentmail.to/v0", "wss://ws.agentmail.to/v0"),
        ("https://api.agentmail.eu/v0", "wss://ws.agentmail.eu/v0"),
        ("http://127.0.0.1:8123/v0", "ws://127.0.0.1:8123/v0"),
        ("http://[::1]:8123/v0", "ws://[::1]:8123/v0"),
    ],
)
def test_events_are_asked_of_the_services_own_host(base: str, url: str) -> None:
    assert socket_url(base) == url


@pytest.mark.parametrize(
    "base", ["https://api.agentmail.ai/v0", "https://api.agentmail.to.evil.example/v0",
             "http://api.agentmail.to/v0"],
)  # fmt: skip
def test_no_other_host_is_given_the_key(base: str) -> None:
    with pytest.raises(UsageError):
        socket_url(base)


def test_only_so_many_events_are_remembered() -> None:
    news = News("me@x.example")
    frame = '{{"type":"event","event_type":"message.sent","event_id":"{}","send":{}}}'
    payload = '{"inbox_id":"me@x.example"}'
    told = [news.is_told_by(read(frame.format(f"e{n}", payload))) for n in range(2_000)]
    assert all(told)
    assert len(news._told) == 512
