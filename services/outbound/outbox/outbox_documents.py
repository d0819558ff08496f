"""One mail of the outbox as it is kept: where it stands, and, apart from that, what it holds.

Closes two traps. A retry that builds the mail anew: once it is sealed and uploaded, the exact bytes
that go over the wire are kept and stay with it to the end. And plaintext of an encrypted mail on the
disk: its text is kept only sealed to the own key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from services.errors import CacheDamaged
from services.outbound_models import OutboxState

SETTLED: Final = frozenset(
    {OutboxState.SENT, OutboxState.REFUSED, OutboxState.CANCELLED, OutboxState.EXPIRED}
)
"""States in which nothing more happens."""
UNDER_WAY: Final = frozenset({OutboxState.PENDING, OutboxState.CLAIMED})
NEVER_LEFT: Final = SETTLED - {OutboxState.SENT}


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One mail to one recipient. Times are seconds since the epoch, 0 for never."""

    entry_id: str
    draft_id: str
    batch: str
    """Shared by all mails that one decision queued."""
    state: OutboxState
    to: str
    subject: str
    idempotency_key: str
    digest: str = ""
    """Of the plan that was decided on."""
    copy_key: str = ""
    """The key of the oversight copy that has to be SENT before this one may leave."""
    is_copy: bool = False
    is_encrypted: bool = False
    files: int = 0
    agent: str = ""
    queued_at: int = 0
    send_at: int = 0
    """When it leaves at the earliest: the end of the undo delay, or the schedule."""
    is_scheduled: bool = False
    """`send_at` is a time of day that somebody asked for, and not the end of the undo delay."""
    expires_at: int = 0
    changed_at: int = 0
    is_sealed: bool = False
    """Its bytes do not change any more; nothing of it has been uploaded."""
    is_ready: bool = False
    """Everything is uploaded."""
    tries: int = 0
    """How often it was claimed."""
    failures: int = 0
    """Attempts in a row, of any step, that ended without success."""
    next_try: int = 0
    """When it is tried again by itself; 0 with UNCERTAIN: a person decides."""
    may_have_left: bool = False
    """An attempt ended without an answer: no later refusal proves that it did not leave."""
    may_repeat: bool = False
    """A person wants the same bytes sent again."""
    claimed_by: str = ""
    reason: str = ""
    """Why it stands where it stands, for a person; raw text."""
    server_id: str = ""
    """What the service calls it."""
    settled_by_hand: bool = False
    """A person counted it as sent."""
    via: str = ""
    """The way out: "" for the account's own service."""
    bcc: int = 0
    """How many get it besides, unseen."""
    first_claimed: int = 0
    """When it may have reached the service for the first time."""
    verdict: str = ""
    """What a look at the sent mail told (`services.outbound.outbox.verdicts`); "" for no look."""

    @property
    def is_settled(self) -> bool:
        """Nothing more happens to it."""
        return self.state in SETTLED

    @property
    def due_at(self) -> int:
        """When it is looked at next, as long as nobody sets the clock (`outbox.waits` knows better)."""
        return max(self.send_at, self.next_try)

    def leaves_at(self, now: int) -> int:
        """When it leaves, for a person whose clock says `now`: no undo delay is longer than it was."""
        if self.is_scheduled:
            return self.send_at
        return min(self.send_at, now + max(0, self.send_at - self.queued_at))

    def moved(self, state: OutboxState, now: int, **changes: Any) -> OutboxEntry:
        """Return it in another state since now."""
        return replace(self, state=state, changed_at=now, **changes)

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON values, without what stands at its default."""
        document = {
            entry.name: getattr(self, entry.name)
            for entry in fields(self)
            if getattr(self, entry.name) != entry.default
        }
        return document | {"state": self.state.value}

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> OutboxEntry:
        """Read an entry; what only newer versions know is passed over, CacheDamaged if it is none."""
        known = {name: value for name, value in document.items() if name in _KNOWN}
        try:
            return cls(**(known | {"state": OutboxState(known["state"])}))
        except (KeyError, ValueError, TypeError) as error:
            raise CacheDamaged(
                "A mail of the outbox is damaged, or a newer version of this program wrote it.",
                "Use the newest version; nothing was removed.",
            ) from error


_KNOWN: Final = frozenset(entry.name for entry in fields(OutboxEntry))


@dataclass(frozen=True, slots=True)
class Content:
    """What an entry holds, each as JSON values or "".

    `mail` is the planned mail, without its body when it is encrypted; `text` is that body, sealed to
    the own key (`text_form` "sealed"), or as it is where there is no own key and it is not yet
    encrypted to the recipient ("plain"). `sealed` and `ready` are what the gate made of it.
    """

    mail: Mapping[str, Any]
    text: str = field(default="", repr=False)
    text_form: str = ""
    sealed: Mapping[str, Any] | None = field(default=None, repr=False)
    ready: Mapping[str, Any] | None = field(default=None, repr=False)

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {name: value for name in _PARTS if (value := getattr(self, name)) not in ("", None)}

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Content:
        """Read what an entry holds."""
        return cls(**{name: document[name] for name in _PARTS if name in document})


_PARTS: Final = tuple(entry.name for entry in fields(Content))
