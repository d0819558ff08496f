"""The commands that only move the cursor or the view: they touch no message.

Kept apart from the other commands because every preset replaces most of their keys.
"""

from __future__ import annotations

from typing import Final

from tui.command import ALL, LIST, MAIL, MOVE, READER, ROWS, SHELVED, Command

MOVES: Final = (
    Command("next", "Next message", "Moves to the next row.", ("j", "down"), ROWS, MOVE),
    Command("previous", "Previous message", "Moves to the row before.", ("k", "up"), ROWS, MOVE),
    Command(
        "scroll_down",
        "Scroll down",
        "Scrolls the message by a line.",
        ("j", "down"),
        READER | SHELVED,
        MOVE,
    ),
    Command(
        "scroll_up",
        "Scroll up",
        "Scrolls the message back by a line.",
        ("k", "up"),
        READER | SHELVED,
        MOVE,
    ),
    Command(
        "half_page_down",
        "Half a page down",
        "Moves half a page down.",
        ("ctrl+d",),
        MAIL | SHELVED,
        MOVE,
    ),
    Command(
        "half_page_up", "Half a page up", "Moves half a page up.", ("ctrl+u",), MAIL | SHELVED, MOVE
    ),
    Command("page_down", "Page down", "Moves a page down.", ("pagedown", "ctrl+f"), LIST, MOVE),
    Command(
        "read_on",
        "Page down in the message",
        "Scrolls the message by a page.",
        ("space", "pagedown", "ctrl+f"),
        READER | SHELVED,
        MOVE,
        hint="page",
        rank=7,
    ),
    Command("page_up", "Page up", "Moves a page up.", ("pageup", "ctrl+b"), MAIL | SHELVED, MOVE),
    Command(
        "first", "First", "Goes to the first row or line.", ("g g", "home"), ALL | SHELVED, MOVE
    ),
    Command("last", "Last", "Goes to the last row or line.", ("G", "end"), ALL | SHELVED, MOVE),
    Command("next_unread", "Next unread", "Goes to the next unread message.", ("]",), MAIL, MOVE),
    Command(
        "previous_unread",
        "Previous unread",
        "Goes to the unread message before.",
        ("[",),
        MAIL,
        MOVE,
    ),
)
