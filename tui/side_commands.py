"""The commands that every screen about outgoing mail shares: leaving it, and moving in its rows.

Closes the trap of one list moved through by other keys than the next one.
"""

from __future__ import annotations

from typing import Final

from tui.command import LISTS, MOVE, PROGRAM, REVIEW, SHELVED, Command

SIDE_COMMANDS: Final = (
    Command(
        "leave_screen",
        "Back",
        "Leaves this screen; nothing is decided by that.",
        ("q", "escape"),
        LISTS | REVIEW | SHELVED,
        PROGRAM,
        hint="back",
        rank=6,
    ),
    Command("next_row", "Next row", "Moves to the next row.", ("j", "down"), LISTS, MOVE),
    Command("previous_row", "Row before", "Moves to the row before.", ("k", "up"), LISTS, MOVE),
    Command(
        "rows_down", "Rows: page down", "Moves a page down.", ("pagedown", "ctrl+f"), LISTS, MOVE
    ),
    Command("rows_up", "Rows: page up", "Moves a page up.", ("pageup", "ctrl+b"), LISTS, MOVE),
    Command("first_row", "First row", "Goes to the first row.", ("home", "g g"), LISTS, MOVE),
    Command("last_row", "Last row", "Goes to the last row.", ("G", "end"), LISTS, MOVE),
)
