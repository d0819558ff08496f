"""The integrity-protected container, version 1 (RFC 4880 §5.13, §5.14).

Closes the trap of ciphertext that can be changed unseen: the only container that is opened is the one
with a modification check, and the check is the last word, after all octets have passed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from typing import Final

from services.crypto.errors import Damaged
from services.crypto.feeds import Feed
from services.crypto.packets import Tag, new_length
from services.crypto.sessions import SessionKey

VERSION: Final = 1
_MARK: Final = b"\xd3\x14"
"""The header of the modification check, itself covered by it."""
_CHECK: Final = len(_MARK) + 20


def unsealed(session: SessionKey, body: Feed) -> Iterator[bytes]:
    """Yield what a container holds, read behind its version octet.

    Damaged when the check fails, which shows only after everything else was yielded.
    """
    decryptor = session.decryptor()
    check = hashlib.sha1(usedforsecurity=False)
    prefix = decryptor.update(body.take(session.block + 2))
    check.update(prefix)
    held = b""
    for piece in body.pieces():
        plain = held + decryptor.update(piece)
        ready = max(len(plain) - _CHECK, 0)
        held = plain[ready:]
        if ready:
            plain = plain[:ready]
            check.update(plain)
            yield plain
    check.update(held[:2])
    if not hmac.compare_digest(held, _MARK + check.digest()):
        raise Damaged


def sealed(session: SessionKey, length: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a whole container packet around pieces that are `length` octets together."""
    encryptor = session.encryptor()
    check = hashlib.sha1(usedforsecurity=False)
    prefix = secrets.token_bytes(session.block)
    prefix += prefix[-2:]
    whole = 1 + len(prefix) + length + _CHECK
    yield bytes((0xC0 | Tag.PROTECTED,)) + new_length(whole) + bytes((VERSION,))
    check.update(prefix)
    yield encryptor.update(prefix)
    for piece in pieces:
        check.update(piece)
        yield encryptor.update(piece)
    check.update(_MARK)
    yield encryptor.update(_MARK + check.digest())
