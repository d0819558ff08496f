"""Before anything is encrypted: every check of research/crypto.md §5.2, 1 to 6, over the sandbox."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from services.crypto.certs import PeerKey
from services.crypto.errors import (
    Damaged,
    KeyChanged,
    KeyMismatch,
    KeyUnusable,
    NoKey,
    TooLarge,
    Unsupported,
)
from services.errors import CryptoError, ServiceError, UsageError
from services.key_models import PeerStatus
from services.keys.views import peer_view
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import (
    MADE,
    Person,
    bind,
    certify,
    person,
    primary_packet,
    revoke,
    revoke_subkey,
    subkey_packet,
    user_id,
    x25519_key,
)
from tests.fakes.openpgp_packets import packet
from tests.fakes.operators import Operator, own_key, pem_of, public_armor


def status(me: Operator, peer: Operator) -> PeerStatus:
    return peer_view(me.chain, me.chain.book.peer(peer.address), me.clock.began).status


async def test_a_good_key_is_returned_and_pinned(me: Operator, peer: Operator, ada: Person) -> None:
    await peer.publish(own_key(ada))
    key = await me.chain.peer_for(peer.address)
    assert key.fingerprint == own_key(ada).fingerprint
    pin = me.chain.pinned(peer.address)
    assert pin is not None
    assert (pin.fingerprint, pin.since) == (key.fingerprint, me.clock.began)
    assert status(me, peer) is PeerStatus.PINNED


async def test_every_sending_asks_the_directory_anew(
    me: Operator, peer: Operator, sandbox: SandboxControl, ada: Person
) -> None:
    await peer.publish(own_key(ada))

    def asked() -> int:
        path = f"/public/agents/{peer.agent.agent_id}"
        return sum(one["path"] == path for one in sandbox.requests())

    before = asked()
    for _ in range(3):
        await me.chain.peer_for(peer.address)
    assert asked() == before + 3
    for _ in range(3):
        await me.chain.peer_for(peer.address, fresh=False)
    assert asked() == before + 3
    sandbox.fault("status", operation="lookup_public_agent", times=9, status=503)
    with pytest.raises(ServiceError):
        await me.chain.peer_for(peer.address)


async def test_no_key_and_a_revoked_one_are_refused_and_shown(
    me: Operator, peer: Operator, ada: Person
) -> None:
    with pytest.raises(NoKey, match="has no OpenPGP key"):
        await me.chain.peer_for(peer.address)
    with pytest.raises(NoKey):
        await me.chain.peer_for("nobody-there@agents.example.com")
    assert me.chain.book.peers() == ()
    await peer.publish(own_key(ada))
    await me.chain.peer_for(peer.address)
    await peer.chain.entry.revoke()
    with pytest.raises(NoKey, match="taken the key out"):
        await me.chain.peer_for(peer.address)
    assert status(me, peer) is PeerStatus.NO_KEY
    await peer.chain.entry.publish()
    await me.chain.peer_for(peer.address)
    assert status(me, peer) is PeerStatus.PINNED


def expired(who: Person) -> bytes:
    return (
        primary_packet(who.primary)
        + user_id(who.user)
        + certify(who.primary, who.user, key_expires=86_400)
        + subkey_packet(who.sub)
        + bind(who.primary, who.sub)
    )


STRANGER = person("Eve <eve@agents.example.com>")


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (expired, KeyUnusable, "expired on 2023-11-15"),
        (lambda who: who.block + revoke(who.primary), KeyUnusable, "was revoked"),
        (lambda who: who.block + revoke_subkey(who.primary, who.sub), KeyUnusable, "was revoked"),
        (lambda who: who.head, KeyUnusable, "no part for encryption"),
        (lambda who: who.head + subkey_packet(who.sub), KeyUnusable, "no part for encryption"),
        (
            lambda who: who.head + subkey_packet(STRANGER.sub) + bind(STRANGER.primary, STRANGER.sub),
            KeyUnusable,
            "no part for encryption",
        ),
        (lambda who: who.block + STRANGER.block, KeyUnusable, "more than one key"),
        (lambda who: who.secret_block, KeyUnusable, "private key"),
        (lambda who: who.block[:-40], CryptoError, "."),
        (lambda who: packet(6, b"\x06" + b"\0" * 60), Unsupported, "version 6"),
        (lambda who: b"\x00" * 20, CryptoError, "."),
    ],
    ids=["expired", "revoked", "subkey revoked", "sign only", "unbound", "bound by another",
         "two keys", "private", "cut", "version 6", "no packets"],
)  # fmt: skip
async def test_a_key_that_must_not_be_used_is_refused_and_not_pinned(
    me: Operator, peer: Operator, ada: Person, make, error, words
) -> None:
    await peer.serve(public_armor(make(ada)), pem_of(own_key(ada)))
    with pytest.raises(error, match=words):
        await me.chain.peer_for(peer.address)
    with pytest.raises(CryptoError):
        await me.chain.look_up(peer.address)
    assert me.chain.book.peers() == ()


async def test_a_forged_subkey_under_the_pinned_primary_is_not_encrypted_to(
    me: Operator, peer: Operator, ada: Person
) -> None:
    await peer.publish(own_key(ada))
    await me.chain.peer_for(peer.address)
    forged = x25519_key(MADE + 99)
    spliced = ada.block + subkey_packet(forged) + bind(ada.primary, forged, by=STRANGER.primary)
    await peer.serve(public_armor(spliced), pem_of(own_key(ada)))
    key = await me.chain.peer_for(peer.address)
    assert key.encrypt_to is not None
    assert key.encrypt_to.fingerprint == ada.sub.fingerprint.hex().upper()


async def test_block_pem_and_hash_must_be_one_key(
    me: Operator, peer: Operator, ada: Person, bea: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await peer.serve(public_armor(ada.block), pem_of(own_key(bea)))
    with pytest.raises(KeyMismatch):
        await me.chain.peer_for(peer.address)
    await peer.serve(public_armor(ada.block), pem_of(own_key(ada)))
    entry = await me.chain.directory.look_up(peer.agent.agent_id, fresh=True)

    async def lies(*_: object, **__: object) -> object:
        return replace(entry, pem_sha256="0" * 64)

    with monkeypatch.context() as patch:
        patch.setattr(me.chain.directory, "look_up", lies)
        with pytest.raises(KeyMismatch):
            await me.chain.peer_for(peer.address)
        entry = replace(entry, block=public_armor(ada.block + packet(13, b"x" * 200_000)))
        with pytest.raises(TooLarge):
            await me.chain.peer_for(peer.address)
    assert (await me.chain.peer_for(peer.address)).fingerprint == own_key(ada).fingerprint


async def test_a_changed_key_blocks_sending_until_accepted(
    me: Operator, peer: Operator, ada: Person, bea: Person
) -> None:
    await peer.publish(own_key(ada))
    await me.chain.peer_for(peer.address)
    await peer.publish(own_key(bea))
    for fresh in (True, True, False):
        with pytest.raises(KeyChanged):
            await me.chain.peer_for(peer.address, fresh=fresh)
    assert status(me, peer) is PeerStatus.CHANGED
    assert me.chain.signer(peer.address) is None
    me.chain.book.accept(peer.address, own_key(bea).fingerprint)
    key = await me.chain.peer_for(peer.address)
    assert key.fingerprint == own_key(bea).fingerprint
    signer = me.chain.signer(peer.address.upper())
    assert signer is not None
    assert signer.fingerprint == key.fingerprint


async def test_a_revocation_is_not_undone_by_an_older_block(
    me: Operator, peer: Operator, ada: Person
) -> None:
    await peer.publish(own_key(ada))
    await me.chain.peer_for(peer.address)
    await peer.serve(public_armor(ada.block + revoke(ada.primary)), pem_of(own_key(ada)))
    assert "revoked" in (await me.chain.look_up(peer.address)).why
    await peer.serve(public_armor(ada.block), pem_of(own_key(ada)))
    with pytest.raises(KeyUnusable, match="revoked"):
        await me.chain.peer_for(peer.address)
    assert status(me, peer) is PeerStatus.UNUSABLE


async def test_the_name_in_the_directory_is_the_local_part_of_the_own_domain(
    me: Operator, peer: Operator, ada: Person
) -> None:
    await peer.publish(own_key(ada))
    local, _, domain = peer.address.partition("@")
    assert me.chain.agent_id_for(f"{local}@{domain.upper()}") == local
    assert (await me.chain.peer_for(local)).fingerprint == own_key(ada).fingerprint
    foreign = "someone@elsewhere.example"
    assert me.chain.agent_id_for(foreign) == ""
    with pytest.raises(NoKey, match="not one of this mail service"):
        await me.chain.peer_for(foreign)
    key = await me.chain.peer_for(foreign, agent_id=peer.agent.agent_id)
    assert key.fingerprint == own_key(ada).fingerprint
    await me.chain.look_up(foreign, agent_id=peer.agent.agent_id)
    assert (await me.chain.peer_for(foreign)).fingerprint == key.fingerprint


async def test_an_agent_id_cannot_lead_an_address_of_the_own_domain_to_another_entry(
    me: Operator, peer: Operator, ada: Person
) -> None:
    await peer.publish(own_key(ada))
    with pytest.raises(UsageError, match="its own entry"):
        await me.chain.peer_for("research@agents.example.com", agent_id=peer.agent.agent_id)
    with pytest.raises(UsageError, match="its own entry"):
        await me.chain.look_up("research", agent_id=peer.agent.agent_id)
    key = await me.chain.peer_for(peer.address, agent_id=peer.agent.agent_id)
    assert key.fingerprint == own_key(ada).fingerprint


@pytest.mark.parametrize("odd", ["", " ", "a b@c.d", "a@b@c", "a@b\n", "<x@y.z>", "..", "\x1b@x.y"])
async def test_an_odd_address_is_refused_before_anything_is_asked(
    me: Operator, sandbox: SandboxControl, odd: str
) -> None:
    before = len(sandbox.requests())
    with pytest.raises((UsageError, CryptoError)):
        await me.chain.peer_for(odd, agent_id=odd if odd == ".." else None)
    assert len(sandbox.requests()) == before


async def test_mail_to_oneself_uses_the_own_key_without_asking(
    me: Operator, sandbox: SandboxControl, ada: Person
) -> None:
    me.chain.own_keys.keep(own_key(ada))
    before = len(sandbox.requests())
    assert (await me.chain.peer_for(me.address.upper())).fingerprint == own_key(ada).fingerprint
    assert len(sandbox.requests()) == before
    own = me.chain.own_public()
    assert isinstance(own, PeerKey)
    assert me.chain.book.peers() == ()


async def test_a_damaged_pin_stops_the_sending(
    me: Operator, peer: Operator, ada: Person, bea: Person, tmp_path: Path
) -> None:
    await peer.publish(own_key(ada))
    await me.chain.peer_for(peer.address)
    book = tmp_path / "me" / "account" / "peers.json"
    book.write_text(book.read_text().replace('"fingerprint": "', '"fingerprint": "x'))
    with pytest.raises(Damaged):
        await me.chain.peer_for(peer.address)
