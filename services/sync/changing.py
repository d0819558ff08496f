"""What a request to change messages means: the change, and whether it is worth a word.

One place for one mailbox and for several shown as one, so that both change and say the same.
"""

from __future__ import annotations

from typing import TypeAlias

from services.requests import Archive, ChangeLabels, Delete, MarkRead
from services.sync.edits import Edit, EditKind

ChangeRequest: TypeAlias = MarkRead | ChangeLabels | Archive | Delete


def edit_of(request: ChangeRequest) -> Edit:
    """Return the change that a request asks for."""
    match request:
        case MarkRead(is_read=is_read):
            return Edit(EditKind.READ, is_read)
        case ChangeLabels(add=add, remove=remove):
            return Edit(EditKind.LABELS, add=add, remove=remove)
        case Archive(archived=archived):
            return Edit(EditKind.ARCHIVE, archived)
        case Delete():
            return Edit(EditKind.DELETE)


def is_worth_a_word(edit: Edit, count: int) -> bool:
    """Tell whether the operator is told: marking as read happens all day long, one by one."""
    return count > (1 if edit.kind is EditKind.READ else 0)
