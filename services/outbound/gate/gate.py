"""The one gate: whatever leaves, leaves here. The only caller of any send route.

Closes the trap of a second way out, and the one of encryption that gives way: a mail that must be
encrypted is sealed or refused, there is no path on which it becomes plaintext. The order is that of
research/crypto.md §5.2: the recipient's key is looked up now and checked, everything is encrypted,
only then the first file is uploaded, only then the mail is sent, and before that the key is looked
up once more, since an upload takes its time.

Four steps, so that what stands between them has its place: `plan` says what would be sent (review
and approval are bound to its digest), `seal` gives bytes that do not change any more, `upload` moves
the files, `send` posts exactly those bytes. At each of them the policy is asked again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from services.api import wire
from services.api.assmbl_send import MailSender, Receipt
from services.errors import BadAnswer, CryptoError, PolicyRefused, ServerBroken, ServiceError
from services.outbound.drafts.files import LARGEST, opened
from services.outbound.gate.key_ring import SealingKeys
from services.outbound.gate.plan import OutboundMail, Plan
from services.outbound.gate.planning import Planner
from services.outbound.gate.policy import History, NoHistory, Sender, Traffic, recheck
from services.outbound.gate.ready import (
    ReadyMail,
    SealedFile,
    SealedMail,
    SealedTo,
    Terms,
    UploadedFile,
)
from services.outbound.gate.sealing import check_spooled, sealed_files, sealed_text
from services.progress import in_thread
from services.sealed_names import SEALED_TYPE

if TYPE_CHECKING:
    from services.api.assmbl import AssmblClient
    from services.api.exchange import Exchange
    from services.api.presigned import Progress
    from services.crypto.certs import PeerKey
    from services.draft import Draft, Metering

__all__ = ["Gate", "Prepared", "Receipt", "Step", "Uploads"]

ENCRYPTED_HEADER: Final = "X-AgentMail-Encrypted"
_BEGIN: Final = "-----BEGIN PGP MESSAGE-----"
_END: Final = "-----END PGP MESSAGE-----"
_ANEW: Final = "Nothing was sent. Review it again."


class Uploads(Protocol):
    """Where files go before a mail (`services.api.assmbl_attachments`)."""

    async def upload_file(
        self,
        file: BinaryIO,
        *,
        file_name: str,
        content_type: str,
        on_progress: Progress | None = None,
    ) -> wire.AttachmentRef: ...


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


class Gate:
    """Plans, seals, uploads and sends the mail of one account.

    `is_paused` says of an agent that it may not send now; `check_place` raises PolicyRefused for a
    place (without links) of which no file may go along with the draft of an id.
    """

    def __init__(
        self,
        exchange: Exchange,
        uploads: Uploads,
        keys: SealingKeys,
        sender: Sender,
        *,
        traffic: Traffic | None = None,
        history: History | None = None,
        is_paused: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], float] = time.time,
        check_place: Callable[[str, Path], None] = lambda _, __: None,
    ) -> None:
        self._sender = MailSender(exchange)
        self._uploads = uploads
        self._keys = keys
        self._account = sender
        self._history = history or NoHistory()
        self._is_paused = is_paused
        self._planner = Planner(sender, keys, traffic, self._history, is_paused, clock, check_place)

    @classmethod
    def of(
        cls,
        client: AssmblClient,
        keys: SealingKeys,
        sender: Sender,
        *,
        traffic: Traffic | None = None,
        history: History | None = None,
        is_paused: Callable[[str], bool] = lambda _: False,
        clock: Callable[[], float] = time.time,
        check_place: Callable[[str, Path], None] = lambda _, __: None,
    ) -> Gate:
        """The gate of a connected account."""
        return cls(
            client.exchange,
            client.attachments,
            keys,
            sender,
            traffic=traffic,
            history=history,
            is_paused=is_paused,
            clock=clock,
            check_place=check_place,
        )

    async def plan(self, draft: Draft) -> Plan:
        """Say what would be sent now: hash the files, look the keys up, ask the policy.

        Raises nothing for what speaks against sending: see `Plan.refusals`. Nothing is uploaded.
        """
        return await self._planner.plan(draft)

    async def seal(
        self, mail: OutboundMail, folder: Path, tell: Tell = lambda _: None
    ) -> SealedMail:
        """Encrypt a released mail into `folder` (its spool), or copy it there when it goes in clear.

        Raises PolicyRefused (the policy of now, or a file that is not the approved one), CryptoError
        (no usable key, or another one than approved), UsageError (a file is gone), DiskFull,
        ServiceError (the directory). Then nothing has been uploaded and the folder is as it was.
        """
        terms, encrypted = Terms.of(mail), mail.is_encrypted
        await in_thread(lambda _: self._may_leave(mail.to, terms, is_encrypted=encrypted))
        peer = await self._approved_key(mail) if mail.is_encrypted else None
        recipients = self._recipients(mail, peer)
        body = await sealed_text(mail.body, recipients)
        files = await sealed_files(
            mail,
            recipients,
            folder,
            lambda number, done: tell(Prepared(Step.SEALING, number, done)),
        )
        return SealedMail(mail, body, files, _sealed_to(peer))

    async def upload(
        self,
        sealed: SealedMail,
        tell: Tell = lambda _: None,
        *,
        uploaded: Sequence[UploadedFile] = (),
        on_uploaded: Callable[[UploadedFile], None] = lambda _: None,
    ) -> ReadyMail:
        """Upload the spooled files; nothing is sent yet.

        `uploaded` are the first files of it that an earlier attempt has uploaded; they keep their
        object keys. Raises ServiceError (never uncertain: no mail has left), PolicyRefused when
        the spool was changed, UsageError when it is gone.
        """
        files = list(uploaded[: len(sealed.files)])
        try:
            for number, file in enumerate(sealed.files[len(files) :], len(files)):
                files.append(await self._upload(file, number, tell))
                on_uploaded(files[-1])
        except ServiceError as error:
            error.uncertain = False
            error.next_step = error.next_step or "Nothing was sent. Try again."
            raise
        return _ready(sealed, tuple(files))

    async def send(self, mail: ReadyMail, *, repeat: bool = False) -> Receipt:
        """Send what was uploaded; calling it again sends the same bytes under the same key.

        `repeat`: a lost answer is followed by the same request again, which is allowed only where
        the service is known to deliver a repeated key once. Raises PolicyRefused, CryptoError,
        ServiceError; with `uncertain` set the mail may have left (design.md §11).
        """
        encrypted = mail.sealed_to is not None
        await in_thread(lambda _: self._may_leave(mail.to, mail.terms, is_encrypted=encrypted))
        if mail.sealed_to is not None:
            _check_sealed(mail)
            await self._check_still_good(mail, mail.sealed_to)
        return await self._sender.send_mail(
            mail.to,
            mail.subject,
            mail.body,
            usage=_usage(mail.usage),
            correlation_id=mail.correlation_id or None,
            idempotency_key=mail.idempotency_key,
            marketplace_request_id=mail.marketplace_request_id or None,
            headers=dict(mail.headers),
            attachments=[_reference(file) for file in mail.files],
            repeat_uncertain=repeat,
        )

    # ── what must hold ───────────────────────────────────────────────────────────────────────────

    def _may_leave(self, to: str, terms: Terms, *, is_encrypted: bool) -> None:
        """Ask the policy of now; PolicyRefused when it says no."""
        if terms.agent and self._is_paused(terms.agent):
            raise PolicyRefused(
                "The agent that proposed this mail is paused.", "Resume it on the Approvals screen."
            )
        if not is_encrypted and self._keys.requires_encryption(to):
            raise PolicyRefused(
                "Mail to this recipient must be encrypted; this one is not.",
                "Encrypt it, or change the rule for the recipient on the Keys screen.",
            )
        has_written = bool(terms.answers) and self._history.has_written(to, terms.answers)
        recheck(self._account, to, terms, is_encrypted=is_encrypted, has_written=has_written)

    async def _approved_key(self, mail: OutboundMail) -> PeerKey:
        from services.crypto.errors import KeyUnusable

        peer = await self._keys.peer_for(mail.to, fresh=True)
        peer.require()
        if peer.fingerprint != mail.key:
            raise KeyUnusable(
                "The recipient has another key than the one that was approved.", _ANEW
            )
        return peer

    def _recipients(self, mail: OutboundMail, peer: PeerKey | None) -> tuple[PeerKey, ...]:
        """The recipient, and the sender, who could not read the own copy otherwise."""
        from services.crypto.errors import KeyUnusable

        if peer is None:
            return ()
        if not mail.own_key:
            return (peer,)
        own = self._keys.own_public()
        if own is None or own.fingerprint != mail.own_key:
            raise KeyUnusable("Your own key is another one than when this was approved.", _ANEW)
        return peer, own

    async def _check_still_good(self, mail: ReadyMail, sealed_to: SealedTo) -> None:
        from services.crypto.errors import KeyUnusable

        try:
            peer = await self._keys.peer_for(mail.to, fresh=True)
        except BadAnswer as error:
            # An odd answer to a sending may stand for a mail that was taken; this one cannot.
            raise ServerBroken(error.sentence, error.next_step) from error
        except ServiceError as error:
            # It is the directory that did not answer: no mail has left.
            error.uncertain = False
            raise
        peer.require()
        usable = {part.fingerprint for part in peer.components if part.usable_for_encryption}
        if peer.fingerprint != sealed_to.primary or sealed_to.component not in usable:
            raise KeyUnusable(
                "The recipient has another key than this mail was encrypted to.",
                "Send it anew, so that it is encrypted to the new key.",
            )

    # ── uploading ────────────────────────────────────────────────────────────────────────────────

    async def _upload(self, file: SealedFile, number: int, tell: Tell) -> UploadedFile:
        with opened(Path(file.path), file.name, 2 * LARGEST) as source:
            await in_thread(lambda _: check_spooled(file, source))
            ref = await self._uploads.upload_file(
                source,
                file_name=file.name,
                content_type=file.content_type,
                on_progress=lambda done: tell(Prepared(Step.UPLOADING, number, done)),
            )
        return UploadedFile(
            ref.object_key, file.name, file.content_type, file.size, file.sha256, file.encrypted
        )


def _sealed_to(peer: PeerKey | None) -> SealedTo | None:
    return None if peer is None else SealedTo(peer.fingerprint, peer.require().fingerprint)


def _ready(sealed: SealedMail, files: tuple[UploadedFile, ...]) -> ReadyMail:
    mail = sealed.mail
    headers = dict(mail.headers)
    if sealed.sealed_to is not None:
        headers[ENCRYPTED_HEADER] = "body"
    return ReadyMail(
        to=mail.to,
        subject=mail.subject,
        body=sealed.body,
        headers=tuple(headers.items()),
        files=files,
        idempotency_key=mail.idempotency_key,
        correlation_id=mail.correlation_id,
        sealed_to=sealed.sealed_to,
        marketplace_request_id=mail.marketplace_request_id,
        usage=mail.usage,
        terms=Terms.of(mail),
    )


def _check_sealed(mail: ReadyMail) -> None:
    """Look once more at what is about to leave as encrypted; CryptoError when something is not."""
    body = mail.body.strip()
    is_armor = body.startswith(_BEGIN) and body.endswith(_END) and body.count("-----") == 4
    marked = dict(mail.headers).get(ENCRYPTED_HEADER) == "body"
    files = all(file.encrypted and file.content_type == SEALED_TYPE for file in mail.files)
    if not (is_armor and marked and files):
        raise CryptoError(
            "A part of this mail is not encrypted although all of it must be.",
            "Nothing was sent. Write it anew.",
        )


def _usage(metering: Metering | None) -> wire.Usage | None:
    if metering is None:
        return None
    return wire.Usage(
        outcomes_returned=metering.outcomes_returned,
        tokens_input=metering.tokens_input,
        tokens_output=metering.tokens_output,
        compute_ms=metering.compute_ms,
        custom_units=dict(metering.custom_units) or None,
    )


def _reference(file: UploadedFile) -> wire.AttachmentRef:
    return wire.AttachmentRef(
        object_key=file.object_key,
        name=file.name,
        content_type=file.content_type,
        size=file.size,
        encrypted=file.encrypted,
        encryption=wire.Encryption() if file.encrypted else None,
    )
