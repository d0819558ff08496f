"""The directory's PEM, its hash and the OpenPGP block have to be one key."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.crypto.certs import PeerKey, spki_pem, spki_sha256
from services.crypto.errors import KeyMismatch, Unsupported
from services.crypto.packets import Tag, join
from tests.fakes.openpgp_fields import (
    USER_ID,
    binding,
    certificate,
    flags,
    self_signature,
)
from tests.fakes.openpgp_keys import (
    CERTIFY,
    ENCRYPT,
    NOW,
    SIGN,
    Key,
    nist_key,
    rsa_key,
)
from tests.services.crypto.ada_keys import MALLORYS, PRIMARY, SUBKEY, good

RSA = rsa_key(2048)
BLOCK = certificate(
    RSA,
    (SUBKEY, [binding(RSA, SUBKEY)]),
    names=[self_signature(RSA, USER_ID, flags(CERTIFY | SIGN | ENCRYPT))],
)
PEM = (
    RSA.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
)
DER = RSA.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
HASH = hashlib.sha256(DER).hexdigest()


def _pem(key: Key) -> str:
    encoded = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return str(encoded.decode())


def test_a_pem_and_its_hash_that_agree_with_the_primary_are_taken() -> None:
    for pem, digest in ((PEM, HASH), (PEM, ""), ("", HASH), ("", ""), (PEM, f" {HASH.upper()}\n")):
        assert PeerKey.parse(BLOCK, pem=pem, pem_sha256=digest, now=NOW).why == ""
    crlf = PEM.replace("\n", "\r\n")
    assert PeerKey.parse(BLOCK, pem=crlf, pem_sha256=HASH, now=NOW).why == ""


def test_the_pem_of_a_bound_subkey_is_taken_too() -> None:
    pem = _pem(SUBKEY)
    assert PeerKey.parse(BLOCK, pem=pem, pem_sha256=spki_sha256(pem), now=NOW).why == ""


SPLICED = BLOCK + join(Tag.PUBLIC_SUBKEY, MALLORYS.body)
OTHER = rsa.generate_private_key(65537, 2048).public_key()
OTHER_PEM = OTHER.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
DSA_PEM = (
    dsa.generate_private_key(1024)
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
DISAGREEING = {
    "another PEM": (BLOCK, OTHER_PEM, ""),
    "another PEM with its hash": (BLOCK, OTHER_PEM, spki_sha256(OTHER_PEM)),
    "another PEM with our hash": (BLOCK, OTHER_PEM, HASH),
    "our PEM with another hash": (BLOCK, PEM, spki_sha256(OTHER_PEM)),
    "a hash alone, of another": (BLOCK, "", spki_sha256(OTHER_PEM)),
    "a hash that is none": (BLOCK, PEM, "0"),
    "our fingerprint as hash": (BLOCK, PEM, RSA.name.lower()),
    "the PEM of a subkey that is not bound": (SPLICED, _pem(MALLORYS), ""),
    "the PEM of another kind": (BLOCK, _pem(PRIMARY), ""),
    "the PEM of a DSA key": (BLOCK, DSA_PEM, ""),
    "no PEM": (BLOCK, "key", HASH),
    "letters of any kind": (BLOCK, PEM.replace("BEGIN", "BEGIÑ"), HASH),
    "a cut PEM": (BLOCK, PEM[: len(PEM) // 2], HASH),
    "a huge PEM": (BLOCK, "x" * 100_000 + PEM, HASH),
    "a private PEM": (BLOCK, PEM.replace("PUBLIC", "PRIVATE"), HASH),
}


@pytest.mark.parametrize(("block", "pem", "digest"), DISAGREEING.values(), ids=DISAGREEING.keys())
def test_entries_that_contradict_each_other_are_refused(
    block: bytes, pem: str, digest: str
) -> None:
    with pytest.raises(KeyMismatch):
        PeerKey.parse(block, pem=pem, pem_sha256=digest, now=NOW)


@pytest.mark.parametrize(
    "key",
    [
        RSA,
        PRIMARY,
        nist_key("P-256"),
        nist_key("P-384"),
        nist_key("P-521"),
    ],
    ids=["RSA", "Ed25519", "P-256", "P-384", "P-521"],
)
def test_the_pem_of_a_block_is_the_one_of_its_numbers(key: Key) -> None:
    peer = PeerKey.parse(certificate(key), now=NOW)
    pem = spki_pem(peer.components[0])
    assert pem == _pem(key)
    der = key.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert spki_sha256(pem) == hashlib.sha256(der).hexdigest()


def test_a_key_that_is_not_used_has_no_pem() -> None:
    short = rsa_key(1024)
    peer = PeerKey.parse(certificate(short, good()), now=NOW)
    with pytest.raises(Unsupported):
        spki_pem(peer.components[0])
    with pytest.raises(KeyMismatch):
        PeerKey.parse(certificate(short, good()), pem=_pem(short), now=NOW)
