"""One mail of the outbox as it is kept: what it is, where it stands, and who is at it.

Closes the trap of a retry that builds the mail anew: once it is sealed and uploaded, the exact bytes
that go over the wire (`ready`) are part of the entry and stay with it to the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from services.outbound_models import OutboxState

SETTLED: Final = frozenset(
    {OutboxState.SENT, OutboxState.REFUSED, OutboxState.CANCELLED, OutboxState.EXPIRED}
)
"""States in which nothing more happens by itself."""
UNDER_WAY: Final = frozenset({OutboxState.PENDING, OutboxState.CLAIMED})


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One mail to one recipient. Times are seconds since the epoch, 0 for never.

    `mail` is the planned mail as a document, or `{"sealed": armor}` when it is encrypted: sealed to
    the own key, so that it can be read again but not by others. `ready` is what goes over the wire.
    """

    entry_id: str
    draft_id: str
    batch: str
    """Shared by all mails that one decision queued."""
    state: OutboxState
    to: str
    subject: str
    idempotency_key: str
    digest: str
    """Of the plan that was decided on."""
    copy: int = 0
    is_copy: bool = False
    """It is the oversight copy of the others in its batch, and goes before them."""
    is_encrypted: bool = False
    files: int = 0
    agent: str = ""
    decided_by: str = ""
    mail: Mapping[str, Any] | None = None
    sealed: Mapping[str, Any] | None = None
    """What was sealed and spooled for upload."""
    ready: Mapping[str, Any] | None = None
    queued_at: int = 0
    send_at: int = 0
    """When it leaves at the earliest: the end of the undo delay, or the schedule."""
    expires_at: int = 0
    changed_at: int = 0
    tries: int = 0
    next_try: int = 0
    """When it is tried again by itself; 0 with UNCERTAIN: a person decides."""
    may_have_left: bool = False
    """An attempt ended without an answer: no later refusal proves that it did not leave."""
    may_repeat: bool = False
    """A person wants the same bytes sent again."""
    claimed_by: str = ""
    reason: str = ""
    """Why it stands where it stands, for a person."""
    server: Mapping[str, str] | None = None
    """The ids that the service answered with."""
    came_back: bool = False
    """Its draft is there again."""

    @property
    def is_settled(self) -> bool:
        """Nothing more happens to it by itself or by a person."""
        return self.state in SETTLED

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON values, without what is as it always is."""
        document = {name: value for name, value in asdict(self).items() if value not in _EMPTY}
        document["state"] = self.state.value
        return document

    @classmethod
    def of_document(cls, entry_id: str, document: Mapping[str, Any]) -> OutboxEntry:
        """Read an entry; keys of newer versions are left out."""
        known = {field.name for field in fields(cls)}
        told = {name: value for name, value in document.items() if name in known}
        told["entry_id"] = entry_id
        told["state"] = OutboxState(told["state"])
        return cls(**told)

    def moved(self, state: OutboxState, **changes: Any) -> OutboxEntry:
        """Return it in another state."""
        return replace(self, state=state, **changes)


_EMPTY: Final = ("", 0, False, None)
