"""What the engine is asked about writing and sending, and what it tells.

Loaded with the first draft or list of outgoing mail, never for the first frame. Every request is an
`OutboundRequest`, every event an `OutboundEvent` (`services.events`), so that engine and bridge pass
them on without knowing them. `account` "" is the account that is open; proposals name theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from services.draft import Draft, DraftKind
from services.events import OutboundEvent, OutboundRequest
from services.outbound_models import (
    AgentView,
    DiffLine,
    DraftRow,
    OutboundCounts,
    OutboxRow,
    ProposalRow,
    RecipientSuggestion,
    ReviewView,
)
from services.safe_text import EMPTY, SafeText

# ── drafts: requests ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class BeginDraft(OutboundRequest):
    """Begin a draft, for a reply or a forward of `message_id`; answered by `DraftOpened`."""

    kind: DraftKind = DraftKind.NEW
    message_id: str = ""
    to: tuple[str, ...] = ()
    template: str = ""
    account: str = ""
    """Who writes; an answer is written by the account that holds the message."""


@dataclass(frozen=True, slots=True)
class OpenDraft(OutboundRequest):
    """Open a kept draft; `DraftOpened`, or `DraftLocked` when its key is locked."""

    draft_id: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class SaveDraft(OutboundRequest):
    """Keep a draft durably; `DraftSaved` tells its new revision. A blank one is forgotten.

    Must be carried out even when the program is about to stop.
    """

    is_vital: ClassVar[bool] = True
    draft: Draft
    account: str = ""


@dataclass(frozen=True, slots=True)
class DiscardDraft(OutboundRequest):
    """Drop a draft; it stays for a while so that `RestoreDraft` brings it back."""

    draft_id: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class RestoreDraft(OutboundRequest):
    """Bring back a draft that was discarded."""

    draft_id: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class ListDrafts(OutboundRequest):
    """Tell the kept drafts, newest first; `DraftsListed`."""


@dataclass(frozen=True, slots=True)
class SuggestRecipients(OutboundRequest):
    """Complete what stands in a recipient field; `RecipientsSuggested`, best first."""

    latest_only: ClassVar[bool] = True
    text: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class AskPricing(OutboundRequest):
    """Ask what an agent charges; `PricingTold`."""

    address: str
    account: str = ""


# ── sending: requests ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ReviewDraft(OutboundRequest):
    """Make the plan of a kept draft: hash files, look up keys, apply the policy; `ReviewReady`."""

    draft_id: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class SendDraft(OutboundRequest):
    """Send what was reviewed: the operator decided on the plan with this digest, on screen.

    For a proposal this is the approval. The plan is made again; another digest voids the decision
    (`DecisionVoid`, with a new review). Else `SendQueued`.
    """

    draft_id: str
    digest: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class CancelSend(OutboundRequest):
    """Take back what has not left: the draft is there again; `SendCancelled`."""

    entry_ids: tuple[str, ...]
    account: str = ""


@dataclass(frozen=True, slots=True)
class SettleUncertain(OutboundRequest):
    """Decide about mail that may have left: `resend` the same bytes, or count it as sent."""

    entry_id: str
    resend: bool
    account: str = ""


@dataclass(frozen=True, slots=True)
class RetryNow(OutboundRequest):
    """Try pending mail now instead of at its next try."""


@dataclass(frozen=True, slots=True)
class ListOutbox(OutboundRequest):
    """Tell the outbox, or with `sent` what has left; `OutboxListed`, newest first."""

    sent: bool = False


@dataclass(frozen=True, slots=True)
class ReadSent(OutboundRequest):
    """Read the local copy of one mail of the outbox; `SentOpened`, or `DraftLocked`."""

    entry_id: str
    account: str = ""


# ── approvals: requests ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ListProposals(OutboundRequest):
    """Tell what agents want to send, over all accounts; `ProposalsListed`."""

    with_decided: bool = False


@dataclass(frozen=True, slots=True)
class CompareProposal(OutboundRequest):
    """Compare a proposal with its previous revision; `ProposalCompared`."""

    account: str
    draft_id: str


@dataclass(frozen=True, slots=True)
class RejectProposal(OutboundRequest):
    """Refuse a proposal with a reason that its agent can read."""

    account: str
    draft_id: str
    digest: str
    reason: str


@dataclass(frozen=True, slots=True)
class PauseAgent(OutboundRequest):
    """Stop an agent from sending anything, or let it again."""

    account: str
    agent: str
    paused: bool


@dataclass(frozen=True, slots=True)
class CountOutbound(OutboundRequest):
    """Tell the counts again; `OutboundCounted`."""


# ── events ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class DraftOpened(OutboundEvent):
    """A draft to write on; its text is raw: clean it where it is shown."""

    request_id: int
    draft: Draft
    account: str = ""
    remark: SafeText = EMPTY
    quoted: SafeText = EMPTY
    """What could not be quoted and why (a locked message)."""


@dataclass(frozen=True, slots=True)
class DraftLocked(OutboundEvent):
    """It is sealed to the own key, which is locked: unlock and ask again."""

    request_id: int
    sentence: SafeText
    account: str = ""
    """Whose key, as the request named it."""


@dataclass(frozen=True, slots=True)
class DraftSaved(OutboundEvent):
    """A draft is on the disk; a conflict was kept as a copy, which `draft_id` then names."""

    request_id: int
    draft_id: str
    revision: int
    remark: SafeText = EMPTY


@dataclass(frozen=True, slots=True)
class DraftNotSaved(OutboundEvent):
    """A draft could not be kept (disk full): it lives on in the screen, which says so."""

    request_id: int
    draft_id: str
    sentence: SafeText
    next_step: SafeText = EMPTY


@dataclass(frozen=True, slots=True)
class DraftsListed(OutboundEvent):
    """The answer to `ListDrafts`; with request id 0 the list has changed."""

    request_id: int
    rows: tuple[DraftRow, ...]


@dataclass(frozen=True, slots=True)
class RecipientsSuggested(OutboundEvent):
    """The answer to `SuggestRecipients`."""

    request_id: int
    text: str
    suggestions: tuple[RecipientSuggestion, ...]


@dataclass(frozen=True, slots=True)
class PricingTold(OutboundEvent):
    """The answer to `AskPricing`: lines to show, none when the agent names no price."""

    request_id: int
    address: str
    lines: tuple[SafeText, ...]


@dataclass(frozen=True, slots=True)
class ReviewReady(OutboundEvent):
    """The answer to `ReviewDraft`."""

    request_id: int
    review: ReviewView


@dataclass(frozen=True, slots=True)
class DecisionVoid(OutboundEvent):
    """What was decided on is not what would be sent now: what changed, and the new review."""

    request_id: int
    sentence: SafeText
    changed: tuple[SafeText, ...]
    review: ReviewView


@dataclass(frozen=True, slots=True)
class SendQueued(OutboundEvent):
    """The mail is in the outbox; until `undo_until` (seconds since the epoch) it can be taken back."""

    request_id: int
    draft_id: str
    entry_ids: tuple[str, ...]
    undo_until: int
    sentence: SafeText
    account: str = ""
    """Whose outbox it is in, as the decision named it; `CancelSend` names the same."""


@dataclass(frozen=True, slots=True)
class SendCancelled(OutboundEvent):
    """What could be taken back was; with `is_back` nothing left, and the draft is there again."""

    request_id: int
    draft_id: str
    sentence: SafeText
    is_back: bool = True


@dataclass(frozen=True, slots=True)
class OutboxListed(OutboundEvent):
    """The answer to `ListOutbox`; with request id 0 it has changed."""

    request_id: int
    rows: tuple[OutboxRow, ...]
    sent: bool = False


@dataclass(frozen=True, slots=True)
class OutboxMoved(OutboundEvent):
    """One mail of the outbox has a new state or has come further."""

    row: OutboxRow


@dataclass(frozen=True, slots=True)
class SentOpened(OutboundEvent):
    """The answer to `ReadSent`: facts (name and value) and the text as it left."""

    request_id: int
    entry_id: str
    facts: tuple[tuple[SafeText, SafeText], ...]
    body: tuple[SafeText, ...]


@dataclass(frozen=True, slots=True)
class ProposalsListed(OutboundEvent):
    """The answer to `ListProposals`; with request id 0 they have changed."""

    request_id: int
    rows: tuple[ProposalRow, ...]
    agents: tuple[AgentView, ...]
    sent_today: int = 0
    cap_today: int = 0
    with_decided: bool = False
    coming: SafeText = EMPTY
    """How far the drafts on a service are read, while they are."""


@dataclass(frozen=True, slots=True)
class ProposalCompared(OutboundEvent):
    """The answer to `CompareProposal`: empty when there is no earlier revision."""

    request_id: int
    draft_id: str
    older: int
    newer: int
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True, slots=True)
class OutboundDone(OutboundEvent):
    """A request without another answer was carried out."""

    request_id: int
    sentence: SafeText


@dataclass(frozen=True, slots=True)
class OutboundCounted(OutboundEvent):
    """How much is written, waits, is on its way."""

    counts: OutboundCounts
