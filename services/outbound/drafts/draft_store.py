"""Drafts on the disk: saved durably, once, and sealed when the mail is to be encrypted.

Closes four traps: two programs that write on the same draft (the later one keeps its text as a copy
of its own, nothing is overwritten), a save that arrives after the mail has left and would bring the
draft back as a second mail, a draft that is removed before it is written down where it went, and
text that was saved in clear before somebody asked for encryption (it leaves the disk in the same
transaction). Everything here waits for the disk and may seal: call it in a thread.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from services.draft import Draft, DraftState, Encryption
from services.errors import CacheError, CryptoError, MailError, NotFound, UsageError
from services.outbound.drafts.draft_documents import (
    DraftHead,
    draft_from,
    summary_of,
)
from services.outbound.drafts.draft_heads import DraftHeads
from services.outbound.drafts.draft_rows import SummaryCache
from services.outbound.drafts.revisions import Revisions, Text
from services.outbound.log.sealed_documents import NoSealer, Sealer
from services.outbound.log.store import OutboundStore
from services.outbound_models import DraftRow

KEPT_SECONDS: Final = 7 * 24 * 3600
"""How long a discarded draft can be brought back."""
_CLOSED: Final = frozenset({DraftState.QUEUED, DraftState.CANCELLED})
"""States in which a draft is not written on any more."""


class RevisionConflict(MailError):
    """Somebody else has saved, sent or decided the draft since it was read."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One kept revision: `author` is an agent's name, "" for the operator."""

    number: int
    author: str
    at: int
    draft: Draft


class Drafts:
    """The drafts of one account; usable from any thread."""

    def __init__(
        self,
        store: OutboundStore,
        sealer: Sealer | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._sealer: Sealer = sealer or NoSealer()
        self._heads = DraftHeads(store)
        self._revisions = Revisions(store, self._sealer)
        self._clock = clock
        self._runs: dict[str, _Run] = {}
        self._copies: dict[tuple[str, int], str] = {}
        self._summaries = SummaryCache(self._sealer)
        self.on_gone: Callable[[str], None] = _nothing
        """Called with the id of a draft that has left or cannot be brought back any more."""

    # ── saving ───────────────────────────────────────────────────────────────────────────────────

    def save(self, draft: Draft, *, author: str = "", copy_on_conflict: bool = True) -> Draft:
        """Save a draft durably as a new revision and return it as it is kept.

        It keeps its stored state and idempotency key; only `put_state` changes a state. When
        somebody else has saved or sent it since, the text is kept as a copy of the operator's own
        with another `draft_id`, or without `copy_on_conflict` RevisionConflict is raised. A later
        save of the same process may name an older revision of its own. A blank draft of the
        operator's is put away.
        Raises DiskFull, CacheLocked or CacheError: nothing is saved then.
        """
        if draft.is_blank and not (draft.agent or author):
            return self._put_away(draft)
        text = self._revisions.text(draft)
        with self._store.transaction():
            head = self._heads.find(draft.draft_id)
            is_conflict = head is not None and self._is_conflict(head, draft)
            if head is not None and self._is_saved(head, text, is_conflict=is_conflict):
                return _as_kept(draft, head)
            if is_conflict:
                if not copy_on_conflict:
                    raise RevisionConflict(
                        "Somebody else has changed or sent this draft since.", "Read it again."
                    )
                draft, head = self._as_copy(draft)
            head = self._write(draft, head, text, author)
        run = self._runs.get(head.draft_id)
        first = run.first if run is not None and run.last == head.revision - 1 else draft.revision
        self._runs[head.draft_id] = _Run(first, head.revision, text.digest)
        return _as_kept(draft, head)

    def seal_what_is_clear(self) -> int:
        """Seal the encrypted drafts that were saved while there was no key; returns how many.

        Raises as `save`.
        """
        if self._sealer.hindrance:
            return 0
        done = 0
        with self._store.transaction():
            for head in self._heads.every():
                if head.is_encrypted and not head.is_sealed and not head.is_settled:
                    self._revisions.seal_all(head.draft_id, head.kept)
                    self._heads.put(replace(head, is_sealed=True, hindrance="", summary=None))
                    done += 1
        return done

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def get(self, draft_id: str) -> Draft:
        """Return a kept draft; NotFound, Locked when its key is locked, CacheDamaged."""
        head = self.head(draft_id)
        if head.discarded_at or head.is_settled:
            raise _not_found()
        return draft_from(head, self._content(head))

    def head(self, draft_id: str) -> DraftHead:
        """Return what is known of a draft without opening it, also when it has left; NotFound."""
        head = self._heads.find(draft_id)
        if head is None:
            raise _not_found()
        return head

    def every(self) -> tuple[DraftHead, ...]:
        """Return what is known of all drafts, also of discarded ones and of those that have left."""
        return self._heads.every()

    def restorable(self) -> set[str]:
        """Return the ids of all drafts but those that have left or were discarded for good."""
        oldest, heads = int(self._clock()) - KEPT_SECONDS, self._heads.every()
        open_heads = (head for head in heads if not head.is_settled)
        return {h.draft_id for h in open_heads if not h.discarded_at or h.discarded_at >= oldest}

    def heads(self, *states: DraftState) -> tuple[DraftHead, ...]:
        """Return the drafts in these states (none named: in any), newest first; needs no key."""
        found = [
            head
            for head in self._heads.every()
            if not (head.discarded_at or head.is_settled) and (not states or head.state in states)
        ]
        return tuple(sorted(found, key=lambda head: (head.changed_at, head.made_at), reverse=True))

    def rows(self) -> tuple[DraftRow, ...]:
        """Return the drafts that a person writes on, newest first; opens what can be opened.

        Seals on the way what had to wait for a key.
        """
        heads = self.heads(DraftState.EDITING)
        if any(head.hindrance for head in heads):
            # The rows say what could not be sealed, whatever the reason.
            with suppress(CacheError, CryptoError):
                self.seal_what_is_clear()
            heads = self.heads(DraftState.EDITING)
        return self._summaries.rows(
            heads,
            lambda head: self._content(head, quietly=True),
            owes_scrub=self._store.owes_scrub,
        )

    def revisions(self, draft_id: str) -> tuple[Revision, ...]:
        """Return the kept revisions, oldest first; raises as `get`."""
        head = self.head(draft_id)
        found = []
        for number in head.kept:
            text = self._revisions.read(draft_id, number)
            if text is not None:
                older = replace(head, revision=number, changed_at=text.at)
                draft = draft_from(older, text.content)
                found.append(Revision(number, text.author, text.at, draft))
        return tuple(found)

    def stored_bytes(self, head: DraftHead) -> int:
        """Return how many bytes the text of a draft takes on the disk, older revisions included."""
        return self._revisions.size(head.draft_id, head.kept)

    def forget(self) -> None:
        """Drop what was opened: the key has been locked."""
        self._summaries.forget()

    # ── changing what is known of a draft ────────────────────────────────────────────────────────

    def put_state(
        self,
        draft_id: str,
        state: DraftState,
        *,
        reason: str = "",
        expected: DraftState | None = None,
        new_key: bool = False,
    ) -> DraftHead:
        """Give a draft another state, with the reason that lists and agents are told.

        RevisionConflict when it is not in the `expected` state any more. `new_key` gives it another
        idempotency key: what is sent after an edit must not pass for a repetition. NotFound.
        """
        with self._store.transaction():
            head = self.head(draft_id)
            if expected is not None and head.state is not expected:
                raise RevisionConflict(
                    f"This draft is not {expected.value} any more: it is {head.state.value}."
                )
            key = _new_key() if new_key else head.idempotency_key
            head = replace(
                head,
                state=state,
                reason=reason,
                idempotency_key=key,
                changed_at=int(self._clock()),
            )
            self._heads.put(head)
        run = self._runs.get(draft_id)
        if run is not None:
            # What was typed before this does not go over what is saved behind it.
            self._runs[draft_id] = replace(run, first=run.last + 1)
        return head

    def discard(self, draft_id: str) -> bool:
        """Drop a draft, for a while so that `restore` brings it back; False when it is not there.

        UsageError when it waits for a decision or is on its way.
        """
        with self._store.transaction():
            head = self._heads.find(draft_id)
            if head is None or head.discarded_at or head.is_settled:
                return False
            if head.state is DraftState.QUEUED:
                raise UsageError("This mail is in the outbox.", "Cancel it there first.")
            if head.state is DraftState.WAITING:
                raise UsageError("An agent waits for an answer to this.", "Reject it instead.")
            self._heads.put(replace(head, discarded_at=int(self._clock())))
            self._purge()
        return True

    def restore(self, draft_id: str) -> DraftHead:
        """Bring back a discarded draft; NotFound when it is gone for good."""
        with self._store.transaction():
            head = self.head(draft_id)
            if head.is_settled:
                raise _not_found()
            head = replace(head, discarded_at=0)
            self._heads.put(head)
        return head

    def settle(self, draft_id: str) -> None:
        """Let go of the text of a draft that has left, in the transaction that says where to.

        What is known of it stays, so that a late save does not make a second mail of it.
        """
        with self._store.transaction():
            head = self.head(draft_id)
            self._revisions.drop(head.draft_id, head.kept)
            self._heads.put(replace(head, is_settled=True, kept=(), summary=None))
            self.on_gone(draft_id)

    def drop(self, head: DraftHead) -> None:
        """Remove a draft for good, with all that is known of it."""
        with self._store.transaction():
            self._revisions.drop(head.draft_id, head.kept)
            self._heads.remove(head.draft_id)
            self.on_gone(head.draft_id)

    # ── one draft ────────────────────────────────────────────────────────────────────────────────

    def _content(self, head: DraftHead, *, quietly: bool = False) -> Mapping[str, Any]:
        text = self._revisions.read(head.draft_id, head.revision, quietly=quietly)
        if text is None:
            raise _not_found()
        return text.content

    def _is_conflict(self, head: DraftHead, draft: Draft) -> bool:
        if head.is_settled or head.state in _CLOSED:
            return True
        run = self._runs.get(head.draft_id)
        is_later_of_same = (
            run is not None and run.last == head.revision and run.first <= draft.revision
        )
        return draft.revision != head.revision and not is_later_of_same

    def _is_saved(self, head: DraftHead, text: Text, *, is_conflict: bool) -> bool:
        """Tell whether this very text is the last that was saved here and nobody came after."""
        run = self._runs.get(head.draft_id)
        if run is None or run.last != head.revision or run.content != text.digest:
            return False
        return is_conflict or head.is_sealed == text.is_sealed

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def _write(self, draft: Draft, head: DraftHead | None, text: Text, author: str) -> DraftHead:
        now = int(self._clock())
        before = head or DraftHead(
            draft.draft_id,
            draft.revision,
            draft.state,
            draft.idempotency_key or _new_key(),
            agent=draft.agent,
            made_at=draft.made_at or now,
        )
        number = before.revision + 1
        stay = self._revisions.make_room(draft.draft_id, before.kept, author)
        after = replace(
            before,
            revision=number,
            changed_at=now,
            is_encrypted=draft.encryption is Encryption.REQUIRED,
            is_sealed=text.is_sealed,
            hindrance=text.hindrance,
            files=len(draft.files),
            summary=None if text.is_sealed else summary_of(text.content),
            kept=(*stay, number),
            author=author,
            discarded_at=0,
        )
        self._revisions.put(draft.draft_id, number, text, author, now)
        self._heads.put(after)
        if text.is_sealed and head is not None and not head.is_sealed:
            self._revisions.seal_all(after.draft_id, stay)
        return after

    def _as_copy(self, draft: Draft) -> tuple[Draft, DraftHead | None]:
        """Return the same text as another mail: a new one, or the one that an earlier save made.

        Saves that were under way when the first was kept as a copy still carry the old id.
        """
        known = self._copies.get((draft.draft_id, draft.revision), "")
        head, run = self._heads.find(known), self._runs.get(known)
        copy = replace(draft, draft_id=known, state=DraftState.EDITING, agent="")
        if head is not None and run is not None and run.last == head.revision:
            copy = replace(copy, revision=head.revision)
            if not self._is_conflict(head, copy):
                return copy, head
        copy = replace(
            copy, draft_id=uuid.uuid4().hex, revision=0, idempotency_key=_new_key(), made_at=0
        )
        self._copies[draft.draft_id, draft.revision] = copy.draft_id
        return copy, None

    def _put_away(self, draft: Draft) -> Draft:
        with self._store.transaction():
            head = self._heads.find(draft.draft_id)
            if head is None or head.state is not DraftState.EDITING or head.is_settled:
                return draft
            if not self._is_conflict(head, draft):
                self._heads.put(replace(head, discarded_at=int(self._clock())))
                run = self._runs.get(draft.draft_id)
                if run is not None:
                    self._runs[draft.draft_id] = replace(run, content=b"")
        return draft

    def _purge(self) -> None:
        oldest = int(self._clock()) - KEPT_SECONDS
        for head in self._heads.every():
            if head.discarded_at and head.discarded_at < oldest:
                self.drop(head)


@dataclass(frozen=True, slots=True)
class _Run:
    """Saves of this process that nobody else came between: on what it began, and its last one."""

    first: int
    last: int
    content: bytes


def _as_kept(draft: Draft, head: DraftHead) -> Draft:
    return replace(
        draft,
        draft_id=head.draft_id,
        revision=head.revision,
        state=head.state,
        idempotency_key=head.idempotency_key,
        agent=head.agent,
        made_at=head.made_at,
        changed_at=head.changed_at,
    )


def _nothing(_draft_id: str) -> None:
    """Nobody keeps anything else of a draft."""


def _new_key() -> str:
    return f"draft-{uuid.uuid4().hex}"


def _not_found() -> NotFound:
    return NotFound("There is no such draft.", "See: agentmail-tui draft list")
