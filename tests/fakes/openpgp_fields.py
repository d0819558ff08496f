"""Certificates field by field: exactly the subpackets that a test gives, in their order.

Where tests/fakes/openpgp_keys.py makes a valid signature with one term changed, here a test says what
stands in the hashed area and what beside it; `certificate` joins the whole block.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.fakes.openpgp_keys import CERTIFY, DAY, ENCRYPT, MADE, SIGN, Key, hashed_user_id
from tests.fakes.openpgp_packets import SHA256, number_subpacket, packet, subpacket

USER_ID = b"Ada <ada@example.org>"
Bound = tuple[Key, Sequence[bytes]]
"""A subkey and the bodies of the signatures behind it."""


def made(moment: int = MADE) -> bytes:
    return number_subpacket(2, moment)


def expires(seconds: int) -> bytes:
    return number_subpacket(3, seconds)


def key_expires(seconds: int) -> bytes:
    return number_subpacket(9, seconds)


def issuer(key: Key) -> bytes:
    return subpacket(16, key.key_id)


def flags(bits: int) -> bytes:
    return subpacket(27, bytes((bits,)))


def reason(code: int) -> bytes:
    return subpacket(29, bytes((code,)) + b"why not")


def embedded(signature: bytes) -> bytes:
    return subpacket(32, signature)


def self_signature(
    primary: Key, user_id: bytes, *more: bytes, moment: int = MADE, hash_id: int = SHA256
) -> bytes:
    """A positive certification of a user id by the primary: `more` are hashed subpackets."""
    fields = [made(moment), *(more or (flags(CERTIFY | SIGN),))]
    covered = primary.hashed + hashed_user_id(user_id)
    return primary.sign(0x13, covered, fields, [issuer(primary)], hash_id)


def binding(
    primary: Key,
    subkey: Key,
    *more: bytes,
    moment: int = MADE,
    bits: int = ENCRYPT,
    hash_id: int = SHA256,
) -> bytes:
    """A subkey binding by the primary."""
    fields = [made(moment), flags(bits), *more]
    covered = primary.hashed + subkey.hashed
    return primary.sign(0x18, covered, fields, [issuer(primary)], hash_id)


def back_signature(
    subkey: Key, primary: Key, *more: bytes, moment: int = MADE, hash_id: int = SHA256
) -> bytes:
    """The signing subkey's word that it belongs to the primary."""
    covered = primary.hashed + subkey.hashed
    return subkey.sign(0x19, covered, [made(moment), *more], hash_id=hash_id)


def revocation(
    by: Key,
    kind: int,
    covered: bytes,
    code: int | None = 2,
    *,
    moment: int = MADE + DAY,
    hash_id: int = SHA256,
) -> bytes:
    """A revocation of what is covered, for a reason or without one."""
    fields = [made(moment)] + ([] if code is None else [reason(code)])
    return by.sign(kind, covered, fields, [issuer(by)], hash_id)


def certificate(
    primary: Key,
    *subkeys: Bound,
    user_id: bytes = USER_ID,
    names: Sequence[bytes] | None = None,
    direct: Sequence[bytes] = (),
) -> bytes:
    """A binary block: the primary, signatures on it, one user id with its own, subkeys with theirs."""
    names = [self_signature(primary, user_id)] if names is None else names
    out = [packet(6, primary.body), *(packet(2, body) for body in direct)]
    out += [packet(13, user_id), *(packet(2, body) for body in names)]
    for subkey, bodies in subkeys:
        out += [packet(14, subkey.body), *(packet(2, body) for body in bodies)]
    return b"".join(out)
