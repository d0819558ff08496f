"""The two wire calls that make mail leave AgentMail.to, for the sending gate and nobody else.

Closes these traps of reference 004 and api/agentmail_to.md §13. A body with a key that was not meant:
it is made from a constant set, and a field outside of it is refused, never dropped. HTML, which comes
out blank: there is no field for it. Recipients that the service works out by itself: no reply-all, no
forward, no drafts, and an answer names everybody it goes to. And a mail without a text, or without
its `Idempotency-Key`: neither is sent. Nothing is repeated here after a lost answer; the outbox does
that, under the same key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from services.api.agentmail_to.failures import of_answer
from services.api.agentmail_to.routes import SEND_ROUTES
from services.api.codec import kept_id
from services.errors import BadAnswer, Rejected, ServiceError, UsageError

if TYPE_CHECKING:
    from services.api.agentmail_to.door import V0Door
    from services.api.failures import Answer

STRICT_KEYS: Final = frozenset({"to", "bcc", "subject", "text"})
"""What reference 004 lets into the body."""
WIDE_KEYS: Final = STRICT_KEYS | {"attachments", "headers"}
ANSWER_KEYS: Final = WIDE_KEYS - {"subject"}
"""An answer has the subject that the service makes of the answered one's."""
SEND_SECONDS: Final = 60.0
KEY_HEADER: Final = "Idempotency-Key"
_FORBIDDEN: Final = 403
_KEY: Final = re.compile(r"[A-Za-z0-9._~-]{1,256}")


@dataclass(frozen=True, slots=True)
class LetterFile:
    """A file inside of the request; `content` is base64."""

    filename: str
    content_type: str
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent, under its wire names; whatever is empty does not travel."""

    to: tuple[str, ...]
    subject: str
    text: str = field(repr=False)
    bcc: tuple[str, ...] = ()
    attachments: tuple[LetterFile, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LetterReceipt:
    """What the service says about an accepted mail (§3)."""

    message_id: str
    thread_id: str = ""


class LetterSender:
    """`send` and `reply` of one inbox; `is_wide` lets more than four keys into the body."""

    def __init__(self, door: V0Door, inbox_id: str, *, is_wide: bool = False) -> None:
        self._door = door
        self._inbox_id = inbox_id
        self._is_wide = is_wide

    async def send(self, letter: Letter, key: str) -> LetterReceipt:
        """Send one mail under an idempotency key (§6).

        UsageError for what must not be in the body; ServiceError, with `uncertain` set when the
        mail may have left.
        """
        allowed = WIDE_KEYS if self._is_wide else STRICT_KEYS
        body = body_of(letter, allowed)
        return await self._post("send_message", {}, {"subject": "", **body}, letter.bcc, key)

    async def reply(self, message_id: str, letter: Letter, key: str) -> LetterReceipt:
        """Answer a message to exactly the recipients of the letter; raises as `send`.

        Its subject is not sent: whoever calls knows which one the service makes.
        """
        if not self._is_wide:
            raise UsageError("Answers by their message need the profile wide.")
        body = body_of(letter, WIDE_KEYS)
        answer = {name: body[name] for name in ANSWER_KEYS if name in body}
        ids = {"message_id": message_id}
        return await self._post("reply_message", ids, answer, letter.bcc, key)

    async def _post(
        self,
        name: str,
        ids: Mapping[str, str],
        body: Mapping[str, object],
        bcc: tuple[str, ...],
        key: str,
    ) -> LetterReceipt:
        exchange = self._door.exchange_for(SEND_ROUTES, partial(_error_of, bcc))
        data = await exchange.call(
            name,
            ids={"inbox_id": self._inbox_id, **ids},
            body=body,
            headers={KEY_HEADER: wire_key(key)},
            safe=False,
            seconds=SEND_SECONDS,
        )
        told = data if isinstance(data, Mapping) else {}
        message_id = kept_id(told.get("message_id"))
        if not message_id:
            raise BadAnswer("The answer is not that of AgentMail.to.", uncertain=True)
        return LetterReceipt(message_id, kept_id(told.get("thread_id")))


def _error_of(bcc: tuple[str, ...], answer: Answer) -> ServiceError | None:
    """Return the error of an answer; one that names who is in bcc says so, not to be tried without."""
    error = of_answer(answer)
    if error is None or answer.status != _FORBIDDEN:
        return error
    said = answer.body.decode("utf-8", "replace").lower()
    named = next((address for address in bcc if address.lower() in said), "")
    if not named:
        return error
    return Rejected(
        f"AgentMail.to does not deliver to the oversight address {named}, so nothing was sent.",
        "Have it taken off the service's lists, or set another oversight address.",
        status=error.status,
        code=error.code,
    )


def body_of(letter: Letter, allowed: frozenset[str]) -> dict[str, object]:
    """Return the body of a letter; UsageError for a field outside of `allowed` and without a text."""
    filled: dict[str, Any] = {
        one.name: value for one in fields(letter) if (value := getattr(letter, one.name))
    }
    if not set(filled) <= allowed:
        raise UsageError(
            "This mail holds what AgentMail.to is not to be given.",
            'Set profile = "wide" for the account, or take it out.',
        )
    if not letter.text.strip():
        raise UsageError("AgentMail.to takes no mail without a text.", "Write one.")
    if not letter.to:
        raise UsageError("Nobody is named as recipient.")
    shapes: dict[str, object] = {
        "to": list(letter.to),
        "bcc": list(letter.bcc),
        "subject": letter.subject,
        "text": letter.text,
        "attachments": [
            {"filename": one.filename, "content_type": one.content_type, "content": one.content}
            for one in letter.attachments
        ],
        "headers": dict(letter.headers),
    }
    return {name: shapes[name] for name in sorted(allowed) if name in filled}


def wire_key(key: str) -> str:
    """Return a key as the service takes it, the same every time; UsageError for none at all."""
    if not key:
        raise UsageError("A mail without an idempotency key is not sent.")
    if _KEY.fullmatch(key):
        return key
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
