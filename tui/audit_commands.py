"""The commands of the audit screen, as data like those of `commands`."""

from __future__ import annotations

from typing import Final

from tui.command import Command

AUDIT_COMMANDS: Final[tuple[Command, ...]] = ()
