"""The commands of the Approvals screen, as data like those of `commands`."""

from __future__ import annotations

from typing import Final

from tui.command import Command

APPROVAL_COMMANDS: Final[tuple[Command, ...]] = ()
