"""Nothing hostile is opened: what is not one whole protected message is damage, a bomb is too large."""

from __future__ import annotations

import random

import pytest

from services.crypto.armor import ArmorKind, decode
from services.crypto.errors import Damaged, NotForMe, TooLarge
from services.crypto.messages import encrypt, recipients_of
from services.crypto.packets import Tag, join, split
from services.crypto.sessions import SessionKey
from services.errors import CryptoError
from tests.fakes import openpgp_messages as smith
from tests.fakes.openpgp_packets import flipped
from tests.services.crypto.made_keys import ann, ann_open, bob
from tests.services.crypto.message_stage import TEXT, enclosed, envelopes, opened
from tests.services.mail_corpora import corpora


def _two_literals() -> bytes:
    return smith.literal() + smith.literal(b"more")


HOSTILE = {
    "no integrity protection": lambda a: enclosed(smith.literal(), a, container=smith.unprotected),
    "check missing": lambda a: enclosed(smith.literal(), a, mdc="absent"),
    "check wrong": lambda a: enclosed(smith.literal(), a, mdc="wrong"),
    "check not last": lambda a: enclosed(
        smith.literal() + b"\xd3\x14" + bytes(20) + smith.literal(), a, mdc="absent"
    ),
    "plain literal": lambda a: smith.literal(),
    "compressed literal": lambda a: smith.compressed(smith.literal()),
    "two literals": lambda a: enclosed(_two_literals(), a),
    "two literals in compression": lambda a: enclosed(smith.compressed(_two_literals()), a),
    "two compressions": lambda a: enclosed(smith.compressed(smith.literal()) * 2, a),
    "no literal": lambda a: enclosed(join(Tag.MARKER, b"PGP"), a),
    "empty": lambda a: enclosed(b"", a),
    "a key inside": lambda a: enclosed(ann().public.block, a),
    "a message inside": lambda a: enclosed(enclosed(smith.literal(), a), a),
    "five compressions": lambda a: enclosed(smith.nested(5, smith.literal()), a),
    "400 compressions": lambda a: enclosed(smith.nested(400, smith.literal()), a),
    "cut compression": lambda a: enclosed(
        join(Tag.COMPRESSED, split(smith.compressed(smith.literal()))[0].body[:-3]), a
    ),
    "trailing octets in compression": lambda a: enclosed(
        join(Tag.COMPRESSED, split(smith.compressed(smith.literal()))[0].body + b"more"), a
    ),
    "two containers": lambda a: (
        enclosed(smith.literal(), a) + smith.protected(smith.literal(), bytes(32))
    ),
    "two messages": lambda a: enclosed(smith.literal(), a) * 2,
    "a literal behind": lambda a: enclosed(smith.literal(), a) + smith.literal(),
    "no envelope": lambda a: smith.protected(smith.literal(), bytes(32)),
    "session key of another": lambda a: (
        envelopes(SessionKey.new(), a) + smith.protected(smith.literal(), bytes(32))
    ),
    "literal cut": lambda a: enclosed(smith.literal()[:-1], a),
    "an envelope in pieces": lambda a: (
        b"\xc1\xe9" + bytes(512) + b"\0" + enclosed(smith.literal(), a)
    ),
    "an envelope without end": lambda a: b"\x87" + split(envelopes(SessionKey.new(), a))[0].body,
    "no octets": lambda a: b"\xc1",
    "no message": lambda a: b"hello",
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_what_is_not_one_whole_protected_message_is_damaged(name: str) -> None:
    with pytest.raises(Damaged) as caught:
        opened(HOSTILE[name](ann().public))
    if not name.startswith("no "):
        assert str(caught.value) == str(Damaged())


def test_four_levels_of_compression_open() -> None:
    assert opened(enclosed(smith.nested(4, smith.literal()), ann().public)).data == smith.TEXT
    for kind in range(4):
        inner = smith.compressed(smith.literal(), kind)
        assert opened(enclosed(inner, ann().public)).data == smith.TEXT


def test_every_flipped_bit_reads_the_same() -> None:
    note = enclosed(smith.literal(b"pay 3333 to Bob"), ann().public)
    at = next(at for at in range(len(note)) if note[at:].startswith(split(note)[1].body[:8]))
    texts = set()
    for place in (*range(16, at - 8, 7), *range(at + 1, len(note))):
        with pytest.raises(CryptoError) as caught:
            opened(flipped(note, place))
        texts.add(str(caught.value))
    assert texts == {str(Damaged())}


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_a_bomb_stops_at_the_limit(kind: int) -> None:
    bomb = enclosed(smith.compressed(smith.literal(bytes(36_000_000)), kind), ann().public)
    assert len(bomb) < 100_000
    with pytest.raises(TooLarge):
        opened(bomb)
    with pytest.raises(TooLarge):
        opened(enclosed(smith.literal(bytes(2_000)), ann().public), limit=1_000)
    assert opened(enclosed(smith.literal(bytes(1_000)), ann().public), limit=1_000).data
    with pytest.raises(TooLarge):
        opened(bytes(5_000_000), limit=1_000)


def test_naming_my_key_a_thousand_times_ends_in_an_error() -> None:
    envelope = envelopes(SessionKey.new(), ann().public)
    body = split(envelope)[0].body
    for names in (body[1:9], bytes(8)):
        many = join(Tag.PUBLIC_SESSION_KEY, b"\3" + names + body[9:]) * 900
        with pytest.raises((Damaged, NotForMe)):
            opened(many + smith.protected(smith.literal(), bytes(32)))
    with pytest.raises(Damaged):
        recipients_of(envelope * 1_001 + smith.protected(b"", bytes(32)))


def test_mutated_messages_give_nothing_but_our_errors() -> None:
    chance = random.Random(20261121)
    notes = [
        enclosed(smith.compressed(smith.literal()), ann().public),
        decode(encrypt(TEXT, [ann().public], sign_with=ann_open()), ArmorKind.MESSAGE),
        encrypt(TEXT, [bob().public, ann().public]),
    ]
    changed = 0
    for count in range(300):
        note = bytearray(notes[count % 3])
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(note))
            match chance.randrange(4):
                case 0:
                    note[at] ^= 1 << chance.randrange(8)
                case 1:
                    del note[at : at + chance.randint(1, 40)]
                case 2:
                    note[at:at] = chance.randbytes(chance.randint(1, 9))
                case _:
                    del note[at:]
                    note += b"\xcb"
        try:
            found = opened(bytes(note))
        except CryptoError:
            changed += 1
        else:
            assert found.data in (smith.TEXT, TEXT.encode())
    assert changed > 150


def test_mutated_insides_give_nothing_but_our_errors() -> None:
    """Below the integrity check: what an attacker who may encrypt to us can do."""
    chance = random.Random(7)
    session = SessionKey.new()
    envelope = envelopes(session, ann().public)
    inners = [
        smith.compressed(smith.literal()),
        smith.nested(2, smith.literal(TEXT.encode(), b"u", b"n")),
        smith.announced(bytes(8), 1) + smith.literal() + join(Tag.SIGNATURE, ann().public.block[30:300]),
    ]  # fmt: skip
    for count in range(240):
        inner = bytearray(inners[count % 3])
        for _ in range(chance.randint(1, 3)):
            inner[chance.randrange(len(inner))] = chance.randrange(256)
        try:
            opened(envelope + smith.protected(bytes(inner), session.key), signer=ann().public)
        except CryptoError:
            continue


@pytest.mark.parametrize(
    "name", ["bomb-1g-bz2", "bomb-1g-zip", "bomb-1g-zlib", "bomb-nested2", "nest-2000"]
)
def test_a_gigabyte_behind_our_own_key_is_refused(name: str) -> None:
    inner = (corpora() / "generated/pgp" / f"{name}.pgp").read_bytes()
    with pytest.raises(Damaged if name == "nest-2000" else TooLarge):
        opened(enclosed(inner, ann().public))
