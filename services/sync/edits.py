"""What a local change is: pure values and functions, so that order and overlap can be proved.

Closes the trap of optimistic changes that undo each other: a change is never "the old value and the
new value of the row", it is an operation that is folded again over whatever the service says now.
All operations are idempotent, so folding one over a state that already holds it does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from services.wire_values import InboxItem


class EditKind(Enum):
    """The four things that can be done to a message."""

    READ = "read"
    LABELS = "labels"
    ARCHIVE = "archive"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Edit:
    """One operation on one message; `value` is for READ and ARCHIVE, `add` and `remove` for LABELS."""

    kind: EditKind
    value: bool = True
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flags:
    """The part of a message that operations change, as the service last told it."""

    is_read: bool
    archived: bool
    labels: tuple[str, ...]


def flags_of(item: InboxItem) -> Flags:
    """Return the changeable part of an item."""
    return Flags(item.is_read, item.archived, item.labels)


def with_flags(item: InboxItem, flags: Flags) -> InboxItem:
    """Return the item with another changeable part."""
    return replace(item, is_read=flags.is_read, archived=flags.archived, labels=flags.labels)


def apply(edit: Edit, item: InboxItem) -> InboxItem | None:
    """Return the item after the operation; None when it deletes the item."""
    match edit.kind:
        case EditKind.READ:
            return replace(item, is_read=edit.value)
        case EditKind.ARCHIVE:
            return replace(item, archived=edit.value)
        case EditKind.LABELS:
            return replace(item, labels=_relabelled(item.labels, edit))
        case EditKind.DELETE:
            return None


def fold(edits: Iterable[Edit], item: InboxItem) -> InboxItem | None:
    """Return the item after all operations in order; None when one of them deletes it."""
    shown: InboxItem | None = item
    for edit in edits:
        if shown is None:
            return None
        shown = apply(edit, shown)
    return shown


def inverse(edit: Edit, before: InboxItem) -> Edit | None:
    """Return the operation that takes `edit` back; None when it changes nothing or is a deletion."""
    match edit.kind:
        case EditKind.READ:
            return None if before.is_read == edit.value else replace(edit, value=before.is_read)
        case EditKind.ARCHIVE:
            return None if before.archived == edit.value else replace(edit, value=before.archived)
        case EditKind.LABELS:
            added = tuple(label for label in edit.add if label not in before.labels)
            removed = tuple(label for label in edit.remove if label in before.labels)
            return replace(edit, add=removed, remove=added) if added or removed else None
        case EditKind.DELETE:
            return None


def changes_something(edit: Edit, item: InboxItem) -> bool:
    """Say whether the operation makes a difference to this item."""
    return edit.kind is EditKind.DELETE or inverse(edit, item) is not None


def edit_document(edit: Edit) -> dict[str, Any]:
    """Write an operation as JSON values."""
    return {
        "kind": edit.kind.value,
        "value": edit.value,
        "add": list(edit.add),
        "remove": list(edit.remove),
    }


def edit_from_document(document: Mapping[str, Any]) -> Edit:
    """Read what `edit_document` wrote."""
    return Edit(
        EditKind(document["kind"]),
        bool(document["value"]),
        tuple(document["add"]),
        tuple(document["remove"]),
    )


def flags_document(flags: Flags) -> dict[str, Any]:
    """Write the changeable part as JSON values."""
    return {"is_read": flags.is_read, "archived": flags.archived, "labels": list(flags.labels)}


def flags_from_document(document: Mapping[str, Any]) -> Flags:
    """Read what `flags_document` wrote."""
    return Flags(bool(document["is_read"]), bool(document["archived"]), tuple(document["labels"]))


def _relabelled(labels: tuple[str, ...], edit: Edit) -> tuple[str, ...]:
    kept = tuple(label for label in labels if label not in edit.remove)
    return kept + tuple(label for label in dict.fromkeys(edit.add) if label not in kept)
