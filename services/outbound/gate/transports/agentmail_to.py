"""Mail by AgentMail.to: one text send for each recipient, with oversight in bcc (reference 004).

Closes these traps of api/agentmail_to.md §13. A profile that widens by itself: what strict does not
carry is refused when the mail is planned, and again when the body is made. An answer whose subject or
recipients the service chooses: it is sent natively only to written-out recipients, and only when the
service would make the very subject that was approved. And oversight that is believed: after sending,
the service is asked who is in bcc.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.addresses import parse_mailboxes
from services.api.agentmail_to.send import Letter, LetterFile, LetterReceipt, LetterSender
from services.errors import BadAnswer, Conflict, NotFound, PolicyRefused, ServerBroken
from services.outbound.drafts.files import disk_errors, opened
from services.outbound.gate.ready import ReadyMail, SealedFile, SealedMail, UploadedFile
from services.outbound.gate.sealing import check_spooled
from services.outbound.gate.transport import (
    Carries,
    Receipt,
    SentMail,
    ServiceRules,
    Tell,
    made_ready,
)
from services.progress import in_thread
from services.service_config import SendProfile

if TYPE_CHECKING:
    from services.api.agentmail_to.client import AgentMailToClient
    from services.api.retry import Sleep

NAME: Final = "AgentMail.to"
REMEMBERED: Final = 23 * 3600
"""Seconds from the first attempt; the service keeps a key for 24 hours."""
MOST_BYTES: Final = 6_000_000
"""Of a request with its files (§9)."""
_WIDER: Final = (
    'Set profile = "wide" for the account and open the app again, or send it by Amazon SES.'
)
_OWN_FIELDS: Final = frozenset({"reply-to", "in-reply-to", "references"})
CORRELATION: Final = "X-AgentMail-Correlation-Id"
_SHOWN_AFTER: Final = (0.0, 1.0, 3.0)
"""Seconds before each look at a mail that was just sent."""

STRICT: Final = ServiceRules(
    NAME,
    files=Carries.NONE,
    most_bytes=MOST_BYTES,
    needs_text=True,
    headers=False,
    threads=False,
    has_bcc=True,
    shows_sent=True,
    remembers=REMEMBERED,
    wider=_WIDER,
)
WIDE: Final = ServiceRules(
    f"{NAME} (wide)",
    files=Carries.INLINE,
    most_bytes=MOST_BYTES,
    needs_text=True,
    headers=True,
    owns=_OWN_FIELDS,
    threads=False,
    has_bcc=True,
    replies=True,
    shows_sent=True,
    remembers=REMEMBERED,
    wider="Send it by Amazon SES.",
)


class AgentMailToTransport:
    """`Transport` of one inbox; `profile` says how much the service is given."""

    def __init__(
        self,
        client: AgentMailToClient,
        profile: SendProfile = SendProfile.STRICT,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        is_wide = profile is SendProfile.WIDE
        self._client = client
        self._sender = LetterSender(client.door, client.inbox_id, is_wide=is_wide)
        self._sleep = sleep
        self.rules = WIDE if is_wide else STRICT

    async def upload(
        self,
        sealed: SealedMail,
        tell: Tell,  # noqa: ARG002 - nothing moves before the mail itself
        *,
        uploaded: Sequence[UploadedFile],  # noqa: ARG002
        on_uploaded: Callable[[UploadedFile], None],  # noqa: ARG002
    ) -> ReadyMail:
        """Decide how it is sent, once and for every attempt; see `Transport.upload`."""
        files = [_inline(file) for file in sealed.files]
        answered = await self._answered(sealed)
        return made_ready(sealed, files, rules=self.rules, replies_to=answered)

    async def send(self, mail: ReadyMail, *, repeat: bool) -> Receipt:  # noqa: ARG002
        """Post it once, as a text send or as an answer; see `Transport.send`."""
        self._check_sender(mail.sender)
        letter = await in_thread(lambda _: self._letter(mail))
        try:
            told = await self._post(mail, letter)
        except Conflict as error:
            raise _conflict(error) from None
        return Receipt(
            told.message_id, mail.correlation_id, mail.idempotency_key, thread_id=told.thread_id
        )

    async def verify(self, sent: SentMail) -> str:
        """Ask who got the mail; see `Transport.verify`."""
        shown = await self._shown(sent.message_id)
        seen = _addresses(shown.get("bcc"))
        missing = [address for address in sent.bcc if address.lower() not in seen]
        if missing:
            return (
                f"The mail to {sent.to} left without {', '.join(missing)} in bcc: "
                "oversight has not seen it."
            )
        meant = {sent.to.lower(), *map(str.lower, sent.bcc)}
        others = (seen | _addresses(shown.get("to")) | _addresses(shown.get("cc"))) - meant
        if others:
            return f"The mail to {sent.to} went to {', '.join(sorted(others))} as well."
        if sent.replies_to and shown.get("subject") != sent.subject:
            return f"The mail to {sent.to} left under another subject than the approved one."
        return ""

    def _check_sender(self, approved: str) -> None:
        """Raise PolicyRefused when the inbox is another one than was decided on."""
        if approved.lower() != self._client.inbox_id.lower():
            raise PolicyRefused(
                f"The inbox is {self._client.inbox_id} now; this was decided for {approved}.",
                "Nothing was sent. Review the mail again.",
            )

    def _letter(self, mail: ReadyMail) -> Letter:
        """Return what is sent; PolicyRefused when a spooled file was changed, UsageError if gone."""
        headers = mail.headers
        if self.rules.headers and mail.correlation_id:
            headers = (*headers, (CORRELATION, mail.correlation_id))
        return Letter(
            to=(mail.to,),
            subject=mail.subject,
            text=mail.body,
            bcc=mail.bcc,
            attachments=tuple(map(_enclosed, mail.files)),
            headers=headers,
        )

    async def _post(self, mail: ReadyMail, letter: Letter) -> LetterReceipt:
        if mail.replies_to:
            return await self._sender.reply(mail.replies_to, letter, mail.idempotency_key)
        return await self._sender.send(letter, mail.idempotency_key)

    async def _answered(self, sealed: SealedMail) -> str:
        """Return the message that is answered natively, "" when the subject would be another."""
        named = sealed.mail.replies_to
        if not named:
            return ""
        try:
            subject = (await self._client.message(named)).get("subject")
        except NotFound:
            return ""
        told = subject if isinstance(subject, str) else ""
        return named if sealed.mail.subject == answer_subject(told) else ""

    async def _shown(self, message_id: str) -> Mapping[str, object]:
        """Return a mail as the service shows it; it may take a moment to be there."""
        for seconds in _SHOWN_AFTER:
            if seconds:
                await self._sleep(seconds)
            try:
                return await self._client.message(message_id)
            except NotFound:
                continue
        raise BadAnswer("AgentMail.to does not show the mail that it has just taken.")


def answer_subject(subject: str) -> str:
    """Return the subject that the service gives to an answer (§6)."""
    return subject if subject.lower().startswith("re:") else f"Re: {subject}".rstrip()


def _inline(file: SealedFile) -> UploadedFile:
    return UploadedFile(
        "", file.name, file.content_type, file.size, file.sha256, file.encrypted, file.path
    )


def _enclosed(file: UploadedFile) -> LetterFile:
    spooled = SealedFile(
        file.path, file.name, file.content_type, file.size, file.sha256, file.encrypted
    )
    with opened(Path(file.path), file.name) as source, disk_errors():
        check_spooled(spooled, source)
        data = source.read()
    if len(data) != file.size:
        raise PolicyRefused("A file of this mail was changed while it waited.")
    return LetterFile(file.name, file.content_type, base64.b64encode(data).decode("ascii"))


def _conflict(error: Conflict) -> Conflict | ServerBroken:
    """Say what a 409 means; one at the first attempt cannot come from this mail itself."""
    if error.code == "race_condition":
        return ServerBroken(
            "AgentMail.to was changed at the same moment.", "Try again.", status=error.status
        )
    return Conflict(
        "AgentMail.to knows this mail's key from another mail, so it did not take this one.",
        "This is a fault of the program; report it, and write the mail anew.",
        status=error.status,
        code=error.code,
    )


def _addresses(value: object) -> set[str]:
    """Return the bare addresses of a field, in lower case."""
    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    named = (one for text in texts if isinstance(text, str) for one in parse_mailboxes(text))
    return {one.address.lower() for one in named if one.address}
