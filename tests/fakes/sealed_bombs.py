"""Packets that no writer makes, put into a message that is encrypted as it should be."""

from __future__ import annotations

from services.crypto import armor, container
from services.crypto.armor import ArmorKind
from services.crypto.certs import PeerKey
from services.crypto.envelopes import seal
from services.crypto.sessions import SessionKey


def sealed_packets(packets: bytes, key: PeerKey) -> str:
    """Return armor of a container for `key` that holds these packets in place of a literal."""
    session = SessionKey.new()
    message = seal(session, key.require()) + b"".join(
        container.sealed(session, len(packets), [packets])
    )
    return armor.encode(message, ArmorKind.MESSAGE).decode("ascii")
