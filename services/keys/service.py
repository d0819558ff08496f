"""What the keys need of a mail service: a key directory and, perhaps, a list of trusted senders.

Closes the trap of code that must know which service it speaks to: `KeyService` is what a provider may
offer besides mail, and a provider without it has no keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from services.api import wire


class KeyDirectory(Protocol):
    """The directory's operations (api/assmbl.md §8). Every one may raise a ServiceError."""

    async def register_directory_key(
        self,
        *,
        public_key: str,
        algorithm: str = ...,
        key_version: int = ...,
        if_match_version: int | None = ...,
        openpgp_public_key: str | None = ...,
    ) -> wire.KeyReceipt: ...

    async def revoke_directory_key(self) -> wire.KeyRevoked: ...

    async def lookup_public_agent_cached(
        self, agent_id: str, *, refresh: bool = ...
    ) -> wire.PublicAgent: ...


class TrustedPeers(Protocol):
    """The service's allow-list (api/assmbl.md §9); one row at a time, there is no list."""

    async def put_trusted_peer(
        self, peer_agent_id: str, *, enabled: bool = ..., rate_limit_per_minute: int | None = ...
    ) -> wire.TrustedPeerState: ...

    async def get_trusted_peer(self, peer_agent_id: str) -> wire.TrustedPeerState: ...

    async def delete_trusted_peer(self, peer_agent_id: str) -> wire.TrustedPeerState: ...


@runtime_checkable
class KeyService(Protocol):
    """What a mail provider may offer besides (`services.api.assmbl.AssmblClient` does)."""

    @property
    def directory(self) -> KeyDirectory: ...

    @property
    def admin(self) -> TrustedPeers: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """What the directory says of one agent; "" for what it does not say.

    `version` is 0 when there never was a key or the directory does not tell. All of it is the
    directory's word, nothing of it checked.
    """

    agent_id: str
    version: int = 0
    revoked: bool = False
    pem: str = field(default="", repr=False)
    pem_sha256: str = ""
    block: str = field(default="", repr=False)

    @property
    def is_empty(self) -> bool:
        """It holds no key of any form."""
        return not (self.pem or self.block)


def entry_of(answer: wire.PublicAgent) -> Entry:
    """Return the directory's answer without its gaps."""
    return Entry(
        agent_id=answer.agent_id,
        version=answer.key_version or 0,
        revoked=answer.revoked,
        pem=answer.public_key or "",
        pem_sha256=answer.key_fingerprint_sha256 or "",
        block=answer.openpgp_public_key or "",
    )
