"""The commands of the compose screen and of the list of drafts, as data like those of `commands`.

Closes the trap of a letter that is text and a command at once: no command of the compose screen begins
with a printable key. Nothing here sends: Ctrl+X leads to the review, and only that screen sends.
"""

from __future__ import annotations

from typing import Final

from tui.command import COMPOSE, DRAFTS, FILES, GO, PROGRAM, SEND, WRITE, Command

_WRITING: Final = (
    Command(
        "review_draft",
        "Review and send",
        "Shows exactly what would leave; nothing is sent before that.",
        ("ctrl+x",),
        COMPOSE,
        SEND,
        guard="is_writing",
        hint="review",
        rank=1,
    ),
    Command(
        "attach_files",
        "Attach files",
        "Chooses files to go with the mail.",
        ("ctrl+t",),
        COMPOSE,
        FILES,
        guard="is_writing",
        hint="attach",
        rank=4,
    ),
    Command(
        "toggle_encryption",
        "Encrypt, or leave in clear",
        "An encrypted mail leaves encrypted to every recipient, or not at all.",
        ("ctrl+e",),
        COMPOSE,
        WRITE,
        guard="is_writing",
        hint="encrypt",
        rank=5,
    ),
    Command(
        "edit_outside",
        "Write in your own editor",
        "Opens the text in $VISUAL or $EDITOR and takes back what it saves.",
        ("ctrl+o",),
        COMPOSE,
        WRITE,
        guard="is_writing",
        hint="editor",
        rank=8,
    ),
    Command(
        "more_recipients",
        "Cc and Bcc",
        "Shows the fields for further recipients, or hides those that are empty.",
        ("ctrl+r",),
        COMPOSE,
        WRITE,
        guard="is_writing",
        hint="Cc",
        rank=9,
    ),
    Command(
        "save_draft",
        "Save now",
        "Saves the draft; it is saved by itself within two seconds as well.",
        ("ctrl+s",),
        COMPOSE,
        WRITE,
        guard="is_writing",
        hint="save",
        rank=12,
    ),
    Command(
        "next_draft",
        "Next open draft",
        "Goes on with the next draft that is open.",
        ("ctrl+n",),
        COMPOSE,
        GO,
        guard="has_other_drafts",
        hint="next draft",
        rank=6,
    ),
)

_MORE: Final = (
    Command(
        "draft_details",
        "Details: headers, ids, usage",
        "Correlation id, further headers and what the work has cost.",
        ("ctrl+g d",),
        COMPOSE,
        WRITE,
        guard="is_writing",
    ),
    Command(
        "send_later",
        "Send later",
        "Says when the mail is to leave.",
        ("ctrl+g l",),
        COMPOSE,
        SEND,
        guard="is_writing",
    ),
    Command(
        "marketplace",
        "Marketplace request or answer",
        "Asks an agent for paid work, or answers such a request; shows what the agent charges.",
        ("ctrl+g m",),
        COMPOSE,
        WRITE,
        guard="is_writing",
    ),
    Command(
        "template",
        "Begin from a template",
        "Begins another draft from one of your templates.",
        ("ctrl+g t",),
        COMPOSE,
        WRITE,
    ),
    Command(
        "new_draft",
        "Another draft",
        "Begins another draft; this one stays open.",
        ("ctrl+g c",),
        COMPOSE,
        WRITE,
    ),
    Command(
        "discard_draft",
        "Discard the draft",
        "Drops the draft; the list of drafts brings it back for a while.",
        ("ctrl+g x",),
        COMPOSE,
        WRITE,
        guard="is_writing",
    ),
    Command(
        "leave_compose",
        "Back, and keep the draft",
        "Leaves the draft as it is; it is among the drafts.",
        ("escape",),
        COMPOSE,
        PROGRAM,
        hint="back",
        rank=3,
    ),
)

_DRAFTS: Final = (
    Command(
        "open_draft",
        "Write on",
        "Opens the draft under the cursor.",
        ("enter", "o", "e"),
        DRAFTS,
        WRITE,
        guard="has_entry",
        hint="write on",
        rank=1,
    ),
    Command(
        "begin_draft",
        "Write a message",
        "Begins a new message; it is kept as a draft by itself.",
        ("c",),
        DRAFTS,
        WRITE,
        hint="write",
        rank=3,
    ),
    Command(
        "drop_draft",
        "Discard the draft",
        "Drops the draft under the cursor; it can be brought back.",
        ("d",),
        DRAFTS,
        WRITE,
        guard="has_entry",
        hint="discard",
        rank=4,
    ),
    Command(
        "restore_draft",
        "Bring the discarded draft back",
        "Brings back what was discarded last.",
        ("z",),
        DRAFTS,
        WRITE,
        guard="has_discarded",
        hint="bring back",
        rank=5,
    ),
)

COMPOSE_COMMANDS: Final = (*_WRITING, *_MORE, *_DRAFTS)
