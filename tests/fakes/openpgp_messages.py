"""OpenPGP messages put together by hand (RFC 4880 §5.1, §5.7, §5.13), whole or broken on purpose."""

from __future__ import annotations

import bz2
import hashlib
import os
import zlib
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from tests.fakes.openpgp_keys import PLAIN, RSA, Key, Terms, signature
from tests.fakes.openpgp_packets import mpi, packet

try:  # where CFB lives since cryptography 47
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:
    from cryptography.hazmat.primitives.ciphers.modes import CFB

BLOCK = 16
AES256 = 9
TEXT = b"Meet me at noon.\n"


def literal(data: bytes = TEXT, form: bytes = b"b", name: bytes = b"", date: int = 0) -> bytes:
    """A literal data packet."""
    return packet(11, form + bytes((len(name),)) + name + date.to_bytes(4, "big") + data)


def compressed(data: bytes, algorithm: int = 2) -> bytes:
    """A compressed data packet: 0 none, 1 ZIP, 2 ZLIB, 3 BZip2."""
    if algorithm == 1:
        deflate = zlib.compressobj(wbits=-15)
        data = deflate.compress(data) + deflate.flush()
    elif algorithm == 2:
        data = zlib.compress(data)
    elif algorithm == 3:
        data = bz2.compress(data)
    return packet(8, bytes((algorithm,)) + data)


def nested(depth: int, inner: bytes) -> bytes:
    """Compressions inside one another."""
    for _ in range(depth):
        inner = compressed(inner, 1)
    return inner


def encrypted_key(key: Key, session: bytes, *, hidden: bool = False, version: int = 3) -> bytes:
    """An envelope: the session key for one recipient."""
    plain = bytes((AES256,)) + session + (sum(session) & 0xFFFF).to_bytes(2, "big")
    head = bytes((version,)) + (b"\x00" * 8 if hidden else key.key_id) + bytes((key.algorithm,))
    if key.algorithm == RSA:
        sealed = key.private.public_key().encrypt(plain, padding.PKCS1v15())
        return packet(1, head + mpi(int.from_bytes(sealed, "big")))
    mine = x25519.X25519PrivateKey.generate()
    shared = mine.exchange(key.private.public_key())
    wrapping = hashlib.sha256(b"\x00\x00\x00\x01" + shared + key.kdf_parameters).digest()
    fill = 8 - len(plain) % 8
    wrapped = aes_key_wrap(wrapping, plain + bytes((fill,)) * fill)
    point = b"\x40" + mine.public_key().public_bytes_raw()
    return packet(1, head + mpi(int.from_bytes(point, "big")) + bytes((len(wrapped),)) + wrapped)


def unnamed(envelope: bytes) -> bytes:
    """The same envelope of version 3, that names nobody (RFC 4880 §5.1)."""
    at = envelope.index(b"\x03", 1)
    return envelope[: at + 1] + bytes(8) + envelope[at + 9 :]


def newer_envelope(name: bytes = b"", version: int = 6) -> bytes:
    """An envelope of RFC 9580 (§5.1.2) for X25519, to the fingerprint of a key of a version."""
    named = bytes((len(name) + 1, version)) + name if name else b"\0"
    return packet(1, b"\6" + named + b"\x19" + os.urandom(72))


def _cfb(session: bytes, start: bytes) -> Any:
    return Cipher(algorithms.AES(session), CFB(start)).encryptor()


def protected(plain: bytes, session: bytes, *, mdc: str = "right", version: int = 1) -> bytes:
    """A container with integrity protection; `mdc` is "right", "wrong", "absent" or "late"."""
    prefix = os.urandom(BLOCK)
    inner = prefix + prefix[-2:] + plain + b"\xd3\x14"
    check = hashlib.sha1(inner).digest()
    if mdc == "wrong":
        check = bytes((check[0] ^ 1,)) + check[1:]
    inner = inner[:-2] if mdc == "absent" else inner + check
    inner += literal(b"behind the check") if mdc == "late" else b""
    return packet(18, bytes((version,)) + _cfb(session, b"\x00" * BLOCK).update(inner))


def unprotected(plain: bytes, session: bytes) -> bytes:
    """A container without integrity protection (tag 9), with the resynchronisation that it has."""
    prefix = os.urandom(BLOCK)
    head = _cfb(session, b"\x00" * BLOCK).update(prefix + prefix[-2:])
    return packet(9, head + _cfb(session, head[2:]).update(plain))


def message(
    plain: bytes,
    keys: Sequence[Key],
    *,
    container: Any = protected,
    hidden: bool = False,
    **how: Any,
) -> bytes:
    """A binary message to several keys; `plain` are the packets inside."""
    session = os.urandom(32)
    envelopes = [encrypted_key(key, session, hidden=hidden) for key in keys]
    return b"".join([*envelopes, container(plain, session, **how)])


def one_pass(key: Key, kind: int = 0x00, hash_id: int = 8) -> bytes:
    """The note before the data that a signature follows."""
    return announced(key.key_id, key.algorithm, kind, hash_id)


def announced(key_id: bytes, algorithm: int, kind: int = 0x00, hash_id: int = 8) -> bytes:
    """The same note in the name of any key."""
    return packet(4, bytes((3, kind, hash_id, algorithm)) + key_id + b"\x01")


def signed(
    data: bytes,
    key: Key,
    *,
    kind: int = 0x00,
    form: bytes = b"b",
    covered: bytes | None = None,
    terms: Terms = PLAIN,
) -> bytes:
    """A signed message; `covered` is what is really signed, where that is not the data."""
    body = signature(kind, key, data if covered is None else covered, terms)
    named = terms.issuer or key
    return one_pass(named, kind, terms.hash_id) + literal(data, form) + packet(2, body)
