"""What a command is: one frozen record, and where its keys may work.

Closes the trap of a key that deletes here and moves there: `changes_mail` marks the commands that
reach the service, and a test holds every key of such a command to one meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tui.situation import Context

LIST: Final = frozenset({Context.LIST})
READER: Final = frozenset({Context.READER})
MAIL: Final = frozenset({Context.LIST, Context.READER})
ROWS: Final = frozenset({Context.LIST, Context.MAILBOXES})
PLACES: Final = frozenset({Context.MAILBOXES})
ALL: Final = LIST | READER | PLACES
"""Every pane of the mail screen."""
KEYS: Final = frozenset({Context.KEYS})
"""The Keys screen: a screen of its own, where no command about mail can be started."""
COMPOSE: Final = frozenset({Context.COMPOSE})
DRAFTS: Final = frozenset({Context.DRAFTS})
REVIEW: Final = frozenset({Context.REVIEW})
APPROVALS: Final = frozenset({Context.APPROVALS})
OUTBOX: Final = frozenset({Context.OUTBOX})
TRANSFERS: Final = frozenset({Context.TRANSFERS})
AUDIT: Final = frozenset({Context.AUDIT})
TRASH: Final = frozenset({Context.TRASH})
SHELVES: Final = TRASH | {Context.SHELF}
"""What lies at the service beside the mailbox; it cannot be changed, but for the trash."""
SHELVED: Final = frozenset({Context.SHELVED})
ANSWERED: Final = MAIL | SHELVED | {Context.SHELF}
"""Where a message may be answered: what came in, and what was sent from here."""
LISTS: Final = DRAFTS | APPROVALS | OUTBOX | TRANSFERS | AUDIT | SHELVES
"""The screens beside the mail that are a list."""
ANYWHERE: Final = ALL | KEYS | COMPOSE | REVIEW | SHELVED | LISTS
STANDING: Final = ANYWHERE - COMPOSE
"""Everywhere but where texts are written, with the undo of every editor under Ctrl+Z."""
TYPING: Final = COMPOSE
"""Where a printable character is text: no command can begin with one."""

MOVE: Final = "Move"
READ: Final = "Read"
WRITE: Final = "Write"
SEND: Final = "Send"
DECIDE: Final = "Decide"
FILES: Final = "Files"
CHANGE: Final = "Change"
SELECT: Final = "Select"
FIND: Final = "Find"
GO: Final = "Go"
OWN_KEY: Final = "My key"
PEERS: Final = "Peers"
PROGRAM: Final = "Program"
GROUPS: Final = (
    READ,
    WRITE,
    SEND,
    DECIDE,
    FILES,
    CHANGE,
    SELECT,
    FIND,
    OWN_KEY,
    PEERS,
    GO,
    MOVE,
    PROGRAM,
)
"""The groups in the order of the help screen."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it is called, what it does, which keys start it and where.

    `hint` is the word in the hint bar (empty: not before its first key), `rank` its worth when the bar
    gets narrow (lower stays longer), `brief` what it is called once its first key was pressed (empty: its
    title), `guard` a name in `guards.GUARDS`. `changes_mail` marks what reaches
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
    brief: str = ""
    changes_mail: bool = False
