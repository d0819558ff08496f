"""Hand-made keys, each wrong in one way: none of them may be encrypted to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.crypto.certs import PeerKey
from services.crypto.errors import KeyUnusable
from services.crypto.packets import Tag, join
from tests.services.crypto.ada_keys import (
    KEY_REVOKED,
    MALLORY,
    MALLORYS,
    PAIR,
    PRIMARY,
    SIGNER,
    SUBKEY,
    good,
    judge,
    with_subkey,
)
from tests.services.crypto.key_smith import (
    CERTIFY,
    DAY,
    ENCRYPT,
    MADE,
    NOW,
    SIGN,
    USER_ID,
    SmithKey,
    binding,
    certificate,
    expires,
    field,
    flags,
    hashed_user_id,
    key_expires,
    made,
    revocation,
    self_signature,
)


def test_a_key_in_order_is_encrypted_to_by_its_subkey_and_signs_by_its_primary() -> None:
    peer = judge(good())
    assert peer.why == ""
    assert peer.warnings == ()
    assert peer.fingerprint == PRIMARY.fingerprint
    assert peer.user_ids == (USER_ID.decode(),)
    assert (peer.made, peer.expires, peer.algorithm) == (MADE, None, "Ed25519")
    assert peer.encrypt_to is not None
    assert peer.encrypt_to.fingerprint == SUBKEY.fingerprint
    assert peer.encrypt_to.body == SUBKEY.body
    assert peer.encrypt_to.algorithm == "Cv25519"
    assert peer.require(NOW) == peer.encrypt_to
    assert [part.fingerprint for part in peer.signers] == [PRIMARY.fingerprint]


def _flipped(body: bytes) -> bytes:
    return body[:-1] + bytes((body[-1] ^ 1,))


def _revoked_name(code: int, moment: int) -> bytes:
    parts = PRIMARY.hashed + hashed_user_id(USER_ID)
    return revocation(PRIMARY, 0x30, parts, code, moment)


ENCRYPTING = flags(CERTIFY | SIGN | ENCRYPT)

UNUSABLE: dict[str, tuple[Callable[[], PeerKey], str]] = {
    "no part for encryption": (lambda: judge(), "no part for encryption"),
    "a subkey without a binding": (lambda: judge((SUBKEY, [])), "no part"),
    "a subkey spliced in by somebody else": (
        lambda: judge((MALLORYS, [binding(MALLORY, MALLORYS)])),
        "no part",
    ),
    "a spliced subkey under the binding of the real one": (
        lambda: judge((MALLORYS, [binding(PRIMARY, SUBKEY)])),
        "no part",
    ),
    "a spliced subkey that binds itself": (
        lambda: judge((SIGNER, [SIGNER.sign(0x18, PAIR, [made(), flags(ENCRYPT)])])),
        "no part",
    ),
    "a binding with a wrong last bit": (
        lambda: judge((SUBKEY, [_flipped(binding(PRIMARY, SUBKEY))])),
        "no part",
    ),
    "a self-signature by somebody else": (
        lambda: judge(
            good(), names=[MALLORY.sign(0x13, PRIMARY.hashed + hashed_user_id(USER_ID), [made()])]
        ),
        "no valid signature of its own",
    ),
    "no self-signature": (lambda: judge(good(), names=[]), "no valid signature of its own"),
    "a self-signature of SHA-1": (
        lambda: judge(good(), names=[self_signature(PRIMARY, USER_ID, hash_name="sha1")]),
        "SHA-1",
    ),
    "a binding of SHA-1": (
        lambda: judge((SUBKEY, [binding(PRIMARY, SUBKEY, hash_name="sha1")])),
        "no part",
    ),
    "a self-signature made in the future": (
        lambda: judge(good(), names=[self_signature(PRIMARY, USER_ID, moment=NOW + DAY)]),
        "future",
    ),
    "a binding made in the future": (
        lambda: judge((SUBKEY, [binding(PRIMARY, SUBKEY, moment=NOW + DAY)])),
        "no part",
    ),
    "a self-signature older than the key": (
        lambda: judge(good(), names=[self_signature(PRIMARY, USER_ID, moment=MADE - 1)]),
        "no valid signature of its own",
    ),
    "an expired self-signature": (
        lambda: judge(good(), names=[self_signature(PRIMARY, USER_ID, flags(3), expires(DAY))]),
        "expired",
    ),
    "an expired binding signature": (
        lambda: judge((SUBKEY, [binding(PRIMARY, SUBKEY, expires(DAY))])),
        "no part",
    ),
    "an expired key": (
        lambda: judge(good(), names=[self_signature(PRIMARY, USER_ID, flags(3), key_expires(DAY))]),
        "The key expired on 2026-06-1",
    ),
    "a key whose newest self-signature let it expire": (
        lambda: judge(
            good(),
            names=[
                self_signature(PRIMARY, USER_ID),
                self_signature(PRIMARY, USER_ID, flags(3), key_expires(DAY), moment=MADE + 5),
            ],
        ),
        "The key expired",
    ),
    "a key expired by a signature on itself": (
        lambda: judge(good(), direct=[PRIMARY.sign(0x1F, PRIMARY.hashed, [made(), key_expires(9)])]),
        "The key expired",
    ),
    "an expired subkey": (
        lambda: judge((SUBKEY, [binding(PRIMARY, SUBKEY, key_expires(DAY))])),
        "expired on",
    ),
    "a subkey expired by its newest binding": (
        lambda: judge(
            (
                SUBKEY,
                [
                    binding(PRIMARY, SUBKEY, key_expires(DAY), moment=MADE + 9),
                    binding(PRIMARY, SUBKEY),
                ],
            )
        ),
        "expired on",
    ),
    "a revoked key": (lambda: judge(good(), direct=[KEY_REVOKED]), "The key was revoked on"),
    "a key revoked without a reason": (
        lambda: judge(good(), direct=[revocation(PRIMARY, 0x20, PRIMARY.hashed, None)]),
        "revoked",
    ),
    "a key revoked with SHA-1": (
        lambda: judge(
            good(), direct=[revocation(PRIMARY, 0x20, PRIMARY.hashed, hash_name="sha1")]
        ),
        "revoked",
    ),
    "a key revoked in the future": (
        lambda: judge(good(), direct=[revocation(PRIMARY, 0x20, PRIMARY.hashed, moment=NOW + DAY)]),
        "revoked",
    ),
    "a key whose revocation stands behind the subkey": (
        lambda: judge((SUBKEY, [binding(PRIMARY, SUBKEY), KEY_REVOKED])),
        "revoked",
    ),
    "a revoked subkey": (
        lambda: judge((SUBKEY, [binding(PRIMARY, SUBKEY), revocation(PRIMARY, 0x28, PAIR)])),
        "was revoked on",
    ),
    "a revoked subkey that was bound again": (
        lambda: judge(
            (
                SUBKEY,
                [
                    binding(PRIMARY, SUBKEY, moment=NOW - DAY),
                    revocation(PRIMARY, 0x28, PAIR),
                ],
            )
        ),
        "was revoked on",
    ),
    "a revoked user id": (
        lambda: judge(good(), names=[self_signature(PRIMARY, USER_ID), _revoked_name(32, MADE + 9)]),
        "no valid signature of its own",
    ),
    "a user id revoked for good and certified again": (
        lambda: judge(
            good(),
            names=[self_signature(PRIMARY, USER_ID, moment=NOW - DAY), _revoked_name(2, MADE + 9)],
        ),
        "no valid signature of its own",
    ),
    "a self-signature with an unknown condition": (
        lambda: judge(
            good(), names=[self_signature(PRIMARY, USER_ID, field(101, b"", critical=True))]
        ),
        "condition",
    ),
    "a binding with an unknown condition": (
        lambda: judge((SUBKEY, [binding(PRIMARY, SUBKEY, field(101, b"", critical=True))])),
        "no part",
    ),
    "a subkey for storage only": (
        lambda: judge((SUBKEY, [binding(PRIMARY, SUBKEY, bits=0x08)])),
        "no part",
    ),
    "flags outside the hashed area": (
        lambda: judge(
            (SUBKEY, [PRIMARY.sign(0x18, PAIR, [made()], [flags(ENCRYPT), PRIMARY.issuer()])])
        ),
        "no part",
    ),
    "an encrypting and signing subkey without its own word": (
        lambda: judge((SUBKEY, [binding(PRIMARY, SUBKEY, bits=ENCRYPT | SIGN)])),
        "no part",
    ),
    "an Ed25519 key that says it encrypts": (
        lambda: judge(names=[self_signature(PRIMARY, USER_ID, ENCRYPTING)]),
        "not for encryption",
    ),
    "a subkey with a weak way to wrap keys": (
        lambda: _with_kdf(b"\x03\x01\x02\x07"),
        "does not use",
    ),
    "a key made in the future": (
        lambda: _made_later(),
        "The key was made in the future",
    ),
    "a subkey made in the future": (
        lambda: with_subkey(SmithKey.cv25519(NOW + DAY)),
        "made in the future",
    ),
}  # fmt: skip


def _made_later() -> PeerKey:
    later = SmithKey.ed25519(NOW + DAY)
    return PeerKey.parse(certificate(later, good()), now=NOW)


def _with_kdf(kdf: bytes) -> PeerKey:
    return with_subkey(SmithKey.cv25519(kdf=kdf))


@pytest.mark.parametrize(("make", "words"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_key_that_is_wrong_in_one_way_is_not_encrypted_to(
    make: Callable[[], PeerKey], words: str
) -> None:
    peer = make()
    assert words in peer.why
    assert peer.encrypt_to is None
    assert not any(part.usable_for_encryption for part in peer.components)
    with pytest.raises(KeyUnusable) as caught:
        peer.require(NOW)
    assert caught.value.sentence == peer.why
    assert MALLORYS.fingerprint not in [part.fingerprint for part in peer.components]


def test_an_rsa_key_of_1024_bits_is_too_short_to_vouch_or_to_receive() -> None:
    short = SmithKey.rsa(1024)
    block = certificate(short, (SUBKEY, [binding(short, SUBKEY)]))
    assert "RSA-1024, which is too short" in PeerKey.parse(block, now=NOW).why
    assert "RSA-1024, which is too short" in with_subkey(short).why


@pytest.mark.parametrize("bits", [2048, 3072])
def test_an_rsa_key_alone_may_certify_sign_and_receive(bits: int) -> None:
    primary = SmithKey.rsa(bits)
    block = certificate(primary, names=[self_signature(primary, USER_ID, ENCRYPTING)])
    peer = PeerKey.parse(block, now=NOW)
    assert peer.why == ""
    assert peer.encrypt_to == peer.components[0] == peer.signers[0]
    assert peer.algorithm == f"RSA-{bits}"


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_nist_curves_vouch_and_receive(curve: str) -> None:
    primary, subkey = SmithKey.nist(curve, sign=True), SmithKey.nist(curve, sign=False)
    peer = PeerKey.parse(certificate(primary, (subkey, [binding(primary, subkey)])), now=NOW)
    assert peer.why == ""
    assert peer.encrypt_to is not None
    assert peer.encrypt_to.fingerprint == subkey.fingerprint
    assert peer.encrypt_to.algorithm == curve


def test_the_fresh_subkey_is_taken_and_the_expired_and_the_revoked_one_are_not() -> None:
    expired, fresh = SmithKey.cv25519(MADE + 9 * DAY), SmithKey.cv25519(MADE + 5 * DAY)
    revoked = SmithKey.cv25519(MADE + 10 * DAY)
    word = revocation(PRIMARY, 0x28, PRIMARY.hashed + revoked.hashed)
    peer = judge(
        (expired, [binding(PRIMARY, expired, key_expires(DAY))]),
        (revoked, [binding(PRIMARY, revoked), word]),
        (fresh, [binding(PRIMARY, fresh)]),
        good(),
    )
    assert peer.require(NOW).fingerprint == fresh.fingerprint
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
        PRIMARY, SUBKEY, key_expires(1), field(101, b"", critical=True), moment=MADE + 9
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
    names = [_revoked_name(32, MADE + 9), self_signature(PRIMARY, USER_ID, moment=MADE + 10)]
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
    direct = PRIMARY.sign(0x1F, PRIMARY.hashed, [made(), flags(3)], [PRIMARY.issuer()])
    packets = [
        (Tag.PUBLIC_KEY, PRIMARY.body),
        (Tag.SIGNATURE, direct),
        (Tag.PUBLIC_SUBKEY, SUBKEY.body),
        (Tag.SIGNATURE, binding(PRIMARY, SUBKEY)),
    ]
    peer = PeerKey.parse(b"".join(join(tag, body) for tag, body in packets), now=NOW)
    assert (peer.why, peer.user_ids) == ("", ())


def test_the_user_id_that_is_marked_as_the_main_one_speaks_for_the_key() -> None:
    marked = self_signature(PRIMARY, USER_ID, flags(3), key_expires(DAY), field(25, b"\x01"))
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
    primary = SmithKey.rsa(2048)
    names = [self_signature(primary, USER_ID, ENCRYPTING)]
    block = certificate(primary, (SUBKEY, [binding(primary, SUBKEY)]), names=names)
    assert PeerKey.parse(block, now=NOW).require(NOW).fingerprint == SUBKEY.fingerprint
