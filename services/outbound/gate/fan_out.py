"""One mail a recipient, each with an idempotency key of its own, and the oversight copy or bcc.

Closes three traps: a key that two recipients share, so that the service takes the second mail for a
repetition of the first, a copy that reports the metered work once more, and a recipient who leaves
without the eyes of oversight. Each mail names its one recipient, a correlation id links them; where
the service has a bcc every one of them carries it, else (api/assmbl.md §5.1) a linked mail leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.draft import Draft
from services.outbound.gate.addressing import Recipient
from services.outbound.gate.key_ring import KeyRing
from services.outbound.gate.plan import OutboundMail, PlannedFile, Role

COPY_HEADER: Final = "X-Oversight-Copy"


@dataclass(frozen=True, slots=True)
class Fan:
    """What the mails of a draft have in common besides the draft itself.

    `sender` is the bare address they come from, `named` what the account is called in a copy.
    `oversight` sees all of it, "" for nobody: in `bcc`, or by the copy to `copy_to`, or with both
    "" as a recipient, whose mail leaves before the others.
    """

    sender: str
    named: str
    files: tuple[PlannedFile, ...]
    keys: KeyRing
    headers: tuple[tuple[str, str], ...]
    copy_to: str = ""
    bcc: str = ""
    oversight: str = ""
    replies_to: str = ""
    place: str = ""
    alternative: str = ""


def mails_of(draft: Draft, recipients: Sequence[Recipient], fan: Fan) -> tuple[OutboundMail, ...]:
    """Return the mails of a draft, the oversight copy before the others."""
    copy_to, keys = fan.copy_to, fan.keys
    leads = fan.oversight and not fan.bcc
    copy_key = mail_key(draft, fan.oversight, 1 if copy_to else 0) if leads else ""
    linked = len(recipients) > 1 or bool(copy_to)
    correlation = draft.correlation_id or (f"mail-{draft.draft_id}" if linked else "")
    common = replace(
        _unaddressed(draft, fan),
        correlation_id=correlation,
        own_key=keys.own,
        copy_key=copy_key,
        oversight=fan.oversight,
    )
    mails = tuple(_addressed(common, draft, one, fan) for one in recipients)
    if not copy_to:
        return mails
    copy = replace(
        common,
        role=Role.OVERSIGHT,
        to=copy_to,
        body=_copied(draft, recipients, fan.named),
        headers=(*common.headers, (COPY_HEADER, "yes")),
        idempotency_key=copy_key,
        marketplace_request_id="",
        usage=None,
        key=keys.of.get(copy_to, ""),
        copy_key="",
        oversight="",
    )
    return (copy, *mails)


def _unaddressed(draft: Draft, fan: Fan) -> OutboundMail:
    return OutboundMail(
        draft_id=draft.draft_id,
        role=Role.TO,
        to="",
        subject=draft.subject,
        body=draft.body,
        headers=fan.headers,
        files=fan.files,
        idempotency_key="",
        marketplace_request_id=draft.marketplace_request_id,
        usage=draft.usage,
        send_at=draft.send_at,
        agent=draft.agent,
        answers=draft.answers,
        via=draft.via,
        sender=fan.sender,
        place=fan.place,
        format=draft.format,
        alternative=fan.alternative,
        replies_to=fan.replies_to,
    )


def mail_key(draft: Draft, address: str, copy: int) -> str:
    """Return the idempotency key of one mail of a draft; the same at every attempt."""
    told = hashlib.sha256(f"{address.lower()}\n{copy}".encode()).hexdigest()
    return f"{draft.idempotency_key}-{told[:16]}"


def _addressed(common: OutboundMail, draft: Draft, one: Recipient, fan: Fan) -> OutboundMail:
    key = mail_key(draft, one.address, 0)
    seen = fan.bcc if one.address.lower() != fan.bcc else ""
    return replace(
        common,
        role=one.role,
        to=one.address,
        idempotency_key=key,
        copy_key=common.copy_key if common.copy_key != key else "",
        key=fan.keys.of.get(one.address, ""),
        bcc=(seen,) if seen else (),
        bcc_key=fan.keys.of.get(seen, "") if seen else "",
    )


def _copied(draft: Draft, recipients: Sequence[Recipient], sender: str) -> str:
    """Return the text of the oversight copy: who gets the mail, then the mail."""
    lines = [f"Oversight copy of a mail from {sender}"]
    if draft.agent:
        lines.append(f"proposed by the agent {draft.agent}")
    lines += [f"{one.role.value}: {one.address}" for one in recipients]
    return "\n".join([*lines, "", draft.body])
