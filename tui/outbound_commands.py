"""The commands that lead from the mail to writing, sending and what becomes of it.

Closes the trap of an answer to more people than was meant: answering all takes Shift, and every one
of these only opens a screen. Nothing here sends.
"""

from __future__ import annotations

from typing import Final

from tui.command import ALL, ANSWERED, GO, LISTS, WRITE, Command

_WRITE: Final = (
    Command(
        "compose",
        "Write a message",
        "Begins a new message; it is kept as a draft by itself.",
        ("c",),
        ALL,
        WRITE,
        hint="write",
        rank=5,
    ),
    Command(
        "reply",
        "Reply",
        "Answers the sender of this message; what you sent, the people it was sent to.",
        ("r",),
        ANSWERED,
        WRITE,
        guard="can_answer",
        hint="reply",
        rank=4,
    ),
    Command(
        "reply_all",
        "Reply to all",
        "Answers the sender and everybody the message went to.",
        ("R",),
        ANSWERED,
        WRITE,
        guard="can_answer",
    ),
    Command(
        "forward",
        "Forward",
        "Sends this message on to somebody else.",
        ("f",),
        ANSWERED,
        WRITE,
        guard="can_answer",
        hint="forward",
        rank=16,
    ),
    Command(
        "edit_as_new",
        "Edit as new",
        "Begins a new message with this one's recipients and text.",
        ("E",),
        ANSWERED,
        WRITE,
        guard="can_answer",
    ),
)

PLACES: Final = (
    Command(
        "go_on_writing",
        "Go on writing",
        "Shows the draft that was on the screen last.",
        ("g c",),
        ALL,
        GO,
    ),
    Command(
        "drafts", "Go to Drafts", "Shows what is being written.", ("g d",), ALL | LISTS, GO, rank=2
    ),
    Command(
        "approvals",
        "Go to Approvals",
        "Shows what agents want to send, and waits for you.",
        ("g p",),
        ALL | LISTS,
        GO,
        rank=1,
    ),
    Command(
        "outbox",
        "Go to Outbox",
        "Shows mail that waits or is leaving.",
        ("g o",),
        ALL | LISTS,
        GO,
        rank=3,
    ),
    Command("sent", "Go to Sent", "Shows mail that has left.", ("g S",), ALL | LISTS, GO, rank=4),
    Command(
        "transfers",
        "Go to Transfers",
        "Shows files on their way.",
        ("g t",),
        ALL | LISTS,
        GO,
        rank=10,
    ),
    Command(
        "audit",
        "Go to the audit log",
        "Shows who sent and decided what.",
        ("g A",),
        ALL | LISTS,
        GO,
    ),
    Command(
        "trash",
        "Go to Trash",
        "Asks the service what lies in its trash, to read it or bring it back.",
        ("g T",),
        ALL | LISTS,
        GO,
        rank=12,
    ),
    Command(
        "all_sent",
        "Go to all sent mail",
        "Asks the service what was sent from this inbox, by agents and other programs too.",
        ("g O",),
        ALL | LISTS,
        GO,
    ),
    Command(
        "held",
        "Go to held mail",
        "Asks the service what it keeps out of the inbox as spam or blocked.",
        ("g H",),
        ALL | LISTS,
        GO,
    ),
)

OUTBOUND_COMMANDS: Final = (*_WRITE, *PLACES)
