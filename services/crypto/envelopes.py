"""Envelopes: the session key of a message, sealed once for every recipient (RFC 4880 §5.1).

Closes three traps of PGPy: one envelope of a newer kind loses the whole message, a hidden recipient
is not tried, and it is the caller's task to see that a cipher is not there. Here every envelope that
names one of our keys, or nobody, is tried; what fails for any cause fails with one text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.crypto import _pgpy, container
from services.crypto.certs import Component
from services.crypto.errors import Damaged, KeyUnusable, NotForMe, Unsupported
from services.crypto.feeds import StreamedPacket
from services.crypto.own import UnlockedKey
from services.crypto.packets import Tag
from services.crypto.public_parts import Algorithm
from services.crypto.secret_parts import OpenPart, SecretPart
from services.crypto.sessions import SessionKey

HIDDEN: Final = "0" * 16
"""The key id that stands for a recipient who is not named."""
_MOST: Final = 1_000
"""Envelopes read from one message."""
_ATTEMPTS: Final = 100
"""Private operations spent on one message: a stranger can name our key as often as he likes."""
_BODY_LIMIT: Final = 8_192
_RSA: Final = frozenset({Algorithm.RSA, Algorithm.RSA_ENCRYPT})
_IGNORED: Final = frozenset({Tag.MARKER, Tag.PADDING})
_PREFIX: Final = 18


@dataclass(frozen=True, slots=True)
class Envelope:
    """One sealed session key: the key id that it names, and what opening it needs.

    `version` 3 is opened here, 6 only named. `key_id` is 16 upper-case hex digits or `HIDDEN`.
    """

    version: int
    key_id: str
    algorithm: int
    body: bytes = field(repr=False)

    @classmethod
    def parse(cls, body: bytes) -> Envelope:
        """Read an envelope's body; Damaged when it is cut."""
        if len(body) >= 10 and body[0] == 3:
            return cls(3, body[1:9].hex().upper(), body[9], body)
        if len(body) >= 3 and body[0] == 6:
            return cls(6, _newer_id(body), 0, body)
        if len(body) >= 10:
            return cls(body[0], HIDDEN, 0, body)
        raise Damaged

    def suits(self, part: OpenPart) -> bool:
        """Tell whether this part may be the one that opens it."""
        same = self.algorithm == part.key.algorithm or {self.algorithm, part.key.algorithm} <= _RSA
        return self.version == 3 and same and self.key_id in (part.key.key_id, HIDDEN)


@dataclass(frozen=True, slots=True)
class SealedMessage:
    """An encrypted message up to its container, whose body is still to be read."""

    envelopes: tuple[Envelope, ...]
    has_password: bool
    container: StreamedPacket

    @property
    def recipients(self) -> tuple[str, ...]:
        """The key ids named, in order."""
        return tuple(envelope.key_id for envelope in self.envelopes)


def read_sealed(found: Iterator[StreamedPacket]) -> SealedMessage:
    """Read packets up to the container; Damaged when there is none that protects its content."""
    envelopes: list[Envelope] = []
    has_password = False
    for packet in found:
        if packet.tag == Tag.PUBLIC_SESSION_KEY and len(envelopes) < _MOST:
            envelopes.append(Envelope.parse(packet.whole(_BODY_LIMIT)))
        elif packet.tag == Tag.PASSPHRASE_SESSION_KEY:
            packet.whole(_BODY_LIMIT)
            has_password = True
        elif packet.tag in _IGNORED:
            packet.whole(_BODY_LIMIT)
        elif packet.tag in (Tag.PROTECTED, Tag.AEAD) and (envelopes or has_password):
            return SealedMessage(tuple(envelopes), has_password, packet)
        else:
            raise Damaged
    raise Damaged


def open_sealed(message: SealedMessage, keys: Sequence[UnlockedKey]) -> tuple[SessionKey, str]:
    """Return the session key and the fingerprint of the part that opened an envelope.

    The container's body is read up to behind its version octet. Raises NotForMe, Unsupported,
    Damaged, Locked.
    """
    parts = [part for key in keys for part in key.parts()]
    foreign = [part for key in keys for part in key.foreign]
    body = message.container.body
    if message.container.tag == Tag.AEAD or body.take(1)[0] != container.VERSION:
        raise _why_not_opened(message, parts, foreign, newer=True)
    prefix = body.peek(_PREFIX)
    hindrance: Unsupported | None = None
    for session, fingerprint in _candidates(message.envelopes, parts):
        try:
            if session.fits(prefix):
                return session, fingerprint
        except Unsupported as error:
            hindrance = error
    raise hindrance or _why_not_opened(message, parts, foreign, newer=False)


def _candidates(
    envelopes: Iterable[Envelope], parts: Sequence[OpenPart]
) -> Iterator[tuple[SessionKey, str]]:
    """Yield what the envelopes give; those that name a key first, the hidden ones after."""
    attempts = 0
    for envelope in sorted(envelopes, key=lambda one: one.key_id == HIDDEN):
        for part in parts:
            if not envelope.suits(part):
                continue
            attempts += 1
            if attempts > _ATTEMPTS:
                return
            found = part.session_key(envelope.body)
            if found is not None:
                yield SessionKey(*found), part.key.fingerprint


def _why_not_opened(
    message: SealedMessage,
    parts: Sequence[OpenPart],
    foreign: Sequence[SecretPart],
    *,
    newer: bool,
) -> NotForMe | Unsupported | Damaged:
    """Choose the error when no envelope gave a key that fits."""
    mine = {part.key.key_id for part in parts}
    named = [one for one in message.envelopes if one.key_id in mine]
    if any(one.version == 3 for one in named) and not newer:
        return Damaged()
    if named or (newer and HIDDEN in message.recipients):
        return Unsupported()
    for part in foreign:
        if part.key.key_id in message.recipients:
            return Unsupported(part.hindrance, "Use another program for this message.")
    if message.envelopes:
        return NotForMe(message.recipients)
    return Unsupported(
        "The message is sealed with a password of its own, not with your key.",
        "Ask the sender to encrypt it to your key.",
    )


def seal(session: SessionKey, component: Component) -> bytes:
    """Return an envelope packet for a recipient's component; KeyUnusable when PGPy cannot."""
    pgpy = _pgpy.load()
    with _pgpy.guarded(KeyUnusable("The key of a recipient has a form that cannot be used.")):
        key = _pgpy.public_packet(component.body, is_primary=component.is_primary)
        if key.fingerprint != component.fingerprint:
            # PGPy would wrap the session key for a key that is spelled another way.
            raise ValueError
        envelope = pgpy.packet.packets.PKESessionKeyV3()
        envelope.encrypter = bytearray.fromhex(component.key_id)
        envelope.pkalg = key.pkalg
        cipher = pgpy.constants.SymmetricKeyAlgorithm(session.cipher)
        envelope.encrypt_sk(key, cipher, session.key)
        return bytes(envelope.__bytearray__())


def _newer_id(body: bytes) -> str:
    """Return the key id in a version 6 envelope (RFC 9580 §5.1.2)."""
    size, version = body[1], body[2] if body[1] else 0
    name = body[3 : 2 + size]
    if version == 4 and len(name) == 20:
        return name[-8:].hex().upper()
    if version == 6 and len(name) == 32:
        return name[:8].hex().upper()
    return HIDDEN
