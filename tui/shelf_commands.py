"""The commands of the screens of mail beside the mailbox, as data like those of `commands`.

Closes the trap of a trash from which something can be deleted for good by a key that was meant for
the mailbox: nothing here deletes.
"""

from __future__ import annotations

from typing import Final

from tui.command import CHANGE, PROGRAM, READ, SHELVED, SHELVES, TRASH, Command

SHELF_COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "open_shelved",
        "Read it",
        "Shows the message; it stays where it lies, and nothing of it is kept here.",
        ("enter", "o"),
        SHELVES,
        READ,
        guard="has_entry",
        hint="open",
        rank=2,
    ),
    Command(
        "restore",
        "Bring back from the trash",
        "Takes the message out of the trash; it is where it was before it was deleted.",
        ("e",),
        TRASH,
        CHANGE,
        guard="has_entry",
        hint="bring back",
        rank=1,
        changes_mail=True,
    ),
    Command(
        "look_again",
        "Look again",
        "Asks the service again for what is on screen.",
        ("ctrl+r",),
        SHELVES | SHELVED,
        PROGRAM,
        hint="look again",
        rank=5,
    ),
)
