"""What would be sent if it were sent now: one mail a recipient, in every detail, and its digest.

Closes the trap of an approval that is bound to something else than what leaves: a decision names
`Plan.digest`, which covers everything that a recipient or the service gets to see, with the hashes
of the files as they lie on the disk and the fingerprints of the keys. It does not cover ciphertext,
which is another one each time. Source: design.md §8, research/mail_clients.md §6 rule 3.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from typing import Any, Final

from services.draft import BodyFormat, Metering
from services.errors import CryptoError, MailError, PolicyRefused, ServiceError, UsageError
from services.outbound_models import CheckLevel

FORM: Final = 2
"""Of the document that is hashed: another one gives other digests."""


class Role(Enum):
    """As what somebody gets the mail."""

    TO = "to"
    CC = "cc"
    BCC = "bcc"
    OVERSIGHT = "oversight copy"
    OVERSIGHT_BCC = "bcc (oversight)"
    """Of every mail of the draft; no mail has this role itself."""


class RefusalKind(Enum):
    """Why something cannot leave; what a verb's exit code is made of."""

    DRAFT = "draft"
    """It is not written right: no recipient, a file that is gone (exit code 2)."""
    POLICY = "policy"
    CRYPTO = "crypto"
    SERVICE = "service"
    """The directory did not answer: another time it may go (exit code 6)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why the mail cannot leave like this; raw text, cleaned where it is shown."""

    kind: RefusalKind
    sentence: str
    next_step: str = ""
    error: MailError | None = field(default=None, compare=False, repr=False)
    """What to raise for it, when it came as an error."""


@dataclass(frozen=True, slots=True)
class Check:
    """One pre-send check that found something; `name` is stable, `sentence` is raw text."""

    name: str
    level: CheckLevel
    sentence: str


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file as it lay on the disk when the plan was made; `sha256` in hex of its plaintext."""

    path: str
    name: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class OutboundMail:
    """One mail to one recipient: what the outbox keeps, and the gate seals, uploads and sends.

    Plain enough for `msgspec.to_builtins` and `convert`. `key` is the fingerprint of the
    recipient's primary key, "" exactly when the mail goes in clear; `own_key` that of the sender's,
    who can read it too, or "". `copy_key` is the idempotency key of the oversight copy that has to
    be SENT before this mail may leave, "" when none belongs to it.
    """

    draft_id: str
    role: Role
    to: str
    """The bare address."""
    subject: str
    body: str = field(repr=False)
    headers: tuple[tuple[str, str], ...]
    files: tuple[PlannedFile, ...]
    idempotency_key: str
    correlation_id: str = ""
    marketplace_request_id: str = ""
    usage: Metering | None = None
    send_at: int = 0
    """Not before; seconds since the epoch, 0 for at once."""
    key: str = ""
    own_key: str = ""
    agent: str = ""
    """Who proposed it, "" for the operator."""
    answers: str = ""
    """The message (of the cache) that it answers, "" for none."""
    copy_key: str = ""
    oversight: str = ""
    """The address that gets the copy; "" when none is needed."""
    digest: str = ""
    """Of the plan that was decided on."""
    by_person: bool = False
    """A person decided on that digest; else the policy let it go."""
    via: str = ""
    """The way out: "" for the account's own service."""
    sender: str = ""
    """The bare address that it comes from, "" where only the service knows it."""
    place: str = ""
    """As whom and where it leaves, where the way out tells that (`ServiceRules.place`)."""
    bcc: tuple[str, ...] = ()
    """Who gets it besides, unseen: the oversight address, where the service has a bcc."""
    bcc_key: str = ""
    """The fingerprint of the key of who is in `bcc`, "" exactly when the mail goes in clear."""
    format: BodyFormat = BodyFormat.PLAIN
    alternative: str = field(default="", repr=False)
    """The other part of a mail with HTML: HTML made of Markdown, or text made of HTML."""
    replies_to: str = ""
    """The service's id of the message that it answers natively, "" for a mail of its own."""

    @property
    def is_encrypted(self) -> bool:
        """Whether it leaves encrypted or not at all."""
        return bool(self.key)

    @property
    def is_copy(self) -> bool:
        """Whether it is the oversight copy of the others."""
        return self.role is Role.OVERSIGHT


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """What is known about one recipient, besides what is sent; nothing of it is hashed."""

    address: str
    """As it will be sent to, or as typed when it cannot be read."""
    role: Role
    is_external: bool = True
    is_first_contact: bool = True
    fingerprint: str = ""
    """Of the primary key, "" when the mail goes in clear."""
    pinned_at: int = 0
    verified_at: int = 0
    verified_how: str = ""
    is_looked_up: bool = True
    """The key is the one that a directory has now; else only the operator's own book has it."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about one draft as it would leave now. Made by the gate only.

    `mails` holds the oversight copy first, then the recipients in their order; empty when a
    refusal leaves nothing to plan. `person` says why a person has to decide, "" when the policy
    lets it go without one.
    """

    account: str
    sender: str
    draft_id: str
    revision: int
    agent: str
    agent_says: str
    encrypted: bool
    mails: tuple[OutboundMail, ...]
    why_encrypted: str = ""
    """With encryption that the draft does not ask for, or that was tried: why it is so."""
    recipients: tuple[RecipientFacts, ...] = ()
    subject: str = ""
    body: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    files: tuple[PlannedFile, ...] = ()
    usage: Metering | None = None
    correlation_id: str = ""
    marketplace_request_id: str = ""
    send_at: int = 0
    via: str = ""
    """The way out: "" for the account's own service."""
    service: str = ""
    """What that way out is called."""
    format: BodyFormat = BodyFormat.PLAIN
    alternative: str = field(default="", repr=False)
    """As of `OutboundMail`."""
    undo_seconds: int = 0
    refusals: tuple[Refusal, ...] = ()
    checks: tuple[Check, ...] = ()
    person: str = ""
    why_alone: str = ""
    """With `person` "": why nobody has to decide (`internal`)."""
    expires_at: int = 0
    """Until when a proposal can be decided; 0 for the operator's own draft."""

    @property
    def digest(self) -> str:
        """SHA-256 in hex over the canonical JSON of what would be sent, as whom, and when."""
        document = {
            "form": FORM,
            "account": self.account,
            "sender": self.sender,
            "draft": self.draft_id,
            "agent": self.agent,
            "agent_says": self.agent_says,
            "encrypted": self.encrypted,
            "to": [[facts.role.value, facts.address] for facts in self.recipients],
            "subject": self.subject,
            "body": self.body,
            "send_at": self.send_at,
            "via": self.via,
            "service": self.service,
            "format": self.format.value,
            "alternative": self.alternative,
            "files": [asdict(file) for file in self.files],
            "mails": [_mail_document(mail) for mail in self.mails],
        }
        return hashlib.sha256(canonical(document)).hexdigest()

    @property
    def is_refused(self) -> bool:
        """Whether it cannot leave like this, whoever decides."""
        return bool(self.refusals)

    def require(self) -> None:
        """Raise the first thing that stands against it: the error it came as, else of its kind."""
        for refusal in self.refusals:
            told = refusal.sentence, refusal.next_step
            raise refusal.error or _ERRORS[refusal.kind](*told)

    @property
    def copies(self) -> tuple[OutboundMail, ...]:
        """The oversight copies, which leave before the others."""
        return tuple(mail for mail in self.mails if mail.is_copy)

    def released(self, *, by_person: bool) -> tuple[OutboundMail, ...]:
        """Return the mails for the outbox, bound to the digest; the only way to get them.

        Raises what `require` raises, and PolicyRefused when a person has to decide and none did.
        """
        self.require()
        if self.person and not by_person:
            raise PolicyRefused(self.person, "A person has to approve it on the Approvals screen.")
        digest = self.digest
        return tuple(replace(mail, digest=digest, by_person=by_person) for mail in self.mails)


_ERRORS: Final[Mapping[RefusalKind, type[MailError]]] = {
    RefusalKind.DRAFT: UsageError,
    RefusalKind.POLICY: PolicyRefused,
    RefusalKind.CRYPTO: CryptoError,
    RefusalKind.SERVICE: ServiceError,
}


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return JSON with one spelling: sorted keys, no blanks, ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def _mail_document(mail: OutboundMail) -> dict[str, Any]:
    said = asdict(mail)
    for decided in ("digest", "by_person"):
        del said[decided]
    return said | {"role": mail.role.value, "format": mail.format.value}
