"""What becomes of a draft when the last of its mails is settled, and the record of each step.

Closes two traps: a draft that is gone although its mail did not leave, and one that comes back whole
although some of its recipients have it. Everything here runs inside the transaction that settles the
mail, so neither can happen without the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services.draft import VIA_SES, Draft, DraftState
from services.errors import CacheDamaged, CryptoError, NotFound
from services.outbound.gate.addressing import recipients_of
from services.outbound.outbox.outbox_documents import NEVER_LEFT, OutboxEntry
from services.outbound_models import OutboxState

if TYPE_CHECKING:
    from services.outbound.drafts.draft_store import Drafts
    from services.outbound.log.audit import AuditLog
    from services.outbound.log.store import OutboundStore

_WORDS: Final = {
    OutboxState.REFUSED: "refused",
    OutboxState.CANCELLED: "taken back",
    OutboxState.EXPIRED: "expired",
}


class Homecoming:
    """The `Chronicle` of one account's outbox."""

    def __init__(self, drafts: Drafts, audit: AuditLog, store: OutboundStore) -> None:
        self._drafts = drafts
        self._audit = audit
        self._store = store

    def told(self, entry: OutboxEntry, action: str, *, actor: str, answer: str = "") -> None:
        """Note in the audit log what happened to an entry."""
        by_ses = "by Amazon SES to " if entry.via == VIA_SES else ""
        what = "oversight copy to " if entry.is_copy else by_ses
        self._audit.record(
            actor,
            action,
            subject=f"{what}{entry.to}: {entry.subject}",
            digest=entry.digest,
            reason=entry.reason,
            answer=answer,
        )

    def all_settled(self, entries: tuple[OutboxEntry, ...]) -> None:
        """Let go of the draft when all have left, bring it back when some have not."""
        if any(not entry.is_settled for entry in entries):
            return
        mails = [entry for entry in entries if not entry.is_copy]
        unsent = [entry for entry in mails if entry.state in NEVER_LEFT]
        try:
            if not unsent:
                self._let_go(entries[0].draft_id)
                return
            self._bring_back(entries, unsent)
        except NotFound:
            # Its draft was removed by hand; the entries still tell what became of it.
            return

    def _let_go(self, draft_id: str) -> None:
        head = self._drafts.head(draft_id)
        self._drafts.settle(draft_id)
        if head.is_encrypted and not head.is_sealed:
            # It left encrypted: what stood here in clear for want of a key must not stay.
            self._store.scrub()

    def _bring_back(self, entries: tuple[OutboxEntry, ...], unsent: list[OutboxEntry]) -> None:
        draft_id = entries[0].draft_id
        left = [entry for entry in entries if entry.state is OutboxState.SENT]
        reason = _reason(unsent, left)
        # What was sent keeps its key; where nothing was, an edited mail is another one.
        self._drafts.put_state(
            draft_id,
            _state(unsent[0]),
            reason=reason,
            new_key=not left or self._trim(draft_id, left),
        )

    def _trim(self, draft_id: str, left: list[OutboxEntry]) -> bool:
        """Take those who have it out of the draft; False when it cannot be opened now.

        It then comes back whole, under its old key, which keeps anybody from getting it twice.
        """
        self._drafts.put_state(draft_id, DraftState.EDITING)
        try:
            draft = self._drafts.get(draft_id)
        except (CryptoError, CacheDamaged):
            return False
        self._drafts.save(without(draft, (entry.to for entry in left)))
        return True


def without(draft: Draft, addresses: Iterable[str]) -> Draft:
    """Return a draft that is not addressed to these any more."""
    gone = {address.lower() for address in addresses}
    stay = {one.typed for one in recipients_of(draft) if one.address.lower() not in gone}

    def kept(typed: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(text for text in typed if text.strip() in stay)

    return replace(draft, to=kept(draft.to), cc=kept(draft.cc), bcc=kept(draft.bcc))


def _state(entry: OutboxEntry) -> DraftState:
    """An agent's proposal waits for a decision again; what the operator wrote is written on."""
    if not entry.agent:
        return DraftState.EDITING
    return DraftState.EXPIRED if entry.state is OutboxState.EXPIRED else DraftState.WAITING


def _reason(unsent: list[OutboxEntry], left: list[OutboxEntry]) -> str:
    first = next((entry for entry in unsent if entry.state is OutboxState.REFUSED), unsent[0])
    told = _WORDS[first.state]
    reason = f"{told}: {first.reason}" if first.state is OutboxState.REFUSED else told
    have_it = ", ".join(entry.to for entry in left if not entry.is_copy)
    return f"{reason} Already sent to {have_it}." if have_it else reason
