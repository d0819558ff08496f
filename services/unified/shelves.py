"""The shelves of several accounts as one list.

Closes the trap of an account that is missing from the list without a word: which have no such shelf,
and which could not be asked, stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from services.errors import UsageError
from services.safe_text import SafeText, clean_line, join, phrase
from services.shelf_events import ShelfListed
from services.shelves import Shelf
from services.unified.addressing import shelf_rows

if TYPE_CHECKING:
    from services.models import MessageRow
    from services.sync.session import Session

_NOBODY: Final[Mapping[Shelf, str]] = MappingProxyType(
    {
        Shelf.TRASH: "No account here has a trash: their services delete for good.",
        Shelf.SENT: "No account here has a service that lists what was sent.",
        Shelf.HELD: "No account here has a service that holds mail back.",
    }
)
_WITHOUT: Final[Mapping[Shelf, tuple[str, str]]] = MappingProxyType(
    {
        Shelf.TRASH: (
            "{} has no trash: what is deleted there is gone for good.",
            "{} have no trash: what is deleted there is gone for good.",
        ),
        Shelf.SENT: (
            "{} is not in it: its service does not list what was sent.",
            "{} are not in it: their services do not list what was sent.",
        ),
        Shelf.HELD: (
            "{} is not in it: its service holds no mail back.",
            "{} are not in it: their services hold no mail back.",
        ),
    }
)
"""For one account, and for several."""


def having(shelf: Shelf, sessions: Mapping[str, Session]) -> tuple[str, ...]:
    """Return the accounts that have a shelf; UsageError when none has."""
    found = tuple(name for name, one in sessions.items() if shelf in one.mailbox.limits.shelves)
    if not found:
        raise UsageError(_NOBODY[shelf])
    return found


def joined(
    request_id: int,
    shelf: Shelf,
    found: Mapping[str, ShelfListed],
    failures: SafeText,
    sessions: Mapping[str, Session],
) -> ShelfListed:
    """Return the lists of several accounts as one, newest first; `failures` is told beside it."""
    rows: list[MessageRow] = []
    for account, listed in found.items():
        rows += shelf_rows(account, listed)
    rows.sort(key=lambda row: row.received_at, reverse=True)
    remark = join(" ", (one for one in (failures, *_without(shelf, sessions)) if one))
    more = any(listed.more for listed in found.values())
    return ShelfListed(request_id, tuple(rows), more, remark)


def _without(shelf: Shelf, sessions: Mapping[str, Session]) -> Iterator[SafeText]:
    names = [name for name, one in sessions.items() if shelf not in one.mailbox.limits.shelves]
    if names:
        one, several = _WITHOUT[shelf]
        yield phrase(one if len(names) == 1 else several, clean_line(", ".join(names)))
