"""The elliptic curves of OpenPGP by their object ids (RFC 6637 §11, RFC 9580 §9.2).

Those that have a `nist` form or are one of the two 25519 curves are used; the others have a name
only, so that a refusal can say what it refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve: its name as shown, bits of the field, and cryptography's form of it."""

    name: str
    bits: int
    nist: ec.EllipticCurve | None = None

    @property
    def octets(self) -> int:
        """Octets of one coordinate."""
        return (self.bits + 7) // 8


ED25519: Final = Curve("Ed25519", 255)
CV25519: Final = Curve("Cv25519", 255)
P256: Final = Curve("P-256", 256, ec.SECP256R1())
P384: Final = Curve("P-384", 384, ec.SECP384R1())
P521: Final = Curve("P-521", 521, ec.SECP521R1())

CURVES: Final[Mapping[bytes, Curve]] = {
    bytes.fromhex("2B06010401DA470F01"): ED25519,
    bytes.fromhex("2B060104019755010501"): CV25519,
    bytes.fromhex("2A8648CE3D030107"): P256,
    bytes.fromhex("2B81040022"): P384,
    bytes.fromhex("2B81040023"): P521,
    bytes.fromhex("2B2403030208010107"): Curve("Brainpool P-256", 256),
    bytes.fromhex("2B240303020801010B"): Curve("Brainpool P-384", 384),
    bytes.fromhex("2B240303020801010D"): Curve("Brainpool P-512", 512),
    bytes.fromhex("2B8104000A"): Curve("secp256k1", 256),
}
