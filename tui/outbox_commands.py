"""The commands of the Outbox and Sent screens, as data like those of `commands`."""

from __future__ import annotations

from typing import Final

from tui.command import Command

OUTBOX_COMMANDS: Final[tuple[Command, ...]] = ()
