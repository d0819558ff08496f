"""One mail a recipient, each with an idempotency key of its own, and the linked oversight copy.

Closes two traps: a key that two recipients share, so that the service takes the second mail for a
repetition of the first, and a copy that reports the metered work once more. The service has neither
cc nor bcc (api/assmbl.md §5.1): each mail names its one recipient, a correlation id links them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from services.draft import Draft
from services.outbound.gate import requirements
from services.outbound.gate.addressing import Recipient
from services.outbound.gate.key_ring import KeyRing
from services.outbound.gate.plan import OutboundMail, PlannedFile, Role

COPY_HEADER: Final = "X-Oversight-Copy"


def mails_of(
    draft: Draft,
    sender: str,
    recipients: Sequence[Recipient],
    files: tuple[PlannedFile, ...],
    keys: KeyRing,
    copy_to: str,
    oversight: str,
) -> tuple[OutboundMail, ...]:
    """Return the mails of a draft, the oversight copy before the others.

    `sender` names the account in the copy; `oversight` sees all of it, "" for nobody, and gets the
    copy as `copy_to`, or with that "" is a recipient, whose mail leaves before the others.
    """
    copy_key = mail_key(draft, oversight, 1 if copy_to else 0) if oversight else ""
    linked = len(recipients) > 1 or bool(copy_to)
    correlation = draft.correlation_id or (f"mail-{draft.draft_id}" if linked else "")
    common = replace(
        _unaddressed(draft, files),
        correlation_id=correlation,
        own_key=keys.own,
        copy_key=copy_key,
        oversight=oversight,
    )
    mails = tuple(_addressed(common, draft, one, keys) for one in recipients)
    if not copy_to:
        return mails
    copy = replace(
        common,
        role=Role.OVERSIGHT,
        to=copy_to,
        body=_copied(draft, recipients, sender),
        headers=(*common.headers, (COPY_HEADER, "yes")),
        idempotency_key=copy_key,
        marketplace_request_id="",
        usage=None,
        key=keys.of.get(copy_to, ""),
        copy_key="",
        oversight="",
    )
    return (copy, *mails)


def _unaddressed(draft: Draft, files: tuple[PlannedFile, ...]) -> OutboundMail:
    return OutboundMail(
        draft_id=draft.draft_id,
        role=Role.TO,
        to="",
        subject=draft.subject,
        body=draft.body,
        headers=requirements.headers_of(draft),
        files=files,
        idempotency_key="",
        marketplace_request_id=draft.marketplace_request_id,
        usage=draft.usage,
        send_at=draft.send_at,
        agent=draft.agent,
        answers=draft.answers,
    )


def mail_key(draft: Draft, address: str, copy: int) -> str:
    """Return the idempotency key of one mail of a draft; the same at every attempt."""
    told = hashlib.sha256(f"{address.lower()}\n{copy}".encode()).hexdigest()
    return f"{draft.idempotency_key}-{told[:16]}"


def _addressed(common: OutboundMail, draft: Draft, one: Recipient, keys: KeyRing) -> OutboundMail:
    key = mail_key(draft, one.address, 0)
    return replace(
        common,
        role=one.role,
        to=one.address,
        idempotency_key=key,
        copy_key=common.copy_key if common.copy_key != key else "",
        key=keys.of.get(one.address, ""),
    )


def _copied(draft: Draft, recipients: Sequence[Recipient], sender: str) -> str:
    """Return the text of the oversight copy: who gets the mail, then the mail."""
    lines = [f"Oversight copy of a mail from {sender}"]
    if draft.agent:
        lines.append(f"proposed by the agent {draft.agent}")
    lines += [f"{one.role.value}: {one.address}" for one in recipients]
    return "\n".join([*lines, "", draft.body])
