"""Sequoia's opinion on a key, with what its callers have to ask themselves."""

from __future__ import annotations

import time

import pysequoia


def sequoia_accepts(block: bytes) -> bool:
    """Whether Sequoia would encrypt to a block: it is alive, not revoked, and has a part for it."""
    try:
        certificate = pysequoia.Cert.from_bytes(block)
        ends = certificate.expiration
        if certificate.is_revoked or (ends is not None and ends.timestamp() <= time.time()):
            return False
        pysequoia.encrypt(b"x", recipients=[certificate])
    except Exception:  # noqa: BLE001 - pysequoia has no errors of its own
        return False
    return True
