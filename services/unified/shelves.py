"""The trashes of several accounts as one list.

Closes the trap of an account that is missing from the list without a word: which have no trash, and
which could not be asked, stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from services.errors import UsageError
from services.safe_text import SafeText, clean_line, join, phrase
from services.shelf_events import ShelfListed
from services.unified.addressing import shelf_rows

if TYPE_CHECKING:
    from services.models import MessageRow
    from services.sync.session import Session


def having_trash(sessions: Mapping[str, Session]) -> tuple[str, ...]:
    """Return the accounts that have a trash; UsageError when none has."""
    found = tuple(name for name, one in sessions.items() if one.mailbox.limits.trash)
    if not found:
        raise UsageError("No account here has a trash: their services delete for good.")
    return found


def joined(
    request_id: int,
    found: Mapping[str, ShelfListed],
    failures: SafeText,
    sessions: Mapping[str, Session],
) -> ShelfListed:
    """Return the lists of several accounts as one, newest first; `failures` is told beside it."""
    rows: list[MessageRow] = []
    for account, listed in found.items():
        rows += shelf_rows(account, listed)
    rows.sort(key=lambda row: row.received_at, reverse=True)
    remark = join(" ", (one for one in (failures, *_without(sessions)) if one))
    more = any(listed.more for listed in found.values())
    return ShelfListed(request_id, tuple(rows), more, remark)


def _without(sessions: Mapping[str, Session]) -> Iterator[SafeText]:
    names = [name for name, one in sessions.items() if not one.mailbox.limits.trash]
    if names:
        has = "has" if len(names) == 1 else "have"
        told = clean_line(f"{', '.join(names)} {has}")
        yield phrase("{} no trash: what is deleted there is gone for good.", told)
