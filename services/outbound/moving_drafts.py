"""Hands a draft from one account to another: it is to leave from there.

Closes three traps: a draft that is lost between two accounts (it is kept in the new one before it is
dropped from the old one), the words of one account under the name of another (the signature is
exchanged, and what only the old account can do is told), and a second mail of what waits for a decision
or is on its way already (such a draft stays where it is).
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace

from services import outbound_events as ev
from services.draft import VIA_SES, BodyFormat, Draft, DraftState
from services.errors import NotFound, UsageError
from services.events import Event
from services.moving_events import MoveDraft
from services.outbound.office import Office
from services.outbound.offices import Offices
from services.outbound.outbox.outbox_contents import durable
from services.outbound.writing.quoting import SIGNATURE_RULE
from services.safe_text import EMPTY, SafeText, clean_line, phrase


class MovingDrafts:
    """Answers `MoveDraft`."""

    def __init__(
        self,
        offices: Offices,
        emit: Callable[[Event], None],
        settled: Callable[[], Awaitable[None]],
    ) -> None:
        self._offices = offices
        self._emit = emit
        self._settled = settled

    async def move(self, request_id: int, request: MoveDraft) -> None:
        """Keep the draft in the other account, then drop it from the one that it was in."""
        draft = request.draft
        if any(file.origin is not None for file in draft.files):
            raise UsageError(
                "Files of another message go along, and lie in this account.",
                "Take them off first, or forward the message from the account that it came to.",
            )
        await self._settled()
        old = await self._offices.get(request.account)
        new = await self._offices.get(request.to_account)
        await durable(lambda: _require_free(old, draft))
        moved, remark = await durable(lambda: _for_account(draft, old, new))
        if not draft.is_blank:
            moved = await durable(lambda: new.drafts.save(moved))
        # A first save may have come just before: whether there is one, the disk knows.
        await durable(lambda: old.drafts.discard(draft.draft_id))
        self._emit(ev.DraftOpened(request_id, moved, request.to_account, remark))


def _require_free(office: Office, draft: Draft) -> None:
    """Raise UsageError for a draft that somebody else wrote, or that is on its way or has left."""
    try:
        head = office.drafts.head(draft.draft_id)
    except NotFound:
        head = None
    if draft.agent or (head is not None and head.agent):
        raise UsageError(
            "An agent wants to send this from this account.",
            "Decide on it here; write a mail of your own to send from another.",
        )
    if head is not None and (head.is_settled or head.state is not DraftState.EDITING):
        raise UsageError("This mail is in the outbox, or has left.", "Look at the Outbox.")


def _for_account(draft: Draft, old: Office, new: Office) -> tuple[Draft, SafeText]:
    """The draft as the other account writes it, and what had to be changed."""
    made = uuid.uuid4().hex
    names = old.account.name, new.account.name
    own, other = old.stationery.signature(names[0]), new.stationery.signature(names[1])
    moved = replace(
        draft,
        draft_id=made,
        revision=0,
        state=DraftState.EDITING,
        idempotency_key=f"draft-{made}",
        answers="",
        agent="",
        body=resigned(draft.body, own, other),
    )
    if draft.via == VIA_SES and new.account.ses is None:
        words = phrase("{} has no way out by SES: it leaves by its own.", clean_line(names[1]))
        return replace(moved, via="", format=BodyFormat.PLAIN), words
    return moved, EMPTY


def resigned(body: str, own: str, other: str) -> str:
    """Put another signature in the place of one's own; a body without it is left as it is."""
    if not own or own == other:
        return body
    signed = f"{SIGNATURE_RULE}\n{own}"
    before, found, after = body.rpartition(signed)
    if not found:
        return body
    if other:
        return f"{before}{SIGNATURE_RULE}\n{other}{after}"
    return f"{before.rstrip(chr(10))}{after}"
