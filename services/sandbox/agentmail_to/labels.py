"""Labels as callers write them: lower-cased, and the system's own are refused (§5.1).

Closes the trap of a client that marks its own mail delivered: lifecycle labels are the service's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.sandbox.agentmail_to.bodies import OneOrMore, several
from services.sandbox.agentmail_to.failures import invalid

SYSTEM: Final = frozenset({
    "received", "sent", "delivered", "bounced", "complained", "delayed", "rejected", "opened",
    "scheduled", "agent-armor-held",
})  # fmt: skip


def own_labels(given: OneOrMore | None, name: str) -> tuple[str, ...]:
    """Return the labels of a request in lower case; raises 400 for blank ones and the system's."""
    labels = [label.lower() for label in several(given)]
    for at, label in enumerate(labels):
        if not label.strip():
            raise invalid("Label must not be empty", name, at)
        if label in SYSTEM:
            raise invalid(f"{label} is a system label and cannot be changed", name, at)
    return tuple(dict.fromkeys(labels))


def changes(add: OneOrMore | None, remove: OneOrMore | None) -> tuple[Sequence[str], Sequence[str]]:
    """Return the labels to add and to remove; one in both is removed. Raises 400 for none."""
    added, removed = own_labels(add, "add_labels"), own_labels(remove, "remove_labels")
    if not added and not removed:
        raise invalid("At least one of add_labels and remove_labels is required", "add_labels")
    return [label for label in added if label not in removed], removed
