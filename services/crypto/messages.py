"""Messages in memory: encrypted, opened, signed (RFC 4880 §11.3, research/crypto.md §5.2).

Closes the traps of research/crypto.md §4: a container without integrity protection is never opened,
nothing is believed before its integrity is proved, unpacking is capped, and every cause of a failed
decryption reads the same. Data above `LIMIT` belongs to `services.crypto.stream`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

from services.crypto import armor
from services.crypto.armor import ArmorKind
from services.crypto.armor_stream import armored, is_binary, message_pieces
from services.crypto.certs import PeerKey
from services.crypto.envelopes import read_sealed
from services.crypto.errors import Damaged, TooLarge
from services.crypto.feeds import PIECE, Feed, packets
from services.crypto.opening import open_message
from services.crypto.own import UnlockedKey
from services.crypto.packets import Tag, split
from services.crypto.sealing import seal_message
from services.crypto.signing import Signer
from services.crypto.verdicts import SignedData, Verdict, announced_by_signature

LIMIT: Final = 32 * 1024 * 1024
"""Bytes that a message may unpack to in memory."""
_ENVELOPE_SLACK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Opened:
    """A decrypted message.

    `text` is `data` as UTF-8 with LF when the sender marked it as text or it decodes cleanly, else
    None. `file_name` is the sender's claim: untrusted. `signer` is a fingerprint (verdict GOOD, BAD
    or UNUSABLE) or what an UNKNOWN signature names, or "". `signed_at` in seconds since the epoch,
    0 when nothing vouches for it. `to_key` is the fingerprint of the own part that opened it.
    """

    data: bytes = field(repr=False)
    text: str | None = field(repr=False)
    file_name: str
    verdict: Verdict
    signer: str
    signed_at: int
    to_key: str


def encrypt(
    data: str | bytes,
    recipients: Sequence[PeerKey],
    *,
    sign_with: UnlockedKey | None = None,
    now: int | None = None,
) -> bytes:
    """Return an armored message: AES-256, SEIPDv1, uncompressed; text as `u` with LF, bytes as `b`.

    Raises KeyUnusable when any recipient must not be encrypted to, NoKey without recipients.
    """
    moment = _moment(now)
    raw = _lf(data).encode("utf-8", "replace") if isinstance(data, str) else data
    signer = Signer(sign_with, moment, recipients) if sign_with else None
    if signer:
        signer.update(raw)
    sealed = seal_message(
        _pieces(raw),
        len(raw),
        recipients,
        is_text=isinstance(data, str),
        signer=signer,
        now=moment,
    )
    return b"".join(armored(sealed, ArmorKind.MESSAGE))


def decrypt(
    blob: str | bytes,
    keys: Sequence[UnlockedKey],
    *,
    signer: PeerKey | None = None,
    limit: int = LIMIT,
    now: int | None = None,
) -> Opened:
    """Open a message, armored (text may stand around the block) or binary.

    `signer` is the pinned key of the claimed sender. Raises NotForMe (with the key ids named),
    Damaged, Unsupported, TooLarge, and Locked when a key was closed.
    """
    if len(blob) > 2 * limit + _ENVELOPE_SLACK:
        raise TooLarge
    message = open_message(_packet_pieces(blob), keys, limit, prove_first=True)
    data = b"".join(message.data)
    judgement = message.judge(signer, _moment(now))
    return Opened(
        data,
        _text(data, is_text=message.content.is_text),
        message.content.file_name,
        judgement.verdict,
        judgement.signer,
        judgement.signed_at,
        message.to_key,
    )


def recipients_of(blob: str | bytes) -> tuple[str, ...]:
    """Return the key ids that the envelopes name, in order, without decrypting.

    16 upper-case hex digits each, `envelopes.HIDDEN` for one who is not named. Raises Damaged when
    it is no encrypted message.
    """
    return read_sealed(packets(Feed(_packet_pieces(blob)))).recipients


def sign_detached(data: bytes, key: UnlockedKey, *, now: int | None = None) -> bytes:
    """Return an armored detached signature over bytes; KeyUnusable when no part may sign."""
    signer = Signer(key, _moment(now))
    signer.update(data)
    return armor.encode(signer.packet(), ArmorKind.SIGNATURE)


def verify_detached(
    data: bytes, signature: str | bytes, signer: PeerKey, *, now: int | None = None
) -> Verdict:
    """Judge a detached signature, armored or binary; Damaged when it is none."""
    blob = signature.encode("utf-8", "replace") if isinstance(signature, str) else signature
    raw = blob if is_binary(blob[:8]) else armor.decode(blob, ArmorKind.SIGNATURE)
    bodies = [packet.body for packet in split(raw) if packet.tag == Tag.SIGNATURE]
    if not bodies:
        raise Damaged("There is no signature in it.", "Ask the sender to send it again.")
    signed = SignedData()
    for body in bodies:
        claim = announced_by_signature(body)
        if claim is not None:
            signed.announce(*claim)
    signed.update(data)
    return signed.judge(bodies, signer, _moment(now)).verdict


def _moment(now: int | None) -> int:
    return int(time.time()) if now is None else now


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[at : at + PIECE] for at in range(0, len(data), PIECE))


def _packet_pieces(blob: str | bytes) -> Iterator[bytes]:
    raw = blob.encode("utf-8", "replace") if isinstance(blob, str) else blob
    return message_pieces(BytesIO(raw))


def _text(data: bytes, *, is_text: bool) -> str | None:
    try:
        return _lf(data.decode("utf-8"))
    except UnicodeDecodeError:
        return _lf(data.decode("utf-8", "replace")) if is_text else None
