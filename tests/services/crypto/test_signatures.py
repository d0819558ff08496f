"""Signatures: what they claim is read from the hashed area, and only a real key makes them."""

from __future__ import annotations

import pysequoia
import pytest

from services.crypto.armor import ArmorKind, decode
from services.crypto.certs import PeerKey
from services.crypto.errors import Damaged, Unsupported
from services.crypto.packets import split
from services.crypto.public_parts import PublicPart
from services.crypto.sigs import CLOCK_LEEWAY, Signature, SignatureType
from tests.fakes.openpgp_fields import (
    embedded,
    expires,
    flags,
    issuer,
    key_expires,
    made,
    reason,
)
from tests.fakes.openpgp_gnupg import Gnupg
from tests.fakes.openpgp_keys import (
    DAY,
    MADE,
    NOW,
    Key,
    ed25519_key,
    nist_key,
    rsa_key,
)
from tests.fakes.openpgp_packets import MD5, SHA1, SHA224, SHA256, SHA384, SHA512, subpacket

TEXT = b"two\r\nlines"


@pytest.fixture(scope="module")
def keys() -> dict[str, Key]:
    return {
        "RSA-2048": rsa_key(2048),
        "Ed25519": ed25519_key(),
        "P-256": nist_key("P-256"),
        "P-384": nist_key("P-384"),
        "P-521": nist_key("P-521"),
    }


ALGORITHMS = ["RSA-2048", "Ed25519", "P-256", "P-384", "P-521"]


@pytest.mark.parametrize("hash_id", [SHA256, SHA384, SHA512], ids=["SHA-256", "SHA-384", "SHA-512"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_signature_by_every_kind_of_key_is_good_for_its_text_only(
    keys: dict[str, Key], name: str, hash_id: int
) -> None:
    key = keys[name]
    part = PublicPart.parse(key.body)
    signature = Signature.parse(key.sign(0x00, TEXT, [made()], hash_id=hash_id))
    assert part.name == name
    assert signature.fault(NOW) == ""
    assert signature.covers(part, TEXT)
    assert signature.covers(part, TEXT[:3], TEXT[3:])
    assert not signature.covers(part, TEXT + b" ")
    for other, stranger in keys.items():
        if other != name:
            assert not signature.covers(PublicPart.parse(stranger.body), TEXT)


def test_small_numbers_in_an_ed25519_signature_are_padded_from_the_left() -> None:
    """A value that starts with zeros is written shorter (1 in 128 signatures)."""
    key = ed25519_key()
    part = PublicPart.parse(key.body)
    short = 0
    for moment in range(MADE, MADE + 10_000):
        signature = Signature.parse(key.sign(0x00, TEXT, [made(moment)]))
        short += any(value.bit_length() <= 248 for value in signature.values)
        assert signature.covers(part, TEXT)
        if short == 2:
            break
    assert short


def test_a_hasher_fed_in_pieces_may_be_asked_with_several_keys(keys: dict[str, Key]) -> None:
    key = keys["P-256"]
    signature = Signature.parse(key.sign(0x00, TEXT, [made()]))
    hasher = signature.new_hash()
    for byte in TEXT:
        hasher.update(bytes((byte,)))
    assert not signature.made_by(PublicPart.parse(keys["Ed25519"].body), hasher)
    assert signature.made_by(PublicPart.parse(key.body), hasher)
    assert signature.made_by(PublicPart.parse(key.body), hasher)


def test_dates_and_flags_count_only_when_they_are_hashed(keys: dict[str, Key]) -> None:
    key = keys["Ed25519"]
    loose = [made(), flags(0x0C), key_expires(DAY), expires(DAY), reason(2)]
    signature = Signature.parse(key.sign(0x13, TEXT, [], [*loose, issuer(key)]))
    assert (signature.made, signature.flags, signature.key_expires) == (0, None, None)
    assert (signature.expires, signature.reason) == (None, None)
    assert signature.fault(NOW) == "It tells no date."
    firm = Signature.parse(
        key.sign(0x13, TEXT, [*loose, subpacket(25, b"\x01"), subpacket(30, b"\x09")])
    )
    assert (firm.made, firm.flags, firm.key_expires) == (MADE, 0x0C, DAY)
    assert (firm.expires, firm.reason, firm.features) == (DAY, 2, 9)
    assert firm.primary_user_id
    assert not signature.primary_user_id


def test_issuers_are_hints_from_both_areas(keys: dict[str, Key]) -> None:
    key, other = keys["Ed25519"], keys["P-256"]
    part = PublicPart.parse(key.body)
    fingerprint = subpacket(33, b"\x04" + bytes.fromhex(key.name))
    named = Signature.parse(key.sign(0, TEXT, [made(), fingerprint], [issuer(key)]))
    assert named.issuers == (key.name[-16:], key.name)
    assert named.names(part)
    assert not Signature.parse(key.sign(0, TEXT, [made()], [issuer(other)])).names(part)
    assert Signature.parse(key.sign(0, TEXT, [made()])).names(part)


@pytest.mark.parametrize(
    ("fields", "hash_id", "words"),
    [
        ([made()], SHA1, "SHA-1"),
        ([made()], MD5, "MD5"),
        ([made()], SHA224, "SHA224"),
        ([], SHA256, "no date"),
        ([made(NOW + CLOCK_LEEWAY + 1)], SHA256, "future"),
        ([made(), expires(DAY)], SHA256, "expired"),
        ([made(), subpacket(38, b"x", critical=True)], SHA256, "condition"),
        ([made(), subpacket(20, bytes(8), critical=True)], SHA256, "condition"),
        ([made(), subpacket(101, b"x", critical=True)], SHA256, "condition"),
    ],
    ids=[
        "SHA-1",
        "MD5",
        "SHA-224",
        "no date",
        "future",
        "expired",
        "critical 38",
        "notation",
        "101",
    ],
)
def test_a_signature_that_must_not_count_says_why(
    keys: dict[str, Key], fields: list[bytes], hash_id: int, words: str
) -> None:
    signature = Signature.parse(keys["RSA-2048"].sign(0, TEXT, fields, hash_id=hash_id))
    assert words in signature.fault(NOW)


@pytest.mark.parametrize(
    "fields",
    [
        [made(), subpacket(101, b"x")],
        [subpacket(2, MADE.to_bytes(4, "big"), critical=True)],
        [made(), subpacket(27, b"\x03", critical=True)],
        [made(NOW + CLOCK_LEEWAY)],
        [made(), expires(101 * DAY)],
        [made(), expires(0)],
    ],
    ids=["unknown", "critical date", "critical flags", "clock a little ahead", "alive", "for ever"],
)
def test_a_signature_that_may_count_has_no_fault(keys: dict[str, Key], fields: list[bytes]) -> None:
    assert Signature.parse(keys["Ed25519"].sign(0, TEXT, fields)).fault(NOW) == ""


def test_a_condition_outside_the_hashed_area_means_nothing(keys: dict[str, Key]) -> None:
    loose = [subpacket(101, b"x", critical=True)]
    assert Signature.parse(keys["Ed25519"].sign(0, TEXT, [made()], loose)).fault(NOW) == ""


def test_every_cut_and_every_flipped_bit_is_noticed(keys: dict[str, Key]) -> None:
    key = keys["Ed25519"]
    part = PublicPart.parse(key.body)
    whole = key.sign(0, TEXT, [made(), flags(2)])
    for length in range(len(whole)):
        with pytest.raises((Damaged, Unsupported)):
            Signature.parse(whole[:length])
    hashed = 6 + int.from_bytes(whole[4:6], "big")
    for position in range(len(whole) * 8):
        octet = position // 8
        changed = bytearray(whole)
        changed[octet] ^= 1 << position % 8
        if hashed + 2 <= octet < hashed + 4:
            continue  # the two octets of the hash: certificates ask for them, messages need not
        try:
            good = Signature.parse(bytes(changed)).covers(part, TEXT)
        except (Damaged, Unsupported):
            continue
        assert not good


def test_a_number_whose_bit_count_is_not_exact_is_damaged() -> None:
    """Sequoia refuses it as well; the octets would be the same."""
    key = rsa_key(2048)
    whole = key.sign(0, TEXT, [made()])
    assert Signature.parse(whole).covers(PublicPart.parse(key.body), TEXT)
    (bits,) = (value.bit_length() for value in Signature.parse(whole).values)
    start = len(whole) - 2 - (bits + 7) // 8
    for wrong in {bits - 1, bits + 1, (bits + 7) // 8 * 8} - {bits}:
        with pytest.raises(Damaged):
            Signature.parse(whole[:start] + wrong.to_bytes(2, "big") + whole[start + 2 :])


def test_signatures_within_signatures_within_a_signature_are_damaged() -> None:
    key = ed25519_key()
    inner = key.sign(0x19, TEXT, [made()])
    middle = key.sign(0x19, TEXT, [made()], [embedded(inner)])
    assert Signature.parse(middle).embedded == (Signature.parse(inner),)
    with pytest.raises(Damaged):
        Signature.parse(key.sign(0x18, TEXT, [made()], [embedded(middle)]))
    for _ in range(500):
        middle = key.sign(0x19, TEXT, [made()], [embedded(middle)])
    with pytest.raises(Damaged):
        Signature.parse(middle)


@pytest.mark.parametrize("version", [2, 3, 5, 6, 255])
def test_other_versions_are_unsupported(keys: dict[str, Key], version: int) -> None:
    with pytest.raises(Unsupported):
        Signature.parse(keys["Ed25519"].sign(0, TEXT, [made()], version=version))


def test_signatures_of_gpg_are_good(gpg: Gnupg) -> None:
    fingerprint = gpg.generate("signer <s@example.org>", "ed25519")
    peer = PeerKey.parse(gpg.public(fingerprint))
    armor = gpg.run("--local-user", fingerprint, "--armor", "--detach-sign", data=TEXT)
    (packet,) = split(decode(armor, ArmorKind.SIGNATURE))
    signature = Signature.parse(packet.body)
    assert signature.type == SignatureType.BINARY
    assert signature.fault(signature.made) == ""
    assert [signature.covers(part.key, TEXT) for part in peer.signers] == [True]


def test_signatures_of_sequoia_are_good() -> None:
    secret = pysequoia.Tsk.generate("s <s@example.org>")
    signed = pysequoia.sign(secret.signer(), TEXT, mode=pysequoia.SignatureMode.DETACHED)
    (packet,) = split(decode(bytes(signed), ArmorKind.SIGNATURE))
    signature = Signature.parse(packet.body)
    peer = PeerKey.parse(bytes(secret.extract_certificate()))
    assert signature.fault(signature.made) == ""
    assert [signature.covers(part.key, TEXT) for part in peer.signers] == [True]
    assert not signature.covers(peer.signers[0].key, TEXT + b"!")
