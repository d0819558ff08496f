"""The handlers for who one is and what one has: identity, inboxes, pods, keys, the label log.

Closes the trap of a key that reaches beyond itself: what a key makes lies in its own scope.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET

from services.sandbox.agentmail_to import shapes
from services.sandbox.agentmail_to.bodies import InboxPatch, NewInbox, NewKey, NewPod
from services.sandbox.agentmail_to.context import V0Call, checked_id
from services.sandbox.agentmail_to.failures import Failure, invalid, missing
from services.sandbox.agentmail_to.moments import iso, moment
from services.sandbox.agentmail_to.pages import SEARCH_LIMIT
from services.sandbox.agentmail_to.records import Inbox
from services.sandbox.agentmail_to.shapes import Json

_USERNAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_STATUSES: Final = ("active", "paused")
_METADATA_KEYS: Final = 256
_QUERY: Final = range(2, 257)


def auth_me(call: V0Call) -> Json:
    """Tell the scope of the key."""
    inbox = None if call.key.inbox is None else call.services.tenancy.inbox_of(call.key.inbox)
    return shapes.identity(call.key, inbox.inbox_id if inbox else None)


def get_organization(call: V0Call) -> Json:
    """Tell about the organization; counts are of all inboxes, whatever the key reaches."""
    organization = call.key.organization_id
    born = iso(call.services.tenancy.organization_age(organization))
    (count,) = call.store.database.connection.execute(
        "SELECT count(*) FROM v0_inboxes WHERE organization_id = ?", (organization,)
    ).fetchone()
    return {
        "organization_id": organization, "inbox_count": count, "domain_count": 0,
        "updated_at": born, "created_at": born,
    }  # fmt: skip


# ── inboxes ──────────────────────────────────────────────────────────────────────────────────────


def list_inboxes(call: V0Call) -> Json:
    """List the inboxes in scope, the newest first."""
    found = call.services.tenancy.inboxes(call.key, call.pod())
    if not call.flag("ascending"):
        found.reverse()
    return call.paging().cut("inboxes", found, shapes.inbox, lambda inbox: [inbox.number])


def search_inboxes(call: V0Call) -> Json:
    """Find inboxes whose address or name has words that begin like those asked for."""
    asked = call.word("q") or ""
    if len(asked) not in _QUERY:
        raise invalid("String must contain 2 to 256 characters", "q")
    words = asked.casefold().split()
    found = [
        inbox
        for inbox in call.services.tenancy.inboxes(call.key, call.pod())
        if all(_begins(inbox, word) for word in words)
    ]
    paging = call.paging(SEARCH_LIMIT)
    return paging.cut("inboxes", found, shapes.inbox, lambda inbox: [inbox.number])


def _begins(inbox: Inbox, word: str) -> bool:
    text = f"{inbox.inbox_id} {inbox.display_name or ''}".casefold()
    return text.startswith(word) or any(
        part.startswith(word) for part in (*re.split(r"\W+", text), *text.split())
    )


def get_inbox(call: V0Call) -> Json:
    """Tell about one inbox."""
    return shapes.inbox(call.inbox())


def create_inbox(call: V0Call) -> Json:
    """Make an inbox; the same client_id gets the same inbox again (§6)."""
    body: NewInbox = call.body
    if call.key.inbox is not None:
        raise Failure(403, "forbidden", "An inbox-scoped key cannot create inboxes.")
    tenancy = call.services.tenancy
    pod = call.pod() or call.key.pod_id or tenancy.pods(call.key)[0][0]
    if body.client_id is not None:
        checked_id(body.client_id, "client_id")
        for inbox in tenancy.inboxes(call.key):
            if inbox.client_id == body.client_id:
                return shapes.inbox(inbox)
    name = _username(call, body)
    _check_status(body.status)
    with call.store.transaction():
        made = tenancy.add_inbox(
            call.store.add_agent(name),
            call.key.organization_id,
            pod,
            {
                "display_name": body.display_name, "client_id": body.client_id,
                "status": body.status, "metadata": _metadata(body.metadata),
            },
        )  # fmt: skip
    call.room.catch_up(made)
    return shapes.inbox(made)


def _username(call: V0Call, body: NewInbox) -> str:
    domain = body.domain or call.store.mail_domain
    if domain.lower() != call.store.mail_domain.lower():
        raise Failure(403, "domain_not_verified", "This domain is not verified.")
    if body.username is None:
        return f"inbox-{secrets.token_hex(5)}"
    if not _USERNAME.fullmatch(body.username):
        raise invalid("Invalid username", "username")
    if call.store.agent(body.username) is not None:
        raise Failure(403, "already_exists", "This inbox exists already.")
    return body.username


def _check_status(status: str | None) -> None:
    if status is not None and status not in _STATUSES:
        raise invalid("Expected active or paused", "status")


def _metadata(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    if len(given) > _METADATA_KEYS or any(
        len(str(text)) > _METADATA_KEYS for pair in given.items() for text in pair
    ):
        raise invalid("At most 256 keys, keys and texts of at most 256 characters", "metadata")
    return dict(given)


def update_inbox(call: V0Call) -> Json:
    """Change an inbox: metadata is merged, a null value removes a key (§4.1)."""
    body: InboxPatch = call.body
    inbox = call.inbox()
    changes: dict[str, Any] = {}
    if body.display_name is not UNSET:
        changes["display_name"] = body.display_name
    if isinstance(body.status, str):
        _check_status(body.status)
        changes["status"] = body.status
    if body.metadata is None:
        changes["metadata"] = None
    elif body.metadata is not UNSET:
        if not body.metadata:
            raise invalid("Metadata must not be empty", "metadata")
        merged = {**(inbox.metadata or {}), **body.metadata}
        changes["metadata"] = _metadata({k: v for k, v in merged.items() if v is not None})
    if not changes:
        raise invalid("At least one field is required")
    return shapes.inbox(call.services.tenancy.update_inbox(inbox, changes))


def delete_inbox(call: V0Call) -> None:
    """Delete an inbox with all of its mail, which deletes the agent of the store."""
    inbox = call.inbox()
    call.store.remove_agent(call.services.tenancy.agent(inbox))


# ── the label log ────────────────────────────────────────────────────────────────────────────────


def list_events(call: V0Call) -> Json:
    """List the changes of labels, the newest first."""
    inbox = call.inbox()
    rows = call.store.database.connection.execute(
        "SELECT number, event_type, message_id, label, at FROM v0_events WHERE agent = ? "
        "ORDER BY number",
        (inbox.number,),
    ).fetchall()
    if not call.flag("ascending"):
        rows.reverse()

    def shown(row: tuple[int, str, str, str, float]) -> Json:
        number, kind, message_id, label, at = row
        return {
            "organization_id": inbox.organization_id, "pod_id": inbox.pod_id,
            "inbox_id": inbox.inbox_id, "event_id": f"ievt_{number:012d}", "event_type": kind,
            "message_id": message_id, "label": label, "event_at": iso(at), "created_at": iso(at),
        }  # fmt: skip

    return call.paging().cut("events", rows, shown, lambda row: [row[0]])


# ── pods and keys ────────────────────────────────────────────────────────────────────────────────


def _pod(row: tuple[str, str, float]) -> Json:
    pod_id, name, at = row
    return {"pod_id": pod_id, "name": name, "updated_at": iso(at), "created_at": iso(at)}


def list_pods(call: V0Call) -> Json:
    """List the pods in scope, the newest first."""
    rows = call.services.tenancy.pods(call.key)
    return call.paging().cut("pods", rows[::-1], _pod, lambda row: [row[0]])


def get_pod(call: V0Call) -> Json:
    """Tell about one pod."""
    wanted = call.pod()
    return next(_pod(row) for row in call.services.tenancy.pods(call.key) if row[0] == wanted)


def create_pod(call: V0Call) -> Json:
    """Make a pod."""
    body: NewPod = call.body
    if call.key.pod_id or call.key.inbox is not None:
        raise Failure(403, "forbidden", "Only an organization-scoped key can create pods.")
    made = call.services.tenancy.add_pod(call.key.organization_id, body.name or "pod")
    return next(_pod(row) for row in call.services.tenancy.pods(call.key) if row[0] == made)


def create_key(call: V0Call) -> Json:
    """Make a key and tell its secret, this once; it can do no more than the key that makes it."""
    body: NewKey = call.body
    inbox = call.inbox() if "inbox_id" in call.ids else None
    granted = {name: bool(on) for name, on in (body.permissions or {}).items()}
    if excess := [name for name, on in granted.items() if on and not call.key.grants(name)]:
        raise Failure(403, "permission_escalation", f"This key does not have {excess[0]} itself.")
    permissions = call.key.permissions if body.permissions is None else granted
    until = None if body.expires_at is None else moment(body.expires_at, "expires_at")
    number = inbox.number if inbox else call.key.inbox
    pod = call.pod() or call.key.pod_id
    name = body.name or "key"
    key_id, secret = call.services.tenancy.add_key(
        call.key.organization_id, name=name, pod_id=pod, inbox=number, permissions=permissions,
        expires_at=until,
    )  # fmt: skip
    return {
        "api_key_id": key_id, "api_key": secret, "prefix": secret[:12], "name": name,
        **shapes.present(
            pod_id=pod, inbox_id=inbox.inbox_id if inbox else None, permissions=permissions,
            expires_at=None if until is None else iso(until),
        ),
        "created_at": iso(call.store.clock()),
    }  # fmt: skip


def delete_key(call: V0Call) -> None:
    """Forget a key of the own scope."""
    number = call.inbox().number if "inbox_id" in call.ids else call.key.inbox
    with call.store.transaction() as db:
        gone = db.execute(
            "DELETE FROM v0_keys WHERE key_id = ?1 AND organization_id = ?2 "
            "AND (?3 IS NULL OR inbox = ?3) AND (?4 IS NULL OR pod_id = ?4)",
            (call.ids["api_key_id"], call.key.organization_id, number, call.key.pod_id),
        )
        if not gone.rowcount:
            raise missing("API key")
