"""Ada's keys, made by hand: a primary, a subkey, a signing subkey, and those of Mallory."""

from __future__ import annotations

from collections.abc import Sequence

from services.crypto.certs import PeerKey
from tests.fakes.openpgp_fields import USER_ID, binding, certificate, flags, revocation
from tests.fakes.openpgp_keys import (
    CERTIFY,
    ENCRYPT,
    NOW,
    SIGN,
    Key,
    ed25519_key,
    hashed_user_id,
    x25519_key,
)

PRIMARY = ed25519_key()
SUBKEY = x25519_key()
SIGNER = ed25519_key()
MALLORY = ed25519_key()
MALLORYS = x25519_key()
PAIR = PRIMARY.hashed + SUBKEY.hashed


def judge(*subkeys: tuple[Key, Sequence[bytes]], **parts: Sequence[bytes]) -> PeerKey:
    return PeerKey.parse(certificate(PRIMARY, *subkeys, **parts), now=NOW)


def good() -> tuple[Key, list[bytes]]:
    return SUBKEY, [binding(PRIMARY, SUBKEY)]


def with_subkey(subkey: Key) -> PeerKey:
    return judge((subkey, [binding(PRIMARY, subkey)]))


KEY_REVOKED = revocation(PRIMARY, 0x20, PRIMARY.hashed)
ENCRYPTING = flags(CERTIFY | SIGN | ENCRYPT)


def revoked_name(code: int, moment: int) -> bytes:
    parts = PRIMARY.hashed + hashed_user_id(USER_ID)
    return revocation(PRIMARY, 0x30, parts, code, moment=moment)
