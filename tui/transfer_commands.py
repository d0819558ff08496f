"""The commands of the Transfers screen, as data like those of `commands`.

Closes the trap of a file that is opened by a key that only lists: opening asks first.
"""

from __future__ import annotations

from typing import Final

from tui.command import FILES, TRANSFERS, Command

TRANSFER_COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "open_saved",
        "Open the file",
        "Asks, then hands a saved file to the program that the desktop has for it.",
        ("enter", "o"),
        TRANSFERS,
        FILES,
        guard="lies_here",
        hint="open",
        rank=3,
    ),
    Command(
        "give_up",
        "Give up",
        "Stops a file; a mail whose upload is stopped is taken back, its draft is there again.",
        ("x",),
        TRANSFERS,
        FILES,
        guard="can_give_up",
        hint="give up",
        rank=1,
    ),
    Command(
        "try_again",
        "Try again",
        "Fetches a file again, from where it broke off; asks for the passphrase if it needs it.",
        ("r",),
        TRANSFERS,
        FILES,
        guard="can_try_again",
        hint="try again",
        rank=2,
    ),
    Command(
        "copy_place",
        "Copy where it lies",
        "Copies the path of a saved file.",
        ("y",),
        TRANSFERS,
        FILES,
        guard="lies_here",
        hint="copy path",
        rank=7,
    ),
    Command(
        "forget_transfers",
        "Clear the list",
        "Takes what is over off the list; no file is touched.",
        ("C",),
        TRANSFERS,
        FILES,
        guard="has_ended_some",
        hint="clear",
        rank=8,
    ),
)
