"""Sends: checks, delivers to the agents of the store, records, tells the listeners; once a key.

Closes two traps. A repeated send: message, record and answer are one commit, so the same key gets
the stored answer and nothing is delivered twice, and another content under it is a 409 (§6). And
half a delivery: every recipient is judged before anybody gets anything.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from typing import Final

from services.sandbox.agentmail_to.bodies import canonical
from services.sandbox.agentmail_to.composing import Outgoing, write
from services.sandbox.agentmail_to.context import V0Call, checked_id
from services.sandbox.agentmail_to.failures import Failure, conflict, invalid
from services.sandbox.agentmail_to.mime import bare, read_head
from services.sandbox.agentmail_to.records import Inbox, Letter
from services.sandbox.agentmail_to.rules import Rules
from services.sandbox.agentmail_to.shapes import Json, receipt, recipients, sent_facts
from services.sandbox.intake import PREVIEW

MAX_RECIPIENTS: Final = 50
_ANSWER_LIFE: Final = 24 * 3600
_ADDRESS: Final = re.compile(r"[^\s@<>\x00-\x1f]+@[^\s@<>\x00-\x1f]+")


def once(call: V0Call, inbox: Inbox, work: Callable[[], Json]) -> Json:
    """Do the work, or return what it answered when the same key came before; raises 400, 409."""
    key = call.headers.get("idempotency-key")
    with call.store.transaction() as db:
        if key is None:
            return work()
        checked_id(key, "Idempotency-Key")
        place = json.dumps([call.operation, inbox.number, sorted(call.ids.items())]).encode()
        digest = hashlib.sha256(place + canonical(call.sent)).digest()
        organization = inbox.organization_id
        db.execute("DELETE FROM v0_answers WHERE at < ?", (call.store.clock() - _ANSWER_LIFE,))
        row = db.execute(
            "SELECT digest, answer FROM v0_answers WHERE organization_id = ? AND key = ?",
            (organization, key),
        ).fetchone()
        if row is not None:
            if row[0] != digest:
                raise conflict("This Idempotency-Key was used for another request")
            stored: Json = json.loads(row[1])
            return stored
        answer = work()
        db.execute(
            "INSERT INTO v0_answers VALUES (?, ?, ?, ?, ?)",
            (organization, key, digest, json.dumps(answer).encode(), call.store.clock()),
        )
        return answer


def post(call: V0Call, inbox: Inbox, mail: Outgoing) -> Json:
    """Send a mail and return its receipt; raises 400, 403 and 422 before anything is delivered."""
    to = checked_recipients(mail)
    if inbox.status == "paused":
        raise Failure(403, "inbox_paused", "This inbox is paused.")
    rules = Rules(call.store)
    refused = [address for address in to if not rules.allows(inbox, "send", address)]
    if refused:
        raise Failure(403, "message_rejected", f"Sending to {refused[0]} is not allowed.")
    with call.store.transaction():
        local, lost = _split(call, to)
        fate = "bounced" if lost and len(lost) == len(to) else "delivered"
        kept, raw = keep(call, inbox, mail, fate, call.store.clock())
        _record(call, kept, to, raw)
        for agent_id in local:
            call.store.deliver(agent_id, raw, verified=True)
    _tell(call, inbox, kept, lost)
    return receipt(kept)


def keep(call: V0Call, inbox: Inbox, mail: Outgoing, fate: str, at: float) -> tuple[Letter, bytes]:
    """Keep a mail as one that an inbox sent, and return it; nobody gets it. Raises 400."""
    at = round(at, 3)
    message_id, raw = write(inbox, mail, at)
    letter = Letter(
        number=0, inbox=inbox.number, message_id=message_id, thread_id="", seq=None, at=at,
        created_at=at, updated_at=at, size=len(raw), sender=_sender(raw, inbox),
        addresses=mail.addresses, subject=mail.subject, preview=_preview(mail),
        parents=mail.parents, files=(), labels=("sent", fate, *mail.labels),
    )  # fmt: skip
    return call.room.keep_sent(letter, raw), raw


def checked_recipients(mail: Outgoing) -> list[str]:
    """Return the bare addresses, each once; raises 422 for none, 400 for odd or too many."""
    given = [("to", mail.addresses.to), ("cc", mail.addresses.cc), ("bcc", mail.addresses.bcc)]
    count = sum(len(addresses) for _, addresses in given)
    if not count:
        raise Failure(422, "unprocessable", "At least one recipient is required.")
    if count > MAX_RECIPIENTS:
        raise invalid(f"At most {MAX_RECIPIENTS} recipients are allowed", "to")
    for name, addresses in (*given, ("reply_to", mail.addresses.reply_to)):
        for at, address in enumerate(addresses):
            plain = bare([address])
            if len(plain) != 1 or not _ADDRESS.fullmatch(plain[0]) or _breaks(address):
                raise invalid("Invalid email address", name, at)
    return list(dict.fromkeys(bare([address for _, some in given for address in some])))


def _breaks(address: str) -> bool:
    return any(ord(char) < 32 or ord(char) == 127 for char in address)


def _split(call: V0Call, to: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the agents of the store among the recipients, and the addresses that lead nowhere."""
    local: list[str] = []
    lost: list[str] = []
    for address in to:
        agent = call.store.agent_by_address(address)
        if agent is not None:
            local.append(agent.agent_id)
        elif address.rpartition("@")[2].lower() == call.store.mail_domain.lower():
            lost.append(address)
    return list(dict.fromkeys(local)), lost


def _sender(raw: bytes, inbox: Inbox) -> str:
    return read_head(raw).sender or inbox.inbox_id


def _preview(mail: Outgoing) -> str:
    return " ".join((mail.text or "").split())[:PREVIEW]


def _record(call: V0Call, letter: Letter, to: Sequence[str], raw: bytes) -> None:
    call.store.database.connection.execute(
        "INSERT INTO v0_sent (agent, message_id, operation, idempotency_key, recipients, request, "
        "raw, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            letter.inbox, letter.message_id, call.operation, call.headers.get("idempotency-key"),
            json.dumps(list(to)), call.sent or b"{}", raw, letter.at,
        ),
    )  # fmt: skip


def _tell(call: V0Call, inbox: Inbox, letter: Letter, lost: Sequence[str]) -> None:
    facts = sent_facts(letter, inbox.inbox_id)
    hub, to = call.services.hub, recipients(letter)
    hub.publish("message.sent", inbox, lambda: {"send": {**facts, "recipients": to}})
    reached = [address for address in to if address not in lost]
    if reached:
        facts_of = {"delivery": {**facts, "recipients": reached}}
        hub.publish("message.delivered", inbox, lambda: facts_of)
    if lost:
        failed = [{"address": address, "status": "5.1.1"} for address in lost]
        about = {**facts, "type": "Permanent", "sub_type": "NoEmail", "recipients": failed}
        hub.publish("message.bounced", inbox, lambda: {"bounce": about})
