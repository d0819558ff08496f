"""A message for some recipients, packet by packet (RFC 4880 §11.3, research/crypto.md §5.2).

Closes the trap of a message that a peer cannot read: AES-256 in the version 1 container, lengths
that are told at the start (PGPy takes the square of the time otherwise), nothing compressed, no file
name. Every recipient's key is judged again before the first octet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from services.crypto import container
from services.crypto.certs import PeerKey
from services.crypto.envelopes import seal
from services.crypto.errors import NoKey, TooLarge
from services.crypto.packets import Tag, new_length
from services.crypto.sessions import SessionKey
from services.crypto.signing import Signer

_LONGEST: Final = 0xFFFF_FFFF - 65_536
"""Octets of data that a packet with its signature may hold."""


def seal_message(
    pieces: Iterable[bytes],
    length: int,
    recipients: Sequence[PeerKey],
    *,
    is_text: bool,
    signer: Signer | None,
    now: int,
) -> Iterator[bytes]:
    """Return the packets of a message around pieces that are `length` octets together.

    `signer` has been fed the same data. Raises KeyUnusable, NoKey, TooLarge at once.
    """
    if not recipients:
        raise NoKey("There is nobody to encrypt to.", "Name a recipient.")
    if length > _LONGEST:
        raise TooLarge("The file is larger than an OpenPGP message can hold.", "Split it.")
    components = {one.fingerprint: one for one in (peer.require(now) for peer in recipients)}
    session = SessionKey.new()
    envelopes = [seal(session, component) for component in components.values()]
    before, after = (signer.one_pass, signer.packet()) if signer else (b"", b"")
    before += _literal_head(length, is_text=is_text)
    inner = _chain(before, pieces, after)
    whole = len(before) + length + len(after)
    return _chain(b"".join(envelopes), container.sealed(session, whole, inner), b"")


def _chain(before: bytes, pieces: Iterable[bytes], after: bytes) -> Iterator[bytes]:
    yield before
    yield from pieces
    if after:
        yield after


def _literal_head(length: int, *, is_text: bool) -> bytes:
    """Return the start of a literal packet without name and date (RFC 4880 §5.9)."""
    body = (b"u" if is_text else b"b") + b"\0" + bytes(4)
    return bytes((0xC0 | Tag.LITERAL,)) + new_length(len(body) + length) + body
