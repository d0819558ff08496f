"""Mail by the Assmbl service: files to its storage host, then one `POST /send` (api/assmbl.md §5).

Closes the trap of a file that is another one than the sealed one: the spool is read through, hash
and all, before it is uploaded. It has neither cc nor bcc, so oversight is a linked mail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from services.api import wire
from services.api.assmbl_send import MailSender
from services.outbound.drafts.files import LARGEST, opened
from services.outbound.gate.ready import ReadyMail, SealedFile, SealedMail, UploadedFile
from services.outbound.gate.sealing import check_spooled
from services.outbound.gate.transport import (
    WITHOUT_END,
    Carries,
    Prepared,
    Receipt,
    SentMail,
    ServiceRules,
    Step,
    Tell,
    made_ready,
)
from services.progress import in_thread

if TYPE_CHECKING:
    from services.api.assmbl import AssmblClient
    from services.api.exchange import Exchange
    from services.api.presigned import Progress
    from services.draft import Metering


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


class AssmblTransport:
    """`Transport` of one connected account; `repeats`: the service delivers a repeated key once."""

    def __init__(self, exchange: Exchange, uploads: Uploads, *, repeats: bool = False) -> None:
        self._sender = MailSender(exchange)
        self._uploads = uploads
        self.rules = ServiceRules(
            "Assmbl AgentMail",
            files=Carries.UPLOADED,
            headers=True,
            metering=True,
            remembers=WITHOUT_END if repeats else 0,
        )

    @classmethod
    def of(cls, client: AssmblClient, *, repeats: bool = False) -> AssmblTransport:
        """The way out of a connected mailbox."""
        return cls(client.exchange, client.attachments, repeats=repeats)

    async def upload(
        self,
        sealed: SealedMail,
        tell: Tell,
        *,
        uploaded: Sequence[UploadedFile],
        on_uploaded: Callable[[UploadedFile], None],
    ) -> ReadyMail:
        """Upload the spooled files one after the other; see `Transport.upload`."""
        files = list(uploaded[: len(sealed.files)])
        for number, file in enumerate(sealed.files[len(files) :], len(files)):
            files.append(await self._upload(file, number, tell))
            on_uploaded(files[-1])
        return made_ready(sealed, files, rules=self.rules)

    async def send(self, mail: ReadyMail, *, repeat: bool) -> Receipt:
        """Post it; see `Transport.send`."""
        receipt = await self._sender.send_mail(
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
        return Receipt(receipt.message_id, receipt.correlation_id, receipt.idempotency_key)

    async def verify(self, sent: SentMail) -> str:  # noqa: ARG002
        """The service keeps no sent mail that could be asked for."""
        return ""

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
