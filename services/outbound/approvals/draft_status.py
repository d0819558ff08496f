"""Where a draft stands, in words that an agent understands and a state that a script can test.

Closes the trap of an agent that takes "not sent" for "failed" and sends again: every sentence says
whether it left, who has to do what, and that it must not be sent a second time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.draft import DraftState
from services.outbound.drafts.draft_documents import DraftHead
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound_models import OutboxState

NOT_PROPOSED: Final = "not proposed: "
"""How the reason of a draft begins that was kept although it could not be proposed."""
_DO_NOT: Final = "Do not send it again."


class Standing(Enum):
    """What became of a draft; the values are what `draft status --json` prints."""

    DRAFT = "draft"
    """The operator writes it."""
    WAITING = "waiting"
    PAUSED = "paused"
    """It waits, and its agent may not send anything now."""
    UNFINISHED = "unfinished"
    """It was kept, not proposed: something in it was wrong."""
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    QUEUED = "queued"
    """A person has approved it."""
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"

    @property
    def words(self) -> str:
        """What people call it, as `OutboxState.words` does."""
        return str(OutboxState.UNCERTAIN.words) if self is Standing.UNCERTAIN else self.value


EXIT_CODES: Final = {
    Standing.WAITING: 3, Standing.PAUSED: 7, Standing.REJECTED: 7, Standing.UNFINISHED: 2,
    Standing.EXPIRED: 1, Standing.WITHDRAWN: 1, Standing.UNCERTAIN: 1,
}  # fmt: skip
"""Exit codes of `draft status`; 0 for all others."""
_MOVING: Final = frozenset({Standing.WAITING, Standing.PAUSED, Standing.QUEUED, Standing.SENDING})
_SENTENCES: Final = {
    Standing.DRAFT: "Kept as a draft, not sent. Only a person sends it.",
    Standing.WAITING: f"Saved, not sent; a person has to approve it. {_DO_NOT}",
    Standing.PAUSED: f"Saved, not sent; the operator has paused this agent. {_DO_NOT}",
    Standing.UNFINISHED: "Saved, not sent and not proposed to anybody.",
    Standing.REJECTED: f"Not sent; the operator rejected it. {_DO_NOT}",
    Standing.EXPIRED: "Not sent; nobody decided in time.",
    Standing.WITHDRAWN: "Not sent; it was withdrawn.",
    Standing.QUEUED: f"Approved; it has not left yet and leaves by itself. {_DO_NOT}",
    Standing.SENDING: f"Approved; it is being sent now. {_DO_NOT}",
    Standing.SENT: f"Sent. {_DO_NOT}",
    Standing.UNCERTAIN: f"It may have been sent; a person finds out. {_DO_NOT}",
}
_NEXT: Final = {
    Standing.WAITING: "Wait for the decision: agentmail-tui draft status {} --wait",
    Standing.PAUSED: "Nothing of this agent leaves until the operator resumes it.",
    Standing.UNFINISHED: "Correct it: agentmail-tui draft edit {} --from-agent {} …",
    Standing.REJECTED: "Change what the reason names: agentmail-tui draft edit {} --from-agent {} …",
    Standing.EXPIRED: "If it is still wanted: agentmail-tui draft edit {} --from-agent {} …",
}


_BARRED: Final = f"Saved, not sent; as it is, nobody can approve it. {_DO_NOT}"
_NEXT_BARRED: Final = (
    "Once the reason is gone, a person decides: agentmail-tui draft status {} --wait"
)


@dataclass(frozen=True, slots=True)
class MailStatus:
    """One mail of a draft to one recipient; raw text."""

    to: str
    state: OutboxState
    reason: str = ""
    server_id: str = ""
    send_at: int = 0


@dataclass(frozen=True, slots=True)
class DraftStatus:
    """Where one draft stands; raw text, times in seconds since the epoch."""

    draft_id: str
    standing: Standing
    agent: str
    revision: int
    reason: str = ""
    made_at: int = 0
    changed_at: int = 0
    expires_at: int = 0
    """Until when it can be approved; 0 when that is not the matter."""
    mails: tuple[MailStatus, ...] = ()
    is_barred: bool = False
    """While it waits: `reason` bars it, whoever decides."""

    @property
    def sentence(self) -> str:
        """What happened to it, for whoever handed it in."""
        return _BARRED if self._is_barred else _SENTENCES[self.standing]

    @property
    def next_step(self) -> str:
        """What can be done, "" for nothing."""
        step = _NEXT_BARRED if self._is_barred else _NEXT.get(self.standing, "")
        return step.format(self.draft_id, self.agent or "NAME")

    @property
    def _is_barred(self) -> bool:
        return self.is_barred and self.standing is Standing.WAITING

    @property
    def is_final(self) -> bool:
        """Nothing more happens to it by itself or by an approval."""
        return self.standing not in _MOVING

    @property
    def was_sent(self) -> bool | None:
        """Whether it left; None when nobody knows."""
        if self.standing is Standing.UNCERTAIN:
            return None
        return self.standing is Standing.SENT

    @property
    def exit_code(self) -> int:
        """What `draft status` ends with."""
        return EXIT_CODES.get(self.standing, 0)


def status_of(
    head: DraftHead, entries: Iterable[OutboxEntry], *, is_paused: bool, expires_at: int, now: int
) -> DraftStatus:
    """Return where a draft stands; `entries` is what it became in the outbox."""
    latest = _latest_batch(entries)
    standing = _standing(head, latest, is_paused=is_paused, is_due=expires_at <= now)
    is_open = standing in (Standing.WAITING, Standing.PAUSED)
    return DraftStatus(
        head.draft_id,
        standing,
        head.agent,
        head.revision,
        reason=head.reason.removeprefix(NOT_PROPOSED),
        made_at=head.made_at,
        changed_at=max([head.changed_at, *(entry.changed_at for entry in latest)]),
        expires_at=expires_at if is_open else 0,
        mails=tuple(
            MailStatus(entry.to, entry.state, entry.reason, entry.server_id, entry.send_at)
            for entry in latest
            if not entry.is_copy
        ),
    )


def _latest_batch(entries: Iterable[OutboxEntry]) -> tuple[OutboxEntry, ...]:
    """Return what the last decision queued; earlier ones were taken back or refused."""
    found = tuple(entries)
    if not found:
        return ()
    latest = max(found, key=lambda entry: entry.queued_at).batch
    return tuple(entry for entry in found if entry.batch == latest)


def _standing(
    head: DraftHead, entries: tuple[OutboxEntry, ...], *, is_paused: bool, is_due: bool
) -> Standing:
    if head.is_settled or head.state is DraftState.QUEUED:
        return _on_the_way(entries)
    match head.state:
        case DraftState.WAITING:
            if is_due:
                return Standing.EXPIRED
            return Standing.PAUSED if is_paused else Standing.WAITING
        case DraftState.REJECTED:
            unfinished = head.reason.startswith(NOT_PROPOSED)
            return Standing.UNFINISHED if unfinished else Standing.REJECTED
        case DraftState.EXPIRED:
            return Standing.EXPIRED
        case DraftState.CANCELLED:
            return Standing.WITHDRAWN
        case _:
            return Standing.DRAFT


def _on_the_way(entries: tuple[OutboxEntry, ...]) -> Standing:
    states = {entry.state for entry in entries}
    if OutboxState.UNCERTAIN in states:
        return Standing.UNCERTAIN
    if OutboxState.CLAIMED in states:
        return Standing.SENDING
    return Standing.QUEUED if OutboxState.PENDING in states else Standing.SENT
