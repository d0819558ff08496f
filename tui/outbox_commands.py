"""The commands of the Outbox and Sent screens, as data like those of `commands`.

Closes the trap of mail that may have left being sent again by a key: that is asked, and only where it
can be the case.
"""

from __future__ import annotations

from typing import Final

from tui.command import GO, OUTBOX, PROGRAM, READ, SEND, Command

OUTBOX_COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "open_outgoing",
        "Read, or decide",
        "Shows the copy of a mail, or asks about one that may have left.",
        ("enter", "o"),
        OUTBOX,
        READ,
        guard="has_row",
        hint="read",
        rank=1,
    ),
    Command(
        "cancel_send",
        "Take back",
        "Takes back mail that has not left; its draft is there again.",
        ("z", "x"),
        OUTBOX,
        SEND,
        guard="can_cancel",
        hint="take back",
        rank=2,
    ),
    Command(
        "settle_send",
        "Decide about mail that may have left",
        "Asks whether it counts as sent, or is sent again.",
        ("u",),
        OUTBOX,
        SEND,
        guard="is_uncertain",
        hint="decide",
        rank=2,
    ),
    Command(
        "retry_now",
        "Try now",
        "Tries waiting mail now instead of at its next try.",
        ("r",),
        OUTBOX,
        SEND,
        guard="can_retry",
        hint="try now",
        rank=5,
    ),
    Command(
        "other_box",
        "Outbox or Sent",
        "Goes from the outbox to what was sent, or back.",
        ("tab",),
        OUTBOX,
        GO,
        hint="outbox/sent",
        rank=4,
    ),
    Command("list_again", "Look again", "Asks for the list again.", ("ctrl+r",), OUTBOX, PROGRAM),
)
