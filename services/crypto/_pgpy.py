"""PGPy, made fit to run: the only file that changes PGPy's insides.

Closes five traps (research/crypto.md §1, §2): `imghdr` is gone from Python 3.13; old ciphers move
out of cryptography with warnings that land on the screen; PGPy logs to the root logger, which then
prints to stderr; an RSA key is proved prime again twice a message; and it raises ten kinds of
exceptions on mail made for that. The repair is done while this module is imported, so the import
lock makes it happen once; keep that off the start path (about 0.2 s).
"""

from __future__ import annotations

import hashlib
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
    """Build PGPy's RSA key, validated when these numbers are met for the first time.

    The proof costs 0.2 s and PGPy asks for the key twice a message.
    """
    n, e, d, p, q = (int(getattr(material, name)) for name in "nedpq")
    numbers = rsa.RSAPrivateNumbers(
        p,
        q,
        d,
        rsa.rsa_crt_dmp1(d, p),
        rsa.rsa_crt_dmq1(d, q),
        rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(e, n),
    )
    mark = hashlib.sha256(b"%x.%x.%x.%x.%x" % (n, e, d, p, q)).digest()
    proven = getattr(material, "proven_numbers", None) == mark
    key = numbers.private_key(unsafe_skip_rsa_key_validation=proven)
    material.proven_numbers = mark
    return key


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
