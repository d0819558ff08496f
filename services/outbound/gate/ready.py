"""What is sealed, and what will go over the wire, byte for byte; the same at every attempt.

Closes the trap of a retry that builds the mail anew: a rebuilt body is another request, and
encrypting twice gives different bytes. What the outbox keeps are these values (design.md §8); they
are plain enough for `msgspec.to_builtins` and `convert`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from services.draft import BodyFormat, Metering
from services.outbound.gate.plan import OutboundMail


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file in the spool, as it will be uploaded; `sha256` in hex of these bytes."""

    path: str
    name: str
    content_type: str
    size: int
    sha256: str
    encrypted: bool


@dataclass(frozen=True, slots=True)
class SealedTo:
    """Whose key a mail was encrypted to: the fingerprints of the primary and of the part used."""

    primary: str
    component: str


@dataclass(frozen=True, slots=True)
class SealedMail:
    """One mail whose bytes do not change any more; nothing of it has been uploaded.

    `sealed_to` is None exactly when the mail goes in clear.
    """

    mail: OutboundMail
    body: str = field(repr=False)
    files: tuple[SealedFile, ...]
    sealed_to: SealedTo | None
    folder: str = ""
    """Its spool: what a transport writes for it goes there, and is gone when it is settled."""
    bcc_sealed_to: tuple[SealedTo, ...] = ()
    """The same of who is in bcc, in that order."""


@dataclass(frozen=True, slots=True)
class SpooledMail:
    """A whole mail as it is sent, finished once: a file of the spool, its bytes and their hash."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file at the storage host; `size` in bytes as uploaded, `sha256` of those in hex.

    Where files travel inside of the request, `object_key` is "" and `path` names the spooled copy.
    """

    object_key: str
    name: str
    content_type: str
    size: int
    sha256: str
    encrypted: bool
    path: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a mail was released under; judged again before it leaves."""

    is_copy: bool = False
    """It is the oversight copy of others."""
    oversight: str = ""
    """The address that gets the copy of it; "" when none does."""
    by_person: bool = False
    """A person decided on it; else the policy let it go."""
    agent: str = ""
    answers: str = ""
    """The message (of the cache) that it answers, "" for none."""
    place: str = ""
    """As whom and where it was to leave, where the way out tells that."""

    @classmethod
    def of(cls, mail: OutboundMail) -> Terms:
        """Return what a planned mail was released under."""
        return cls(
            mail.is_copy, mail.oversight, mail.by_person, mail.agent, mail.answers, mail.place
        )


@dataclass(frozen=True, slots=True)
class ReadyMail:
    """One mail with everything uploaded. Made by the gate only.

    `sealed_to` is None exactly when the mail goes in clear.
    """

    to: str
    subject: str
    body: str = field(repr=False)
    headers: tuple[tuple[str, str], ...]
    files: tuple[UploadedFile, ...]
    idempotency_key: str
    correlation_id: str
    sealed_to: SealedTo | None
    marketplace_request_id: str = ""
    usage: Metering | None = None
    terms: Terms = Terms()
    via: str = ""
    """The way out: "" for the account's own service."""
    sender: str = ""
    """The bare address that it comes from, "" where only the service knows it."""
    bcc: tuple[str, ...] = ()
    format: BodyFormat = BodyFormat.PLAIN
    replies_to: str = ""
    """The service's id of the message that it answers natively, "" for a mail of its own."""
    bcc_sealed_to: tuple[SealedTo, ...] = ()
    """Whose keys those in bcc read it with, in that order; () exactly when it goes in clear."""
    spooled: SpooledMail | None = None
    """The finished bytes, where a service takes those."""

    @property
    def digest(self) -> str:
        """SHA-256 in hex over everything that is sent."""
        return hashlib.sha256(json.dumps(self._said(), sort_keys=True).encode()).hexdigest()

    def _said(self) -> dict[str, Any]:
        import msgspec

        said: dict[str, Any] = msgspec.to_builtins(self)
        return said
