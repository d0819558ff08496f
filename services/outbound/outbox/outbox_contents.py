"""From planned mail to what the outbox keeps of it, and back.

Closes the trap of an outbox that holds in clear what leaves encrypted: the body of such a mail is
kept sealed to the own key. Without an own key it stands there like its draft did, only until it is
encrypted to the recipient, and no local copy is kept then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

import msgspec

from services.errors import CacheDamaged, CacheError
from services.outbound.gate.plan import OutboundMail
from services.outbound.gate.ready import ReadyMail, SealedMail, UploadedFile
from services.outbound.outbox.outbox_documents import Content
from services.progress import its_end

T = TypeVar("T")
SEALED: Final = "sealed"
PLAIN: Final = "plain"
_RECORD_AGAIN: Final = 2.0
"""Seconds between two attempts to write down what happened, when the disk refuses."""


async def durable(work: Callable[[], T]) -> T:
    """Run what waits for the disk in a thread; when cancelled, wait for its end before giving up.

    Whoever was cancelled can so rely on it that the change has happened, or has not.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await its_end(task)
        raise


async def recorded(note: Callable[[], T]) -> T:
    """Write down what happened outside; a disk that refuses is asked until it does not."""
    while True:
        try:
            return await durable(note)
        except CacheError:
            await asyncio.sleep(_RECORD_AGAIN)


def content_of(mail: OutboundMail, seal: Callable[[str], str] | None) -> Content:
    """Return what is kept of a mail that was just decided on; `seal` to the own key, if there is one."""
    document = msgspec.to_builtins(mail)
    if not mail.is_encrypted:
        return Content(document)
    document["body"] = ""
    if seal is None:
        return Content(document, mail.body, PLAIN)
    return Content(document, seal(mail.body), SEALED)


def planned_mail(content: Content) -> OutboundMail:
    """Return a mail as planned, without its body when that is encrypted."""
    return _converted(content.mail, OutboundMail)


async def whole_mail(content: Content, open_text: Callable[[str], Awaitable[str]]) -> OutboundMail:
    """Return a mail with its body; raises what `open_text` raises."""
    mail = planned_mail(content)
    if content.text_form == SEALED:
        return replace(mail, body=await open_text(content.text))
    return replace(mail, body=content.text) if content.text_form == PLAIN else mail


def sealed_document(sealed: SealedMail, uploaded: Sequence[UploadedFile] = ()) -> dict[str, Any]:
    """Return what sealing made, without the mail itself, and which files of it are uploaded."""
    document: dict[str, Any] = msgspec.to_builtins(sealed)
    del document["mail"]
    return document | {"uploaded": msgspec.to_builtins(tuple(uploaded))}


def sealed_mail(content: Content) -> tuple[SealedMail, tuple[UploadedFile, ...]]:
    """Return what sealing made of a mail, and its files that are uploaded already."""
    document = dict(content.sealed or {})
    uploaded = document.pop("uploaded", ())
    mail = planned_mail(replace(content, text="", text_form=""))
    kept = document | {"mail": msgspec.to_builtins(replace(mail, body=""))}
    return _converted(kept, SealedMail), _converted(uploaded, tuple[UploadedFile, ...])


def ready_mail(content: Content) -> ReadyMail:
    """Return what goes over the wire."""
    return _converted(content.ready, ReadyMail)


def _converted(document: Mapping[str, Any] | Sequence[Any] | None, kind: type[T]) -> T:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError:
        pass
    raise CacheDamaged("A mail of the outbox cannot be read any more.", "Write it anew.")
