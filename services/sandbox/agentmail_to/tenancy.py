"""Who may see what: organizations, pods, keys, and the inboxes of the one mail store.

Closes the trap of scope that is checked in some handlers: an inbox is only ever found through a
key, and what lies outside of its scope does not exist (404, api/agentmail_to.md §5.6).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

from services.sandbox.agentmail_to.failures import Failure, missing
from services.sandbox.agentmail_to.records import Inbox, Key
from services.sandbox.records import Agent
from services.sandbox.store import Store

_KEY: Final = "key_id, organization_id, name, created_at, pod_id, inbox, permissions, expires_at"
_INBOX: Final = (
    "i.agent, a.agent_id, i.organization_id, i.pod_id, i.display_name, i.client_id, i.status, "
    "i.metadata, i.created_at, i.updated_at FROM v0_inboxes i JOIN agents a ON a.number = i.agent"
)


class Tenancy:
    """Organizations, pods, keys and inboxes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # ── organizations, pods, keys ────────────────────────────────────────────────────────────────

    def add_organization(self) -> tuple[str, str]:
        """Make an organization with one pod; returns both ids."""
        organization = f"org_{secrets.token_hex(8)}"
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO v0_organizations VALUES (?, ?)", (organization, self._store.clock())
            )
            return organization, self.add_pod(organization, "default")

    def organizations(self) -> list[str]:
        """Return the ids of all organizations, oldest first."""
        rows = self._db.execute("SELECT organization_id FROM v0_organizations ORDER BY created_at")
        return [row[0] for row in rows]

    def organization_age(self, organization: str) -> float:
        """Return when an organization was made."""
        row = self._db.execute(
            "SELECT created_at FROM v0_organizations WHERE organization_id = ?", (organization,)
        ).fetchone()
        if row is None:
            raise missing("Organization")
        return float(row[0])

    def add_pod(self, organization: str, name: str) -> str:
        """Make a pod and return its id."""
        pod = f"pod_{secrets.token_hex(8)}"
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO v0_pods VALUES (?, ?, ?, ?)",
                (pod, organization, name, self._store.clock()),
            )
        return pod

    def pods(self, key: Key) -> list[tuple[str, str, float]]:
        """Return id, name and age of the pods that a key reaches, oldest first."""
        rows = self._db.execute(
            "SELECT pod_id, name, created_at FROM v0_pods WHERE organization_id = ?1 "
            "AND (?2 IS NULL OR pod_id = ?2) ORDER BY created_at, pod_id",
            (key.organization_id, key.pod_id),
        )
        return [(pod, name, at) for pod, name, at in rows]

    def pod(self, key: Key, pod_id: str) -> str:
        """Return the id of a pod that the key reaches; raises 404."""
        if key.inbox is not None or pod_id not in (pod for pod, _, _ in self.pods(key)):
            raise missing("Pod")
        return pod_id

    def add_key(
        self,
        organization: str,
        *,
        name: str = "key",
        pod_id: str | None = None,
        inbox: int | None = None,
        permissions: Mapping[str, bool] | None = None,
        expires_at: float | None = None,
    ) -> tuple[str, str]:
        """Make a key and return its id and its secret, which begins with `am_`."""
        key_id, secret = f"key_{secrets.token_hex(8)}", f"am_us_{secrets.token_hex(24)}"
        stored = None if permissions is None else json.dumps(dict(permissions))
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO v0_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key_id, secret, organization, pod_id, inbox, stored, expires_at, name,
                    self._store.clock(),
                ),
            )  # fmt: skip
        return key_id, secret

    def key(self, secret: str) -> Key | None:
        """Return the key of this secret."""
        row = self._db.execute(
            f"SELECT {_KEY} FROM v0_keys WHERE secret = ?",  # noqa: S608
            (secret,),
        ).fetchone()
        if row is None:
            return None
        permissions = None if row[6] is None else json.loads(row[6])
        key_id, organization, name, made, pod, inbox = row[:6]
        return Key(key_id, organization, name, made, pod, inbox, permissions, row[7])

    def secret(self, organization: str, inbox: int | None) -> str:
        """Return the oldest secret of exactly this scope; made when there is none."""
        row = self._db.execute(
            "SELECT secret FROM v0_keys WHERE organization_id = ? AND inbox IS ? "
            "AND pod_id IS NULL AND permissions IS NULL ORDER BY created_at",
            (organization, inbox),
        ).fetchone()
        return row[0] if row else self.add_key(organization, inbox=inbox)[1]

    # ── inboxes ──────────────────────────────────────────────────────────────────────────────────

    def add_inbox(
        self, agent: Agent, organization: str, pod_id: str, details: Mapping[str, Any]
    ) -> Inbox:
        """Make an agent's mailbox an inbox; raises 403 when it is one already.

        `details`: display_name, client_id, status, metadata.
        """
        if self.inbox_of(agent.number) is not None:
            raise Failure(403, "already_exists", "This inbox exists already.")
        now = self._store.clock()
        metadata = details.get("metadata")
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO v0_inboxes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (
                    agent.number, organization, pod_id, details.get("display_name"),
                    details.get("client_id"), details.get("status"),
                    None if metadata is None else json.dumps(metadata), now, now,
                ),
            )  # fmt: skip
        made = self.inbox_of(agent.number)
        assert made is not None
        return made

    def update_inbox(self, inbox: Inbox, changes: Mapping[str, Any]) -> Inbox:
        """Change display_name, status or metadata (None clears) and return the inbox."""
        stored = dict(changes)
        if stored.get("metadata") is not None:
            stored["metadata"] = json.dumps(stored["metadata"])
        stored["updated_at"] = self._store.clock()
        with self._store.transaction() as db:
            for name, value in stored.items():
                db.execute(
                    f"UPDATE v0_inboxes SET {name} = ? WHERE agent = ?",  # noqa: S608
                    (value, inbox.number),
                )
        changed = self.inbox_of(inbox.number)
        assert changed is not None
        return changed

    def inbox_of(self, number: int) -> Inbox | None:
        """Return the inbox of an agent by its row, whoever asks."""
        row = self._db.execute(
            f"SELECT {_INBOX} WHERE i.agent = ?",
            (number,),
        ).fetchone()
        return self._inbox(row) if row else None

    def inboxes(self, key: Key, pod_id: str | None = None) -> list[Inbox]:
        """Return the inboxes that a key reaches, oldest first; of one pod when it is named."""
        rows = self._db.execute(
            f"SELECT {_INBOX} WHERE i.organization_id = ?1 "
            "AND (?2 IS NULL OR i.pod_id = ?2) AND (?3 IS NULL OR i.agent = ?3) "
            "AND (?4 IS NULL OR i.pod_id = ?4) ORDER BY i.created_at, i.agent",
            (key.organization_id, key.pod_id, key.inbox, pod_id),
        )
        return [self._inbox(row) for row in rows]

    def inbox(self, key: Key, inbox_id: str) -> Inbox:
        """Return the inbox of this address; raises 404 when the key does not reach it."""
        agent = self._store.agent_by_address(inbox_id)
        found = self.inbox_of(agent.number) if agent else None
        if found is None or not reaches(key, found):
            raise missing("Inbox")
        return found

    def agent(self, inbox: Inbox) -> Agent:
        """Return the agent of the store behind an inbox."""
        agent = self._store.agent(inbox.agent_id)
        assert agent is not None
        return agent

    def _inbox(self, row: tuple[Any, ...]) -> Inbox:
        number, agent_id, organization, pod, name, client_id, status, metadata, made, changed = row
        return Inbox(
            number=number,
            agent_id=agent_id,
            inbox_id=f"{agent_id}@{self._store.mail_domain}",
            organization_id=organization,
            pod_id=pod,
            display_name=name,
            client_id=client_id,
            status=status,
            metadata=None if metadata is None else json.loads(metadata),
            created_at=made,
            updated_at=changed,
        )

    @property
    def _db(self) -> Any:
        return self._store.database.connection


def reaches(key: Key, inbox: Inbox) -> bool:
    """Tell whether an inbox lies in the scope of a key."""
    return (
        inbox.organization_id == key.organization_id
        and key.pod_id in (None, inbox.pod_id)
        and key.inbox in (None, inbox.number)
    )
