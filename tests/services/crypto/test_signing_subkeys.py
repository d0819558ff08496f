"""Signing subkeys: adopting somebody else's makes no signer of oneself."""

from __future__ import annotations

import pytest

from tests.fakes.openpgp_fields import (
    USER_ID,
    back_signature,
    binding,
    embedded,
    expires,
    flags,
    issuer,
    key_expires,
    made,
    self_signature,
)
from tests.fakes.openpgp_keys import (
    DAY,
    NOW,
    SIGN,
    Key,
    rsa_key,
)
from tests.fakes.openpgp_packets import SHA1
from tests.services.crypto.ada_keys import (
    KEY_REVOKED,
    MALLORY,
    PRIMARY,
    SIGNER,
    good,
    judge,
    with_subkey,
)


def _signing(*more: bytes) -> tuple[Key, list[bytes]]:
    return SIGNER, [binding(PRIMARY, SIGNER, *more, bits=SIGN)]


ADOPTED = {
    "no word of its own": [],
    "the word of somebody else": [embedded(back_signature(MALLORY, PRIMARY))],
    "its word for another primary": [embedded(back_signature(SIGNER, MALLORY))],
    "its word in SHA-1": [embedded(back_signature(SIGNER, PRIMARY, hash_id=SHA1))],
    "its word from the future": [embedded(back_signature(SIGNER, PRIMARY, moment=NOW + DAY))],
    "its word has expired": [embedded(back_signature(SIGNER, PRIMARY, expires(DAY)))],
    "another kind of its word": [
        embedded(SIGNER.sign(0x18, PRIMARY.hashed + SIGNER.hashed, [made()]))
    ],
    "garbage": [embedded(b"\x04\x19"), embedded(b"")],
}


@pytest.mark.parametrize("words", ADOPTED.values(), ids=ADOPTED.keys())
def test_a_signing_subkey_without_its_own_word_is_no_signer(words: list[bytes]) -> None:
    peer = judge(good(), _signing(*words))
    assert SIGNER.name not in [part.fingerprint for part in peer.components]
    assert peer.why == ""


def test_a_signing_subkey_with_its_own_word_is_a_signer_wherever_the_word_stands() -> None:
    word = embedded(back_signature(SIGNER, PRIMARY))
    loose = PRIMARY.sign(
        0x18, PRIMARY.hashed + SIGNER.hashed, [made(), flags(SIGN)], [word, issuer(PRIMARY)]
    )
    for bound in (_signing(word), (SIGNER, [loose])):
        names = [part.fingerprint for part in judge(good(), bound).signers]
        assert names == [PRIMARY.name, SIGNER.name]


def test_a_subkey_for_encryption_is_no_signer_even_if_it_could_sign() -> None:
    subkey = rsa_key(2048)
    peer = with_subkey(subkey)
    assert subkey.name not in [part.fingerprint for part in peer.signers]
    assert peer.require(NOW).fingerprint == subkey.name


def test_a_revoked_or_expired_key_has_no_signers() -> None:
    assert judge(good(), direct=[KEY_REVOKED]).signers == ()
    ended = [self_signature(PRIMARY, USER_ID, flags(3), key_expires(DAY))]
    assert judge(good(), names=ended).signers == ()
