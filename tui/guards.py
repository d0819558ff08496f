"""When a command may run: named pure functions over a frozen picture of the screen.

Closes the trap of availability decided in three places (hint bar, palette, action) that drift apart:
all of them ask the same guard and show the same reason. A guard answers with the reason why not, or
with nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from services.safe_text import EMPTY, SafeText, ui


class Context(Enum):
    """Who owns the keys: the pane that has the focus."""

    LIST = "message list"
    READER = "reader"
    MAILBOXES = "mailbox list"


@dataclass(frozen=True, slots=True)
class Situation:
    """What a guard may look at; counts are messages."""

    context: Context = Context.LIST
    rows: int = 0
    """Rows in the list as filtered now."""
    targets: int = 0
    """Messages that an action would touch: the selection, else the current one."""
    selected: int = 0
    archived: bool = False
    """The current message is archived."""
    unread: bool = False
    """The current message is unread."""
    open_message: bool = False
    links: int = 0
    narrowed: bool = False
    """A search, a label or a server answer narrows the list."""
    search_text: bool = False
    read_only: bool = False
    signed_out: bool = False
    can_change_account: bool = False


Guard = Callable[[Situation], SafeText]


def always(_: Situation) -> SafeText:
    """Nothing stands against it."""
    return EMPTY


def has_rows(situation: Situation) -> SafeText:
    """There is at least one row to move over."""
    return EMPTY if situation.rows else ui("The list is empty.")


def can_change(situation: Situation) -> SafeText:
    """Messages are at hand and this instance may write."""
    if situation.read_only:
        return ui("Another instance writes to this mailbox; this one only reads.")
    return EMPTY if situation.targets else ui("No message is under the cursor.")


def can_write(situation: Situation) -> SafeText:
    """This instance may write to the cache."""
    if situation.read_only:
        return ui("Another instance writes to this mailbox; this one only reads.")
    return EMPTY


def has_message(situation: Situation) -> SafeText:
    """A message is open or under the cursor."""
    if situation.open_message or situation.targets:
        return EMPTY
    return ui("No message is under the cursor.")


def has_open_message(situation: Situation) -> SafeText:
    """A message is open in the reader."""
    return EMPTY if situation.open_message else ui("Open a message first.")


def has_links(situation: Situation) -> SafeText:
    """The open message holds links."""
    if not situation.open_message:
        return ui("Open a message first.")
    return EMPTY if situation.links else ui("This message has no links.")


def has_search_text(situation: Situation) -> SafeText:
    """There is a search text to send to the server."""
    return EMPTY if situation.search_text else ui("Type a search first: press / and some words.")


def is_narrowed(situation: Situation) -> SafeText:
    """There is a filter or a selection to clear."""
    if situation.narrowed or situation.selected:
        return EMPTY
    return ui("Nothing to clear.")


def can_sign_in(situation: Situation) -> SafeText:
    """The account can be set up from here."""
    if situation.can_change_account:
        return EMPTY
    return ui("This account was given on the command line.")


GUARDS: Final[Mapping[str, Guard]] = MappingProxyType(
    {
        guard.__name__: guard
        for guard in (
            always,
            has_rows,
            can_change,
            can_write,
            has_message,
            has_open_message,
            has_links,
            has_search_text,
            is_narrowed,
            can_sign_in,
        )
    }
)


def reason_against(guard: str, situation: Situation) -> SafeText:
    """Why the command behind this guard cannot run now; empty when it can."""
    return GUARDS[guard](situation)
