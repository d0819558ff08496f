"""The test-only operations of this door under `/_sandbox/`: whatever the API cannot do to itself.

Closes the trap of a test door that looks like the API. Faults, seen requests and settings are
ordered at the Assmbl door's `/_sandbox/`, for all doors at once.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct

from services.sandbox.agentmail_to import shapes
from services.sandbox.agentmail_to.composing import Outgoing
from services.sandbox.agentmail_to.context import V0Call
from services.sandbox.agentmail_to.drafts import Drafts
from services.sandbox.agentmail_to.endpoints import Endpoint
from services.sandbox.agentmail_to.failures import invalid, missing
from services.sandbox.agentmail_to.moments import iso, moment
from services.sandbox.agentmail_to.posting import keep
from services.sandbox.agentmail_to.records import Addresses, Inbox, Key, Parents
from services.sandbox.agentmail_to.shapes import Json
from services.sandbox.control_door import check_host

KEY: Final = Key("sandbox", "", "sandbox", 0.0)


class NewOrganization(Struct, kw_only=True, forbid_unknown_fields=True):
    """An organization with a pod, a key, and inboxes: new agents of these names, or known ones."""

    inboxes: list[str] = []


class NewControlKey(Struct, kw_only=True, forbid_unknown_fields=True):
    """A key of any scope; `permissions` null grants everything."""

    organization_id: str
    pod_id: str | None = None
    inbox_id: str | None = None
    permissions: dict[str, bool] | None = None
    expires_at: str | None = None


class NewReceived(Struct, kw_only=True, forbid_unknown_fields=True):
    """A mail that an inbox receives; `message_id` is what this door calls it, however odd."""

    inbox_id: str
    raw: str = ""
    raw_base64: str | None = None
    message_id: str = ""
    labels: list[str] = []
    received_at: float | None = None


class NewSent(Struct, kw_only=True, forbid_unknown_fields=True):
    """A mail that an inbox sent some time ago, whoever got it; `answers` names what it answers."""

    inbox_id: str
    to: list[str]
    subject: str = ""
    text: str = ""
    answers: str = ""
    sent_at: float | None = None


class DraftState(Struct, kw_only=True, forbid_unknown_fields=True):
    """The state to put a draft into."""

    send_status: Literal["scheduled", "sending", "failed"] | None = None


class Outcome(Struct, kw_only=True, forbid_unknown_fields=True):
    """What becomes of a sent message: the label and the event of it."""

    inbox_id: str
    message_id: str
    event: Literal["bounced", "complained", "rejected", "opened"]


def check(headers: Mapping[str, str]) -> None:
    """Raise 403 unless a local program asks."""
    check_host(headers)


def _add_organization(call: V0Call) -> Json:
    body: NewOrganization = call.body
    tenancy, store = call.services.tenancy, call.store
    with store.transaction():
        organization, pod = tenancy.add_organization()
        inboxes = [
            tenancy.add_inbox(store.add_agent(name), organization, pod, {}) for name in body.inboxes
        ]
        key_id, secret = tenancy.add_key(organization)
    return {
        "organization_id": organization, "pod_id": pod, "api_key_id": key_id, "api_key": secret,
        "inboxes": [inbox.inbox_id for inbox in inboxes],
    }  # fmt: skip


def _add_key(call: V0Call) -> Json:
    body: NewControlKey = call.body
    inbox = None if body.inbox_id is None else _inbox(call, body.inbox_id).number
    until = None if body.expires_at is None else moment(body.expires_at, "expires_at")
    key_id, secret = call.services.tenancy.add_key(
        body.organization_id, pod_id=body.pod_id, inbox=inbox, permissions=body.permissions,
        expires_at=until,
    )  # fmt: skip
    return {"api_key_id": key_id, "api_key": secret}


def _inbox(call: V0Call, inbox_id: str) -> Inbox:
    agent = call.store.agent_by_address(inbox_id)
    inbox = call.services.tenancy.inbox_of(agent.number) if agent else None
    if inbox is None:
        raise missing("Inbox")
    call.room.catch_up(inbox)
    return inbox


def _receive(call: V0Call) -> Json:
    body: NewReceived = call.body
    inbox = _inbox(call, body.inbox_id)
    raw = body.raw.encode()
    if body.raw_base64 is not None:
        try:
            raw = base64.b64decode(body.raw_base64, validate=True)
        except binascii.Error as error:
            raise invalid("Invalid base64", "raw_base64") from error
    stored = call.store.deliver(
        inbox.agent_id, raw, verified=True, labels=tuple(body.labels), received_at=body.received_at
    )
    call.room.catch_up(inbox, (stored, body.message_id))
    letters = call.room.where("m.agent = ? ORDER BY m.number DESC LIMIT 1", [inbox.number])
    return shapes.receipt(letters[0])


def _keep_sent(call: V0Call) -> Json:
    body: NewSent = call.body
    parents = Parents(body.answers or None, (body.answers,) if body.answers else ())
    mail = Outgoing(Addresses(to=tuple(body.to)), body.subject, body.text, parents=parents)
    at = call.store.clock() if body.sent_at is None else body.sent_at
    kept, _ = keep(call, _inbox(call, body.inbox_id), mail, "delivered", at)
    return shapes.receipt(kept)


def _set_draft(call: V0Call) -> Json:
    body: DraftState = call.body
    drafts = Drafts(call.store)
    draft = drafts.find(call.ids["draft_id"])
    if draft is None:
        raise missing("Draft")
    draft.send_status = body.send_status
    drafts.save(draft)
    return {"draft_id": draft.draft_id}


def _set_outcome(call: V0Call) -> Json:
    body: Outcome = call.body
    inbox = _inbox(call, body.inbox_id)
    letter = call.room.find(inbox, body.message_id)
    if letter is None:
        raise missing("Message")
    with call.store.transaction() as db:
        db.execute("INSERT OR IGNORE INTO v0_labels VALUES (?, ?)", (letter.number, body.event))
    facts, to = shapes.sent_facts(letter, inbox.inbox_id), shapes.recipients(letter)
    recipients = [{"address": address, "status": "5.1.1"} for address in to]
    payloads: dict[str, Json] = {
        "bounced": {"bounce": {**facts, "type": "Permanent", "sub_type": "General",
                               "recipients": recipients}},
        "complained": {"complaint": {**facts, "type": "abuse", "sub_type": "", "recipients": to}},
        "rejected": {"reject": {**facts, "reason": "Bad content"}},
        "opened": {"open": facts},
    }  # fmt: skip
    call.services.hub.publish(f"message.{body.event}", inbox, lambda: payloads[body.event])
    return {"message_id": letter.message_id}


def _sent(call: V0Call) -> Json:
    inbox = _inbox(call, call.word("inbox_id") or "")
    rows = call.store.database.connection.execute(
        "SELECT message_id, operation, idempotency_key, recipients, request, raw, at "
        "FROM v0_sent WHERE agent = ? ORDER BY number",
        (inbox.number,),
    )
    return {
        "sent": [
            {
                "message_id": message_id, "operation": operation, "idempotency_key": key,
                "recipients": json.loads(to), "request": json.loads(request),
                "raw_mime": raw.decode("utf-8", "replace"), "sent_at": iso(at),
            }
            for message_id, operation, key, to, request, raw, at in rows
        ]
    }  # fmt: skip


def endpoints() -> Iterable[Endpoint]:
    """Yield the test operations."""
    yield Endpoint("sandbox_v0_organization", "POST", ("_sandbox", "organizations"),
                   _add_organization, (), NewOrganization)  # fmt: skip
    yield Endpoint("sandbox_v0_key", "POST", ("_sandbox", "keys"), _add_key, (), NewControlKey)
    yield Endpoint("sandbox_v0_mail", "POST", ("_sandbox", "mail"), _receive, (), NewReceived)
    yield Endpoint("sandbox_v0_kept", "POST", ("_sandbox", "sent"), _keep_sent, (), NewSent)
    yield Endpoint("sandbox_v0_draft", "PUT", ("_sandbox", "drafts", "{draft_id}"), _set_draft,
                   (), DraftState)  # fmt: skip
    yield Endpoint("sandbox_v0_outcome", "POST", ("_sandbox", "outcomes"), _set_outcome, (),
                   Outcome)  # fmt: skip
    yield Endpoint("sandbox_v0_sent", "GET", ("_sandbox", "sent"), _sent)
