"""PGPy, made fit to run: the only file that changes PGPy's insides.

Closes six traps (research/crypto.md §1, §2): `imghdr` is gone from Python 3.13; old ciphers move out
of cryptography with warnings that land on the screen; PGPy logs to the root logger, which then prints
to stderr; an RSA key is proved prime again twice a message; a passphrase costs 124 MB; and it raises
ten kinds of exceptions on mail made for that. The repair is done while this module is imported, so the import
lock makes it happen once; keep that off the start path (about 0.2 s).
"""

from __future__ import annotations

import logging
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from cryptography.exceptions import (
    InternalError,
    InvalidKey,
    InvalidSignature,
    UnsupportedAlgorithm,
)
from cryptography.hazmat.decrepit.ciphers import algorithms as old_algorithms
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap

from services.crypto.packets import Tag, join
from services.errors import CryptoError

_S2K_PIECE: Final = 65_536
_CIPHERS: Final = ("AES", "Blowfish", "CAST5", "Camellia", "IDEA", "TripleDES")


def _import_quietly() -> ModuleType:
    """Import PGPy with an `imghdr` that is only there for it (it looks at photo ids with it)."""
    missing = object()
    before: object = sys.modules.get("imghdr", missing)
    stub = ModuleType("imghdr")
    stub.what = lambda *_, **__: None  # type: ignore[attr-defined]
    sys.modules["imghdr"] = stub
    try:
        pgpy = import_module("pgpy")
    finally:
        if isinstance(before, ModuleType):
            sys.modules["imghdr"] = before
        else:
            del sys.modules["imghdr"]
    return pgpy


def _old_modes() -> Any:
    """Return where CFB lives without a warning: it moved in cryptography 47."""
    try:
        from cryptography.hazmat.decrepit.ciphers import modes as old_modes
    except ImportError:
        return modes
    return old_modes


def _private_key(material: Any) -> rsa.RSAPrivateKey:
    """Build PGPy's RSA key from numbers that fit together; ValueError when they do not.

    cryptography's own proof that the primes are prime takes 0.2 s, during which every other thread
    stands still. A fault in the file shows in the arithmetic; wrong primes give away nothing.
    """
    n, e, d, p, q = (int(getattr(material, name)) for name in "nedpq")
    if p * q != n or min(p, q) < 3 or (e * d - 1) % (p - 1) or (e * d - 1) % (q - 1):
        raise ValueError
    return rsa.RSAPrivateNumbers(
        p,
        q,
        d,
        rsa.rsa_crt_dmp1(d, p),
        rsa.rsa_crt_dmq1(d, q),
        rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(e, n),
    ).private_key(unsafe_skip_rsa_key_validation=True)


def _derived_key(s2k: Any, passphrase: str | bytes) -> bytes:
    """Derive the key that a passphrase stands for (RFC 4880 §3.7.1), in constant memory.

    PGPy builds all that is hashed in one piece: 124 MB for the count that it writes itself.
    """
    word = passphrase if isinstance(passphrase, bytes) else passphrase.encode("utf-8")
    kind = int(s2k.specifier)
    unit = (bytes(s2k.salt) if kind in (1, 3) else b"") + word
    count = max(s2k.count if kind == 3 else 0, len(unit))
    block = unit * (_S2K_PIECE // max(len(unit), 1) + 1)
    whole, rest = divmod(count, max(len(block), 1))
    octets = s2k.encalg.key_size // 8
    out = b""
    for index in range(octets):
        hasher = s2k.halg.hasher
        hasher.update(bytes(index))
        for _ in range(whole):
            hasher.update(block)
        hasher.update(block[:rest])
        out += hasher.digest()
        if len(out) >= octets:
            break
    return out[:octets]


def _repaired() -> ModuleType:
    pgpy = _import_quietly()
    from pgpy import constants, decorators, symenc
    from pgpy.packet import fields

    constants.algorithms = SimpleNamespace(
        **{
            name: getattr(old_algorithms, name, None) or getattr(algorithms, name)
            for name in _CIPHERS
        }
    )
    symenc.modes = _old_modes()
    # The module `logging` itself would give the root logger a handler on stderr.
    quiet = logging.getLogger("agentmail.pgpy")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    decorators.logging = quiet
    fields.RSAPriv.__privkey__ = _private_key
    fields.String2Key.derive_key = _derived_key
    return pgpy


pgpy: Final = _repaired()

WILD: Final = (
    pgpy.errors.PGPError,
    pgpy.errors.PGPDecryptionError,
    pgpy.errors.PGPEncryptionError,
    pgpy.errors.PGPInsecureCipherError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    InternalError,
    InvalidKey,
    InvalidSignature,
    InvalidUnwrap,
    LookupError,
    OSError,
    RuntimeError,  # also NotImplementedError and RecursionError
    StopIteration,
    TypeError,
    UnsupportedAlgorithm,
    ValueError,
    zlib.error,
)
"""What PGPy raises on mail and keys made for that (research/crypto.md §4)."""


def load() -> ModuleType:
    """Return the `pgpy` module, repaired."""
    return pgpy


@contextmanager
def guarded(instead: CryptoError) -> Iterator[None]:
    """Turn whatever PGPy raises on hostile data into one error; our own errors pass through.

    Wrap PGPy calls only, never file access: an OSError is among what PGPy raises.
    """
    try:
        yield
    except WILD:
        raise instead from None


def public_packet(body: bytes, *, is_primary: bool) -> Any:
    """Return PGPy's packet object for one raw public key body (RFC 4880 §5.5.2)."""
    tag = Tag.PUBLIC_KEY if is_primary else Tag.PUBLIC_SUBKEY
    return pgpy.packet.Packet(bytearray(join(tag, body)))
