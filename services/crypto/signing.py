"""Making a signature over data that passes (RFC 4880 §5.2.3, §5.4).

Closes the trap of a signature that can be sent on: it names the recipients that it is meant for
(RFC 9580 §5.2.3.36), so that a reader sees when somebody re-encrypted it to others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from services.crypto.certs import PeerKey
from services.crypto.own import UnlockedKey
from services.crypto.packets import Tag, join, new_length
from services.crypto.sigs import SignatureType
from services.crypto.subpackets import Kind

_SHA512: Final = 10


class Signer:
    """One signature in the making: feed it the data, then ask for the packet once."""

    __slots__ = ("_hasher", "_head", "_part")

    def __init__(self, key: UnlockedKey, now: int, recipients: Sequence[PeerKey] = ()) -> None:
        self._part, _ = key.signing_part()
        self._hasher = hashlib.sha512()
        primary = {peer.fingerprint: None for peer in recipients}
        hashed = b"".join(
            (
                _subpacket(Kind.MADE, now.to_bytes(4, "big")),
                _subpacket(Kind.ISSUER_FINGERPRINT, _spelled(self._part.key.fingerprint)),
                *(_subpacket(Kind.INTENDED_RECIPIENT, _spelled(one)) for one in primary),
            )
        )
        fixed = bytes((4, SignatureType.BINARY, self._part.key.algorithm, _SHA512))
        self._head = fixed + len(hashed).to_bytes(2, "big") + hashed

    @property
    def one_pass(self) -> bytes:
        """The packet that stands before the data."""
        body = bytes((3, SignatureType.BINARY, _SHA512, self._part.key.algorithm))
        return join(Tag.ONE_PASS, body + bytes.fromhex(self._part.key.key_id) + b"\1")

    def update(self, piece: bytes) -> None:
        """Pass a piece of the data."""
        self._hasher.update(piece)

    def packet(self) -> bytes:
        """Return the signature packet."""
        self._hasher.update(self._head + b"\x04\xff" + len(self._head).to_bytes(4, "big"))
        digest = self._hasher.digest()
        issuer = _subpacket(Kind.ISSUER, bytes.fromhex(self._part.key.key_id))
        numbers = b"".join(_mpi(number) for number in self._part.sign(digest))
        body = self._head + len(issuer).to_bytes(2, "big") + issuer + digest[:2] + numbers
        return join(Tag.SIGNATURE, body)


def _spelled(fingerprint: str) -> bytes:
    return b"\4" + bytes.fromhex(fingerprint)


def _subpacket(kind: int, data: bytes) -> bytes:
    return new_length(len(data) + 1) + bytes((kind,)) + data


def _mpi(number: int) -> bytes:
    bits = number.bit_length()
    return bits.to_bytes(2, "big") + number.to_bytes((bits + 7) // 8, "big")
