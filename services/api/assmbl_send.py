"""The wire calls that make mail leave, for the sending gate and nobody else.

Closes the trap of a second way out: the mailbox client has no send method, and a contract test holds
the importers of this module to the gate. The service does not promise that a repeated key suppresses
a second delivery (api/assmbl.md §13), so after a lost answer nothing is repeated unless the caller
says that it may be; the error is then `uncertain`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from services.api import codec, wire
from services.api.exchange import Exchange
from services.errors import BadAnswer, UsageError

SEND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the service says about an accepted mail; "" where it says nothing (§5.2)."""

    message_id: str = ""
    correlation_id: str = ""
    idempotency_key: str = ""
    reservation_key: str = ""
    marketplace_request_id: str = ""


class MailSender:
    """`POST /send` under its three SDK names. Made by the gate only."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def send_mail(
        self,
        to: str,
        subject: str,
        body: str,
        *,
        usage: wire.Usage | None = None,
        correlation_id: str | None = None,
        idempotency_key: str | None = None,
        marketplace_request_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        attachments: Sequence[wire.AttachmentRef] = (),
        repeat_uncertain: bool = False,
    ) -> Receipt:
        """Send one mail to one address (§5.1).

        `repeat_uncertain` allows the same bytes again after a lost answer; it needs an
        `idempotency_key`. An error with `uncertain` set means that the mail may have left.
        """
        if repeat_uncertain and not idempotency_key:
            raise UsageError("A mail without an idempotency key is never sent twice.")
        fields: dict[str, object] = {
            "to": to,
            "subject": subject,
            "body": body,
            "usage": None if usage is None else msgspec.to_builtins(usage),
            "correlation_id": correlation_id,
            "idempotency_key": idempotency_key,
            "marketplace_request_id": marketplace_request_id,
            "headers": dict(headers) if headers else None,
            "attachments": [msgspec.to_builtins(ref) for ref in attachments] or None,
        }
        data = await self._exchange.call(
            "send_mail", body=fields, safe=repeat_uncertain, seconds=SEND_SECONDS
        )
        return _receipt(data)

    async def send_marketplace_request(
        self,
        to: str,
        subject: str,
        body: str,
        *,
        marketplace_request_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        attachments: Sequence[wire.AttachmentRef] = (),
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Ask a seller for work; the transaction's id is made here when none is given (§10)."""
        return await self.send_mail(
            to,
            subject,
            body,
            marketplace_request_id=marketplace_request_id or f"mkt-{uuid.uuid4()}",
            headers=headers,
            attachments=attachments,
            idempotency_key=idempotency_key,
        )

    async def send_marketplace_response(
        self,
        to: str,
        marketplace_request_id: str,
        usage: wire.Usage,
        subject: str,
        body: str,
        *,
        correlation_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        attachments: Sequence[wire.AttachmentRef] = (),
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Answer a buyer with the metered work, under the request's own id (§10)."""
        return await self.send_mail(
            to,
            subject,
            body,
            usage=usage,
            correlation_id=correlation_id,
            marketplace_request_id=marketplace_request_id,
            headers=headers,
            attachments=attachments,
            idempotency_key=idempotency_key,
        )


def _receipt(data: object) -> Receipt:
    if data is None:
        return Receipt()
    if not isinstance(data, Mapping):
        raise BadAnswer("The service accepted the mail with an odd answer.", uncertain=True)
    return Receipt(**{name: codec.kept_id(data.get(name)) for name in Receipt.__dataclass_fields__})
