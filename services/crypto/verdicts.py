"""What a signature inside a message says about its sender, in five words.

Closes three traps of PGPy: a signature that covers nothing is called good on any text, a key that
may not sign is believed, and SHA-1 counts. The data is hashed as it passes, from its raw octets;
only a part of the expected signer that may sign, judged in `certs`, can make a verdict good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.crypto.certs import Component, PeerKey
from services.crypto.errors import Damaged, Unsupported
from services.crypto.sigs import HASH_NAMES, STRONG, Hasher, Signature, SignatureType
from services.errors import CryptoError

_DOCUMENT: Final = frozenset({SignatureType.BINARY, SignatureType.TEXT})


class Verdict(Enum):
    """The outcome for one message; only GOOD may be shown as a proof of the sender."""

    NONE = "none"
    """Nothing is signed."""
    GOOD = "good"
    """Made over exactly this data by a part of the expected signer that may sign."""
    UNKNOWN = "unknown"
    """Signed by a key that is not the expected signer's, or nobody was expected."""
    BAD = "bad"
    """It names the expected signer and does not fit the data."""
    UNUSABLE = "unusable"
    """It covers nothing, or its key, hash, date or addressee must not be relied on."""


_WEIGHT: Final = (Verdict.GOOD, Verdict.BAD, Verdict.UNUSABLE, Verdict.UNKNOWN)
"""Of several signatures the first of these is told: one good one proves what it proves."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its signer (fingerprint, key id or "") and date (seconds, 0 unknown)."""

    verdict: Verdict
    signer: str = ""
    signed_at: int = 0


class SignedData:
    """Hashes what passes in every way that was announced, and judges signatures over it."""

    __slots__ = ("_held", "_plain", "_text")

    def __init__(self) -> None:
        self._plain: dict[int, Hasher] = {}
        self._text: dict[int, Hasher] = {}
        self._held = b""

    def announce(self, kind: int, hash_id: int) -> None:
        """Say before the data what a signature will rest on; what never counts is not hashed."""
        if hash_id in STRONG and kind in _DOCUMENT:
            hashers = self._text if kind == SignatureType.TEXT else self._plain
            hashers.setdefault(hash_id, hashlib.new(HASH_NAMES[hash_id], usedforsecurity=True))

    def update(self, piece: bytes) -> None:
        """Pass a piece of the data."""
        for hasher in self._plain.values():
            hasher.update(piece)
        if self._text:
            self._update_text(piece)

    def judge(
        self,
        bodies: Sequence[bytes],
        signer: PeerKey | None,
        now: int,
        readers: frozenset[str] = frozenset(),
    ) -> Judgement:
        """Judge the signatures after the last piece.

        `readers` are the primary fingerprints of those who opened it: a signature that is meant for
        others only was sent on by somebody else. The signer is judged again at `now`, because keys
        end while the program runs.
        """
        if self._text:
            self._end_text()
        if signer is not None and bodies:
            signer = PeerKey.parse(signer.block, now=now)
        found = [self._one(body, signer, now, readers) for body in bodies]
        for verdict in _WEIGHT:
            for judgement in found:
                if judgement.verdict is verdict:
                    return judgement
        return Judgement(Verdict.NONE)

    def _one(
        self, body: bytes, signer: PeerKey | None, now: int, readers: frozenset[str]
    ) -> Judgement:
        try:
            signature = Signature.parse(body)
        except Unsupported:
            return Judgement(Verdict.UNKNOWN)
        except Damaged:
            return Judgement(Verdict.UNUSABLE)
        named = [one for one in (signer.components if signer else ()) if signature.names(one.key)]
        if signer is None or not named:
            return Judgement(Verdict.UNKNOWN, _claimed(signature))
        if signature.type not in _DOCUMENT or signature.hash_id not in STRONG:
            return Judgement(Verdict.UNUSABLE, signer.fingerprint)
        maker = self._maker(signature, named)
        if maker is None:
            if all(one.key.material is None for one in named):
                return Judgement(Verdict.UNUSABLE, signer.fingerprint)
            verdict = Verdict.BAD if signature.issuers else Verdict.UNKNOWN
            return Judgement(verdict, signer.fingerprint if signature.issuers else "")
        good = _is_usable(signature, maker, signer, now, readers)
        verdict = Verdict.GOOD if good else Verdict.UNUSABLE
        return Judgement(verdict, signer.fingerprint, signature.made)

    def _maker(self, signature: Signature, named: Sequence[Component]) -> Component | None:
        hashers = self._text if signature.type == SignatureType.TEXT else self._plain
        hasher = hashers.get(signature.hash_id)
        if hasher is None:
            return None
        return next((one for one in named if signature.made_by(one.key, hasher)), None)

    def _update_text(self, piece: bytes) -> None:
        """Hash lines with CRLF at their ends (RFC 4880 §5.2.4), whatever the pieces cut."""
        piece = self._held + piece
        self._held = b"\r" if piece.endswith(b"\r") else b""
        whole = piece[:-1] if self._held else piece
        lines = whole.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        for hasher in self._text.values():
            hasher.update(lines)

    def _end_text(self) -> None:
        for hasher in self._text.values():
            hasher.update(self._held)
        self._held = b""


def _is_usable(
    signature: Signature, maker: Component, signer: PeerKey, now: int, readers: frozenset[str]
) -> bool:
    return (
        not signature.fault(now)
        and maker in signer.signers
        and signature.made >= maker.made
        and (
            not readers or not signature.recipients or not readers.isdisjoint(signature.recipients)
        )
    )


def _claimed(signature: Signature) -> str:
    """Return the issuer that a signature names, a fingerprint rather than a key id."""
    return max(signature.issuers, key=len, default="")


def announced(body: bytes) -> tuple[int, int] | None:
    """Return type and hash id of a one-pass packet's body (RFC 4880 §5.4), None for a newer one."""
    return (body[1], body[2]) if len(body) == 13 and body[0] == 3 else None


def announced_by_signature(body: bytes) -> tuple[int, int] | None:
    """Return type and hash id of a signature that stands before its data."""
    try:
        signature = Signature.parse(body)
    except CryptoError:
        return None
    return signature.type, signature.hash_id
