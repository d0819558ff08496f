"""The Assmbl key directory and price list: publish, revoke, look up (api/assmbl.md §8, §10).

Closes the trap of a lookup that is trusted for ever: the cached one says so in its name and can be
told to refresh, as encrypting always does.
"""

from __future__ import annotations

from services.api import wire
from services.api.exchange import Exchange, typed


class Directory:
    """The directory's five operations, under their SDK names."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._known: dict[str, wire.PublicAgent] = {}

    async def register_directory_key(
        self,
        *,
        public_key: str,
        algorithm: str = "RSA",
        key_version: int = 1,
        if_match_version: int | None = None,
        openpgp_public_key: str | None = None,
    ) -> wire.KeyReceipt:
        """Publish a key; Conflict when the directory has another version than expected.

        `if_match_version=0` says that no key is there yet. Not repeated after a lost answer.
        """
        body = {
            "public_key": public_key,
            "algorithm": algorithm,
            "key_version": key_version,
            "if_match_version": if_match_version,
            "openpgp_public_key": openpgp_public_key,
        }
        data = await self._exchange.call("register_directory_key", body=body, safe=False)
        return typed(data, wire.KeyReceipt)

    async def revoke_directory_key(self) -> wire.KeyRevoked:
        """Take the key out of use; may be repeated."""
        return typed(await self._exchange.call("revoke_directory_key"), wire.KeyRevoked)

    async def lookup_public_agent(self, agent_id: str) -> wire.PublicAgent:
        """Return the directory's entry; NotFound for an unknown agent. Asked without the token."""
        data = await self._exchange.call("lookup_public_agent", ids={"agent_id": agent_id})
        entry = typed(_with_defaults(data, agent_id), wire.PublicAgent)
        self._known[agent_id] = entry
        return entry

    async def lookup_public_agent_cached(
        self, agent_id: str, *, refresh: bool = False
    ) -> wire.PublicAgent:
        """Return the entry as last looked up by this client, or look it up."""
        known = None if refresh else self._known.get(agent_id)
        return known or await self.lookup_public_agent(agent_id)

    async def lookup_public_pricing(self, agent_id: str) -> wire.PublicPricing:
        """Return what an agent charges; asked without the token."""
        data = await self._exchange.call("lookup_public_pricing", ids={"agent_id": agent_id})
        return typed(_with_defaults(data, agent_id), wire.PublicPricing)


def _with_defaults(data: object, agent_id: str) -> object:
    """Fill in what the vendor does not promise to send, and drop nulls."""
    if not isinstance(data, dict):
        return data
    told = {key: value for key, value in data.items() if value is not None}
    return {"agent_id": agent_id, "revoked": False, **told}
