"""Whole blocks: what may stand in one, in which order, and what is refused at once."""

from __future__ import annotations

import pytest

from services.crypto.armor import ArmorKind, encode
from services.crypto.bindings import CHECKS_LIMIT
from services.crypto.blocks import BLOCK_LIMIT, PACKETS_LIMIT, PARTS_LIMIT
from services.crypto.certs import PeerKey
from services.crypto.errors import Damaged, KeyUnusable, NoKey, TooLarge, Unsupported
from services.crypto.packets import Packet, Tag, join, join_all, split
from services.errors import CryptoError
from tests.fakes.openpgp_fields import (
    USER_ID,
    binding,
    certificate,
    flags,
    issuer,
    key_expires,
    made,
    self_signature,
)
from tests.fakes.openpgp_keys import (
    DAY,
    MADE,
    NOW,
)
from tests.fakes.openpgp_packets import subpacket
from tests.services.crypto.ada_keys import KEY_REVOKED, MALLORY, PRIMARY, SUBKEY, good, judge


def test_the_order_of_the_packets_does_not_matter_behind_the_primary() -> None:
    first, *rest = split(certificate(PRIMARY, good(), direct=[KEY_REVOKED]))
    assert "revoked" in PeerKey.parse(join_all([first, *reversed(rest)]), now=NOW).why
    first, *rest = split(certificate(PRIMARY, good()))
    assert PeerKey.parse(join_all([first, *reversed(rest)]), now=NOW).why == ""


ODD = [Packet(10, b"PGP"), Packet(12, b"\x00"), Packet(17, b"\x05\x01pic"), Packet(21, b"\x00" * 9),
       Packet(60, b"private"), Packet(2, b"\x03old"), Packet(2, b""), Packet(14, b"\x06x"),
       Packet(14, b""), Packet(13, b"x" * 3_000), Packet(13, b"\xff\xfe")]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=[f"tag {p.tag}, {len(p.body)} octets" for p in ODD])
def test_an_odd_packet_among_the_others_loses_only_itself(odd: Packet) -> None:
    packets = split(certificate(PRIMARY, good()))
    for place in range(1, len(packets) + 1):
        peer = PeerKey.parse(join_all([*packets[:place], odd, *packets[place:]]), now=NOW)
        assert peer.why == ""
        assert peer.user_ids == (USER_ID.decode(),)


def test_the_block_is_kept_as_it_came() -> None:
    block = certificate(PRIMARY, good()) + join(60, b"private")
    peer = PeerKey.parse(block, now=NOW)
    assert peer.block == block
    again = PeerKey.parse(peer.armored(), now=NOW)
    assert again == peer
    assert block[:4].hex() not in repr(peer)


def test_a_judgement_is_made_again_when_the_moment_is_another() -> None:
    peer = judge((SUBKEY, [binding(PRIMARY, SUBKEY, key_expires(200 * DAY))]))
    assert peer.require(NOW).fingerprint == SUBKEY.name
    with pytest.raises(KeyUnusable, match="Cv25519 expired on"):
        peer.require(NOW + 150 * DAY)
    with pytest.raises(CryptoError, match="future"):
        peer.require(MADE - DAY)


def test_a_key_that_asks_for_aead_is_warned_about() -> None:
    for features, warned in ((0x01, False), (0x07, True), (0x09, True), (0x0F, True)):
        names = [self_signature(PRIMARY, USER_ID, flags(3), subpacket(30, bytes((features,))))]
        assert bool(judge(good(), names=names).warnings) == warned


# ── refused at once ──────────────────────────────────────────────────────────────────────────────

GOOD = certificate(PRIMARY, good())
SIX = bytes((6,)) + bytes(40)
REFUSED: dict[str, tuple[str | bytes, type[CryptoError], str]] = {
    "nothing": ("", Damaged, "no complete PGP public key"),
    "no octets": (b"", Damaged, "no complete PGP public key"),
    "text": ("my key is 42", Damaged, "no complete PGP public key"),
    "two armored blocks": (encode(GOOD, ArmorKind.PUBLIC_KEY) * 2, Damaged, "more than one"),
    "a message": (encode(GOOD, ArmorKind.MESSAGE), Damaged, "no complete PGP public key"),
    "two keys": (GOOD + certificate(MALLORY), KeyUnusable, "more than one key"),
    "a secret key": (join(Tag.SECRET_KEY, PRIMARY.body + b"\x00"), Damaged, "no complete"),
    "a secret key called public": (
        encode(join(Tag.SECRET_KEY, PRIMARY.body + b"\x00"), ArmorKind.PUBLIC_KEY),
        KeyUnusable,
        "private key",
    ),
    "a secret subkey": (GOOD + join(Tag.SECRET_SUBKEY, SUBKEY.body), KeyUnusable, "private key"),
    "no primary": (
        encode(join(Tag.PUBLIC_SUBKEY, SUBKEY.body), ArmorKind.PUBLIC_KEY),
        NoKey,
        "no public key",
    ),
    "something before the primary": (
        encode(join(Tag.USER_ID, USER_ID) + GOOD, ArmorKind.PUBLIC_KEY),
        NoKey,
        "no public key",
    ),
    "cut": (GOOD[:-1], Damaged, "damaged or cut off"),
    "version 6": (join(Tag.PUBLIC_KEY, SIX), Unsupported, "version 6; this program reads version 4"),
    "version 3": (
        join(Tag.PUBLIC_KEY, b"\x03" + bytes(40)),
        Unsupported,
        "version 3; this program reads version 4",
    ),
    "a primary of one octet": (join(Tag.PUBLIC_KEY, b"\x04"), Damaged, "damaged"),
    "something behind the numbers": (
        join(Tag.PUBLIC_KEY, PRIMARY.body + b"\x00"),
        Damaged,
        "damaged",
    ),
    "an even modulus": (
        join(Tag.PUBLIC_KEY, b"\x04\x00\x00\x00\x01\x01\x08\x00\x80" + bytes(255) + b"\x00\x02\x03"),
        Damaged,
        "damaged",
    ),
    "too many octets": (GOOD + join(60, bytes(BLOCK_LIMIT)), TooLarge, "256 KB"),
    "too much text": ("x" * (BLOCK_LIMIT + 1), TooLarge, "256 KB"),
    "too many packets": (GOOD + join(60, b"") * PACKETS_LIMIT, TooLarge, "packets"),
    "too many names": (GOOD + join(Tag.USER_ID, b"x") * PARTS_LIMIT, TooLarge, "parts"),
}  # fmt: skip


@pytest.mark.parametrize(("block", "kind", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_block_that_is_no_single_public_key_is_refused(
    block: str | bytes, kind: type[CryptoError], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        PeerKey.parse(block, now=NOW)
    assert caught.value.exit_code == 8
    assert caught.value.next_step


def test_a_marker_before_the_primary_is_passed_over() -> None:
    block = encode(join(Tag.MARKER, b"PGP") + GOOD, ArmorKind.PUBLIC_KEY)
    assert PeerKey.parse(block, now=NOW).why == ""


def test_the_work_on_a_block_full_of_signatures_is_bounded() -> None:
    """Each is a revocation that has to be tried; the arithmetic stops at the limit."""
    wrong = MALLORY.sign(0x20, b"", [made()])
    few = GOOD + join(Tag.SIGNATURE, wrong) * (CHECKS_LIMIT // 2)
    assert PeerKey.parse(few, now=NOW).why == ""
    with pytest.raises(TooLarge, match="signatures"):
        PeerKey.parse(GOOD + join(Tag.SIGNATURE, wrong) * (CHECKS_LIMIT + 1), now=NOW)


def test_signatures_of_others_cost_nothing_of_that_limit() -> None:
    other = MALLORY.sign(0x13, b"x", [made(), flags(3)], [issuer(MALLORY)])
    block = GOOD + join(Tag.SIGNATURE, other) * (CHECKS_LIMIT * 2)
    assert PeerKey.parse(block, now=NOW).why == ""


@pytest.mark.parametrize("algorithm", [16, 17, 25, 27, 99])
def test_a_key_of_an_algorithm_that_is_not_used_is_named_and_refused(algorithm: int) -> None:
    numbers = b"".join(b"\x08\x00\x80" + bytes(254) + b"\x01" for _ in range(4))
    body = b"\x04\x00\x00\x00\x01" + bytes((algorithm,)) + numbers
    if algorithm == 16:
        body = body[: 6 + 3 * 258]
    peer = PeerKey.parse(join(Tag.PUBLIC_KEY, body), now=NOW)
    assert "does not use" in peer.why
    assert peer.encrypt_to is None
    assert peer.signers == ()
