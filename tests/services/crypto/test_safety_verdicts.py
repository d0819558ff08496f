"""The safety table on signatures, row by row: what must never be called good (crypto.md §4)."""

from __future__ import annotations

import hashlib

import pytest

from services.crypto.certs import PeerKey
from services.crypto.messages import Verdict, decrypt, encrypt, verify_detached
from services.crypto.own import OwnKey, UnlockedKey
from tests.fakes import openpgp_sequoia as sequoia
from tests.fakes.openpgp_keys import (
    CERTIFY,
    DAY,
    ENCRYPT,
    MADE,
    SIGN,
    Key,
    Person,
    Terms,
    bind,
    certify,
    ed25519_key,
    nist_key,
    person,
    primary_packet,
    revoke,
    revoke_subkey,
    rsa_key,
    signature,
    subkey_packet,
    user_id,
)
from tests.fakes.openpgp_messages import compressed, literal, message, one_pass, signed
from tests.fakes.openpgp_packets import MD5, SHA1, SHA384, SHA512, packet, subpacket

DATA = b"I owe you 3333.\n"
FOREVER = 0x7FFF_FFFF
SIGNER = Person(rsa_key(), rsa_key(), "Signer <signer@example.org>")
MALLORY = person("Mallory <mallory@example.org>")
TIMESTAMP, STANDALONE = 0x40, 0x02


@pytest.fixture(scope="module")
def key(alice: Person) -> UnlockedKey:
    return OwnKey.load(alice.secret_block).unlock()


class _Reader:
    """Opens what somebody sealed to Alice, and tells the verdict on a claimed sender."""

    def __init__(self, alice: Person, key: UnlockedKey) -> None:
        self.alice = alice
        self.key = key

    def verdict(self, plain: bytes, block: bytes = SIGNER.block, now: int | None = None) -> Verdict:
        peer = PeerKey.parse(block, now=now)
        blob = message(plain, [self.alice.sub])
        opened = decrypt(blob, [self.key], signer=peer, now=now)
        if opened.verdict is Verdict.GOOD:
            assert opened.signer == peer.fingerprint
        else:
            assert opened.signed_at == 0 or opened.verdict is Verdict.UNUSABLE
        return opened.verdict


@pytest.fixture
def reader(alice: Person, key: UnlockedKey) -> _Reader:
    return _Reader(alice, key)


def _by(key: Key, **how: object) -> bytes:
    kind = how.pop("kind", 0)
    assert isinstance(kind, int)
    covered = how.pop("covered", None)
    assert covered is None or isinstance(covered, bytes)
    return signed(DATA, key, kind=kind, covered=covered, terms=Terms(**how))  # type: ignore[arg-type]


@pytest.mark.parametrize("hash_id", [8, SHA384, SHA512])
@pytest.mark.parametrize("wrap", [bytes, compressed])
def test_a_sound_signature_is_good(reader: _Reader, hash_id: int, wrap: type) -> None:
    assert reader.verdict(wrap(_by(SIGNER.primary, hash_id=hash_id))) is Verdict.GOOD


def test_the_older_order_of_packets_is_good_too(reader: _Reader) -> None:
    made = packet(2, signature(0x00, SIGNER.primary, DATA))
    assert reader.verdict(made + literal(DATA)) is Verdict.GOOD


def test_every_kind_of_key_signs(reader: _Reader) -> None:
    for primary in (ed25519_key(), nist_key(), rsa_key(3072)):
        who = Person(primary, SIGNER.sub)
        assert reader.verdict(_by(primary), who.block) is Verdict.GOOD


UNUSABLE = {
    "timestamp": {"kind": TIMESTAMP, "covered": b""},
    "timestamp over the data": {"kind": TIMESTAMP},
    "standalone": {"kind": STANDALONE, "covered": b""},
    "standalone over the data": {"kind": STANDALONE},
    "third-party confirmation": {"kind": 0x50},
    "a certification": {"kind": 0x10},
    "MD5": {"hash_id": MD5},
    "SHA-1": {"hash_id": SHA1},
    "expired": {"expires": DAY},
    "from the future": {"made": FOREVER},
    "without a date": {"made": None},
    "older than its key": {"made": MADE - 1},
    "a critical condition": {"extra": (subpacket(99, b"?", critical=True),)},
    "a critical notation": {"extra": (subpacket(20, bytes(8), critical=True),)},
    "meant for somebody else": {
        "extra": (subpacket(35, b"\x04" + MALLORY.primary.fingerprint),)
    },
}  # fmt: skip


@pytest.mark.parametrize("row", UNUSABLE)
def test_a_signature_that_proves_nothing_is_unusable(reader: _Reader, row: str) -> None:
    assert reader.verdict(_by(SIGNER.primary, **UNUSABLE[row])) is Verdict.UNUSABLE


BAD = {
    "another text": {"covered": b"I owe you 3332.\n"},
    "no text": {"covered": b""},
    "a spoiled number": {"spoil": True},
    "made by Mallory in this name": {"issuer": SIGNER.primary},
}


@pytest.mark.parametrize("row", BAD)
def test_a_signature_that_does_not_fit_is_bad(reader: _Reader, row: str) -> None:
    by = MALLORY.primary if row.startswith("made by Mallory") else SIGNER.primary
    assert reader.verdict(_by(by, **BAD[row])) is Verdict.BAD


def test_a_signature_of_somebody_else_is_unknown(reader: _Reader) -> None:
    assert reader.verdict(_by(MALLORY.primary)) is Verdict.UNKNOWN
    assert reader.verdict(packet(2, b"\x05" * 30) + literal(DATA)) is Verdict.UNKNOWN
    assert reader.verdict(literal(DATA)) is Verdict.NONE
    assert reader.verdict(one_pass(SIGNER.primary) + literal(DATA)) is Verdict.NONE


_HEAD = user_id(SIGNER.user) + certify(SIGNER.primary, SIGNER.user)
_PRIMARY = primary_packet(SIGNER.primary)
_EXPIRED = {"flags": CERTIFY | SIGN, "key_expires": DAY}

WORTHLESS_KEYS = {
    "revoked RSA": (SIGNER.primary, _PRIMARY + revoke(SIGNER.primary) + _HEAD),
    "expired RSA": (
        SIGNER.primary,
        _PRIMARY + user_id(SIGNER.user) + certify(SIGNER.primary, SIGNER.user, **_EXPIRED),
    ),
    "expired P-256": (
        P256 := nist_key(),
        primary_packet(P256) + user_id() + certify(P256, **_EXPIRED),
    ),
    "expired Ed25519": (
        ED := ed25519_key(),
        primary_packet(ED) + user_id() + certify(ED, **_EXPIRED),
    ),
    "a primary that may not sign": (
        ED,
        primary_packet(ED) + user_id() + certify(ED, flags=CERTIFY),
    ),
    "a primary without a self-signature": (ED, primary_packet(ED) + user_id()),
    "RSA-1024": (WEAK := rsa_key(1024), primary_packet(WEAK) + user_id() + certify(WEAK)),
    "an encryption-only RSA subkey": (SIGNER.sub, SIGNER.block),
    "an encryption-only subkey with a back-signature": (
        ED,
        MALLORY.head + subkey_packet(ED) + bind(MALLORY.primary, ED, flags=ENCRYPT | CERTIFY),
    ),
    "a revoked signing subkey": (
        ED,
        MALLORY.head
        + subkey_packet(ED)
        + bind(MALLORY.primary, ED, flags=SIGN)
        + revoke_subkey(MALLORY.primary, ED),
    ),
    "an expired signing subkey": (
        ED,
        MALLORY.head + subkey_packet(ED) + bind(MALLORY.primary, ED, flags=SIGN, key_expires=DAY),
    ),
}


@pytest.mark.parametrize("row", WORTHLESS_KEYS)
def test_a_signature_by_a_key_that_may_not_sign_is_unusable(reader: _Reader, row: str) -> None:
    by, block = WORTHLESS_KEYS[row]
    assert reader.verdict(_by(by), block) is Verdict.UNUSABLE


@pytest.mark.parametrize("flags", [SIGN, SIGN | ENCRYPT])
def test_an_adopted_signing_subkey_never_speaks_for_mallory(reader: _Reader, flags: int) -> None:
    honest = ed25519_key()
    adopted = bind(MALLORY.primary, honest, flags=flags, back=False)
    block = MALLORY.block + subkey_packet(honest) + adopted
    assert reader.verdict(_by(honest), block) is not Verdict.GOOD
    owner = SIGNER.block + subkey_packet(honest) + bind(SIGNER.primary, honest, flags=SIGN)
    assert reader.verdict(_by(honest), owner) is Verdict.GOOD


def test_a_key_that_ended_while_the_program_ran_is_noticed(alice: Person, key: UnlockedKey) -> None:
    ends = _PRIMARY + user_id(SIGNER.user) + certify(SIGNER.primary, SIGNER.user, **_EXPIRED)
    peer = PeerKey.parse(ends, now=MADE + 60)
    blob = message(_by(SIGNER.primary), [alice.sub])
    before = decrypt(blob, [key], signer=peer, now=MADE + 60)
    assert before.verdict is Verdict.GOOD
    after = decrypt(blob, [key], signer=peer, now=MADE + DAY)
    assert after.verdict is Verdict.UNUSABLE


def test_one_good_signature_among_others_is_told(reader: _Reader) -> None:
    good = packet(2, signature(0x00, SIGNER.primary, DATA))
    stranger = packet(2, signature(0x00, MALLORY.primary, DATA))
    weak = packet(2, signature(0x00, SIGNER.primary, DATA, Terms(hash_id=SHA1)))
    notes = one_pass(SIGNER.primary) + one_pass(MALLORY.primary)
    for order in (good + stranger + weak, weak + stranger + good):
        assert reader.verdict(notes + literal(DATA) + order) is Verdict.GOOD
    assert reader.verdict(notes + literal(DATA) + stranger + weak) is Verdict.UNUSABLE


def test_a_text_signature_is_good_with_any_line_ends(reader: _Reader) -> None:
    covered = DATA.replace(b"\n", b"\r\n")
    made = packet(2, signature(0x01, SIGNER.primary, covered))
    for data in (DATA, covered):
        plain = one_pass(SIGNER.primary, 0x01) + literal(data, b"t") + made
        assert reader.verdict(plain) is Verdict.GOOD
    changed = one_pass(SIGNER.primary, 0x01) + literal(DATA + b"more", b"t") + made
    assert reader.verdict(changed) is Verdict.BAD


def test_text_cut_between_cr_and_lf_is_hashed_right(reader: _Reader) -> None:
    piece = 48 * 2048
    for shift in range(-24, 25, 1):
        data = b"x" * (piece + shift) + b"\r\n" + b"y\n\r\r\nz\r"
        covered = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        made = packet(2, signature(0x01, MALLORY.primary, covered))
        plain = one_pass(MALLORY.primary, 0x01) + literal(data, b"t") + made
        assert reader.verdict(plain, MALLORY.block) is Verdict.GOOD


def test_a_signature_counts_for_the_readers_it_names(alice: Person, key: UnlockedKey) -> None:
    bob = person("Bob <bob@example.org>")
    carol = OwnKey.load(person("Carol <carol@example.org>").secret_block).unlock()
    made = encrypt("to Bob", [PeerKey.parse(bob.block)], sign_with=carol)
    bobs = OwnKey.load(bob.secret_block).unlock()
    assert decrypt(made, [bobs], signer=carol.public).verdict is Verdict.GOOD
    assert decrypt(made, [key, bobs], signer=carol.public).verdict is Verdict.GOOD
    inside = sequoia.decrypt(made, bob.secret_block)
    assert inside.data == b"to Bob"


def test_the_addressee_counts_for_an_old_key_of_ours_as_well(alice: Person) -> None:
    """Its own signatures rest on SHA-1: nobody encrypts to it any more, and it still opens mail."""
    old = (
        primary_packet(alice.primary, secret=True)
        + user_id()
        + certify(alice.primary, hash_id=SHA1)
        + subkey_packet(alice.sub, secret=True)
        + bind(alice.primary, alice.sub, hash_id=SHA1)
    )
    key = OwnKey.load(old).unlock()
    assert key.public.encrypt_to is None
    for meant, verdict in ((alice.primary, Verdict.GOOD), (MALLORY.primary, Verdict.UNUSABLE)):
        made = _by(SIGNER.primary, extra=(subpacket(35, b"\x04" + meant.fingerprint),))
        blob = message(made, [alice.sub])
        assert decrypt(blob, [key], signer=PeerKey.parse(SIGNER.block)).verdict is verdict


def test_detached_signatures_of_the_wrong_kind_are_unusable() -> None:
    peer = PeerKey.parse(SIGNER.block)
    for kind, covered in ((TIMESTAMP, b""), (STANDALONE, b""), (TIMESTAMP, DATA)):
        made = packet(2, signature(kind, SIGNER.primary, covered))
        assert verify_detached(DATA, made, peer) is Verdict.UNUSABLE
    text = packet(2, signature(0x01, SIGNER.primary, DATA.replace(b"\n", b"\r\n")))
    assert verify_detached(DATA, text, peer) is Verdict.GOOD
    assert verify_detached(hashlib.sha256(DATA).digest(), text, peer) is Verdict.BAD


def test_sequoia_calls_none_of_them_good(alice: Person) -> None:
    for row, how in UNUSABLE.items():
        if row == "meant for somebody else":
            continue  # Sequoia leaves the addressee to its caller
        blob = message(_by(SIGNER.primary, **how), [alice.sub])
        try:
            opened = sequoia.decrypt(blob, alice.secret_block, signer=SIGNER.block)
        except RuntimeError:
            continue
        assert opened.signers == (), row
