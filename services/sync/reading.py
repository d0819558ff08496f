"""Opening a message: the cached body first, else the service, then the renderer.

Closes two traps: trust that is told by the mail itself (the facts come from the inbox entry and the
cache only), and an answer about one message that wipes what the list said about it (`get_message`
may come without any inbox field, so its item is used only for a message that is not cached).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from services.errors import CacheError, CryptoError, MailError, NotFound, Offline, ServiceError
from services.models import MessageRow, RowFlag
from services.ports import MailProvider, MailRenderer, MailShelves
from services.safe_text import SafeText, clean_line, ui
from services.seal_models import SealState
from services.shelves import Shelf
from services.shown_mail import RenderedMessage, TrustFacts
from services.sync.sealed_reading import AHEAD, SealedReading
from services.wire_values import FetchedMessage, InboundAttachment, InboxItem

if TYPE_CHECKING:
    from services.attachments.inside import InsideFile
    from services.cache.store import MailStore
    from services.reading.sealed import Opener, Plaintext, Unsealed

RAW_LINES: Final = 20_000
RAW_LINE_LENGTH: Final = 2_000
_SETTLED: Final = ("ready", "failed")
"""States of an attachment that do not change any more."""


@dataclass(frozen=True, slots=True)
class RawMail:
    """A message as received, and its manifest."""

    item: InboxItem
    raw: bytes
    attachments: tuple[InboundAttachment, ...]
    is_sent: bool = False
    """It was sent from this inbox; such mail is not kept here."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A message ready to be read, and what it was made of."""

    message: RenderedMessage
    trust: TrustFacts
    mail: RawMail


class LateRenderer:
    """A renderer that is made when the first message is opened: its imports cost."""

    def __init__(self, make: Callable[[], MailRenderer]) -> None:
        self._make = make
        self._made: MailRenderer | None = None

    async def render(
        self,
        raw: bytes,
        *,
        attachments: tuple[InboundAttachment, ...] = (),
        reveal: bool = False,
        opener: Opener | None = None,
    ) -> RenderedMessage:
        """Return the message as safe text, as the real renderer does."""
        if self._made is None:
            self._made = self._make()
        return await self._made.render(raw, attachments=attachments, reveal=reveal, opener=opener)

    async def file_in(self, plaintext: Plaintext, number: int) -> tuple[str, bytes] | None:
        """Return a file inside of decrypted bytes, as the real renderer does."""
        if self._made is None:
            self._made = self._make()
        return await self._made.file_in(plaintext, number)

    async def aclose(self) -> None:
        """Close the real renderer if there is one."""
        if self._made is not None:
            await self._made.aclose()


class KeptMail:
    """Raw messages and their manifests in the body store of the cache."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    def get(self, message_id: str) -> tuple[bytes, tuple[InboundAttachment, ...]] | None:
        """Return a kept message; None when there is none."""
        raw = self._store.bodies.get(message_id)
        if raw is None:
            return None
        manifest = self._store.bodies.get(_manifest_name(message_id))
        return raw, _attachments(manifest) if manifest else ()

    def put(self, message_id: str, raw: bytes, attachments: tuple[InboundAttachment, ...]) -> None:
        """Keep a message and its manifest, if it has one; raises DiskFull or CacheError."""
        if self._store.read_only:
            return
        if attachments:
            manifest = json.dumps([asdict(entry) for entry in attachments]).encode()
            self._store.bodies.put(_manifest_name(message_id), manifest)
        self._store.bodies.put(message_id, raw)

    def remove(self, message_id: str) -> None:
        """Forget a message's manifest; the store forgets the body with the message."""
        if not self._store.read_only:
            self._store.bodies.remove([_manifest_name(message_id)])


class MessageReader:
    """Reads one message at a time for the reader, the raw view and the command line."""

    def __init__(self, store: MailStore, sealed: SealedReading) -> None:
        self._store = store
        self._kept = KeptMail(store)
        self._sealed = sealed

    async def fetch(self, message_id: str, provider: MailProvider | None) -> RawMail:
        """Return a message as received; raises ServiceError when it must be fetched and cannot.

        One that is not cached may have been sent from here: a part of a conversation.
        """
        item = self._store.item(message_id)
        kept = self._kept.get(message_id)
        if kept is not None and item is not None and _is_settled(kept[1]):
            return RawMail(item, *kept)
        try:
            fetched = await _ask(message_id, provider)
        except ServiceError as error:
            if kept is not None and item is not None:
                return RawMail(item, *kept)
            if item is None and isinstance(error, NotFound):
                return await _shelved(Shelf.SENT, message_id, provider, error)
            raise
        from services.reading.mime import raw_bytes

        raw = raw_bytes(fetched.raw_mime)
        # A full disk must not keep anybody from reading; the next commit tells about it.
        with suppress(CacheError):
            self._kept.put(message_id, raw, fetched.attachments)
        return RawMail(item or fetched.item, raw, fetched.attachments)

    def forget(self, message_id: str) -> None:
        """Forget what is kept of a message that is gone."""
        self._kept.remove(message_id)
        self._sealed.drop(message_id)

    async def open(
        self,
        message_id: str,
        provider: MailProvider | None,
        renderer: MailRenderer,
        *,
        reveal: bool,
    ) -> Opened:
        """Return a message as safe text with its trust facts; raises as `fetch` does."""
        mail = await self.fetch(message_id, provider)
        message = None if reveal else self._sealed.recall(message_id, mail.attachments)
        if message is None:
            message = await self._render(mail, renderer, reveal=reveal)
        row = self._store.snapshot().row_of(message_id)
        return Opened(message, _trust(mail, row, message), mail)

    async def read_ahead(
        self, message_ids: Sequence[str], provider: MailProvider | None, renderer: MailRenderer
    ) -> None:
        """Open encrypted messages in advance while the keys are open; failures wait to be told."""
        for message_id in message_ids[:AHEAD]:
            if not self._sealed.is_unlocked:
                return
            item = self._store.item(message_id)
            if item is None or not item.encrypted or self._sealed.recall(message_id):
                continue
            with suppress(MailError):
                mail = await self.fetch(message_id, provider)
                await self._render(mail, renderer, reveal=False)

    async def file_inside(
        self, message_id: str, number: int, provider: MailProvider | None, renderer: MailRenderer
    ) -> InsideFile:
        """Return one file out of an encrypted message, decrypted anew; nothing of it is kept.

        Raises as `fetch` does, Locked or NoKey, CryptoError for a message that does not open, and
        NotFound when it holds no such file.
        """
        from services.attachments.inside import InsideFile
        from services.crypto.verdicts import Verdict

        mail = await self._fetch_anywhere(message_id, provider)
        opener = await self._sealed.opener(message_id)
        await renderer.render(mail.raw, attachments=mail.attachments, opener=opener)
        if opener is None or opener.outcome is None or opener.outcome.plaintext is None:
            raise closed(None if opener is None else opener.outcome)
        found = await renderer.file_in(opener.outcome.plaintext, number)
        if found is None:
            raise NotFound(
                "The encrypted message holds no such file any more, or only a part of it."
            )
        name, data = found
        return InsideFile(name, data, Verdict(opener.outcome.facts.verdict.value))

    async def _fetch_anywhere(self, message_id: str, provider: MailProvider | None) -> RawMail:
        """Return a message as received, wherever it lies: files are saved from the trash too."""
        try:
            return await self.fetch(message_id, provider)
        except NotFound as error:
            if self._store.item(message_id) is not None:
                raise
            return await _shelved(None, message_id, provider, error)

    async def _render(
        self, mail: RawMail, renderer: MailRenderer, *, reveal: bool
    ) -> RenderedMessage:
        """Render a message and open it if it is encrypted.

        That it is shows for certain only once it has been read; the flag saves reading it twice.
        """
        is_known = mail.item.encrypted
        message = await self._render_once(mail, renderer, reveal=reveal, opens=is_known)
        if message.encrypted and not is_known:
            message = await self._render_once(mail, renderer, reveal=reveal, opens=True)
        return message

    async def _render_once(
        self, mail: RawMail, renderer: MailRenderer, *, reveal: bool, opens: bool
    ) -> RenderedMessage:
        async def render(opener: Opener | None) -> RenderedMessage:
            return await renderer.render(
                mail.raw, attachments=mail.attachments, reveal=reveal, opener=opener
            )

        if not opens:
            return await render(None)
        message, opener = await self._sealed.rendered(mail.item.message_id, render)
        if opener is not None and not reveal and not mail.is_sent:
            await self._sealed.remember(mail.item, message, mail.attachments, opener)
        return message


def closed(outcome: Unsealed | None) -> CryptoError:
    """Return the error for an encrypted message that did not open."""
    from services.crypto.errors import Locked, NoKey

    if outcome is None:
        return NoKey("There is no key that opens this message.", "Make or import a key first.")
    if outcome.facts.state is SealState.LOCKED:
        return Locked()
    return CryptoError(outcome.facts.sentence, outcome.facts.next_step)


async def _ask(message_id: str, provider: MailProvider | None) -> FetchedMessage:
    if provider is None:
        raise Offline(
            "This message has not been read here before, and there is no connection.",
            "It can be read as soon as the mail service is reached.",
        )
    return await provider.get_message(message_id)


async def _shelved(
    shelf: Shelf | None, message_id: str, provider: MailProvider | None, missing: NotFound
) -> RawMail:
    """Return a message that lies beside the mailbox; raises `missing` when it does not either."""
    if not isinstance(provider, MailShelves):
        raise missing
    try:
        fetched = await provider.get_shelved(shelf, message_id)
    except NotFound:
        raise missing from None
    from services.reading.mime import raw_bytes

    return RawMail(
        fetched.item, raw_bytes(fetched.raw_mime), fetched.attachments, shelf is Shelf.SENT
    )


def raw_lines(raw: bytes) -> tuple[SafeText, ...]:
    """Return raw mail as lines of safe text, cut at 20,000 lines of 2,000 characters."""
    lines = raw.decode("utf-8", "replace").splitlines()
    shown = [clean_line(line, RAW_LINE_LENGTH) for line in lines[:RAW_LINES]]
    if len(lines) > RAW_LINES:
        shown.append(ui("… the rest is not shown"))
    return tuple(shown)


def _is_settled(attachments: tuple[InboundAttachment, ...]) -> bool:
    return all(entry.status in _SETTLED for entry in attachments)


def _trust(mail: RawMail, row: MessageRow | None, message: RenderedMessage) -> TrustFacts:
    return TrustFacts(
        verified=mail.item.sender_verified,
        first_contact=row is not None and RowFlag.FIRST_CONTACT in row.flags,
        encrypted=message.encrypted,
        hidden_characters=message.hidden_characters,
        notes=message.notes,
        seal=message.seal,
        sent=mail.is_sent,
    )


def _manifest_name(message_id: str) -> str:
    # No id of the service holds a NUL: `Operation.url_path` refuses control characters.
    return f"manifest\0{message_id}"


def _attachments(document: bytes) -> tuple[InboundAttachment, ...]:
    entries: list[dict[str, Any]] = json.loads(document)
    return tuple(InboundAttachment(**entry) for entry in entries)
