"""What a command is: one frozen record, and where its keys may work.

Closes the trap of a key that deletes here and moves there: `changes_mail` marks the commands that
reach the service, and a test holds every key of such a command to one meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tui.guards import Context

LIST: Final = frozenset({Context.LIST})
READER: Final = frozenset({Context.READER})
MAIL: Final = frozenset({Context.LIST, Context.READER})
ROWS: Final = frozenset({Context.LIST, Context.MAILBOXES})
PLACES: Final = frozenset({Context.MAILBOXES})
ALL: Final = LIST | READER | PLACES
"""Every pane of the mail screen."""
KEYS: Final = frozenset({Context.KEYS})
"""The Keys screen: a screen of its own, where no command about mail can be started."""
ANYWHERE: Final = ALL | KEYS

MOVE: Final = "Move"
READ: Final = "Read"
CHANGE: Final = "Change"
SELECT: Final = "Select"
FIND: Final = "Find"
GO: Final = "Go"
OWN_KEY: Final = "My key"
PEERS: Final = "Peers"
PROGRAM: Final = "Program"
GROUPS: Final = (READ, CHANGE, SELECT, FIND, OWN_KEY, PEERS, GO, MOVE, PROGRAM)
"""The groups in the order of the help screen."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it is called, what it does, which keys start it and where.

    `hint` is the word in the hint bar (empty: never shown there), `rank` its worth when the bar gets
    narrow (lower stays longer), `guard` a name in `guards.GUARDS`. `changes_mail` marks what reaches
    the service: such a key never means two things in two panes of the mail screen.
    """

    id: str
    title: str
    help: str
    keys: tuple[str, ...]
    contexts: frozenset[Context]
    group: str
    guard: str = "always"
    hint: str = ""
    rank: int = 99
    changes_mail: bool = False
