"""Messages put together by hand, so that a test can make each one wrong.

The envelopes are ours (proved against gpg and Sequoia elsewhere); everything inside is made here.
"""

from __future__ import annotations

import bz2
import hashlib
import os
import zlib
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from services.crypto.certs import PeerKey
from services.crypto.envelopes import seal
from services.crypto.packets import Tag, join
from services.crypto.sessions import SessionKey

try:  # where CFB lives since cryptography 47
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:
    from cryptography.hazmat.primitives.ciphers.modes import CFB

TEXT = b"Meet me at noon.\n"


def literal(data: bytes = TEXT, form: bytes = b"b", name: bytes = b"") -> bytes:
    return join(Tag.LITERAL, form + bytes((len(name),)) + name + bytes(4) + data)


def compressed(inner: bytes, kind: int = 2) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    packed = {
        0: lambda: inner,
        1: lambda: deflate.compress(inner) + deflate.flush(),
        2: lambda: zlib.compress(inner),
        3: lambda: bz2.compress(inner),
    }[kind]()
    return join(Tag.COMPRESSED, bytes((kind,)) + packed)


def nested(inner: bytes, depth: int) -> bytes:
    for _ in range(depth):
        inner = compressed(inner, 1)
    return inner


def _encryptor(key: bytes, start: bytes) -> Any:
    return Cipher(algorithms.AES(key), CFB(start)).encryptor()


def protected(key: bytes, inner: bytes, *, check: bytes | None = None, version: int = 1) -> bytes:
    """The container with a modification check; `check` replaces the right one (b"": none)."""
    prefix = os.urandom(16)
    plain = prefix + prefix[-2:] + inner
    right = b"\xd3\x14" + hashlib.sha1(plain + b"\xd3\x14").digest()
    plain += right if check is None else check
    return join(Tag.PROTECTED, bytes((version,)) + _encryptor(key, bytes(16)).update(plain))


def unprotected(key: bytes, inner: bytes) -> bytes:
    """The container of old without integrity, with the resynchronisation that it has."""
    prefix = os.urandom(16)
    head = _encryptor(key, bytes(16)).update(prefix + prefix[-2:])
    return join(Tag.ENCRYPTED, head + _encryptor(key, head[2:]).update(inner))


def envelopes(session: SessionKey, *peers: PeerKey, hidden: bool = False) -> bytes:
    """Envelope packets; `hidden` names nobody (RFC 4880 §5.1)."""
    out = [seal(session, peer.require()) for peer in peers]
    return b"".join(hide(one) if hidden else one for one in out)


def hide(envelope: bytes) -> bytes:
    at = envelope.index(b"\x03", 1)
    return envelope[: at + 1] + bytes(8) + envelope[at + 9 :]


def message(inner: bytes, *peers: PeerKey, build: Any = protected, **how: Any) -> bytes:
    """A binary message around packets."""
    session = SessionKey.new()
    return envelopes(session, *peers) + build(session.key, inner, **how)


def one_pass(issuer: bytes, algorithm: int, kind: int = 0, hash_id: int = 8) -> bytes:
    return join(Tag.ONE_PASS, bytes((3, kind, hash_id, algorithm)) + issuer + b"\1")


def newer_envelope(name: bytes = b"", version: int = 6) -> bytes:
    """An envelope of RFC 9580 (§5.1.2), for X25519."""
    named = bytes((len(name) + 1, version)) + name if name else b"\0"
    return join(Tag.PUBLIC_SESSION_KEY, b"\6" + named + b"\x19" + os.urandom(72))


def flipped(data: bytes, at: int, bits: int = 1) -> bytes:
    return data[:at] + bytes((data[at] ^ bits,)) + data[at + 1 :]


def signed(data: bytes, body: bytes, issuer: bytes, algorithm: int, kinds: Sequence[int] = (0, 8),
           form: bytes = b"b") -> bytes:  # fmt: skip
    """One-pass note, literal, signature."""
    note = one_pass(issuer, algorithm, *kinds)
    return note + literal(data, form) + join(Tag.SIGNATURE, body)
