"""The commands of the Transfers screen, as data like those of `commands`."""

from __future__ import annotations

from typing import Final

from tui.command import Command

TRANSFER_COMMANDS: Final[tuple[Command, ...]] = ()
