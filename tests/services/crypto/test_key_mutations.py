"""A thousand broken key blocks: nothing but our own errors, and never laxer than Sequoia."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pysequoia
import pytest

from services.crypto.certs import PeerKey
from services.crypto.packets import Packet, Tag, join, join_all, split
from services.errors import CryptoError
from tests.fakes.openpgp_fields import (
    back_signature,
    binding,
    certificate,
    embedded,
    flags,
    issuer,
    key_expires,
    made,
    revocation,
    self_signature,
)
from tests.fakes.openpgp_gnupg import Gnupg
from tests.fakes.openpgp_keys import (
    DAY,
    ENCRYPT,
    SIGN,
    ed25519_key,
    rsa_key,
    x25519_key,
)
from tests.fakes.openpgp_packets import subpacket
from tests.services.crypto.second_opinion import sequoia_accepts

RUNS = 1_000
SEED = 20_261_121


@dataclass(frozen=True)
class Base:
    """A block to break, and the parts for encryption that are its owner's.

    Whoever cuts a revocation out of a block undoes it; no reader of the block can tell.
    """

    block: bytes
    parts: frozenset[str]


def _full_of_traps() -> Base:
    """One part in order among an expired, a revoked and a foreign one, and a signing part."""
    then = int(time.time()) - 100 * DAY
    primary, signer = ed25519_key(then), ed25519_key(then)
    fresh, expired, revoked, foreign = (x25519_key(then + n) for n in range(4))
    stranger = ed25519_key(then)
    name = b"Ada <ada@example.org>"
    block = certificate(
        primary,
        (expired, [binding(primary, expired, key_expires(DAY), moment=then + 5)]),
        (
            revoked,
            [
                binding(primary, revoked, moment=then + 5),
                revocation(primary, 0x28, primary.hashed + revoked.hashed, moment=then + 9),
            ],
        ),
        (foreign, [binding(stranger, foreign, moment=then + 5)]),
        (
            signer,
            [
                binding(
                    primary,
                    signer,
                    embedded(back_signature(signer, primary, moment=then + 5)),
                    moment=then + 5,
                    bits=SIGN,
                )
            ],
        ),
        (fresh, [binding(primary, fresh, moment=then + 5)]),
        user_id=name,
        names=[
            self_signature(primary, name, flags(3), moment=then + 5),
            self_signature(primary, name, flags(3), key_expires(200 * DAY), moment=then + 9),
        ],
    )
    return Base(block, frozenset(key.name for key in (fresh, expired, revoked)))


def _of(block: bytes) -> Base:
    peer = PeerKey.parse(block)
    assert peer.why == ""
    usable = [part.fingerprint for part in peer.components if part.usable_for_encryption]
    return Base(block, frozenset(usable))


@pytest.fixture(scope="module")
def bases() -> list[Base]:
    suites = [pysequoia.CipherSuite.Cv25519, pysequoia.CipherSuite.P256]
    secrets = [pysequoia.Tsk.generate("s <s@x>", cipher_suite=suite) for suite in suites]
    out = [_full_of_traps(), *(_of(bytes(secret.extract_certificate())) for secret in secrets)]
    alone = rsa_key(2048, int(time.time()) - DAY)
    name = self_signature(alone, b"x", flags(1 | SIGN | ENCRYPT), moment=int(time.time()) - DAY + 1)
    out.append(_of(certificate(alone, user_id=b"x", names=[name])))
    if Gnupg.version():
        home = Gnupg()
        out.append(_of(home.public(home.generate("g <g@x>", "ed25519", "cv25519"))))
        home.close()
    return out


Mutation = Callable[[random.Random, bytes, bytes], bytes]


def flip_a_bit(chance: random.Random, block: bytes, other: bytes) -> bytes:
    place = chance.randrange(len(block))
    return block[:place] + bytes((block[place] ^ 1 << chance.randrange(8),)) + block[place + 1 :]


def change_some_octets(chance: random.Random, block: bytes, other: bytes) -> bytes:
    changed = bytearray(block)
    for _ in range(chance.randrange(1, 9)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut_off(chance: random.Random, block: bytes, other: bytes) -> bytes:
    return block[: chance.randrange(len(block))]


def cut_out(chance: random.Random, block: bytes, other: bytes) -> bytes:
    place = chance.randrange(len(block))
    return block[:place] + block[place + chance.randrange(1, 40) :]


def put_in(chance: random.Random, block: bytes, other: bytes) -> bytes:
    place = chance.randrange(len(block))
    return block[:place] + chance.randbytes(chance.randrange(1, 40)) + block[place:]


def drop_a_packet(chance: random.Random, block: bytes, other: bytes) -> bytes:
    packets = list(split(block))
    del packets[chance.randrange(len(packets))]
    return join_all(packets)


def repeat_a_packet(chance: random.Random, block: bytes, other: bytes) -> bytes:
    packets = list(split(block))
    packets.insert(chance.randrange(len(packets) + 1), chance.choice(packets))
    return join_all(packets)


def exchange_two_packets(chance: random.Random, block: bytes, other: bytes) -> bytes:
    packets = list(split(block))
    first, second = chance.randrange(len(packets)), chance.randrange(len(packets))
    packets[first], packets[second] = packets[second], packets[first]
    return join_all(packets)


def call_a_packet_something_else(chance: random.Random, block: bytes, other: bytes) -> bytes:
    packets = list(split(block))
    place = chance.randrange(len(packets))
    tags = [*Tag, *range(40, 64)]
    packets[place] = Packet(chance.choice(tags), packets[place].body)
    return join_all(packets)


def splice_in_packets_of_another_key(chance: random.Random, block: bytes, other: bytes) -> bytes:
    packets = list(split(block))
    place = chance.randrange(1, len(packets) + 1)
    strange = list(split(other))[1:]
    start = chance.randrange(len(strange))
    packets[place:place] = strange[start : start + chance.randrange(1, 4)]
    return join_all(packets)


def put_another_subkey_under_a_binding(chance: random.Random, block: bytes, other: bytes) -> bytes:
    strange = [packet for packet in split(other) if packet.tag == Tag.PUBLIC_SUBKEY]
    packets = list(split(block))
    places = [n for n, packet in enumerate(packets) if packet.tag == Tag.PUBLIC_SUBKEY]
    if strange and places:
        packets[chance.choice(places)] = chance.choice(strange)
    return join_all(packets)


def change_one_signature(chance: random.Random, block: bytes, other: bytes) -> bytes:
    packets = list(split(block))
    place = chance.choice([n for n, one in enumerate(packets) if one.tag == Tag.SIGNATURE])
    packets[place] = Packet(Tag.SIGNATURE, flip_a_bit(chance, packets[place].body, b""))
    return join_all(packets)


def put_a_packet_in_pieces(chance: random.Random, block: bytes, other: bytes) -> bytes:
    out = b""
    for packet in split(block):
        if len(packet.body) > 2 and chance.random() < 0.3:
            out += bytes((0xC0 | packet.tag, 0xE0)) + packet.body[:1]
            out += join(0, packet.body[1:])[1:]
        else:
            out += join(packet.tag, packet.body)
    return out


MUTATIONS: Sequence[Mutation] = (
    flip_a_bit,
    change_some_octets,
    cut_off,
    cut_out,
    put_in,
    drop_a_packet,
    repeat_a_packet,
    exchange_two_packets,
    call_a_packet_something_else,
    splice_in_packets_of_another_key,
    put_another_subkey_under_a_binding,
    change_one_signature,
    put_a_packet_in_pieces,
)


def test_a_thousand_broken_blocks_raise_only_our_errors_and_are_judged_no_laxer_than_by_sequoia(
    bases: list[Base],
) -> None:
    chance = random.Random(SEED)
    seen: Counter[str] = Counter()
    for number in range(RUNS):
        base, other = chance.choice(bases), chance.choice(bases)
        mutate = MUTATIONS[number % len(MUTATIONS)]
        broken = mutate(chance, base.block, other.block)
        where = f"run {number}, {mutate.__name__}: {broken.hex()}"
        try:
            peer = PeerKey.parse(broken)
        except CryptoError as error:
            seen[type(error).__name__] += 1
            continue
        if peer.encrypt_to is None:
            seen["unusable"] += 1
            assert peer.why
            continue
        seen["usable"] += 1
        assert peer.encrypt_to.fingerprint in base.parts, where
        assert sequoia_accepts(broken), where
    # The blocks were broken in ways that matter, and not all of them beyond use.
    assert seen["usable"] > RUNS // 10
    assert seen["unusable"] > RUNS // 20
    assert seen["Damaged"] > RUNS // 20


@pytest.mark.parametrize("hashed", [True, False])
def test_a_field_of_any_kind_and_form_is_judged_no_laxer_than_by_sequoia(hashed: bool) -> None:
    then = int(time.time()) - DAY
    primary, subkey = ed25519_key(then), x25519_key(then)
    names = [self_signature(primary, b"x", flags(3), moment=then)]
    parts = primary.hashed + subkey.hashed
    seen: Counter[bool] = Counter()
    for kind in (*range(45), 60, 101, 127):
        for size in (0, 1, 4, 8, 21):
            for filled in (b"\x00", b"\x01", b"\x04"):
                odd = subpacket(kind, filled * size, critical=size % 2 == 1)
                area = [made(then), flags(ENCRYPT), *([odd] if hashed else [])]
                loose = [issuer(primary), *([] if hashed else [odd])]
                bound = primary.sign(0x18, parts, area, loose)
                block = certificate(primary, (subkey, [bound]), user_id=b"x", names=names)
                usable = PeerKey.parse(block).encrypt_to is not None
                assert not usable or sequoia_accepts(block), (kind, size, filled)
                seen[usable] += 1
    assert min(seen[True], seen[False]) > 100
