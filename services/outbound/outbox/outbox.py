"""The outbox: which mail waits, leaves, has left, or may have left. States only, no network.

Closes the trap of mail that is lost or sent twice between two programs or two lives of one: every
step is one durable transaction that looks at the state first, and what it says is true before the
next step begins. A draft becomes QUEUED in the very transaction that puts its mail here, and comes
back in the one that settles the last of it unsent.

    PENDING ──→ CLAIMED ──→ SENT
       │  ↑        │  └───→ REFUSED        draft back
       │  └────────┤ certainly not sent; tried again
       │           └──────→ UNCERTAIN ──→ CLAIMED (same bytes) or SENT, where allowed
       ├──→ CANCELLED, EXPIRED, REFUSED    draft back

Everything here waits for the disk: call it in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from services.errors import CacheDamaged, MailError, NotFound, UsageError
from services.outbound.log.anchor import Anchor
from services.outbound.log.store import CONTENTS, OUTBOX
from services.outbound.outbox.outbox_documents import NEVER_LEFT, UNDER_WAY, Content, OutboxEntry
from services.outbound.outbox.owning_up import own_up
from services.outbound_models import OutboxState

if TYPE_CHECKING:
    from services.outbound.log.store import OutboundStore

PROGRAM: Final = "program"
"""Who acts when no person does."""
SETTLED_TABLE: Final = "settled"
"""Entries that are settled: the outbox itself stays small, however much has been sent."""
BATCHES_TABLE: Final = "batches"
"""By batch: the ids of its entries."""
DRAFT_TABLE: Final = "draft_batches"
"""By draft: the batches that it became, the latest last."""
KEYS_TABLE: Final = "keys"
"""By idempotency key: the entry that has it, the latest if there were several."""
_WAITS: Final = frozenset({OutboxState.PENDING, OutboxState.UNCERTAIN})


class Chronicle(Protocol):
    """What else changes with an entry, in the same transaction (`services.outbound.outbox.homecoming`)."""

    def told(self, entry: OutboxEntry, action: str, *, actor: str, answer: str = "") -> None:
        """Note in the audit log what happened to an entry."""
        ...

    def all_settled(self, entries: tuple[OutboxEntry, ...]) -> None:
        """None of a batch is under way any more: its draft has gone, or comes back."""
        ...


class Elsewhere(MailError):
    """The entry is not where it was thought to be: another process, or a person, was faster."""


class Outbox:
    """The entries of one account; `clock` gives seconds since the epoch."""

    def __init__(
        self, store: OutboundStore, chronicle: Chronicle, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._chronicle = chronicle
        self._clock = clock
        self._anchor = Anchor(store)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def find(self, entry_id: str) -> OutboxEntry | None:
        """Return an entry, None when there is none."""
        for table in (OUTBOX, SETTLED_TABLE):
            document = self._store.get(table, entry_id)
            if document is not None:
                return OutboxEntry.of_document(document)
        return None

    def get(self, entry_id: str) -> OutboxEntry:
        """Return an entry; NotFound when there is none."""
        entry = self.find(entry_id)
        if entry is None:
            raise NotFound("There is no such mail in the outbox.")
        return entry

    def open(self) -> tuple[OutboxEntry, ...]:
        """What is not settled, in the order of queueing."""
        return tuple(self._of(OUTBOX))

    def settled(self) -> tuple[OutboxEntry, ...]:
        """What is settled, in the order of settling."""
        return tuple(self._of(SETTLED_TABLE))

    def of_draft(self, draft_id: str) -> tuple[OutboxEntry, ...]:
        """Everything that a draft became."""
        known = self._store.get(DRAFT_TABLE, draft_id) or {}
        return tuple(entry for batch in known.get("batches", ()) for entry in self.batch(batch))

    def decided(self, draft_id: str, digest: str) -> tuple[OutboxEntry, ...]:
        """What waits, leaves or has left because of one decision, () when there is nothing such."""
        return tuple(
            entry
            for entry in self.of_draft(draft_id)
            if entry.digest == digest and entry.state not in NEVER_LEFT
        )

    def content(self, entry_id: str) -> Content:
        """Return what an entry holds; NotFound when that is not kept."""
        document = self._store.get(CONTENTS, entry_id)
        if document is None:
            raise NotFound("There is no local copy of this mail.")
        return Content.of_document(document)

    def left_since(self, moment: int) -> int:
        """How many were queued since a moment, blind copies too, and not taken back or refused."""
        found = (*self._of(SETTLED_TABLE), *self._of(OUTBOX))
        left = (e for e in found if e.queued_at >= moment and e.state not in NEVER_LEFT)
        return sum(1 + entry.bcc for entry in left)

    def _of(self, table: str) -> Iterator[OutboxEntry]:
        for _, document in self._store.all(table):
            yield OutboxEntry.of_document(document)

    # ── in ───────────────────────────────────────────────────────────────────────────────────────

    def queue(
        self, mails: Iterable[tuple[OutboxEntry, Content]], *, actor: str
    ) -> tuple[OutboxEntry, ...]:
        """Put mails in; only inside of the transaction that marks their draft QUEUED.

        UsageError when one of them is in the outbox, or has left, already.
        """
        self.own_up()
        if not self._anchor.holds():
            self._anchor.cast()
        queued: dict[str, OutboxEntry] = {}
        for entry, content in mails:
            self._check_unused(entry.idempotency_key)
            self._put(entry)
            self._keep(entry.entry_id, content)
            self._store.put(KEYS_TABLE, entry.idempotency_key, {"entry": entry.entry_id})
            self._chronicle.told(entry, "queued", actor=actor)
            queued[entry.entry_id] = entry
        self._keep_batch(tuple(queued.values()))
        return tuple(queued.values())

    def _keep_batch(self, entries: tuple[OutboxEntry, ...]) -> None:
        draft_id, batch = entries[0].draft_id, entries[0].batch
        ids = [entry.entry_id for entry in entries]
        known = self._store.get(DRAFT_TABLE, draft_id) or {}
        self._store.put(BATCHES_TABLE, batch, {"entries": ids})
        self._store.put(DRAFT_TABLE, draft_id, {"batches": [*known.get("batches", ()), batch]})

    def _check_unused(self, key: str) -> None:
        known = self._store.get(KEYS_TABLE, key)
        entry = self.find(known["entry"]) if known else None
        if entry is not None and entry.state not in NEVER_LEFT:
            raise UsageError(
                "This mail is in the outbox, or was sent, already.", "Look at the Outbox."
            )

    def batch(self, batch: str) -> tuple[OutboxEntry, ...]:
        """All mails that one decision queued, wherever they stand."""
        known = self._store.get(BATCHES_TABLE, batch) or {}
        found = (self.find(entry_id) for entry_id in known.get("entries", ()))
        return tuple(entry for entry in found if entry is not None)

    # ── on the way ───────────────────────────────────────────────────────────────────────────────

    def keep_sealed(self, entry_id: str, sealed: dict[str, Any]) -> OutboxEntry:
        """Its bytes do not change any more. Raises Elsewhere unless it is PENDING."""
        with self._step(entry_id, OutboxState.PENDING) as entry:
            content = self.content(entry_id)
            if content.text_form == "plain":
                # Without an own key there is nothing to seal a copy to: then none is kept.
                content = replace(content, text="", text_form="")
                self._store.scrub()
            self._keep(entry_id, replace(content, sealed=sealed))
            return self._put(replace(entry, is_sealed=True, next_try=0, failures=0, reason=""))

    def keep_uploaded(self, entry_id: str, sealed: dict[str, Any]) -> OutboxEntry:
        """Some of its files are uploaded; they keep their object keys. Raises as `keep_sealed`."""
        with self._step(entry_id, OutboxState.PENDING) as entry:
            self._keep(entry_id, replace(self.content(entry_id), sealed=sealed))
            return entry

    def keep_ready(self, entry_id: str, ready: dict[str, Any]) -> OutboxEntry:
        """Everything of it is uploaded. Raises Elsewhere unless it is PENDING."""
        with self._step(entry_id, OutboxState.PENDING) as entry:
            self._keep(entry_id, replace(self.content(entry_id), ready=ready))
            return self._put(replace(entry, is_ready=True, next_try=0, failures=0, reason=""))

    def claim(self, entry_id: str, by: str) -> OutboxEntry:
        """It is about to leave: from here on a death leaves it CLAIMED. Needs the work lock.

        Raises Elsewhere unless it is ready and PENDING, or UNCERTAIN.
        """
        with self._step(entry_id, *_WAITS) as entry:
            if not entry.is_ready:
                raise Elsewhere("This mail is not ready to be sent.")
            claimed = entry.moved(
                OutboxState.CLAIMED, self._now, claimed_by=by, tries=entry.tries + 1
            )
            if not self._anchor.holds():
                raise Elsewhere("This outbox was exchanged for another state of it.")
            self._anchor.cast()
            first = entry.first_claimed or self._now
            return self._put(replace(claimed, first_claimed=first, next_try=0, reason=""))

    def unclaim(self, entry_id: str) -> OutboxEntry:
        """It was claimed and not even tried."""
        with self._step(entry_id, OutboxState.CLAIMED) as entry:
            back = OutboxState.UNCERTAIN if entry.may_have_left else OutboxState.PENDING
            return self._put(
                entry.moved(back, self._now, claimed_by="", tries=max(0, entry.tries - 1))
            )

    def sent(self, entry_id: str, server_id: str, answer: str) -> OutboxEntry:
        """The service took it."""
        with self._step(entry_id, OutboxState.CLAIMED, OutboxState.UNCERTAIN) as entry:
            done = entry.moved(OutboxState.SENT, self._now, server_id=server_id, reason="")
            return self._settle(done, "sent", actor=PROGRAM, answer=answer)

    def postpone(self, entry_id: str, reason: str, next_try: int) -> OutboxEntry:
        """It certainly did not leave this time, and is tried again; a person's word for that stands."""
        with self._step(entry_id, *UNDER_WAY, OutboxState.UNCERTAIN) as entry:
            if entry.may_have_left:
                return self._doubt(entry, reason, next_try)
            return self._put(
                entry.moved(
                    OutboxState.PENDING,
                    self._now,
                    reason=reason,
                    next_try=next_try,
                    failures=entry.failures + 1,
                    claimed_by="",
                )
            )

    def doubt(self, entry_id: str, reason: str, next_try: int) -> OutboxEntry:
        """It may have left; with a `next_try` the same bytes are sent again by themselves."""
        with self._step(entry_id, *UNDER_WAY, OutboxState.UNCERTAIN) as entry:
            return self._doubt(replace(entry, may_repeat=False), reason, next_try)

    def absent(self, entry_id: str) -> OutboxEntry:
        """The service was asked and does not have it: it did not leave."""
        with self._step(entry_id, OutboxState.UNCERTAIN) as entry:
            back = entry.moved(OutboxState.PENDING, self._now, may_have_left=False, next_try=0)
            return self._put(replace(back, reason=""))

    def refuse(self, entry_id: str, reason: str, answer: str = "") -> OutboxEntry:
        """It cannot leave. After an attempt without answer that proves nothing: then it is UNCERTAIN."""
        with self._step(entry_id, *UNDER_WAY, OutboxState.UNCERTAIN) as entry:
            if entry.may_have_left:
                return self._doubt(replace(entry, may_repeat=False), reason, 0)
            if not entry.is_sealed:
                self._refuse_mates(entry, reason)
            refused = entry.moved(OutboxState.REFUSED, self._now, reason=reason)
            return self._settle(refused, "refused", actor=PROGRAM, answer=answer)

    def _refuse_mates(self, entry: OutboxEntry, reason: str) -> None:
        """What was decided together leaves together, as long as nothing of it has left."""
        for mate in self.batch(entry.batch):
            if mate.entry_id != entry.entry_id and mate.state is OutboxState.PENDING:
                mine = mate.moved(OutboxState.REFUSED, self._now, reason=f"{entry.to}: {reason}")
                self._settle(mine, "refused", actor=PROGRAM)

    def expire(self, entry_id: str, reason: str) -> OutboxEntry:
        """It waited too long."""
        with self._step(entry_id, OutboxState.PENDING) as entry:
            expired = entry.moved(OutboxState.EXPIRED, self._now, reason=reason)
            return self._settle(expired, "expired", actor=PROGRAM)

    def _doubt(self, entry: OutboxEntry, reason: str, next_try: int) -> OutboxEntry:
        doubted = entry.moved(
            OutboxState.UNCERTAIN,
            self._now,
            reason=reason,
            next_try=next_try,
            failures=entry.failures + 1,
            claimed_by="",
        )
        if not entry.may_have_left:
            self._chronicle.told(doubted, "uncertain", actor=PROGRAM)
        self._put(replace(doubted, may_have_left=True))
        self._settle_batch(entry.batch)
        return replace(doubted, may_have_left=True)

    # ── by a person ──────────────────────────────────────────────────────────────────────────────

    def cancel(self, entry_ids: Iterable[str], actor: str) -> tuple[OutboxEntry, ...]:
        """Take back what is still PENDING of these, and what was queued together with it.

        UsageError when nothing of it could be taken back.
        """
        with self._store.transaction():
            named = {entry_id: self.get(entry_id) for entry_id in entry_ids}
            batches = {entry.batch for entry in named.values()}
            taken = tuple(
                self._settle(
                    entry.moved(OutboxState.CANCELLED, self._now, reason="taken back"),
                    "cancelled",
                    actor=actor,
                )
                for entry in self.open()
                if entry.batch in batches and entry.state is OutboxState.PENDING
            )
            if not taken:
                raise UsageError("It is too late: the mail has left or leaves now.")
            if self._anchor.holds():
                self._anchor.cast()
            return taken

    def settle_uncertain(self, entry_id: str, *, resend: bool, actor: str) -> OutboxEntry:
        """Send the same bytes again, or count it as sent. UsageError unless it is UNCERTAIN."""
        with self._store.transaction():
            entry = self.get(entry_id)
            if entry.state is not OutboxState.UNCERTAIN:
                raise UsageError("This mail is not in doubt any more.", "Look at the Outbox.")
            if resend:
                self._chronicle.told(entry, "resend", actor=actor)
                return self._put(replace(entry, may_repeat=True, next_try=0))
            entry = entry.moved(
                OutboxState.SENT, self._now, reason="counted as sent", settled_by_hand=True
            )
            return self._settle(entry, "counted as sent", actor=actor)

    def hurry(self) -> None:
        """Try everything that waits for its next try now."""
        with self._store.transaction():
            for entry in self.open():
                if entry.next_try > self._now:
                    self._put(replace(entry, next_try=self._now))

    # ── after damage, in a copy ──────────────────────────────────────────────────────────────────

    def own_up(self) -> None:
        """Look whether what waits still has to leave: `services.outbound.outbox.owning_up`."""
        own_up(self, self._store, self._anchor)

    def hold(self, entry_id: str, reason: str) -> OutboxEntry:
        """It may have left, and nothing happens to it by itself: a person decides."""
        with self._step(entry_id, *UNDER_WAY, OutboxState.UNCERTAIN) as entry:
            return self._doubt(replace(entry, may_repeat=False), reason, 0)

    # ── one step ─────────────────────────────────────────────────────────────────────────────────

    @property
    def _now(self) -> int:
        return int(self._clock())

    @contextmanager
    def _step(self, entry_id: str, *states: OutboxState) -> Iterator[OutboxEntry]:
        """Lend an entry for changing, as every process knows it; Elsewhere in any other state."""
        with self._store.transaction():
            entry = self.find(entry_id)
            if entry is None or entry.state not in states:
                raise Elsewhere("This mail is not where it was.", "Look at the Outbox.")
            yield entry

    def _put(self, entry: OutboxEntry) -> OutboxEntry:
        self._store.put(OUTBOX, entry.entry_id, entry.to_document())
        return entry

    def _keep(self, entry_id: str, content: Content) -> None:
        self._store.put(CONTENTS, entry_id, content.to_document())

    def _settle(
        self, entry: OutboxEntry, action: str, *, actor: str, answer: str = ""
    ) -> OutboxEntry:
        settled = replace(entry, next_try=0, claimed_by="")
        self._store.remove(OUTBOX, entry.entry_id)
        self._store.put(SETTLED_TABLE, entry.entry_id, settled.to_document())
        self._slim(settled)
        self._chronicle.told(settled, action, actor=actor, answer=answer)
        self._settle_batch(entry.batch)
        return settled

    def _slim(self, entry: OutboxEntry) -> None:
        """Keep the local copy of what has left, and nothing of what has not: its draft is there."""
        if entry.state is not OutboxState.SENT:
            self._store.remove(CONTENTS, entry.entry_id)
            return
        try:
            content = self.content(entry.entry_id)
        except (NotFound, CacheDamaged):
            return
        self._keep(entry.entry_id, replace(content, sealed=None, ready=None))

    def _settle_batch(self, batch: str) -> None:
        entries = self.batch(batch)
        if not any(entry.state in UNDER_WAY for entry in entries):
            self._chronicle.all_settled(entries)
