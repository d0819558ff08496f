"""The handlers of the key directory: register, rotate, revoke, look up.

Closes the trap of a rotation that two clients do at once: versions only grow, and
`if_match_version` must be the one that stands (api/assmbl.md §8). After a revocation the entry
stays, without a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.api import wire
from services.sandbox.context import ApiError, Call, Handler
from services.sandbox.records import Agent
from services.sandbox.spki import read_pem
from services.sandbox.store import Store

_ARMOR: Final = ("-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----")


@dataclass(frozen=True, slots=True)
class _Entry:
    key_version: int
    public_key: str
    algorithm: str
    fingerprint: str
    openpgp_public_key: str | None
    revoked: int


def register_directory_key(call: Call) -> wire.KeyReceipt:
    """Publish a key, or rotate it: a higher version, on the version that stands."""
    body: wire.KeyRegistration = call.body
    fingerprint = _fingerprint(body)
    with call.store.transaction() as db:
        entry = _entry(call.store, call.agent)
        standing = entry.key_version if entry else 0
        if body.if_match_version not in (None, standing) or body.key_version <= standing:
            raise ApiError(409, "version_conflict", f"Version {standing} stands.")
        db.execute(
            "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?, 0)",
            (
                call.agent.number, body.key_version, body.public_key, body.algorithm, fingerprint,
                body.openpgp_public_key,
            ),
        )  # fmt: skip
    return wire.KeyReceipt(
        agent_id=call.agent.agent_id,
        key_version=body.key_version,
        key_fingerprint_sha256=fingerprint,
    )


def _fingerprint(body: wire.KeyRegistration) -> str:
    try:
        key = read_pem(body.public_key)
    except ValueError as error:
        raise ApiError(400, "invalid_public_key", f"public_key is {error}.") from error
    if not key.fits(body.algorithm):
        raise ApiError(400, "invalid_public_key", "public_key is of another algorithm.")
    armor = body.openpgp_public_key
    if armor is not None:
        begin, end = _ARMOR
        if not armor.strip().startswith(begin) or not armor.strip().endswith(end):
            raise ApiError(400, "invalid_public_key", "openpgp_public_key is not an armored key.")
    return key.fingerprint


def revoke_directory_key(call: Call) -> wire.KeyRevoked:
    """Take the key back; may be repeated."""
    with call.store.transaction() as db:
        db.execute("UPDATE keys SET revoked = 1 WHERE agent = ?", (call.agent.number,))
    return wire.KeyRevoked(agent_id=call.agent.agent_id)


def lookup_public_agent(call: Call) -> wire.PublicAgent:
    """Answer what the directory knows of an agent; no token needed."""
    agent = named_agent(call)
    entry = _entry(call.store, agent)
    if entry is None:
        return wire.PublicAgent(agent_id=agent.agent_id, revoked=False)
    answer = wire.PublicAgent(
        agent_id=agent.agent_id, revoked=bool(entry.revoked), key_version=entry.key_version
    )
    if not entry.revoked:
        answer.public_key = entry.public_key
        answer.algorithm = entry.algorithm
        answer.key_fingerprint_sha256 = entry.fingerprint
        if entry.openpgp_public_key:
            answer.openpgp_public_key = entry.openpgp_public_key
    return answer


def named_agent(call: Call) -> Agent:
    """Return the agent that the path names; raises 404."""
    agent = call.store.agent(call.ids["agent_id"])
    if agent is None:
        raise ApiError(404, "agent_not_found", "There is no such agent.")
    return agent


def _entry(store: Store, agent: Agent) -> _Entry | None:
    row = store.database.connection.execute(
        "SELECT key_version, public_key, algorithm, fingerprint, openpgp_public_key, revoked "
        "FROM keys WHERE agent = ?",
        (agent.number,),
    ).fetchone()
    return _Entry(*row) if row else None


HANDLERS: Final[Mapping[str, Handler]] = {
    "register_directory_key": register_directory_key,
    "revoke_directory_key": revoke_directory_key,
    "lookup_public_agent": lookup_public_agent,
}
