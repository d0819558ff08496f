"""The one gate: whatever leaves, leaves here. The only caller of any send route.

Closes the trap of a second way out, and the one of encryption that gives way: a draft that
requires it is sealed or refused, there is no path on which it becomes plaintext. The order is that
of research/crypto.md §5.2: the recipient's key is looked up now and checked, everything is
encrypted, only then the first file is uploaded, only then the mail is sent, and before that the
key is looked up once more, since an upload takes its time.

Two steps, so that what stands between them has its place: `prepare` gives bytes that do not change
any more (review, approval and outbox are bound to their digest), `send` posts exactly those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from services.api import wire
from services.api.assmbl_send import MailSender, Receipt
from services.draft import Encryption
from services.errors import CryptoError, PolicyRefused, ServiceError
from services.outbound.draft import ENCRYPTED_HEADER, OutboundDraft
from services.outbound.ready import ReadyMail, SealedTo, UploadedFile
from services.outbound.sealing import SEALED_TYPE, StagedFile, Stager

if TYPE_CHECKING:
    from services.api.assmbl import AssmblClient
    from services.api.exchange import Exchange
    from services.api.presigned import Progress
    from services.crypto.certs import PeerKey

_BEGIN: Final = "-----BEGIN PGP MESSAGE-----"
_END: Final = "-----END PGP MESSAGE-----"


class SealingKeys(Protocol):
    """What the gate asks about keys (`services.keys.keychain`).

    `peer_for` looks the key up in the directory and checks it against what is pinned: NoKey,
    KeyMismatch, KeyUnusable, KeyChanged, or a ServiceError when the directory does not answer.
    """

    async def peer_for(
        self, address: str, *, fresh: bool = ..., agent_id: str | None = ...
    ) -> PeerKey: ...

    def requires_encryption(self, address: str) -> bool: ...

    def own_public(self) -> PeerKey | None: ...


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


class Gate:
    """Prepares and sends the mail of one account; `folder` holds copies while they are sealed."""

    def __init__(
        self, exchange: Exchange, uploads: Uploads, keys: SealingKeys, folder: Path
    ) -> None:
        self._sender = MailSender(exchange)
        self._uploads = uploads
        self._keys = keys
        self._folder = folder

    @classmethod
    def of(cls, client: AssmblClient, keys: SealingKeys, folder: Path) -> Gate:
        """The gate of a connected account."""
        return cls(client.exchange, client.attachments, keys, folder)

    async def prepare(
        self, draft: OutboundDraft, tell: Callable[[Prepared], None] = lambda _: None
    ) -> ReadyMail:
        """Seal and upload a draft; nothing is sent yet.

        Raises UsageError (recipient, files), PolicyRefused (it would go in clear and must not),
        CryptoError (no usable key; nothing was uploaded then), ServiceError. Whatever is raised,
        nothing has left but ciphertext in the sender's own storage.
        """
        draft.check()
        self._may_be_plain(draft.to, is_plain=draft.encryption is Encryption.NONE)
        peer = await self._peer(draft.to, draft.peer_agent_id) if _must_seal(draft) else None
        recipients = self._recipients(peer)
        with Stager(self._folder) as stager:
            staged = await stager.stage(
                draft, recipients, lambda number, done: tell(Prepared(Step.SEALING, number, done))
            )
            try:
                files = [
                    await self._upload(file, number, tell)
                    for number, file in enumerate(staged.files)
                ]
            except ServiceError as error:
                error.uncertain = False
                error.next_step = error.next_step or "Nothing was sent. Try again."
                raise
        return _ready(draft, staged.body, tuple(files), _sealed_to(peer))

    async def send(self, mail: ReadyMail) -> Receipt:
        """Send what was prepared; calling it again sends the same bytes under the same key.

        Raises as `prepare` does. A ServiceError with `uncertain` set means that the mail may have
        left: a person decides whether to call again, since the service does not promise that a
        repeated key suppresses a second delivery (design.md §11).
        """
        self._may_be_plain(mail.to, is_plain=mail.sealed_to is None)
        if mail.sealed_to is not None:
            _check_sealed(mail)
            await self._check_still_good(mail, mail.sealed_to)
        return await self._sender.send_mail(
            mail.to,
            mail.subject,
            mail.body,
            usage=mail.usage,
            correlation_id=mail.correlation_id or None,
            idempotency_key=mail.idempotency_key,
            marketplace_request_id=mail.marketplace_request_id or None,
            headers=dict(mail.headers),
            attachments=[_reference(file) for file in mail.files],
        )

    # ── what must hold ───────────────────────────────────────────────────────────────────────────

    def _may_be_plain(self, address: str, *, is_plain: bool) -> None:
        if is_plain and self._keys.requires_encryption(address):
            raise PolicyRefused(
                "Mail to this recipient must be encrypted; this draft is not.",
                "Encrypt it, or change the rule for the recipient on the Keys screen.",
            )

    async def _peer(self, address: str, agent_id: str) -> PeerKey:
        peer = await self._keys.peer_for(address, fresh=True, agent_id=agent_id or None)
        peer.require()
        return peer

    def _recipients(self, peer: PeerKey | None) -> tuple[PeerKey, ...]:
        """The recipient, and the sender, who could not read the own copy otherwise."""
        if peer is None:
            return ()
        own = self._keys.own_public()
        if own is None or own.why or own.fingerprint == peer.fingerprint:
            return (peer,)
        return peer, own

    async def _check_still_good(self, mail: ReadyMail, sealed_to: SealedTo) -> None:
        from services.crypto.errors import KeyUnusable

        peer = await self._peer(mail.to, mail.peer_agent_id)
        usable = {part.fingerprint for part in peer.components if part.usable_for_encryption}
        if peer.fingerprint != sealed_to.primary or sealed_to.component not in usable:
            raise KeyUnusable(
                "The recipient has another key than this mail was encrypted to.",
                "Send it anew, so that it is encrypted to the new key.",
            )

    # ── uploading ────────────────────────────────────────────────────────────────────────────────

    async def _upload(
        self, file: StagedFile, number: int, tell: Callable[[Prepared], None]
    ) -> UploadedFile:
        ref = await self._uploads.upload_file(
            file.content,
            file_name=file.name,
            content_type=file.content_type,
            on_progress=lambda done: tell(Prepared(Step.UPLOADING, number, done)),
        )
        return UploadedFile(
            ref.object_key, file.name, file.content_type, file.size, file.sha256, file.encrypted
        )


def _must_seal(draft: OutboundDraft) -> bool:
    return draft.encryption is not Encryption.NONE


def _sealed_to(peer: PeerKey | None) -> SealedTo | None:
    return None if peer is None else SealedTo(peer.fingerprint, peer.require().fingerprint)


def _ready(
    draft: OutboundDraft, body: str, files: tuple[UploadedFile, ...], sealed_to: SealedTo | None
) -> ReadyMail:
    headers = dict(draft.headers)
    if sealed_to is not None:
        headers[ENCRYPTED_HEADER] = "body"
    return ReadyMail(
        to=draft.to,
        subject=draft.subject,
        body=body,
        headers=tuple(headers.items()),
        files=files,
        idempotency_key=draft.idempotency_key,
        correlation_id=draft.correlation_id,
        sealed_to=sealed_to,
        peer_agent_id=draft.peer_agent_id,
        marketplace_request_id=draft.marketplace_request_id,
        usage=draft.usage,
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


def _reference(file: UploadedFile) -> wire.AttachmentRef:
    return wire.AttachmentRef(
        object_key=file.object_key,
        name=file.name,
        content_type=file.content_type,
        size=file.size,
        encrypted=file.encrypted,
        encryption=wire.Encryption() if file.encrypted else None,
    )
