"""A draft on its way through the gate, step by step as the outbox takes it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

from services.draft import Draft, DraftFile, Encryption
from services.outbound.gate.gate import Gate, Prepared, Receipt
from services.outbound.gate.plan import OutboundMail
from services.outbound.gate.ready import ReadyMail

_numbers = itertools.count(1)
REPORT = b"%PDF-1.7 " + os.urandom(50_000)
"""A file that goes along."""


def written(
    to: str,
    subject: str,
    text: str,
    *,
    sealed: bool,
    files: tuple[Path, ...] = (),
    **more: object,
) -> Draft:
    """A new draft to one recipient."""
    from dataclasses import replace

    draft = replace(
        Draft.begin(),
        to=(to,),
        subject=subject,
        body=text,
        encryption=Encryption.REQUIRED if sealed else Encryption.NONE,
        files=tuple(DraftFile(path, path.name, _type_of(path)) for path in files),
    )
    return replace(draft, **more)  # type: ignore[arg-type]


def _type_of(path: Path) -> str:
    import mimetypes

    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


async def released(gate: Gate, draft: Draft) -> OutboundMail:
    """The mail to the first recipient, decided by a person."""
    mails = (await gate.plan(draft)).released(by_person=True)
    return next(mail for mail in mails if not mail.is_copy)


async def prepare(
    gate: Gate, draft: Draft, spool: Path, tell: Callable[[Prepared], None] = lambda _: None
) -> ReadyMail:
    """Plan, seal and upload; a spool of its own each time."""
    mail = await released(gate, draft)
    sealed = await gate.seal(mail, spool / str(next(_numbers)), tell)
    return await gate.upload(sealed, tell)


async def deliver(gate: Gate, draft: Draft, spool: Path) -> Receipt:
    """All of it at once."""
    return await gate.send(await prepare(gate, draft, spool))
