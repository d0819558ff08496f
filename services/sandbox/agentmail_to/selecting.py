"""Which messages and threads a list holds: the filters, and the SQL that keeps deep pages cheap.

Closes the trap of hidden mail that shows in one list and not in another: what is spam, blocked,
unauthenticated or in the trash is left out here, for all of them (api/agentmail_to.md §5.1, §5.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from services.sandbox.agentmail_to.context import V0Call
from services.sandbox.agentmail_to.pages import SEARCH_LIMIT, Paging
from services.sandbox.agentmail_to.records import HIDDEN, Inbox, Key, Letter

_LABELLED: Final = "EXISTS (SELECT 1 FROM v0_labels l WHERE l.number = m.number AND l.label = ?)"


@dataclass(slots=True)
class Terms:
    """Conditions in SQL on `m`, with their values in order."""

    terms: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, term: str, *values: object) -> None:
        """Ask for one more thing."""
        self.terms.append(term)
        self.values.extend(values)

    def sql(self) -> str:
        """Return all conditions as one."""
        return " AND ".join(self.terms) or "1"


def visible(call: V0Call, inboxes: Sequence[Inbox], *, asked: bool = True) -> Terms:
    """Return the condition for what the caller may and wants to see; `asked` reads include_…."""
    wanted = Terms()
    marks = ", ".join("?" * len(inboxes))
    wanted.add(f"m.agent IN ({marks})", *(inbox.number for inbox in inboxes))
    hidden = [
        label
        for label in HIDDEN
        if label in call.key.unseen() or not (asked and call.flag(f"include_{label}"))
    ]
    _leave_out(wanted, hidden)
    return wanted


def seen_by(key: Key, inbox: Inbox) -> Terms:
    """Return the condition for what a key may see at all: hidden mail too, if permitted."""
    wanted = Terms()
    wanted.add("m.agent = ?", inbox.number)
    _leave_out(wanted, key.unseen())
    return wanted


def _leave_out(wanted: Terms, labels: Sequence[str]) -> None:
    if labels:
        marks = ", ".join("?" * len(labels))
        hidden = "SELECT 1 FROM v0_labels l WHERE l.number = m.number AND l.label IN"
        wanted.add(f"NOT EXISTS ({hidden} ({marks}))", *labels)


def between(call: V0Call, wanted: Terms, column: str) -> None:
    """Ask for `after` and `before`, both inclusive (the service does not say, §2)."""
    if (after := call.moment("after")) is not None:
        wanted.add(f"{column} >= ?", after)
    if (before := call.moment("before")) is not None:
        wanted.add(f"{column} <= ?", before)


# ── messages ─────────────────────────────────────────────────────────────────────────────────────

_PARTS: Final = {"from": "m.sender", "to": "m.recipients", "subject": "m.subject"}


def select_messages(call: V0Call, inbox: Inbox) -> tuple[Paging, list[Letter]]:
    """Return what a page of messages is made of, one more than fits when more follow."""
    wanted = visible(call, [inbox])
    filtered = False
    for name, column in _PARTS.items():
        for word in call.words(name):
            filtered = True
            wanted.add(f"instr(casefold({column}), ?)", word.casefold())
    for label in call.words("labels"):
        wanted.add(_LABELLED, label.lower())
    between(call, wanted, "m.at")
    paging = call.paging(SEARCH_LIMIT) if filtered else call.paging()
    up = call.flag("ascending")
    if paging.place is not None:
        wanted.add(f"(m.at, m.number) {'>' if up else '<'} (?, ?)", *paging.place)
    order = "ORDER BY m.at, m.number" if up else "ORDER BY m.at DESC, m.number DESC"
    terms = f"{wanted.sql()} {order} LIMIT ?"
    return paging, call.room.where(terms, [*wanted.values, paging.limit + 1])


# ── threads ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Found:
    """One thread of a list: of which inbox, and the moment that it is sorted by."""

    inbox: Inbox
    thread_id: str
    at: float
    letters: list[Letter]
    """The visible messages, oldest first."""


_THREAD_PARTS: Final = {"senders": "m.sender", "recipients": "m.recipients", "subject": "m.subject"}


def select_threads(call: V0Call, inboxes: Sequence[Inbox]) -> tuple[Paging, list[Found]]:
    """Return what a page of threads is made of, one more than fits when more follow."""
    wanted = visible(call, inboxes)
    whole, filtered = _of_the_thread(call)
    between(call, whole, "max(m.at)")
    paging = call.paging(SEARCH_LIMIT) if filtered else call.paging()
    up = call.flag("ascending")
    if paging.place is not None:
        whole.add(f"(max(m.at), m.thread_id) {'>' if up else '<'} (?, ?)", *paging.place)
    way = "ASC" if up else "DESC"
    rows = call.store.database.connection.execute(
        f"SELECT m.agent, m.thread_id, max(m.at) FROM v0_messages m WHERE {wanted.sql()} "  # noqa: S608
        f"GROUP BY m.agent, m.thread_id HAVING {whole.sql()} "
        f"ORDER BY max(m.at) {way}, m.thread_id {way} LIMIT ?",
        [*wanted.values, *whole.values, paging.limit + 1],
    ).fetchall()
    known = {inbox.number: inbox for inbox in inboxes}
    found = [
        Found(known[agent], thread, at, letters_of(call, wanted, agent, thread))
        for agent, thread, at in rows
    ]
    return paging, found


def _of_the_thread(call: V0Call) -> tuple[Terms, bool]:
    whole = Terms()
    filtered = False
    for name, column in _THREAD_PARTS.items():
        for word in call.words(name):
            filtered = True
            whole.add(f"sum(instr(casefold({column}), ?)) > 0", word.casefold())
    for label in call.words("labels"):
        whole.add(f"sum({_LABELLED}) > 0", label.lower())
    return whole, filtered


def letters_of(call: V0Call, wanted: Terms, agent: int, thread_id: str) -> list[Letter]:
    """Return the messages of a thread that fit, oldest first."""
    terms = f"m.agent = ? AND m.thread_id = ? AND {wanted.sql()} ORDER BY m.at, m.number"
    return call.room.where(terms, [agent, thread_id, *wanted.values])
