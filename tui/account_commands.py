"""The commands that go from account to account, as data like those of `commands`.

Closes the trap of an account that is left without a look at the screen: its name stands in the status
line, and the same keys that lead away lead back.
"""

from __future__ import annotations

from typing import Final

from tui.command import ALL, COMPOSE, FIND, GO, LIST, PROGRAM, ROWS, WRITE, Command

ACCOUNT_COMMANDS: Final = (
    Command(
        "accounts",
        "Accounts",
        "Shows the accounts and how they stand; Enter shows the mail of one, or of all.",
        ("g @",),
        ALL,
        GO,
        guard="has_accounts",
        hint="accounts",
        rank=13,
    ),
    Command(
        "next_account",
        "Next account",
        "Shows the mail of the next account, after the last one that of all.",
        ("L",),
        ROWS,
        GO,
        guard="has_accounts",
    ),
    Command(
        "previous_account",
        "Previous account",
        "Shows the mail of the account before.",
        ("H",),
        ROWS,
        GO,
        guard="has_accounts",
    ),
    Command(
        "only_account",
        "Only this account",
        "Shows only the account of this message, or all accounts again.",
        ("F a",),
        LIST,
        FIND,
        guard="has_accounts",
    ),
    Command(
        "add_account",
        "Add an account",
        "Opens the set-up for another mailbox, which then stands beside this one.",
        ("g +",),
        ALL,
        PROGRAM,
        guard="can_sign_in",
    ),
    Command(
        "take_accounts",
        "Open the accounts anew",
        "Takes in accounts that were added, taken out or changed elsewhere.",
        ("g R",),
        ALL,
        PROGRAM,
        guard="can_sign_in",
    ),
    Command(
        "change_sender",
        "From another account",
        "Chooses the account that this mail leaves from.",
        ("ctrl+g f",),
        COMPOSE,
        WRITE,
        guard="can_change_sender",
        hint="from",
        rank=10,
        brief="from",
    ),
)
