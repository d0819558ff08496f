"""What may be done to labels: the service's limits, checked before a change is shown or kept.

Closes the trap of a label change that looks made and is refused a minute later, and of one label that
is shown twice because the service writes it in lower case.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.errors import UsageError
from services.ports import Capabilities
from services.safe_text import clean_line
from services.sync import edits, wording
from services.sync.edits import Edit, EditKind
from services.wire_values import InboxItem

_NAME_LENGTH = 40


def asked_edit(
    add: Sequence[str],
    remove: Sequence[str],
    limits: Capabilities,
    items: Iterable[InboxItem | None],
) -> Edit:
    """Return the change as the service keeps labels; UsageError for what it would refuse.

    `items` are the messages that it is for (api/assmbl.md §4.4, api/agentmail_to.md §5.1).
    """
    edit = Edit(EditKind.LABELS, add=_kept(add, limits), remove=_kept(remove, limits))
    _check(edit, limits)
    for item in items:
        after = edits.apply(edit, item) if item else None
        if item and after and len(after.labels) > max(limits.max_labels, len(item.labels)):
            raise UsageError(
                f"“{wording.title(item.subject)}” would have more than {limits.max_labels} labels.",
                "Remove one of its labels first.",
            )
    return edit


def _kept(labels: Sequence[str], limits: Capabilities) -> tuple[str, ...]:
    folded = (label.lower() if limits.lower_case_labels else label for label in labels)
    return tuple(dict.fromkeys(folded))


def _check(edit: Edit, limits: Capabilities) -> None:
    for label in edit.add:
        if not label.strip() or len(label) > limits.max_label_length:
            raise UsageError(
                f"A label has 1 to {limits.max_label_length} characters, not all blank."
            )
    for label in (*edit.add, *edit.remove):
        if label in limits.reserved_labels:
            raise UsageError(
                f"“{clean_line(label, _NAME_LENGTH)}” is a label that only the service sets.",
                "Reading, archiving and deleting have commands of their own.",
            )
    if set(edit.add) & set(edit.remove):
        raise UsageError("The same label cannot be added and removed at once.")
