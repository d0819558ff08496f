"""`POST /send`: builds the MIME, delivers it to local agents, records what went outside.

Closes two traps. A repeated send: message, record and answer are one commit, so a retry with the
same key gets the stored bytes and nothing is delivered twice. And header smuggling: the fields that
make a mail what it is belong to the backend, among them the attachment manifest (api/assmbl.md §5,
§7.5).
"""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

import msgspec

from services.api import wire
from services.sandbox.attachments_door import own_upload
from services.sandbox.context import ApiError, Call, Handler

FOOTER_TTL: Final = 7 * 24 * 3600
"""Seconds that the links in the footer live (api/assmbl.md §14)."""
_OWNED: Final = frozenset({
    "from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "mime-version",
    "return-path", "received", "dkim-signature", "x-agentmail-attachments",
})  # fmt: skip
_CORRELATION: Final = "X-AgentMail-Correlation-Id"
_IDEMPOTENCY: Final = "X-AgentMail-Idempotency-Key"
_MARKETPLACE: Final = "X-AgentMail-Marketplace-Request-Id"

# Structured parsing only where MIME needs it: free text from clients must not meet the address and
# message-id parsers of the standard library, which raise on hostile values.
_HEADERS: Final = HeaderRegistry(use_default_map=False)
_HEADERS.registry.update(
    (name, kind)
    for name, kind in HeaderRegistry().registry.items()
    if name.startswith("content-") or name == "mime-version"
)
LENIENT: Final = policy.SMTP.clone(header_factory=_HEADERS)
"""Writes whatever the clients of any door say; raises for what no mail can carry."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """The tracking keys of one send; those in the body win over those in the headers."""

    correlation: str
    idempotency: str | None
    marketplace: str | None


def send_mail(call: Call) -> bytes:
    """Accept a mail and answer with its tracking keys, as JSON bytes (§5.2, §13)."""
    request: wire.SendRequest = call.body
    keys = _keys(request)
    digest = hashlib.sha256(msgspec.json.encode(request, order="deterministic")).digest()
    dedupes = call.sandbox.settings.dedupe
    with call.store.transaction():
        if (
            keys.idempotency
            and dedupes
            and (stored := _stored_answer(call, keys.idempotency, digest))
        ):
            return stored
        answer = wire.encode(_accept(call, request, keys))
        if keys.idempotency:
            call.store.database.connection.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)",
                (call.agent.number, keys.idempotency, digest, answer),
            )
    return answer


def _keys(request: wire.SendRequest) -> _Keys:
    headers = {name.lower(): value for name, value in (request.headers or {}).items()}
    correlation = request.correlation_id or headers.get(_CORRELATION.lower())
    return _Keys(
        correlation or f"corr-{uuid.uuid4()}",
        request.idempotency_key or headers.get(_IDEMPOTENCY.lower()) or None,
        request.marketplace_request_id or headers.get(_MARKETPLACE.lower()) or None,
    )


def _stored_answer(call: Call, key: str, digest: bytes) -> bytes | None:
    row = call.store.database.connection.execute(
        "SELECT digest, answer FROM answers WHERE agent = ? AND key = ?", (call.agent.number, key)
    ).fetchone()
    if row is None:
        return None
    if row[0] != digest:
        raise ApiError(409, "idempotency_key_conflict", "This key was used for another mail.")
    return bytes(row[1])


def _accept(call: Call, request: wire.SendRequest, keys: _Keys) -> wire.Sent:
    refs = [_reference(call, ref) for ref in request.attachments or []]
    raw = _mime(call, request, keys, refs)
    message_id = f"msg-{secrets.token_hex(10)}"
    recipient = call.store.agent_by_address(request.to)
    if recipient is not None:
        call.store.deliver(recipient.agent_id, raw, verified=True)
    usage = None if request.usage is None else wire.encode(request.usage)
    recorded = call.store.database.connection.execute(
        "INSERT INTO sent (agent, message_id, recipient, local, sent_at, usage, correlation_id, "
        "marketplace_request_id, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            call.agent.number, message_id, request.to, recipient is not None, call.sandbox.clock(),
            usage, keys.correlation, keys.marketplace or "", raw,
        ),
    )  # fmt: skip
    call.store.database.connection.execute(
        "INSERT INTO sent_bodies VALUES (?, ?)", (recorded.lastrowid, call.sent)
    )
    reservation = f"rsv-{secrets.token_hex(8)}" if keys.marketplace else None
    return wire.Sent(
        message_id=message_id,
        correlation_id=keys.correlation,
        idempotency_key=keys.idempotency,
        reservation_key=reservation,
        marketplace_request_id=keys.marketplace or msgspec.UNSET,
    )


def _reference(call: Call, ref: wire.AttachmentRef) -> dict[str, object]:
    """Return a manifest entry for an own upload; raises 403 and 404 as the attachments do."""
    stored = own_upload(call, ref.object_key)
    entry: dict[str, object] = {
        "object_key": ref.object_key,
        "name": ref.name or ref.object_key.rpartition("/")[2],
        "content_type": ref.content_type or call.store.blobs.content_type(ref.object_key),
        "size": stored,
    }
    if ref.encrypted:
        entry["encrypted"] = True
        entry["encryption"] = {"algorithm": "openpgp", "format": "armored"}
    return entry


# ── the mail itself ──────────────────────────────────────────────────────────────────────────────


def _mime(
    call: Call, request: wire.SendRequest, keys: _Keys, refs: Sequence[Mapping[str, object]]
) -> bytes:
    mail = EmailMessage(policy=LENIENT)
    try:
        for name, value in _fields(call, request, keys).items():
            mail[name] = value
        if refs:
            mail["X-AgentMail-Attachments"] = json.dumps(refs)
        body = request.body
        if refs and call.sandbox.settings.footer:
            body = f"{body.rstrip()}\n\n{_footer(call, refs)}"
        mail.set_content(body)
        return mail.as_bytes()
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ApiError(400, "invalid_header", "A header cannot be written as mail.") from error


def _fields(call: Call, request: wire.SendRequest, keys: _Keys) -> dict[str, str]:
    domain = call.store.mail_domain
    now = datetime.fromtimestamp(call.sandbox.clock(), UTC)
    fields = {
        "From": call.agent.address,
        "To": request.to,
        "Subject": request.subject,
        "Date": format_datetime(now),
        "Message-ID": f"<{uuid.uuid4()}@{domain}>",
        _CORRELATION: keys.correlation,
    }
    if keys.idempotency:
        fields[_IDEMPOTENCY] = keys.idempotency
    if keys.marketplace:
        fields[_MARKETPLACE] = keys.marketplace
    written = {name.lower() for name in fields}
    for name, value in (request.headers or {}).items():
        if name.lower() in _OWNED or name.lower().startswith("content-"):
            raise ApiError(400, "invalid_header", f"The header {name} is the service's own.")
        if name.lower() not in written:
            fields[name] = value
            written.add(name.lower())
    return fields


def _footer(call: Call, refs: Sequence[Mapping[str, object]]) -> str:
    lines = ["--", "Attachments (links are valid for 7 days):"]
    for ref in refs:
        name = str(ref["name"])
        link = call.sandbox.signer.presigned_get(str(ref["object_key"]), FOOTER_TTL, name)
        lines.append(f"- {name} ({ref['size']} bytes): {link}")
    return "\n".join(lines) + "\n"


HANDLERS: Final[Mapping[str, Handler]] = {"send_mail": send_mail}
