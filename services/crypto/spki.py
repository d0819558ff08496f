"""A key's numbers as SubjectPublicKeyInfo, the form that the directory shows beside the block.

Closes the trap of a directory entry that names one key and delivers another: the PEM's hash, the
PEM and the OpenPGP block must be one key (api/assmbl.md §8, research/crypto.md §5.2 step 3).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from services.crypto.errors import KeyMismatch, Unsupported
from services.crypto.public_parts import PublicPart

PEM_LIMIT: Final = 64 * 1024


def spki_der(part: PublicPart) -> bytes:
    """Return a key's numbers as SPKI in DER; Unsupported for a key that is not used."""
    if part.material is None:
        raise Unsupported(part.weakness, "Ask its owner for another key.")
    return part.material.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def part_pem(part: PublicPart) -> str:
    """Return a key's numbers as a PEM of SPKI; Unsupported for a key that is not used."""
    if part.material is None:
        raise Unsupported(part.weakness, "Ask its owner for another key.")
    return part.material.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def spki_sha256(pem: str) -> str:
    """Return the SHA-256 of the SPKI in a PEM, 64 lower-case hex digits; KeyMismatch if unreadable."""
    return hashlib.sha256(_canonical(pem)).hexdigest()


def must_agree(parts: Iterable[PublicPart], pem: str, pem_sha256: str) -> None:
    """Raise KeyMismatch unless one of the keys has the PEM's numbers and the given hash.

    An empty `pem` or `pem_sha256` is not compared.
    """
    encodings = [spki_der(part) for part in parts if part.material is not None]
    if pem:
        given = _canonical(pem)
        encodings = [one for one in encodings if hmac.compare_digest(one, given)]
    if pem_sha256:
        wanted = pem_sha256.strip().lower()
        encodings = [one for one in encodings if hashlib.sha256(one).hexdigest() == wanted]
    if (pem or pem_sha256) and not encodings:
        raise KeyMismatch


def _canonical(pem: str) -> bytes:
    """Read a PEM and write its SPKI anew, so that the hash is of these numbers and nothing else."""
    try:
        if len(pem) > PEM_LIMIT:
            raise KeyMismatch("The directory's PEM is too large to be a key.")
        key = load_pem_public_key(pem.encode("ascii"))
        encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyMismatch("The directory's PEM cannot be read.") from error
    return encoded
