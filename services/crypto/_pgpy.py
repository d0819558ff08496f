"""PGPy, made fit to run: the only file that changes PGPy's insides.

Closes five traps (research/crypto.md §1, §2): `imghdr` is gone from Python 3.13; old ciphers move
out of cryptography with warnings that land on the screen; PGPy logs to the root logger, which then
prints to stderr; an RSA key is proved prime again twice a message; and it raises ten kinds of
exceptions on mail made for that. Import PGPy through `load` only, off the start path.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from services.errors import CryptoError


def load() -> ModuleType:
    """Return the `pgpy` module, repaired; the first call costs about 0.2 s. Thread-safe."""
    raise SystemExit


@contextmanager
def guarded(instead: CryptoError) -> Iterator[None]:
    """Turn whatever PGPy raises on hostile data into one error; our own pass through."""
    raise SystemExit
    yield


def public_packet(body: bytes, *, is_primary: bool) -> object:
    """Return PGPy's packet for one raw public key body (`_pgpy.load().packet.packets`)."""
    raise SystemExit
