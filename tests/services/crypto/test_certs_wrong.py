"""Hand-made keys, each wrong in one way: none of them may be encrypted to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.crypto.certs import PeerKey
from services.crypto.errors import KeyUnusable
from tests.fakes.openpgp_fields import (
    USER_ID,
    binding,
    certificate,
    expires,
    flags,
    issuer,
    key_expires,
    made,
    revocation,
    self_signature,
)
from tests.fakes.openpgp_keys import (
    DAY,
    ENCRYPT,
    MADE,
    NOW,
    SIGN,
    ed25519_key,
    hashed_user_id,
    rsa_key,
    x25519_key,
)
from tests.fakes.openpgp_packets import SHA1, flipped, subpacket
from tests.services.crypto.ada_keys import (
    ENCRYPTING,
    KEY_REVOKED,
    MALLORY,
    MALLORYS,
    PAIR,
    PRIMARY,
    SIGNER,
    SUBKEY,
    good,
    judge,
    revoked_name,
    with_subkey,
)

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
        lambda: judge((SUBKEY, [flipped(binding(PRIMARY, SUBKEY), -1)])),
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
        lambda: judge(good(), names=[self_signature(PRIMARY, USER_ID, hash_id=SHA1)]),
        "SHA-1",
    ),
    "a binding of SHA-1": (
        lambda: judge((SUBKEY, [binding(PRIMARY, SUBKEY, hash_id=SHA1)])),
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
        "The key expired on 2023-11-1",
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
            good(), direct=[revocation(PRIMARY, 0x20, PRIMARY.hashed, hash_id=SHA1)]
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
        lambda: judge(good(), names=[self_signature(PRIMARY, USER_ID), revoked_name(32, MADE + 9)]),
        "no valid signature of its own",
    ),
    "a user id revoked for good and certified again": (
        lambda: judge(
            good(),
            names=[self_signature(PRIMARY, USER_ID, moment=NOW - DAY), revoked_name(2, MADE + 9)],
        ),
        "no valid signature of its own",
    ),
    "a self-signature with an unknown condition": (
        lambda: judge(
            good(), names=[self_signature(PRIMARY, USER_ID, subpacket(101, b"", critical=True))]
        ),
        "condition",
    ),
    "a binding with an unknown condition": (
        lambda: judge((SUBKEY, [binding(PRIMARY, SUBKEY, subpacket(101, b"", critical=True))])),
        "no part",
    ),
    "a subkey for storage only": (
        lambda: judge((SUBKEY, [binding(PRIMARY, SUBKEY, bits=0x08)])),
        "no part",
    ),
    "flags outside the hashed area": (
        lambda: judge(
            (SUBKEY, [PRIMARY.sign(0x18, PAIR, [made()], [flags(ENCRYPT), issuer(PRIMARY)])])
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
        lambda: with_subkey(x25519_key(NOW + DAY)),
        "made in the future",
    ),
}  # fmt: skip


def _made_later() -> PeerKey:
    later = ed25519_key(NOW + DAY)
    return PeerKey.parse(certificate(later, good()), now=NOW)


def _with_kdf(kdf: bytes) -> PeerKey:
    return with_subkey(x25519_key(kdf=kdf))


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
    assert MALLORYS.name not in [part.fingerprint for part in peer.components]


def test_an_rsa_key_of_1024_bits_is_too_short_to_vouch_or_to_receive() -> None:
    short = rsa_key(1024)
    block = certificate(short, (SUBKEY, [binding(short, SUBKEY)]))
    assert "RSA-1024, which is too short" in PeerKey.parse(block, now=NOW).why
    assert "RSA-1024, which is too short" in with_subkey(short).why
