"""Which parts of a hand-made key receive and sign, and which signatures on it count."""

from __future__ import annotations

import pytest

from services.crypto.certs import PeerKey
from services.crypto.errors import KeyUnusable
from services.crypto.packets import Tag, join
from tests.fakes.openpgp_fields import (
    USER_ID,
    binding,
    certificate,
    flags,
    issuer,
    key_expires,
    made,
    revocation,
    self_signature,
)
from tests.fakes.openpgp_keys import (
    DAY,
    ECDH,
    MADE,
    NOW,
    hashed_user_id,
    nist_key,
    rsa_key,
    x25519_key,
)
from tests.fakes.openpgp_packets import subpacket
from tests.services.crypto.ada_keys import (
    ENCRYPTING,
    MALLORY,
    MALLORYS,
    PAIR,
    PRIMARY,
    SUBKEY,
    good,
    judge,
    revoked_name,
)


def test_a_key_in_order_is_encrypted_to_by_its_subkey_and_signs_by_its_primary() -> None:
    peer = judge(good())
    assert peer.why == ""
    assert peer.warnings == ()
    assert peer.fingerprint == PRIMARY.name
    assert peer.user_ids == (USER_ID.decode(),)
    assert (peer.made, peer.expires, peer.algorithm) == (MADE, None, "Ed25519")
    assert peer.encrypt_to is not None
    assert peer.encrypt_to.fingerprint == SUBKEY.name
    assert peer.encrypt_to.body == SUBKEY.body
    assert peer.encrypt_to.algorithm == "Cv25519"
    assert peer.require(NOW) == peer.encrypt_to
    assert [part.fingerprint for part in peer.signers] == [PRIMARY.name]


@pytest.mark.parametrize("bits", [2048, 3072])
def test_an_rsa_key_alone_may_certify_sign_and_receive(bits: int) -> None:
    primary = rsa_key(bits)
    block = certificate(primary, names=[self_signature(primary, USER_ID, ENCRYPTING)])
    peer = PeerKey.parse(block, now=NOW)
    assert peer.why == ""
    assert peer.encrypt_to == peer.components[0] == peer.signers[0]
    assert peer.algorithm == f"RSA-{bits}"


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_nist_curves_vouch_and_receive(curve: str) -> None:
    primary, subkey = nist_key(curve), nist_key(curve, algorithm=ECDH)
    peer = PeerKey.parse(certificate(primary, (subkey, [binding(primary, subkey)])), now=NOW)
    assert peer.why == ""
    assert peer.encrypt_to is not None
    assert peer.encrypt_to.fingerprint == subkey.name
    assert peer.encrypt_to.algorithm == curve


def test_the_fresh_subkey_is_taken_and_the_expired_and_the_revoked_one_are_not() -> None:
    expired, fresh = x25519_key(MADE + 9 * DAY), x25519_key(MADE + 5 * DAY)
    revoked = x25519_key(MADE + 10 * DAY)
    word = revocation(PRIMARY, 0x28, PRIMARY.hashed + revoked.hashed)
    peer = judge(
        (expired, [binding(PRIMARY, expired, key_expires(DAY))]),
        (revoked, [binding(PRIMARY, revoked), word]),
        (fresh, [binding(PRIMARY, fresh)]),
        good(),
    )
    assert peer.require(NOW).fingerprint == fresh.name
    assert [part.usable_for_encryption for part in peer.components[1:]] == [
        False,
        False,
        True,
        True,
    ]


def test_a_forged_subkey_beside_the_real_one_changes_nothing() -> None:
    plain = judge(good())
    forged = judge(good(), (MALLORYS, [binding(MALLORY, MALLORYS), binding(PRIMARY, SUBKEY)]))
    assert forged.fingerprint == plain.fingerprint
    assert forged.encrypt_to == plain.encrypt_to
    assert forged.components == plain.components


def test_a_void_binding_gives_way_to_the_older_valid_one() -> None:
    critical = binding(
        PRIMARY, SUBKEY, key_expires(1), subpacket(101, b"", critical=True), moment=MADE + 9
    )
    peer = judge((SUBKEY, [critical, binding(PRIMARY, SUBKEY, key_expires(200 * DAY))]))
    assert peer.require(NOW).expires == MADE + 200 * DAY


def test_a_newer_self_signature_lengthens_the_life_of_a_key() -> None:
    names = [
        self_signature(PRIMARY, USER_ID, flags(3), key_expires(DAY)),
        self_signature(PRIMARY, USER_ID, flags(3), key_expires(300 * DAY), moment=MADE + 5),
    ]
    peer = judge(good(), names=names)
    assert peer.expires == MADE + 300 * DAY
    assert peer.why == ""
    with pytest.raises(KeyUnusable, match="The key expired on"):
        peer.require(MADE + 300 * DAY)


def test_a_user_id_left_and_taken_up_again_counts() -> None:
    names = [revoked_name(32, MADE + 9), self_signature(PRIMARY, USER_ID, moment=MADE + 10)]
    assert judge(good(), names=names).user_ids == (USER_ID.decode(),)


def test_revocations_by_somebody_else_mean_nothing() -> None:
    words = [
        revocation(MALLORY, 0x20, PRIMARY.hashed),
        revocation(MALLORY, 0x28, PAIR),
        revocation(MALLORY, 0x30, PRIMARY.hashed + hashed_user_id(USER_ID)),
    ]
    assert judge((SUBKEY, [binding(PRIMARY, SUBKEY), *words]), direct=words).why == ""


def test_a_user_id_that_nobody_signed_is_not_shown() -> None:
    block = certificate(PRIMARY, good()) + join(Tag.USER_ID, b"Eve <eve@example.org>")
    peer = PeerKey.parse(block, now=NOW)
    assert peer.user_ids == (USER_ID.decode(),)
    assert peer.why == ""


def test_a_key_without_a_name_may_vouch_for_itself_directly() -> None:
    direct = PRIMARY.sign(0x1F, PRIMARY.hashed, [made(), flags(3)], [issuer(PRIMARY)])
    packets = [
        (Tag.PUBLIC_KEY, PRIMARY.body),
        (Tag.SIGNATURE, direct),
        (Tag.PUBLIC_SUBKEY, SUBKEY.body),
        (Tag.SIGNATURE, binding(PRIMARY, SUBKEY)),
    ]
    peer = PeerKey.parse(b"".join(join(tag, body) for tag, body in packets), now=NOW)
    assert (peer.why, peer.user_ids) == ("", ())


def test_the_user_id_that_is_marked_as_the_main_one_speaks_for_the_key() -> None:
    marked = self_signature(PRIMARY, USER_ID, flags(3), key_expires(DAY), subpacket(25, b"\x01"))
    other = self_signature(PRIMARY, b"Ada", flags(3), moment=MADE + 9)
    block = certificate(PRIMARY, good(), names=[marked])
    block += join(Tag.USER_ID, b"Ada") + join(Tag.SIGNATURE, other)
    assert "The key expired" in PeerKey.parse(block, now=NOW).why


def test_a_newer_signature_on_the_key_itself_may_only_shorten_its_life() -> None:
    names = [self_signature(PRIMARY, USER_ID, flags(3), key_expires(200 * DAY))]
    for days, expected in ((150, 150), (300, 200)):
        word = [made(MADE + 9), key_expires(days * DAY)]
        peer = judge(good(), names=names, direct=[PRIMARY.sign(0x1F, PRIMARY.hashed, word)])
        assert peer.expires == MADE + expected * DAY


def test_a_subkey_is_taken_before_a_primary_that_could_receive_as_well() -> None:
    primary = rsa_key(2048)
    names = [self_signature(primary, USER_ID, ENCRYPTING)]
    block = certificate(primary, (SUBKEY, [binding(primary, SUBKEY)]), names=names)
    assert PeerKey.parse(block, now=NOW).require(NOW).fingerprint == SUBKEY.name
