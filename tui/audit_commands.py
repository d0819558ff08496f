"""The commands of the audit screen, as data like those of `commands`.

Closes the trap of a log that can be changed from the screen that shows it: there is nothing here but
looking and finding.
"""

from __future__ import annotations

from typing import Final

from tui.command import AUDIT, FIND, PROGRAM, Command

AUDIT_COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "search_audit",
        "Find in the log",
        "Narrows the log as you type; Enter keeps it, Escape clears it.",
        ("/",),
        AUDIT,
        FIND,
        hint="find",
        rank=1,
    ),
    Command(
        "audit_again",
        "Check the log again",
        "Reads the log again and checks its whole chain.",
        ("ctrl+r",),
        AUDIT,
        PROGRAM,
        hint="check again",
        rank=3,
    ),
)
