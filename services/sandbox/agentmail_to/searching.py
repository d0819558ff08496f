"""Full-text search over messages, by relevance, with the words found marked (§4.2, §5.5).

Closes two traps: the text of a mail is indexed when somebody first searches, because a mailbox of
ten thousand is filled in a second and most tests never search; and what the caller types is words,
never the index's own query language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.sandbox.agentmail_to.context import V0Call
from services.sandbox.agentmail_to.failures import invalid
from services.sandbox.agentmail_to.mime import read_text
from services.sandbox.agentmail_to.pages import SEARCH_LIMIT, Paging
from services.sandbox.agentmail_to.records import Inbox, Letter
from services.sandbox.agentmail_to.selecting import between, visible

_WORD: Final = re.compile(r"\w+")
_BEGIN, _END = "\ue000", "\ue001"
_TEXT: Final = 200_000
"""Characters of a text that are indexed."""
_FOUND: Final = (
    "SELECT m.number, highlight(v0_search, 0, ?1, ?2), highlight(v0_search, 1, ?1, ?2), "
    "highlight(v0_search, 2, ?1, ?2), snippet(v0_search, 3, ?1, ?2, '…', 24) "
    "FROM v0_search JOIN v0_messages m ON m.number = v0_search.rowid"
)
_ORDER: Final = "ORDER BY bm25(v0_search), m.number"


@dataclass(frozen=True, slots=True)
class Hit:
    """One message that was found; the highlights by field."""

    letter: Letter
    highlights: Mapping[str, list[str]]


def search(call: V0Call, inboxes: Sequence[Inbox]) -> tuple[Paging, list[Hit]]:
    """Return the hits behind the token, at least one more than a page when more follow."""
    words = call.word("q")
    if not words or not words.strip():
        raise invalid("Required", "q")
    paging = call.paging(SEARCH_LIMIT)
    _index(call, inboxes)
    wanted = visible(call, inboxes, asked=False)
    between(call, wanted, "m.at")
    match = " ".join(f'"{word}"*' for word in _WORD.findall(words))
    if not match:
        return paging, []
    rows = call.store.database.connection.execute(
        f"{_FOUND} WHERE v0_search MATCH ?3 AND {_numbered(wanted.sql())} {_ORDER}",
        [_BEGIN, _END, match, *wanted.values],
    ).fetchall()
    hits = [
        Hit(letter, _highlights(row[1:])) for row in rows if (letter := call.room.numbered(row[0]))
    ]
    return paging, hits


def _numbered(terms: str) -> str:
    """Write the marks behind the first three as numbered ones."""
    parts = terms.split("?")
    return "".join(
        part + (f"?{at + 4}" if at + 1 < len(parts) else "") for at, part in enumerate(parts)
    )


def _highlights(columns: Sequence[str]) -> dict[str, list[str]]:
    names = ("from", "recipients", "subject", "text")
    return {
        name: [value.replace(_BEGIN, "**").replace(_END, "**")]
        for name, value in zip(names, columns, strict=True)
        if value and _BEGIN in value
    }


def _index(call: V0Call, inboxes: Sequence[Inbox]) -> None:
    marks = ", ".join("?" * len(inboxes))
    waiting = call.room.where(
        f"m.searchable = 0 AND m.agent IN ({marks})", [inbox.number for inbox in inboxes]
    )
    with call.store.transaction() as db:
        for letter in waiting:
            text = read_text(call.room.raw(letter)) or letter.preview
            db.execute(
                "INSERT INTO v0_search (rowid, sender, recipients, subject, text) "
                "SELECT number, sender, recipients, subject, ? FROM v0_messages WHERE number = ?",
                (text[:_TEXT], letter.number),
            )
        db.executemany(
            "UPDATE v0_messages SET searchable = 1 WHERE number = ?",
            [(letter.number,) for letter in waiting],
        )
