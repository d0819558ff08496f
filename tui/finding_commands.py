"""The commands that search, filter and go from place to place, as data like those of `commands`.

Closes the trap of a filter that hides the new key of somebody's habit: `f` forwards, as in every
other mail client, and the filters have `F`.
"""

from __future__ import annotations

from typing import Final

from tui.command import ALL, FIND, GO, LIST, MAIL, PLACES, Command

FINDING_COMMANDS: Final = (
    Command(
        "search",
        "Search",
        "Narrows the list as you type; Enter keeps it, Escape clears it.",
        ("/",),
        MAIL,
        FIND,
        hint="find",
        rank=6,
    ),
    Command(
        "search_server",
        "Search on the server",
        "Sends the search text to the service's own search.",
        ("S",),
        LIST,
        FIND,
        guard="has_search_text",
        hint="ask server",
        rank=9,
    ),
    Command(
        "filter_label",
        "Show one label",
        "Narrows the list to messages with one label.",
        ("\\", "g l"),
        MAIL,
        FIND,
    ),
    Command(
        "only_unread",
        "Only unread",
        "Shows only unread messages of this mailbox, or all again.",
        ("F u",),
        LIST,
        FIND,
    ),
    Command(
        "only_verified",
        "Only verified senders",
        "Shows only verified senders of this mailbox, or all again.",
        ("F v",),
        LIST,
        FIND,
    ),
    Command(
        "clear",
        "Clear search, filter and selection",
        "Drops the selection first, then the search and the filters.",
        ("escape",),
        LIST,
        FIND,
        guard="is_narrowed",
        hint="clear",
        rank=7,
    ),
    Command("inbox", "Go to Inbox", "Shows the inbox.", ("g i",), ALL, GO, rank=5),
    Command("unread", "Go to Unread", "Shows unread messages.", ("g u",), ALL, GO, rank=8),
    Command(
        "unverified",
        "Go to Unverified",
        "Shows messages whose sender is not verified.",
        ("g v",),
        ALL,
        GO,
        rank=9,
    ),
    Command("archived", "Go to Archived", "Shows archived messages.", ("g a",), ALL, GO, rank=6),
    Command(
        "all_mail", "Go to All mail", "Shows everything, archived too.", ("g e",), ALL, GO, rank=11
    ),
    Command("next_mailbox", "Next mailbox", "Shows the next mailbox.", ("J",), LIST, GO),
    Command("previous_mailbox", "Previous mailbox", "Shows the mailbox before.", ("K",), LIST, GO),
    Command(
        "mailboxes",
        "Mailboxes and labels",
        "Goes to the list of mailboxes, or opens it when it is not on screen.",
        ("m", "g m"),
        MAIL,
        GO,
        hint="mailboxes",
        rank=14,
    ),
    Command("next_pane", "Next pane", "Moves the focus to the next pane.", ("tab",), ALL, GO),
    Command("previous_pane", "Previous pane", "Moves the focus back.", ("shift+tab",), ALL, GO),
    Command(
        "leave_mailboxes",
        "Back to the messages",
        "Leaves the mailbox list.",
        ("q", "escape"),
        PLACES,
        GO,
        hint="back",
        rank=1,
    ),
)
