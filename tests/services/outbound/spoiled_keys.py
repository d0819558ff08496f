"""Ways in which a key in the directory stops being one that mail may be sealed to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.crypto import armor
from services.crypto.armor import ArmorKind
from services.crypto.own import OwnKey
from tests.fakes.openpgp_keys import (
    CERTIFY,
    ENCRYPT,
    SIGN,
    Key,
    certify,
    primary_packet,
    revoke,
    rsa_key,
    user_id,
)
from tests.services.outbound.conftest import Party

Spoil = Callable[[Party, Party, tuple[OwnKey, ...]], Awaitable[None]]


async def revoked(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await alice.keychain.peer_for(bob.address)
    await bob.client.directory.revoke_directory_key()


async def never_published(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await bob.client.directory.revoke_directory_key()


async def changed(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await alice.keychain.peer_for(bob.address)
    await publish(bob, keys[2].spki_pem(), keys[2].public_block())


async def mismatched(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await publish(bob, keys[1].spki_pem(), keys[2].public_block())


async def expired(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await publish_made(bob, rsa_key(), key_expires=60)


async def revoked_block(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await alice.keychain.peer_for(bob.address)
    made = rsa_key()
    await publish_made(bob, made, revoke(made))


async def weak(alice: Party, bob: Party, keys: tuple[OwnKey, ...]) -> None:
    await publish_made(bob, rsa_key(1024))


async def publish_made(party: Party, key: Key, revocation: bytes = b"", **terms: Any) -> None:
    flags = CERTIFY | SIGN | ENCRYPT
    block = (
        primary_packet(key) + revocation + user_id("b") + certify(key, "b", flags=flags, **terms)
    )
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    await publish(party, pem.decode(), armor.encode(block, ArmorKind.PUBLIC_KEY).decode())


async def publish(party: Party, pem: str, block: str) -> None:
    await party.client.directory.register_directory_key(
        public_key=pem, openpgp_public_key=block, key_version=2
    )
