"""2,000 mutated messages a run: nothing but our errors, and never another content than the sender's.

Half are mutated from outside, as somebody on the way can do it; half inside a sound container, as a
hostile sender can. Seeds are fixed, so that what fails once fails again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from functools import cache

import pytest

from services.crypto import armor as ours
from services.crypto.certs import PeerKey
from services.crypto.messages import Opened, Verdict, decrypt, encrypt, recipients_of
from services.crypto.own import OwnKey, UnlockedKey
from services.errors import CryptoError
from tests.fakes.openpgp_keys import Person, person, rsa_person
from tests.fakes.openpgp_messages import compressed, literal, message, nested, signed
from tests.fakes.openpgp_packets import armor, packet, partial_packet

ROUNDS = 200
SEEDS = range(5)
DATA = "Pay 3333 to account 44, not more. Grüße".encode()
SIGNER = rsa_person("Signer <signer@example.org>")


@cache
def _key(who: Person) -> UnlockedKey:
    return OwnKey.load(who.secret_block).unlock()


@cache
def _signer() -> PeerKey:
    return PeerKey.parse(SIGNER.block)


READERS = (
    person("Ada <ada@example.org>"),
    person("Bob <bob@example.org>"),
    rsa_person("Rita <rita@example.org>"),
)


@cache
def _messages() -> tuple[bytes, ...]:
    """Sound messages of DATA to both readers: signed, not signed, packed, in pieces, hidden."""
    to = [who.sub for who in READERS]
    sealed = encrypt(DATA, [PeerKey.parse(who.block) for who in READERS], sign_with=_key(SIGNER))
    return (
        ours.decode(sealed, ours.ArmorKind.MESSAGE),
        message(literal(DATA), to),
        message(compressed(signed(DATA, SIGNER.primary)), to),
        message(nested(3, partial_packet(11, b"b\x00" + bytes(4) + DATA)), to, hidden=True),
    )


def _flip(data: bytearray, dice: random.Random) -> None:
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _overwrite(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    data[at : at + dice.randrange(1, 9)] = dice.randbytes(dice.randrange(1, 9))


def _extreme(data: bytearray, dice: random.Random) -> None:
    data[dice.randrange(len(data))] = dice.choice((0, 1, 0x7F, 0x80, 0xC0, 0xDF, 0xE0, 0xFE, 0xFF))


def _cut(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def _drop(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    del data[at : at + dice.randrange(1, 40)]


def _insert(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    data[at:at] = dice.randbytes(dice.randrange(1, 40))


def _repeat(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    data[at:at] = data[at : at + dice.randrange(1, 200)]


def _append_packet(data: bytearray, dice: random.Random) -> None:
    data += packet(dice.randrange(64), dice.randbytes(dice.randrange(30)))


def _prepend_packet(data: bytearray, dice: random.Random) -> None:
    data[:0] = packet(dice.randrange(64), dice.randbytes(dice.randrange(30)))


def _retag(data: bytearray, dice: random.Random) -> None:
    data[0] = 0xC0 | dice.randrange(64)


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _overwrite, _extreme, _cut, _drop, _insert, _repeat, _append_packet, _prepend_packet,
    _retag,
)  # fmt: skip


def _mutated(data: bytes, dice: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        if out:
            dice.choice(MUTATIONS)(out, dice)
    return bytes(out)


def _open(blob: bytes, key: UnlockedKey) -> Opened | None:
    with suppress(CryptoError):
        recipients_of(blob)
    with suppress(CryptoError):
        return decrypt(blob, [key], signer=_signer(), limit=1 << 20)
    return None


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_changed_on_the_way_opens_unchanged_or_not_at_all(seed: int) -> None:
    dice = random.Random(seed)
    opened = 0
    for _ in range(ROUNDS):
        blob = _mutated(dice.choice(_messages()), dice)
        found = _open(blob, _key(dice.choice(READERS)))
        if found is not None:
            opened += 1
            assert found.data == DATA
            assert found.verdict in (Verdict.GOOD, Verdict.NONE)
    assert opened < ROUNDS  # an envelope of somebody else or a marker may change without harm


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_a_sender_puts_inside_ends_in_our_errors(seed: int) -> None:
    dice = random.Random(1000 + seed)
    whole = signed(DATA, SIGNER.primary)
    for _ in range(ROUNDS):
        inside = dice.choice((whole, compressed(whole, dice.randrange(4)), literal(DATA)))
        plain = _mutated(inside, dice)
        if dice.random() < 0.3:
            plain = compressed(plain, dice.randrange(4))
        reader = dice.choice(READERS)
        found = _open(message(plain, [reader.sub]), _key(reader))
        if found is not None and found.verdict is Verdict.GOOD:
            assert found.data == DATA


def test_changed_armor_opens_unchanged_or_not_at_all() -> None:
    dice = random.Random(7)
    for _ in range(ROUNDS):
        text = bytearray(armor(dice.choice(_messages()), headers=["Comment: x"]))
        for _ in range(dice.choice((1, 1, 2))):
            dice.choice(MUTATIONS[:-3])(text, dice)
        found = _open(bytes(text), _key(READERS[0]))
        assert found is None or found.data == DATA


def test_a_changed_private_key_is_refused_or_works() -> None:
    dice = random.Random(11)
    for _ in range(ROUNDS):
        who = dice.choice(READERS)
        try:
            own = OwnKey.load(_mutated(who.secret_block, dice))
            key = own.unlock(None)
        except CryptoError:
            continue
        assert own.public.fingerprint == own.fingerprint
        if own.public.encrypt_to is not None:
            assert decrypt(encrypt(DATA, [own.public]), [key]).data == DATA
