"""The drafts that are open at once, and the saving of all of them.

Closes four traps: a save for every key (one a second at most, and the next waits for the answer), a
draft that is lost because its screen was closed (they live here, not on the screen), one that is let go
before its last save has come back, and one that nobody wrote anything into and that is kept all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services.carried_events import CarriedTold
from services.events import RequestFailed
from services.outbound_events import (
    DiscardDraft,
    DraftNotSaved,
    DraftSaved,
    OutboundDone,
    SaveDraft,
    SendQueued,
)
from services.safe_text import EMPTY, phrase
from tui.open_draft import OpenDraft

if TYPE_CHECKING:
    from services.draft import Draft
    from services.events import OutboundEvent
    from services.requests import Request
    from services.safe_text import SafeText

SAVE_SECONDS: Final = 1.0
"""How long what was typed waits for a save at most; the save itself has as long again."""
RETRY_SECONDS: Final = 5.0


class OpenDrafts:
    """Every draft that is open; `on_saved` is called when one of them was saved, or was not, and
    `unseen` in its place while no draft is on the screen."""

    def __init__(
        self, ask: Callable[[Request], int], unseen: Callable[[OpenDraft], None] | None = None
    ) -> None:
        self._ask = ask
        self._unseen = unseen or _nobody
        self._open: list[OpenDraft] = []
        self._under_way: dict[int, OpenDraft] = {}
        self._closed: list[OpenDraft] = []
        """Let go of, if their last save comes back well."""
        self.shown: OpenDraft | None = None
        """The one on the screen now."""
        self.last: OpenDraft | None = None
        """The one that was on the screen last."""
        self.discarded: list[tuple[str, str]] = []
        """Drafts (id, account) that were discarded and can be brought back, the last one last."""
        self.on_saved: Callable[[OpenDraft], None] | None = None
        self._discarding: set[int] = set()
        self.look_outside: Callable[[], None] | None = None
        """Takes in at once what an editor has saved that has a draft now."""
        self._settled: Callable[[], None] | None = None
        self.on_carried: Callable[[OpenDraft], None] = _nobody
        """Called when files that go along from another message have moved."""

    @property
    def all(self) -> tuple[OpenDraft, ...]:
        """The open drafts, in the order they were opened."""
        return tuple(self._open)

    @property
    def not_saved(self) -> tuple[OpenDraft, ...]:
        """The open drafts of which the disk has not what was written."""
        return tuple(draft for draft in self._open if draft.trouble)

    def find(self, draft_id: str) -> OpenDraft | None:
        """The open draft of this id."""
        return next((draft for draft in self._open if draft.draft_id == draft_id), None)

    def open(self, draft: Draft, account: str = "", remark: SafeText = EMPTY) -> OpenDraft:
        """Open a draft; one that is open keeps what was typed, unless its text is older."""
        found = self.find(draft.draft_id)
        if found is not None and (found.unsaved or found.base.revision >= draft.revision):
            return found
        opened = OpenDraft(draft, account, remark)
        if found is None:
            self._open.append(opened)
        else:
            self._open[self._open.index(found)] = opened
        return opened

    def close(self, draft: OpenDraft) -> None:
        """Save a draft and let it go; one that cannot be saved is open again."""
        if (self.save(draft) or self.is_saving(draft)) and draft not in self._closed:
            self._closed.append(draft)
        self.drop(draft)

    def drop(self, draft: OpenDraft) -> None:
        """Let a draft go: it was sent or discarded."""
        if draft in self._open:
            self._open.remove(draft)
        if self.last is draft:
            self.last = self._open[-1] if self._open else None

    def forget_sealed(self, account: str = "") -> None:
        """Keys were locked: let go of encrypted drafts, but for the one that is written on."""
        for draft in self.all:
            if draft.is_sealed and draft is not self.shown and draft.account == account:
                self.close(draft)

    def beside(self, draft: OpenDraft, by: int) -> OpenDraft:
        """The open draft before or behind this one."""
        if draft not in self._open:
            return self._open[0] if self._open else draft
        return self._open[(self._open.index(draft) + by) % len(self._open)]

    # ── saving ───────────────────────────────────────────────────────────────────────────────────

    def is_saving(self, draft: OpenDraft) -> bool:
        """A save of it is under way."""
        return draft in self._under_way.values()

    def save(self, draft: OpenDraft, *, anyway: bool = False) -> bool:
        """Save a draft if there is anything to save; False when there is not."""
        if not (draft.unsaved or anyway):
            return False
        draft.taken()
        self._under_way[self._ask(SaveDraft(draft.value, draft.account))] = draft
        return True

    def discard(self, draft: OpenDraft) -> None:
        """Drop a draft so that it can be brought back; whoever asks says so, with the way back."""
        self.save(draft)
        self._discarding.add(self._ask(DiscardDraft(draft.draft_id, draft.account)))
        self.discarded.append((draft.draft_id, draft.account))

    def save_text(self, draft: OpenDraft, text: str) -> None:
        """Keep what an editor has saved of a draft; the draft on the screen stays as it is.

        Safe from another thread while the screen stands still.
        """
        kept = replace(draft.value, body=text)
        self._under_way[self._ask(SaveDraft(kept, draft.account))] = draft

    def save_all(self) -> None:
        """Save everything now; safe from any thread, for a program that is about to end."""
        if self.look_outside is not None:
            self.look_outside()
        for draft in self.all:
            self.save(draft)

    def settle(self, then: Callable[[], None]) -> bool:
        """Save everything and call `then` when all of it has come back; False when nothing is to
        be saved."""
        self.save_all()
        if not self._under_way:
            return False
        self._settled = then
        return True

    def heard(self, event: OutboundEvent | RequestFailed) -> bool:
        """Take what the engine told about a save; False when it is about something else."""
        if isinstance(event, SendQueued):
            sent = self.find(event.draft_id)
            if sent is not None:
                self.drop(sent)
            return False
        if isinstance(event, CarriedTold):
            self._carried(event)
            return False
        if isinstance(event, OutboundDone):
            return event.request_id in self._discarding
        if not isinstance(event, DraftSaved | DraftNotSaved | RequestFailed):
            return False
        draft = self._under_way.pop(event.request_id, None)
        if draft is None:
            return False
        if isinstance(event, DraftSaved):
            draft.saved(event.draft_id, event.revision)
            draft.remark = event.remark or draft.remark
            if draft in self._closed and not self.is_saving(draft):
                self._closed.remove(draft)
        else:
            step = event.next_step
            draft.not_saved(phrase("{} {}", event.sentence, step) if step else event.sentence)
            self._open_again(draft)
        (self.on_saved or self._unseen)(draft)
        if self._settled is not None and not self._under_way:
            then, self._settled = self._settled, None
            then()
        return True

    def _open_again(self, draft: OpenDraft) -> None:
        if draft not in self._closed:
            return
        self._closed.remove(draft)
        if self.find(draft.draft_id) is None and not draft.value.is_blank:
            self._open.append(draft)
            self.last = self.last or draft

    def _carried(self, told: CarriedTold) -> None:
        draft = self.find(told.draft_id)
        if draft is not None:
            draft.carried = {file.path: file for file in told.files}
            self.on_carried(draft)


def _nobody(_draft: OpenDraft) -> None:
    """Nobody looks."""
