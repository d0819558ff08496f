"""What a session remembers of encrypted mail that it opened: rendered messages and their text.

Everything is in memory and gone when the keys are locked. Closes three traps: an answer that arrives
after the lock and shows or keeps what it should not (each answer is checked against the generation
in which it was asked for), a memory that grows with every message, and decrypted text on the disk:
there is none, unless the operator chose `keep_decrypted`, and then it is sealed to the own key.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.errors import CacheError, CryptoError, MailError
from services.safe_text import SafeText, clean_line
from services.seal_models import SealFacts, SealState, SignatureVerdict
from services.shown_mail import LineKind, RenderedMessage
from services.wire_values import InboundAttachment, InboxItem

if TYPE_CHECKING:
    from services.cache.store import MailStore
    from services.crypto.certs import PeerKey
    from services.crypto.own import UnlockedKey
    from services.keys.keychain import Keychain
    from services.reading.sealed import Unsealed
    from services.sync.late_keychain import LateKeychain
    from services.sync.unsealing import Unsealer

REMEMBERED: Final = 48
"""Messages that are kept rendered."""
REMEMBERED_SIZE: Final = 16_000_000
"""Characters of text that they may hold together."""
AHEAD: Final = 12
"""Messages that one request opens in advance at most."""
_SLICE: Final = 50
"""Kept messages that are opened in one go on a thread."""


def _nothing() -> None:
    """Nobody is to be told."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    message: RenderedMessage
    attachments: tuple[InboundAttachment, ...]
    size: int


class SealedReading:
    """The encrypted mail of one mailbox, opened with the keys of `keychain`.

    The keychain is made when the first encrypted message is met; where there is none, nothing is
    ever opened.
    """

    def __init__(self, store: MailStore, keychain: LateKeychain) -> None:
        self._store = store
        self._late = keychain
        self._chain: Keychain | None = None
        self._end: Callable[[], None] = _nothing
        self.on_forget: Callable[[], None] = _nothing
        """Called when the keys were locked: what the search found may not be shown any more."""
        self._generation = 0
        self._has_loaded = False
        self._messages: OrderedDict[str, _Remembered] = OrderedDict()

    # ── while a message is opened ────────────────────────────────────────────────────────────────

    @property
    def is_unlocked(self) -> bool:
        """Whether some encrypted mail can be opened now; asking does not count as use."""
        chain = self._follow(self._late.made)
        return chain is not None and chain.is_unlocked

    async def opener(self, message_id: str) -> Unsealer | None:
        """Return what opens a message with the keys that are open; None where there are no keys."""
        # Why there are none is told where keys are the matter; mail is read all the same.
        with suppress(MailError):
            chain = self._follow(await self._late.get())
            from services.sync.unsealing import Unsealer, keys_at_hand

            assert chain is not None
            keys = await keys_at_hand(chain)
            return Unsealer(keys, lambda: self._kept(message_id, keys.unlocked))
        return None

    async def rendered(
        self, message_id: str, render: Callable[[Unsealer | None], Awaitable[RenderedMessage]]
    ) -> tuple[RenderedMessage, Unsealer | None]:
        """Render with the keys that are open; when they are locked meanwhile, without them.

        Returns what opened the message too; None when nothing did. Raises as `render` does.
        """
        while True:
            generation = self._generation
            opener = await self.opener(message_id)
            message = await render(opener)
            if opener is None or opener.outcome is None or opener.outcome.plaintext is None:
                return message, None
            if generation == self._generation and self.is_unlocked:
                return message, opener

    def _follow(self, chain: Keychain | None) -> Keychain | None:
        """Forget what was decrypted whenever the keys are locked."""
        if chain is not None and chain is not self._chain:
            self._chain = chain
            self._end = chain.on_lock(self._on_lock)
        return chain

    def _on_lock(self) -> None:
        self.forget()
        self.on_forget()

    def recall(
        self, message_id: str, attachments: tuple[InboundAttachment, ...] | None = None
    ) -> RenderedMessage | None:
        """Return a message that was opened before, while the keys are open; None otherwise.

        With `attachments` only if its manifest is still that one.
        """
        if not self._messages:
            return None
        if not self.is_unlocked:
            self.forget()
            return None
        found = self._messages.get(message_id)
        if found is None or (attachments is not None and attachments != found.attachments):
            return None
        self._messages.move_to_end(message_id)
        return found.message

    async def remember(
        self,
        item: InboxItem,
        message: RenderedMessage,
        attachments: tuple[InboundAttachment, ...],
        opener: Unsealer,
    ) -> None:
        """Take in a message that was just opened, for the next look and for the search."""
        generation = self._generation
        text = _text_of(message)
        self._messages[item.message_id] = _Remembered(message, attachments, _size_of(message))
        self._messages.move_to_end(item.message_id)
        self._make_room()
        self._store.opened.put([(item.message_id, (item.sender, item.subject, text))])
        outcome, own = opener.outcome, opener.keys.own
        if self._keeps and own and outcome is not None and not outcome.was_kept:
            copy = _Kept(item.message_id, text, outcome)
            await asyncio.to_thread(self._keep, copy, own[0], generation)

    def _make_room(self) -> None:
        size = sum(remembered.size for remembered in self._messages.values())
        while len(self._messages) > 1 and (
            len(self._messages) > REMEMBERED or size > REMEMBERED_SIZE
        ):
            size -= self._messages.popitem(last=False)[1].size

    # ── when the keys change ─────────────────────────────────────────────────────────────────────

    def forget(self) -> None:
        """Drop everything that was decrypted: the keys are locked, or others now."""
        self._generation += 1
        self._has_loaded = False
        self._messages.clear()
        self._store.opened.forget()

    def drop(self, message_id: str) -> None:
        """Drop one message that is gone."""
        self._messages.pop(message_id, None)

    def close(self) -> None:
        """Forget everything and follow the keys no longer."""
        self._end()
        self.forget()

    @property
    def wants_kept(self) -> bool:
        """Whether `load_kept` has something to do."""
        return not self._has_loaded and self.is_unlocked

    async def load_kept(self) -> bool:
        """After unlocking, let the search find what earlier sessions kept; True if there is any.

        Without `keep_decrypted` what an earlier setting left is removed instead.
        """
        if not self.wants_kept or self._chain is None:
            return False
        self._has_loaded = True
        if not self._keeps:
            await asyncio.to_thread(self._store.kept.clear)
            return False
        generation, found = self._generation, False
        keys, contents = self._chain.unlocked(), self._store.kept.contents()
        while copies := await asyncio.to_thread(_open_some, contents, keys):
            if generation != self._generation:
                return False
            self._store.opened.put(
                (item.message_id, (item.sender, item.subject, copy.text))
                for copy in copies
                if copy is not None and (item := self._store.item(copy.message_id)) is not None
            )
            found = True
        return found

    # ── what is kept on the disk, sealed to the own key ──────────────────────────────────────────

    @property
    def _keeps(self) -> bool:
        return self._chain is not None and self._chain.keep_decrypted

    def _keep(self, copy: _Kept, own: PeerKey, generation: int) -> None:
        from services.crypto.messages import encrypt

        # A full disk or a key that has expired keeps nobody from reading.
        with suppress(CacheError, CryptoError):
            sealed = encrypt(copy.to_bytes(), [own])
            if generation == self._generation:
                self._store.kept.put(copy.message_id, sealed)

    def _kept(self, message_id: str, keys: tuple[UnlockedKey, ...]) -> Unsealed | None:
        sealed = self._store.kept.get(message_id) if self._keeps else None
        copy = _open_copy(sealed, keys) if sealed is not None else None
        return copy.unsealed if copy is not None and copy.message_id == message_id else None


def _open_some(contents: Iterator[bytes], keys: tuple[UnlockedKey, ...]) -> list[_Kept | None]:
    return [_open_copy(sealed, keys) for _, sealed in zip(range(_SLICE), contents, strict=False)]


def _open_copy(sealed: bytes, keys: tuple[UnlockedKey, ...]) -> _Kept | None:
    from services.crypto.messages import decrypt

    with suppress(CryptoError):
        return _Kept.from_bytes(decrypt(sealed, keys).data)
    return None


@dataclass(frozen=True, slots=True)
class _Kept:
    """The decrypted content of one message on its way to the disk or back."""

    message_id: str
    text: str
    unsealed: Unsealed

    def to_bytes(self) -> bytes:
        """Return it as JSON."""
        facts, plaintext = self.unsealed.facts, self.unsealed.plaintext
        assert plaintext is not None
        return json.dumps({
            "id": self.message_id,
            "text": self.text,
            "data": plaintext.data.decode("latin-1"),
            "entity": plaintext.is_entity,
            "verdict": facts.verdict.value,
            "signer": facts.signer,
            "signed_at": facts.signed_at,
            "to_key": facts.to_key,
        }).encode("ascii")  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> _Kept | None:
        """Return what `to_bytes` wrote; None for anything else."""
        from services.reading.sealed import Plaintext, Unsealed

        try:
            found = json.loads(data)
            facts = SealFacts(
                SealState.OPENED,
                verdict=SignatureVerdict(found["verdict"]),
                signer=clean_line(str(found["signer"])),
                signed_at=int(found["signed_at"]),
                to_key=clean_line(str(found["to_key"])),
            )
            plaintext = Plaintext(str(found["data"]).encode("latin-1"), found["entity"] is True)
            unsealed = Unsealed(facts, plaintext, was_kept=True)
            return cls(str(found["id"]), str(found["text"]), unsealed)
        except (ValueError, KeyError, TypeError):
            return None


def _text_of(message: RenderedMessage) -> SafeText:
    """Return the text that was encrypted, without our own words and without what stood outside."""
    own = (LineKind.NOTICE, LineKind.RULE)
    lines = (line.text for line in message.body if not line.outside and line.kind not in own)
    return SafeText("\n".join(lines))


def _size_of(message: RenderedMessage) -> int:
    return 200 + sum(len(line.text) + 60 for line in message.body)
