"""Ada's keys, made by hand: a primary, a subkey, a signing subkey, and those of Mallory."""

from __future__ import annotations

from collections.abc import Sequence

from services.crypto.certs import PeerKey
from tests.services.crypto.key_smith import (
    NOW,
    SmithKey,
    binding,
    certificate,
    revocation,
)

PRIMARY = SmithKey.ed25519()
SUBKEY = SmithKey.cv25519()
SIGNER = SmithKey.ed25519()
MALLORY = SmithKey.ed25519()
MALLORYS = SmithKey.cv25519()
PAIR = PRIMARY.hashed + SUBKEY.hashed


def judge(*subkeys: tuple[SmithKey, Sequence[bytes]], **parts: Sequence[bytes]) -> PeerKey:
    return PeerKey.parse(certificate(PRIMARY, *subkeys, **parts), now=NOW)


def good() -> tuple[SmithKey, list[bytes]]:
    return SUBKEY, [binding(PRIMARY, SUBKEY)]


def with_subkey(subkey: SmithKey) -> PeerKey:
    return judge((subkey, [binding(PRIMARY, subkey)]))


KEY_REVOKED = revocation(PRIMARY, 0x20, PRIMARY.hashed)
