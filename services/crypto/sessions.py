"""The session key of one message, and the ciphers it may belong to (RFC 4880 §9.2, §13.9).

Closes the trap of a cipher that is known by name only: PGPy lists Twofish and fails with a wild
error when it is used; here that is told apart from damage.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from services.crypto import _pgpy
from services.crypto.errors import Damaged, Unsupported

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

AES256: Final = 9
_BLOCKS: Final = {1: 8, 2: 8, 3: 8, 4: 8, 7: 16, 8: 16, 9: 16, 11: 16, 12: 16, 13: 16}
"""Octets of a block by cipher id: what PGPy and cryptography open together."""


@dataclass(frozen=True, slots=True)
class SessionKey:
    """One message's key; `cipher` is the id of RFC 4880 §9.2."""

    cipher: int
    key: bytes = field(repr=False)

    @classmethod
    def new(cls) -> SessionKey:
        """Make a random AES-256 key."""
        return cls(AES256, secrets.token_bytes(32))

    @property
    def block(self) -> int:
        """Octets of a cipher block; Unsupported for a cipher that is not here."""
        if self.cipher not in _BLOCKS:
            raise Unsupported
        return _BLOCKS[self.cipher]

    def encryptor(self) -> CipherContext:
        """Return what encrypts one message, piece by piece (CFB from zeros)."""
        return self._mode().encryptor()  # type: ignore[no-any-return]

    def decryptor(self) -> CipherContext:
        """Return what decrypts one message, piece by piece; Unsupported."""
        return self._mode().decryptor()  # type: ignore[no-any-return]

    def fits(self, prefix: bytes) -> bool:
        """Tell whether this key gave a message its first octets (the repeated two, §5.13).

        One wrong key in 65,536 passes; the integrity check decides.
        """
        block = self.block
        if len(prefix) < block + 2:
            return False
        plain = self.decryptor().update(prefix[: block + 2])
        return plain[block - 2 : block] == plain[block : block + 2]

    def _mode(self) -> Any:
        from cryptography.hazmat.primitives.ciphers import Cipher

        start = bytes(self.block)
        pgpy = _pgpy.load()
        with _pgpy.guarded(Damaged()):
            algorithm = pgpy.constants.SymmetricKeyAlgorithm(self.cipher)
            return Cipher(algorithm.cipher(self.key), pgpy.symenc.modes.CFB(start))
