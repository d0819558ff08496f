"""Every command as data, in one table: one frozen record each.

Closes the trap of keys, hints, palette and help telling different stories: all four are read from
this one table, which the files `…_commands` fill. The keys here are the `vim` preset (a union of vim's, aerc's and Gmail's, see
research/mail_clients.md §2); other presets replace keys by command id in `keymap`.

Ids are public: they stand in the operator's configuration. A key is one printable character, or a
name such as `enter`, `pagedown`, `ctrl+r`; a sequence is keys with a blank between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tui.account_commands import ACCOUNT_COMMANDS
from tui.approval_commands import APPROVAL_COMMANDS
from tui.audit_commands import AUDIT_COMMANDS
from tui.command import ALL, ANYWHERE, LIST, PROGRAM, STANDING, Command
from tui.compose_commands import COMPOSE_COMMANDS
from tui.file_commands import FILE_COMMANDS
from tui.finding_commands import FINDING_COMMANDS
from tui.guards import GUARDS
from tui.key_commands import KEY_COMMANDS
from tui.mail_commands import MAIL_COMMANDS
from tui.moves import MOVES
from tui.outbound_commands import OUTBOUND_COMMANDS
from tui.outbox_commands import OUTBOX_COMMANDS
from tui.review_commands import REVIEW_COMMANDS
from tui.shelf_commands import SHELF_COMMANDS
from tui.side_commands import SIDE_COMMANDS
from tui.transfer_commands import TRANSFER_COMMANDS

_PROGRAM: Final = (
    Command("refresh", "Refresh", "Looks for new mail now.", ("ctrl+r",), ALL, PROGRAM, rank=15),
    Command(
        "refresh_all",
        "Refresh everything",
        "Walks the whole mailbox and finds what changed elsewhere.",
        ("g ctrl+r",),
        ALL,
        PROGRAM,
    ),
    Command(
        "sign_in",
        "Enter a token",
        "Opens the account's set-up, to enter another token.",
        ("g s",),
        ALL,
        PROGRAM,
        guard="can_sign_in",
    ),
    Command(
        "palette",
        "Command palette",
        "Finds a command by its name.",
        ("ctrl+p", ":"),
        ANYWHERE,
        PROGRAM,
        hint="palette",
        rank=16,
    ),
    Command(
        "help",
        "Help",
        "Shows the keys that work here.",
        ("?", "f1"),
        ANYWHERE,
        PROGRAM,
        hint="help",
        rank=0,
    ),
    Command(
        "suspend",
        "Back to the shell",
        "Stops the app until the shell's `fg` brings it back; nothing is fetched or sent meanwhile.",
        ("ctrl+z",),
        STANDING,
        PROGRAM,
    ),
    Command("quit", "Quit", "Leaves at once; nothing is lost.", ("q",), LIST, PROGRAM),
    Command(
        "quit_anywhere", "Quit from anywhere", "Leaves at once.", ("ctrl+q",), ANYWHERE, PROGRAM
    ),
)

COMMANDS: Final = (
    *MAIL_COMMANDS,
    *FINDING_COMMANDS,
    *OUTBOUND_COMMANDS,
    *KEY_COMMANDS,
    *FILE_COMMANDS,
    *COMPOSE_COMMANDS,
    *REVIEW_COMMANDS,
    *APPROVAL_COMMANDS,
    *OUTBOX_COMMANDS,
    *TRANSFER_COMMANDS,
    *AUDIT_COMMANDS,
    *SHELF_COMMANDS,
    *ACCOUNT_COMMANDS,
    *SIDE_COMMANDS,
    *MOVES,
    *_PROGRAM,
)
BY_ID: Final[Mapping[str, Command]] = MappingProxyType({item.id: item for item in COMMANDS})

assert len(BY_ID) == len(COMMANDS)
assert all(command.guard in GUARDS for command in COMMANDS)
