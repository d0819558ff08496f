"""A draft: what somebody is writing, before anything is checked, sealed or sent. Plain, frozen data.

A leaf, so that the compose screen, the verbs and `services.outbound` speak of the same thing. Closes
the trap of a draft that forgets what it answers or that it must be encrypted: all of it is part of
the value, and every change makes a new one. Text in here may come from agents and from mail: it is
raw, and is cleaned where it is shown.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class Encryption(Enum):
    """Whether a mail may leave in clear."""

    REQUIRED = "required"
    """It leaves encrypted or not at all."""
    NONE = "none"


class BodyFormat(Enum):
    """What the text of a mail is; only plain text can leave where a service knows no HTML."""

    PLAIN = "plain"
    MARKDOWN = "markdown"
    """Sent as written, and beside it as HTML that is made of it."""
    HTML = "html"
    """The operator's own HTML, and beside it as plain text."""


VIA_SES = "ses"
"""The way out by Amazon SES, beside the account's own service."""
SERVICE_AGENT = "agentmail.to"
"""Who proposes what lies on AgentMail.to, whoever put it there; no program can call itself so."""


class DraftKind(Enum):
    """How a draft began."""

    NEW = "new"
    REPLY = "reply"
    REPLY_ALL = "reply all"
    FORWARD = "forward"
    EDIT_AS_NEW = "edit as new"
    MARKET_REQUEST = "marketplace request"
    MARKET_RESPONSE = "marketplace response"


class DraftState(Enum):
    """Where a draft stands; only WAITING can be approved or rejected."""

    EDITING = "editing"
    """A person writes it."""
    WAITING = "waiting"
    """An agent proposed it; a person has to decide."""
    REJECTED = "rejected"
    EXPIRED = "expired"
    QUEUED = "queued"
    """It is in the outbox, which knows the rest."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """The message (its id in the cache) that a carried file comes from, and its place there.

    `is_part`: it is a part of the raw mail, else an attachment that the service hands out.
    """

    message_id: str
    index: int
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class DraftFile:
    """A file to go with the mail: where it lies, what it is called there, what was seen of it.

    `size` in bytes and `modified` in nanoseconds since the epoch when it was attached, -1 unknown.
    `origin` is set when it goes along from another message; it may have to be fetched first.
    """

    path: Path
    name: str
    content_type: str = "application/octet-stream"
    size: int = -1
    modified: int = -1
    origin: FileOrigin | None = None


@dataclass(frozen=True, slots=True)
class Metering:
    """The `usage` object of a send (api/assmbl.md §5.1); None is not said at all."""

    outcomes_returned: int | None = None
    tokens_input: int | None = None
    tokens_output: int | None = None
    compute_ms: int | None = None
    custom_units: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """One mail as its writer means it.

    Addresses are as typed (`Name <name@host>` or `name@host`). `revision` counts saves from 1 (0:
    never saved) and only the newest can be saved over. `send_at` is seconds since the epoch, 0 for
    at once. `agent` names who proposed it, "" for the operator.
    """

    draft_id: str
    revision: int = 0
    kind: DraftKind = DraftKind.NEW
    state: DraftState = DraftState.EDITING
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    subject: str = ""
    body: str = ""
    files: tuple[DraftFile, ...] = ()
    encryption: Encryption = Encryption.NONE
    answers: str = ""
    """The message id (of the cache) that this answers or forwards."""
    answers_encrypted: bool = False
    """That message was encrypted: an answer in clear would give its text away."""
    in_reply_to: str = ""
    """The Message-ID that goes into In-Reply-To, with its angle brackets."""
    references: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    """Further MIME headers that the writer wants."""
    correlation_id: str = ""
    idempotency_key: str = ""
    """Made with the draft; every attempt to send it derives its key from this one."""
    marketplace_request_id: str = ""
    usage: Metering | None = None
    send_at: int = 0
    via: str = ""
    """The way out: "" for the account's own service, or `VIA_SES`."""
    format: BodyFormat = BodyFormat.PLAIN
    agent: str = ""
    reason: str = ""
    """What the agent says about it, or with REJECTED why the operator refused."""
    made_at: int = 0
    changed_at: int = 0

    @classmethod
    def begin(cls, kind: DraftKind = DraftKind.NEW, *, now: int = 0) -> Draft:
        """Begin an empty draft with an id and an idempotency key of its own."""
        made = uuid.uuid4().hex
        return cls(made, kind=kind, idempotency_key=f"draft-{made}", made_at=now, changed_at=now)

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody it is addressed to, as typed."""
        return (*self.to, *self.cc, *self.bcc)

    @property
    def is_blank(self) -> bool:
        """Nothing worth keeping was written."""
        return not (self.recipients or self.subject.strip() or self.body.strip() or self.files)
