"""One way out for mail, behind the gate: what a service can carry, and the steps over it.

Closes the trap of a gate for each service, of which one forgets a rule: the gate asks the policy and
the keys, a transport only moves what the gate hands to it, and says beforehand, in `ServiceRules`,
what it cannot carry, so that a person reads it in the review and not in a bounce. The transports in
`services.outbound.gate.transports` alone know the wire modules that make mail leave.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from services.outbound.gate.ready import ReadyMail, SealedMail, SpooledMail, Terms, UploadedFile
from services.outbound.gate.sealing import ENCRYPTED_HEADER

WITHOUT_END: Final = 1 << 40
"""Seconds that a service remembers a key which says that it forgets none."""


class Carries(Enum):
    """How the files of a mail travel."""

    UPLOADED = "uploaded"
    """To a storage host, before the mail."""
    INLINE = "inline"
    """Inside of the one request, or of the mail itself."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """What a way out can carry; whatever it cannot is refused when a mail is planned."""

    name: str
    """For a person: `AgentMail.to`."""
    place: str = ""
    """As whom and where, for the review: `Amazon SES as bot@host.example, eu-west-1`."""
    barred: str = ""
    """Why nothing can leave this way now, with the next step; "" when it can."""
    sender: str = ""
    """The bare address that mail comes from; "" for the account's own."""
    files: Carries = Carries.UPLOADED
    most_bytes: int = 0
    """Of text and files together as they travel; 0 for no limit but that of each file."""
    most_text: int = 0
    """Characters of a text, 0 for the gate's own limit."""
    needs_text: bool = False
    headers: bool = True
    """Further header fields, the mark of encryption among them."""
    threads: bool = True
    """In-Reply-To and References as well; else the service writes them, or nobody does."""
    owns: frozenset[str] = frozenset()
    """Names of fields, in lower case, that the service writes and takes from nobody."""
    metering: bool = False
    """Usage, and the fields of the marketplace."""
    html: bool = False
    has_bcc: bool = False
    """The oversight address goes into `bcc`; else it gets a linked mail of its own."""
    replies: bool = False
    """A mail can name the message that it answers by the service's own id."""
    shows_sent: bool = False
    """What the service has made of a mail can be looked at afterwards (`Transport.verify`)."""
    remembers: int = 0
    """Seconds from the first attempt in which a repeated key is delivered once; 0 for not at all."""
    wider: str = ""
    """The next step for whoever wants to send what it does not carry."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the service says about an accepted mail; "" where it says nothing."""

    message_id: str = ""
    correlation_id: str = ""
    idempotency_key: str = ""
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class SentMail:
    """What there is to look for at a service that has taken a mail; kept until it was looked at.

    `message_id` is the service's own; `replies_to` as of `ReadyMail`.
    """

    message_id: str
    to: str
    subject: str
    bcc: tuple[str, ...] = ()
    replies_to: str = ""
    via: str = ""

    @classmethod
    def of(cls, mail: ReadyMail, receipt: Receipt) -> SentMail:
        """Return it for a mail that was just taken."""
        return cls(receipt.message_id, mail.to, mail.subject, mail.bcc, mail.replies_to, mail.via)


class Step(Enum):
    """What is being done with a file."""

    SEALING = "sealing"
    UPLOADING = "uploading"


@dataclass(frozen=True, slots=True)
class Prepared:
    """How far the preparation is: which file (from 0), and bytes of it done in this step."""

    step: Step
    file: int
    done: int


Tell = Callable[[Prepared], None]


class Transport(Protocol):
    """One way out. Called by the gate only, which has asked the policy and checked what is sealed."""

    @property
    def rules(self) -> ServiceRules:
        """What it can carry; the same for as long as the transport lives."""
        ...

    async def upload(
        self,
        sealed: SealedMail,
        tell: Tell,
        *,
        uploaded: Sequence[UploadedFile],
        on_uploaded: Callable[[UploadedFile], None],
    ) -> ReadyMail:
        """Bring a sealed mail into the form that is sent, the same at every attempt (`made_ready`).

        `uploaded` are the first files of it that an earlier attempt has uploaded; they keep their
        object keys. What is written goes into `sealed.folder`. No mail leaves. Raises ServiceError,
        PolicyRefused when the spool was changed, UsageError when it is gone or cannot be carried.
        """
        ...

    async def send(self, mail: ReadyMail, *, repeat: bool) -> Receipt:
        """Send exactly that, under its key; one delivery for each call at most.

        `repeat`: a lost answer may be followed by the same request again. Raises ServiceError; with
        `uncertain` set the mail may have left.
        """
        ...

    async def verify(self, sent: SentMail) -> str:
        """Look at what the service has made of it; return what is wrong, "" for nothing.

        Asked only where the rules say `shows_sent`. Raises ServiceError when it did not answer.
        """
        ...


def made_ready(
    sealed: SealedMail,
    files: Sequence[UploadedFile] = (),
    *,
    rules: ServiceRules,
    spooled: SpooledMail | None = None,
    replies_to: str = "",
) -> ReadyMail:
    """Return a sealed mail with what its transport has made of it; nothing else makes one."""
    mail = sealed.mail
    headers = dict(mail.headers)
    if sealed.sealed_to is not None and rules.headers:
        headers[ENCRYPTED_HEADER] = "body"
    return ReadyMail(
        to=mail.to,
        subject=mail.subject,
        body=sealed.body,
        headers=tuple(headers.items()),
        files=tuple(files),
        idempotency_key=mail.idempotency_key,
        correlation_id=mail.correlation_id,
        sealed_to=sealed.sealed_to,
        marketplace_request_id=mail.marketplace_request_id,
        usage=mail.usage,
        terms=Terms.of(mail),
        via=mail.via,
        sender=mail.sender,
        bcc=mail.bcc,
        bcc_sealed_to=sealed.bcc_sealed_to,
        format=mail.format,
        replies_to=replies_to,
        spooled=spooled,
    )
