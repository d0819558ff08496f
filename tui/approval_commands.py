"""The commands of the Approvals screen, as data like those of `commands`; decisions are in `review_commands`.

Closes the trap of an agent that goes on while somebody looks for the switch: pausing is one key.
"""

from __future__ import annotations

from typing import Final

from tui.command import APPROVALS, DECIDE, READ, Command

APPROVAL_COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "whole_mail",
        "Whole mail",
        "Shows the proposal on a screen of its own.",
        ("enter", "o"),
        APPROVALS,
        READ,
        guard="has_row",
        hint="whole mail",
        rank=2,
    ),
    Command(
        "pause_agent",
        "Pause or resume the agent",
        "Stops the agent from sending anything, or lets it again after a question.",
        ("P",),
        APPROVALS,
        DECIDE,
        hint="pause agent",
        rank=7,
    ),
    Command(
        "with_decided",
        "What was decided too",
        "Lists what was approved, refused or lapsed too, or only what waits.",
        ("v",),
        APPROVALS,
        READ,
        hint="decided",
        rank=8,
    ),
    Command(
        "take_back",
        "Take back what was just approved",
        "Cancels what was approved last, while it waits to leave.",
        ("z",),
        APPROVALS,
        DECIDE,
        guard="is_sending",
        hint="take back",
        rank=2,
    ),
)
