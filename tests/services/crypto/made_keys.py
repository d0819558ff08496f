"""Keys that several tests use, each made once a session and worker."""

from __future__ import annotations

from functools import cache

from services.crypto.own import OwnKey, UnlockedKey
from services.redact import Secret

PASSPHRASE = "žlutý kůň 7 🐎"


@cache
def ann() -> OwnKey:
    """RSA-2048 without a passphrase."""
    return OwnKey.generate("Ann Ærø", "ann@mail.example", None, bits=2048)


@cache
def bob() -> OwnKey:
    """RSA-2048, sealed with PASSPHRASE."""
    return OwnKey.generate("Bob", "bob@mail.example", Secret(PASSPHRASE), bits=2048)


@cache
def ann_open() -> UnlockedKey:
    return ann().unlock()


@cache
def bob_open() -> UnlockedKey:
    return bob().unlock(Secret(PASSPHRASE))
