"""The text of drafts, revision by revision, sealed or in clear.

Closes the trap of text that is sealed in its newest revision and still readable in an older one:
`seal_all` reaches every revision that is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.cache.documents import encode
from services.draft import Draft, Encryption
from services.errors import CryptoError
from services.outbound.drafts.draft_documents import content_document
from services.outbound.log.sealed_documents import Sealer, closed, is_sealed, opened
from services.outbound.log.store import REVISIONS, OutboundStore

KEPT: Final = 20
"""Revisions of one draft that are kept for comparing, besides the newest."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """What a draft says, and what is stored of it."""

    content: Mapping[str, Any] = field(repr=False)
    stored: Document = field(repr=False)
    digest: bytes
    hindrance: str = ""
    """Why it is stored in clear although the mail is to be encrypted, "" when it is not."""

    @property
    def is_sealed(self) -> bool:
        """Only the own key opens it."""
        return is_sealed(self.stored)


@dataclass(frozen=True, slots=True)
class StoredText:
    """One revision as it is read: `author` is an agent's name, "" for the operator."""

    author: str
    at: int
    content: Mapping[str, Any] = field(repr=False)


class Revisions:
    """The kept revisions of all drafts of a store."""

    def __init__(self, store: OutboundStore, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    def text(self, draft: Draft) -> Text:
        """Return what is to be stored of a draft; sealed when it is to be encrypted and can be."""
        content = content_document(draft)
        digest = hashlib.sha256(encode(content)).digest()
        if draft.encryption is not Encryption.REQUIRED:
            return Text(content, closed(content, None), digest)
        hindrance = self._sealer.hindrance
        try:
            stored = closed(content, None if hindrance else self._sealer)
        except CryptoError as error:
            # What somebody has written is kept whatever the key does; the list of drafts says how.
            hindrance, stored = error.sentence, closed(content, None)
        return Text(content, stored, digest, hindrance)

    def put(self, draft_id: str, number: int, text: Text, author: str, at: int) -> None:
        """Store one revision."""
        document = {"author": author, "at": at, "content": text.stored}
        self._store.put(REVISIONS, _place(draft_id, number), document)

    def read(self, draft_id: str, number: int, *, quietly: bool = False) -> StoredText | None:
        """Return a revision, None when it is not kept; raises as `sealed_documents.opened`."""
        stored = self._store.get(REVISIONS, _place(draft_id, number))
        if stored is None:
            return None
        content = opened(stored["content"], self._sealer, quietly=quietly)
        return StoredText(str(stored["author"]), int(stored["at"]), content)

    def make_room(self, draft_id: str, kept: tuple[int, ...], author: str) -> tuple[int, ...]:
        """Remove what a new revision takes the place of; return the numbers that stay.

        Every revision of an agent stays for comparing; of the operator's own saves, which come
        every two seconds, the last one.
        """
        numbers = list(kept)
        if numbers and not (author or self._author(draft_id, numbers[-1])):
            self.drop(draft_id, (numbers.pop(),))
        while len(numbers) > KEPT:
            self.drop(draft_id, (numbers.pop(0),))
        return tuple(numbers)

    def seal_all(self, draft_id: str, numbers: Iterable[int]) -> None:
        """Seal what is stored in clear, and let nothing of it stay on the disk; CryptoError."""
        for number in numbers:
            stored = self._store.get(REVISIONS, _place(draft_id, number))
            if stored is not None and not is_sealed(stored["content"]):
                content = opened(stored["content"], self._sealer)
                sealed = {**stored, "content": closed(content, self._sealer)}
                self._store.put(REVISIONS, _place(draft_id, number), sealed)
        self._store.scrub()

    def size(self, draft_id: str, numbers: Iterable[int]) -> int:
        """Return how many bytes revisions take on the disk."""
        return sum(self._store.size(REVISIONS, _place(draft_id, number)) for number in numbers)

    def drop(self, draft_id: str, numbers: Iterable[int]) -> None:
        """Remove revisions."""
        for number in numbers:
            self._store.remove(REVISIONS, _place(draft_id, number))

    def _author(self, draft_id: str, number: int) -> str:
        stored = self._store.get(REVISIONS, _place(draft_id, number))
        return "" if stored is None else str(stored["author"])


def _place(draft_id: str, number: int) -> str:
    return f"{draft_id}/{number}"
