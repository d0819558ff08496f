"""The commands of the Trash screen, as data like those of `commands`.

Closes the trap of a trash from which something can be deleted for good by a key that was meant for
the mailbox: nothing here deletes.
"""

from __future__ import annotations

from typing import Final

from tui.command import CHANGE, PROGRAM, READ, TRASH, Command

TRASH_COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "open_trashed",
        "Read it",
        "Shows the message; it stays in the trash, and nothing of it is kept here.",
        ("enter", "o"),
        TRASH,
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
        "trash_again",
        "Look again",
        "Asks the service again what lies in its trash.",
        ("ctrl+r",),
        TRASH,
        PROGRAM,
        hint="look again",
        rank=5,
    ),
)
