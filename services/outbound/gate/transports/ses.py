"""Mail by Amazon SES: the whole mail is written once, kept, and sent as it lies there.

Closes three traps. SES knows no idempotency, so a mail that may have left is never sent again by
itself, and when a person sends it again it is the same bytes. Oversight that gets something else
than the recipient: both are destinations of one call, so SES takes the mail for both or for nobody.
And a spooled mail that somebody changed: its hash is compared before it leaves.
Source: reference 000, options 1 to 3 and 5; option 4 is the service's own `/send`.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.api import ses_mime
from services.api.ses import INSTALL, RawSender, SesTransport, is_installed
from services.draft import BodyFormat
from services.errors import ConfigError, MailError, PolicyRefused
from services.outbound.drafts.files import disk_errors, opened
from services.outbound.gate.ready import (
    ReadyMail,
    SealedFile,
    SealedMail,
    SpooledMail,
    UploadedFile,
)
from services.outbound.gate.transport import (
    Carries,
    Receipt,
    SentMail,
    ServiceRules,
    Tell,
    made_ready,
)
from services.paths import private_folder
from services.progress import in_thread

if TYPE_CHECKING:
    from services.service_config import SesPlace

NAME: Final = "Amazon SES"
WHOLE: Final = "mail"
"""What the finished mail is called in its spool."""
_LARGEST: Final = ses_mime.LARGEST * 97 // 100
"""Bytes of text and files in base64 without its line ends."""
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class SesCheck:
    """How an account stands at SES, for a person; `ok`: mail can leave."""

    ok: bool
    sentence: str
    next_step: str = ""


def hindrance(place: SesPlace | None, account: str = "NAME") -> tuple[str, str]:
    """Return why an account cannot send by SES, and the next step; ("", "") when it can."""
    if place is None:
        return (
            "This account does not send by Amazon SES.",
            f"Set identity and region under [accounts.{account}.ses] in the configuration.",
        )
    return ("", "") if is_installed() else (INSTALL, "")


async def check_ses(place: SesPlace) -> SesCheck:
    """Ask SES what the account may do; whatever goes wrong is told, not raised."""
    try:
        standing = await SesTransport(place).standing()
    except MailError as error:
        return SesCheck(False, error.sentence, error.next_step)
    step = "" if standing.may_send else "Look at the account in the SES console."
    return SesCheck(standing.may_send, f"{place_words(place)}. {standing.sentence}", step)


def place_words(place: SesPlace) -> str:
    """Say as whom and where: `Amazon SES as bot@host.example, eu-west-1`."""
    where = place.region or (f"profile {place.profile}" if place.profile else "AWS's own region")
    return f"{NAME} as {place.identity}, {where}"


def _whole_place(place: SesPlace) -> str:
    """Say also who gets it there and how: a decision is bound to all of that."""
    more = (
        f", profile {place.profile}" if place.region and place.profile else "",
        f", configuration set {place.configuration_set}" if place.configuration_set else "",
        f", at {place.endpoint}" if place.endpoint else "",
    )
    return place_words(place) + "".join(more)


class SesWayOut:
    """`Transport` by one SES identity."""

    def __init__(
        self,
        place: SesPlace,
        *,
        sender: RawSender | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`sender` stands in for the connection; ConfigError when the identity is no address."""
        self._sender = SesTransport(place) if sender is None else sender
        self._identity = place.identity
        self._clock = clock
        self.rules = ServiceRules(
            NAME,
            place=_whole_place(place),
            barred="" if sender is not None or is_installed() else INSTALL,
            sender=place.identity,
            files=Carries.INLINE,
            most_bytes=_LARGEST,
            headers=True,
            html=True,
            has_bcc=True,
            wider="Send it by the account's own service.",
        )

    async def upload(
        self,
        sealed: SealedMail,
        tell: Tell,  # noqa: ARG002 - nothing goes over the network yet
        *,
        uploaded: Sequence[UploadedFile],  # noqa: ARG002
        on_uploaded: Callable[[UploadedFile], None],  # noqa: ARG002
    ) -> ReadyMail:
        """Write the whole mail into its spool, once; see `Transport.upload`.

        Raises what writing it raises (`ses_mime.written`), and DiskFull.
        """
        self._check_sender(sealed.mail.sender)
        spooled = await in_thread(lambda _: self._spool(sealed))
        files = [
            UploadedFile(
                "", file.name, file.content_type, file.size, file.sha256, file.encrypted, file.path
            )
            for file in sealed.files
        ]
        return made_ready(sealed, files, rules=self.rules, spooled=spooled)

    async def send(self, mail: ReadyMail, *, repeat: bool) -> Receipt:  # noqa: ARG002
        """Send the spooled bytes, exactly once whatever `repeat` says; see `Transport.send`."""
        self._check_sender(mail.sender)
        raw = await in_thread(lambda _: _spooled(mail.spooled))
        receipt = await self._sender.send_raw(raw, to=mail.to, bcc=mail.bcc)
        return Receipt(receipt.message_id, mail.correlation_id, mail.idempotency_key)

    async def verify(self, sent: SentMail) -> str:  # noqa: ARG002
        """SES hands out no mail that was sent."""
        return ""

    def _check_sender(self, approved: str) -> None:
        """Raise PolicyRefused when the identity is another one than was decided on."""
        if approved.lower() != self._identity.lower():
            raise PolicyRefused(
                f"The SES identity is {self._identity} now; this was decided for {approved}.",
                "Nothing was sent. Review the mail again.",
            )

    def _spool(self, sealed: SealedMail) -> SpooledMail:
        raw = ses_mime.written(self._mime(sealed))
        place = Path(sealed.folder) / WHOLE
        with disk_errors():
            private_folder(place.parent)
            descriptor = os.open(place, _NEW_FILE, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                file.write(raw)
                file.flush()
                os.fsync(descriptor)
        return SpooledMail(str(place), len(raw), hashlib.sha256(raw).hexdigest())

    def _mime(self, sealed: SealedMail) -> ses_mime.MimeMail:
        mail = sealed.mail
        text, html = sealed.body, ""
        if mail.format is BodyFormat.MARKDOWN:
            html = mail.alternative
        elif mail.format is BodyFormat.HTML:
            text, html = mail.alternative, sealed.body
        return ses_mime.MimeMail(
            sender=mail.sender,
            to=mail.to,
            subject=mail.subject,
            text=text,
            html=html,
            headers=mail.headers,
            files=tuple(map(_mime_file, sealed.files)),
            correlation_id=mail.correlation_id,
            idempotency_key=mail.idempotency_key,
            is_encrypted=sealed.sealed_to is not None,
            date=int(self._clock()),
        )


def _mime_file(file: SealedFile) -> ses_mime.MimeFile:
    """Return a spooled file with its bytes; PolicyRefused when they are not what was sealed."""
    with opened(Path(file.path), file.name) as source:
        data = _whole(source.read, file.size, file.sha256, "A file of this mail")
    return ses_mime.MimeFile(file.name, file.content_type, data)


def _spooled(spooled: SpooledMail | None) -> bytes:
    """Return the finished mail; PolicyRefused when it is not what was finished, UsageError if gone."""
    if spooled is None:
        raise ConfigError("This mail was not made ready for Amazon SES.", "Review it again.")
    with opened(Path(spooled.path), "of the finished mail") as source:
        return _whole(source.read, spooled.size, spooled.sha256, "This mail")


def _whole(read: Callable[[], bytes], size: int, sha256: str, what: str) -> bytes:
    with disk_errors():
        data = read()
    if len(data) != size or hashlib.sha256(data).hexdigest() != sha256:
        raise PolicyRefused(
            f"{what} was changed while it waited.", "Nothing was sent. Review the mail again."
        )
    return data
