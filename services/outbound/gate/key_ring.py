"""Whom a mail is sealed to: the directory asked now, every key checked, or the reason why not.

Closes the trap of encryption that gives way: a key that is gone, spoilt, another one or not to be
had refuses the mail. Only with the rule `when possible`, and only where somebody never had a key,
does a mail go in clear: whoever can hide a key must gain nothing by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from services.errors import MailError, ServiceError
from services.outbound.gate.plan import Refusal, RefusalKind
from services.progress import in_thread

if TYPE_CHECKING:
    from services.crypto.certs import PeerKey
    from services.keys.peers import Pin


class SealingKeys(Protocol):
    """What is asked about keys (`services.keys.keychain`).

    `has_directory` is False where the operator's own book is the only source of keys.
    `peer_for` looks the key up in the directory and checks it against what is pinned: NoKey,
    KeyMismatch, KeyUnusable, KeyChanged, or a ServiceError when the directory does not answer.
    """

    @property
    def has_directory(self) -> bool: ...

    async def peer_for(self, address: str, *, fresh: bool = ...) -> PeerKey: ...

    def requires_encryption(self, address: str) -> bool: ...

    def own_public(self) -> PeerKey | None: ...

    def pinned(self, address: str) -> Pin | None: ...


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one plan: fingerprints by address, the own one, and what stands against it."""

    encrypted: bool = False
    of: Mapping[str, str] = field(default_factory=dict)
    own: str = ""
    refusals: tuple[Refusal, ...] = ()
    remark: str = ""
    """Why it is encrypted or not, where that was tried."""


async def key_ring(keys: SealingKeys, addresses: Iterable[str], *, only_tries: bool) -> KeyRing:
    """Look up the key of every address; `only_tries` lets the mail go in clear for want of one."""
    wanted = list(dict.fromkeys(addresses))
    looked = await asyncio.gather(*(_fingerprint(keys, address) for address in wanted))
    found = dict(zip(wanted, looked, strict=True))
    refused = {address: one for address, one in found.items() if isinstance(one, Refusal)}
    if only_tries and any(_never_had(keys, address, one) for address, one in refused.items()):
        return KeyRing(remark="not everybody has a key")
    own, trouble = await in_thread(lambda _: _own(keys))
    return KeyRing(
        encrypted=True,
        of={address: one for address, one in found.items() if isinstance(one, str)},
        own=own,
        refusals=(*refused.values(), *trouble),
        remark="everybody has a key" if only_tries else "",
    )


async def _fingerprint(keys: SealingKeys, address: str) -> str | Refusal:
    try:
        peer = await keys.peer_for(address, fresh=True)
        peer.require()
    except ServiceError as error:
        return _refusal(RefusalKind.SERVICE, address, error)
    except MailError as error:
        return _refusal(RefusalKind.CRYPTO, address, error)
    return peer.fingerprint


def _refusal(kind: RefusalKind, address: str, error: MailError) -> Refusal:
    return Refusal(kind, f"{address}: {error.sentence}", error.next_step, error)


def _never_had(keys: SealingKeys, address: str, refusal: Refusal) -> bool:
    """Tell somebody who never had a key from one whose key is gone, spoilt or not to be had."""
    from services.crypto.errors import NoKey

    return isinstance(refusal.error, NoKey) and keys.pinned(address) is None


def _own(keys: SealingKeys) -> tuple[str, tuple[Refusal, ...]]:
    """Return the own key's fingerprint, "" without a usable one."""
    try:
        own = keys.own_public()
    except MailError as error:
        return "", (Refusal(RefusalKind.CRYPTO, error.sentence, error.next_step, error),)
    return (own.fingerprint if own is not None and not own.why else ""), ()
