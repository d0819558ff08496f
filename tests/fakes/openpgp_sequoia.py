"""Drives Sequoia (pysequoia): the strict second opinion on keys and messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pysequoia
from pysequoia import Cert, CipherSuite, Profile, SignatureMode, Tsk

SUITES = {
    "RSA-2048": CipherSuite.RSA2k,
    "Cv25519": CipherSuite.Cv25519,
    "P-256": CipherSuite.P256,
    "P-384": CipherSuite.P384,
}


@dataclass(frozen=True)
class SequoiaOpened:
    """What Sequoia made of a message: the data and the primary keys of good signatures."""

    data: bytes
    signers: tuple[str, ...]


def generate(suite: str, user: str, *, version: int = 4) -> tuple[bytes, bytes]:
    """Make a key and return its private and public block, armored."""
    profile = Profile.RFC4880 if version == 4 else Profile.RFC9580
    made = Tsk.generate(user, profile=profile, cipher_suite=SUITES[suite])
    return str(made).encode(), str(made.extract_certificate()).encode()


def encrypt(
    data: bytes, blocks: Sequence[bytes], *, signer: bytes = b"", passphrase: str | None = None
) -> bytes:
    """Return a message to some public blocks; RuntimeError when a block is refused."""
    by = Tsk.from_bytes(signer).signer(passphrase) if signer else None
    return pysequoia.encrypt(data, [Cert.from_bytes(block) for block in blocks], by)


def decrypt(
    message: bytes, secret: bytes, *, passphrase: str | None = None, signer: bytes = b""
) -> SequoiaOpened:
    """Open a message; RuntimeError for whatever Sequoia does not like, also about its signature."""
    certs = [Cert.from_bytes(signer)] if signer else []
    decryptor = Tsk.from_bytes(secret).decryptor(passphrase)
    opened = pysequoia.decrypt(message, decryptor, store=(lambda _: certs) if certs else None)
    return SequoiaOpened(opened.bytes or b"", _names(opened))


def sign_detached(data: bytes, secret: bytes, passphrase: str | None = None) -> bytes:
    """Return an armored detached signature."""
    signer = Tsk.from_bytes(secret).signer(passphrase)
    return pysequoia.sign(signer, data, mode=SignatureMode.DETACHED)


def verify_detached(data: bytes, signature: bytes, block: bytes) -> tuple[str, ...]:
    """Return the primary keys of the good signatures."""
    cert = Cert.from_bytes(block)
    sig = pysequoia.Sig.from_bytes(signature)
    return _names(pysequoia.verify(data, store=lambda _: [cert], signature=sig))


def accepts(block: bytes) -> bool:
    """Tell whether Sequoia would encrypt to a public block, which it judges by its own policy.

    Its `encrypt` looks at neither expiry nor revocation of the primary; both are asked here.
    """
    try:
        cert = Cert.from_bytes(block)
        if cert.is_revoked or (cert.expiration and cert.expiration <= datetime.now(UTC)):
            return False
        pysequoia.encrypt(b"probe", [cert])
    except (RuntimeError, ValueError, TypeError):
        return False
    return True


def _names(opened: pysequoia.Decrypted) -> tuple[str, ...]:
    return tuple(sig.certificate.upper() for sig in opened.valid_sigs)
