"""The door's WebSocket: the official client hears what happens, in frames that its models know."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from agentmail import AgentMail, AgentMailEnvironment, AsyncAgentMail
from agentmail.events.types.message_bounced_event import MessageBouncedEvent
from agentmail.events.types.message_complained_event import MessageComplainedEvent
from agentmail.events.types.message_delivered_event import MessageDeliveredEvent
from agentmail.events.types.message_opened_event import MessageOpenedEvent
from agentmail.events.types.message_received_event import MessageReceivedEvent
from agentmail.events.types.message_rejected_event import MessageRejectedEvent
from agentmail.events.types.message_sent_event import MessageSentEvent
from agentmail.websockets.types.error import Error
from agentmail.websockets.types.subscribe import Subscribe
from agentmail.websockets.types.subscribed import Subscribed
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from services.sandbox.records import Agent
from tests.patience import PATIENCE
from tests.services.sandbox.agentmail_to.sdk_check import check
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail, seg

MODELS = {
    "message.received": MessageReceivedEvent,
    "message.received.spam": MessageReceivedEvent,
    "message.received.blocked": MessageReceivedEvent,
    "message.sent": MessageSentEvent,
    "message.delivered": MessageDeliveredEvent,
    "message.bounced": MessageBouncedEvent,
    "message.complained": MessageComplainedEvent,
    "message.rejected": MessageRejectedEvent,
    "message.opened": MessageOpenedEvent,
}


class Listener:
    """A connection whose every frame is checked against the model of its kind."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def subscribe(self, **fields: list[str]) -> dict[str, Any]:
        self.connection.send(json.dumps({"type": "subscribe", **fields}))
        return self.next()

    def next(self) -> dict[str, Any]:
        raw: dict[str, Any] = json.loads(self.connection.recv(timeout=PATIENCE))
        kinds = {"subscribed": Subscribed, "error": Error}
        check(kinds.get(raw["type"]) or MODELS[raw["event_type"]], raw)
        return raw

    def types(self, count: int) -> list[str]:
        return [self.next()["event_type"] for _ in range(count)]


@contextmanager
def listening(v0: V0Control, key: str) -> Iterator[Listener]:
    headers = {"Authorization": f"Bearer {key}"}
    with connect(v0.ws_url, additional_headers=headers, proxy=None) as connection:
        yield Listener(connection)


def environment(v0: V0Control) -> AgentMailEnvironment:
    return AgentMailEnvironment(http=v0.root, websockets=v0.ws_url.removesuffix("/v0"))


def test_the_official_client_hears_a_mail_that_comes_in(v0: V0Control, org: Org) -> None:
    client = AgentMail(environment=environment(v0), api_key=org.key)
    with client.websockets.connect() as socket:
        socket.send_subscribe(Subscribe(inbox_ids=[org.one], event_types=["message.received"]))
        assert isinstance(socket.recv(), Subscribed)
        v0.receive(org.two, mail("Not this one"))
        v0.receive(org.one, mail("This one", "Its text."))
        event = socket.recv()
    assert isinstance(event, MessageReceivedEvent)
    assert (event.message.subject, event.message.text) == ("This one", "Its text.")
    assert event.thread.last_message_id == event.message.message_id


async def test_the_official_async_client_hears_it_too(v0: V0Control, org: Org) -> None:
    client = AsyncAgentMail(environment=environment(v0), api_key=org.key)
    async with client.websockets.connect() as socket:
        await socket.send_subscribe(Subscribe())
        assert isinstance(await socket.recv(), Subscribed)
        v0.receive(org.one, mail("For all"))
        event = await socket.recv()
    assert event.message.subject == "For all"


def test_a_send_is_heard_as_sent_delivered_and_received(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    with listening(v0, org.key) as socket:
        assert socket.subscribe() == {"type": "subscribed"}
        sent = api_v0.post(
            f"inboxes/{seg(org.one)}/messages/send", json={"to": org.two, "text": "x"}
        ).json()
        heard = [socket.next() for _ in range(3)]
    by_type = {event["event_type"]: event for event in heard}
    assert set(by_type) == {"message.sent", "message.delivered", "message.received"}
    assert by_type["message.sent"]["send"]["message_id"] == sent["message_id"]
    assert by_type["message.delivered"]["delivery"]["recipients"] == [org.two]
    assert by_type["message.received"]["message"]["inbox_id"] == org.two
    assert len({event["event_id"] for event in heard}) == 3


def test_mail_of_the_other_doors_is_heard(v0: V0Control, org: Org, agent: Agent) -> None:
    with listening(v0, org.key) as socket:
        socket.subscribe()
        v0.sandbox.call(agent, "POST", "/send", {"to": org.one, "subject": "By Assmbl", "body": ""})
        assert socket.next()["message"]["subject"] == "By Assmbl"
        host, _, port = v0.sandbox.smtp.partition(":")
        with smtplib.SMTP(host, int(port)) as smtp:
            smtp.sendmail("ada@elsewhere.example", [org.one], mail("By SMTP"))
        assert socket.next()["message"]["subject"] == "By SMTP"


def test_what_becomes_of_a_sent_message_is_heard(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    with listening(v0, org.key) as socket:
        socket.subscribe()
        sent = api_v0.post(
            f"inboxes/{seg(org.one)}/messages/send",
            json={"to": ["nobody-here@agents.example.com", "x@out.example"], "text": "x"},
        ).json()
        assert socket.types(3) == ["message.sent", "message.delivered", "message.bounced"]
        for event in ("bounced", "complained", "rejected", "opened"):
            body = {"inbox_id": org.one, "message_id": sent["message_id"], "event": event}
            v0.control("POST", "outcomes", body)
            assert socket.next()["event_type"] == f"message.{event}"
    path = f"inboxes/{seg(org.one)}/messages/{seg(sent['message_id'])}"
    labels = api_v0.get(path).json()["labels"]
    assert {"bounced", "complained", "rejected", "opened", "sent"} <= set(labels)


def test_hidden_mail_is_heard_by_name_and_permission_only(v0: V0Control, org: Org) -> None:
    weak = v0.key(org, permissions={"message_read": True})
    with listening(v0, org.key) as all_but, listening(v0, org.key) as named, listening(
        v0, weak
    ) as forbidden:  # fmt: skip
        all_but.subscribe()
        named.subscribe(event_types=["message.received.spam"])
        forbidden.subscribe(event_types=["message.received.spam", "message.received"])
        v0.receive(org.one, mail("Spam"), labels=["spam"])
        v0.receive(org.one, mail("Ham"))
        assert named.next()["event_type"] == "message.received.spam"
        assert all_but.next()["message"]["subject"] == "Ham"
        assert forbidden.next()["message"]["subject"] == "Ham"


def test_a_narrow_key_hears_its_own_inbox_only(v0: V0Control, org: Org) -> None:
    with listening(v0, v0.key(org, inbox_id=org.two)) as socket:
        refused = socket.subscribe(inbox_ids=[org.one])
        assert (refused["type"], refused["name"]) == ("error", "NotFoundError")
        assert socket.subscribe(inbox_ids=[org.two])["inbox_ids"] == [org.two]
        v0.receive(org.one, mail("Other"))
        v0.receive(org.two, mail("Own"))
        assert socket.next()["message"]["subject"] == "Own"


def test_mail_from_before_the_subscription_is_no_event(v0: V0Control, org: Org) -> None:
    v0.sandbox.add_mail(Agent(org.one.partition("@")[0], org.one, ""), mail("Old"))
    with listening(v0, org.key) as socket:
        socket.subscribe()
        v0.receive(org.one, mail("New"))
        assert socket.next()["message"]["subject"] == "New"


def test_a_due_draft_is_sent_while_somebody_listens(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    body = {"to": [org.two], "text": "Now.", "send_at": "2001-01-01T00:00:00Z"}
    with listening(v0, org.key) as socket:
        socket.subscribe()
        assert api_v0.post(f"inboxes/{seg(org.one)}/drafts", json=body).status_code == 200
        assert "message.sent" in socket.types(3)


@pytest.mark.parametrize("frame", ["", "{", "[]", '{"type":"sub"}',
                                   '{"type":"subscribe","inbox_ids":1}',
                                   "[" * 100_000, "\x00"],
                         ids=["empty", "cut", "list", "unknown", "type", "deep", "nul"])  # fmt: skip
def test_a_frame_that_makes_no_sense_is_answered_with_an_error(
    v0: V0Control, org: Org, frame: str
) -> None:
    with listening(v0, org.key) as socket:
        socket.connection.send(frame)
        assert socket.next()["type"] == "error"
        assert socket.subscribe()["type"] == "subscribed"


@pytest.mark.parametrize("how", ["no key", "wrong key", "wrong scheme", "wrong path"])
def test_a_handshake_without_a_good_key_is_refused(v0: V0Control, org: Org, how: str) -> None:
    headers = {
        "no key": {},
        "wrong key": {"Authorization": "Bearer am_nope"},
        "wrong scheme": {"Authorization": f"bearer {org.key}"},
        "wrong path": {"Authorization": f"Bearer {org.key}"},
    }[how]
    url = v0.ws_url + ("/other" if how == "wrong path" else "")
    with pytest.raises(InvalidStatus, match=r"40[14]"):
        connect(url, additional_headers=headers, proxy=None)


def test_the_official_client_is_told_401_for_a_wrong_key(v0: V0Control, org: Org) -> None:
    client = AgentMail(environment=environment(v0), api_key="am_wrong")
    with pytest.raises(InvalidStatus, match="401"), client.websockets.connect():
        pass


# ── faults ───────────────────────────────────────────────────────────────────────────────────────


def test_ordered_faults_spoil_the_stream(v0: V0Control, org: Org) -> None:
    def heard(socket: Listener, kind: str, **fields: Any) -> ClientConnection:
        v0.sandbox.fault(kind, operation="v0_event", **fields)
        v0.receive(org.one, mail("Spoilt"))
        return socket.connection

    with listening(v0, org.key) as socket:
        socket.subscribe()
        unknown = json.loads(heard(socket, "unknown_event").recv(timeout=PATIENCE))
        assert unknown["event_type"] == "message.teleported"
        assert socket.next()["message"]["subject"] == "Spoilt"
        heard(socket, "repeated_event")
        assert socket.next()["event_id"] == socket.next()["event_id"]
        with pytest.raises(ValueError):
            json.loads(heard(socket, "invalid_json").recv(timeout=PATIENCE))
        odd = json.loads(heard(socket, "unknown_labels").recv(timeout=PATIENCE))
        assert "label-of-tomorrow" in odd["message"]["labels"]
        ping = heard(socket, "answer", body='{"type":"ping"}').recv(timeout=PATIENCE)
        assert json.loads(ping) == {"type": "ping"}
        with pytest.raises(ConnectionClosed):
            heard(socket, "drop_before").recv(timeout=PATIENCE)


@pytest.mark.parametrize(
    ("kind", "fields"), [("status", {"status": 503}), ("drop_before", {}), ("drop_after", {})]
)
def test_ordered_faults_spoil_the_handshake_once(
    v0: V0Control, org: Org, kind: str, fields: dict[str, int]
) -> None:
    v0.sandbox.fault(kind, operation="v0_websocket", **fields)
    with pytest.raises(Exception), listening(v0, org.key) as socket:  # noqa: B017
        socket.subscribe()
    with listening(v0, org.key) as socket:
        assert socket.subscribe()["type"] == "subscribed"
