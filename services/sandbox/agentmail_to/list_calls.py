"""The handlers for allow and block lists: of the organization, a pod, an inbox (§4.5).

Closes the trap of a list that is changed from outside of its scope: the path names the scope and
the key has to reach it.
"""

from __future__ import annotations

from services.sandbox.agentmail_to.bodies import NewEntry
from services.sandbox.agentmail_to.context import V0Call
from services.sandbox.agentmail_to.failures import Failure, invalid, missing
from services.sandbox.agentmail_to.moments import iso
from services.sandbox.agentmail_to.rules import DIRECTIONS, TYPES, Rules
from services.sandbox.agentmail_to.shapes import Json, present

_Row = tuple[str, str | None, float]


def list_entries(call: V0Call) -> Json:
    """List the entries, in their order."""
    scope, about = _scope(call)
    direction, kind = _list(call)
    rows = Rules(call.store).entries(scope, direction, kind)
    return call.paging().cut(
        "entries", rows, lambda row: _entry(call, about, row), lambda row: [row[0]]
    )


def get_entry(call: V0Call) -> Json:
    """Tell one entry."""
    scope, about = _scope(call)
    wanted = call.ids["entry"].lower()
    for row in Rules(call.store).entries(scope, *_list(call)):
        if row[0] == wanted:
            return _entry(call, about, row)
    raise missing("List entry")


def create_entry(call: V0Call) -> Json:
    """Put an address or a domain into the list."""
    body: NewEntry = call.body
    scope, about = _scope(call)
    direction, kind = _list(call)
    entry = body.entry.strip().lower()
    if not entry or any(char.isspace() for char in entry):
        raise invalid("Invalid entry", "entry")
    rules = Rules(call.store)
    rules.add(scope, direction, kind, entry, body.reason)
    return next(
        _entry(call, about, row) for row in rules.entries(scope, direction, kind) if row[0] == entry
    )


def delete_entry(call: V0Call) -> None:
    """Take an entry out of the list."""
    scope, _ = _scope(call)
    if not Rules(call.store).remove(scope, *_list(call), call.ids["entry"]):
        raise missing("List entry")


def _list(call: V0Call) -> tuple[str, str]:
    direction, kind = call.ids["direction"], call.ids["type"]
    if direction not in DIRECTIONS or kind not in TYPES:
        raise invalid("Unknown list", "direction" if direction not in DIRECTIONS else "type")
    return direction, kind


def _scope(call: V0Call) -> tuple[str, Json]:
    """Return the scope of the path and what its entries tell about it; raises 403 and 404."""
    if "inbox_id" in call.ids:
        inbox = call.inbox()
        about = {"pod_id": inbox.pod_id, "inbox_id": inbox.inbox_id}
        return f"inbox {inbox.number}", about
    if pod := call.pod():
        return f"pod {pod}", {"pod_id": pod}
    if call.key.pod_id or call.key.inbox is not None:
        raise Failure(403, "forbidden", "This key is not organization-scoped.")
    return f"org {call.key.organization_id}", {}


def _entry(call: V0Call, about: Json, row: _Row) -> Json:
    entry, reason, at = row
    direction, kind = _list(call)
    return {
        "entry": entry, "organization_id": call.key.organization_id, "direction": direction,
        "list_type": kind, "entry_type": "email" if "@" in entry else "domain", **about,
        **present(reason=reason), "created_at": iso(at),
    }  # fmt: skip
