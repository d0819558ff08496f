"""What one run of the app is about and stands on: account, settings, terminal, keys, clocks.

Closes the trap of screens that reach into the app for these and cannot be tested without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from services.config import Settings
from services.safe_text import SafeText, ui
from tui.keymap import Keymap
from tui.terminal import Terminal
from widgets.account_mark import AccountMark
from widgets.glyphs import Glyphs, glyphs

ALL_ACCOUNTS: Final = ui("All accounts")


@dataclass(frozen=True, slots=True)
class Session:
    """Everything about a run that does not change in it."""

    account: SafeText
    settings: Settings
    terminal: Terminal
    keymap: Keymap
    can_sign_in: bool = False
    accounts: tuple[AccountMark, ...] = ()
    """The accounts that are shown as one, the default one first; none where there is only one."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""
    monotonic: Callable[[], float] = time.monotonic

    @property
    def marks(self) -> Mapping[str, AccountMark]:
        """The marks of the accounts by their names."""
        return {mark.name: mark for mark in self.accounts}

    def titled(self, account: str) -> SafeText:
        """What the status line calls an account, or all of them for ""."""
        mark = self.marks.get(account)
        if mark is not None:
            return mark.title
        return ALL_ACCOUNTS if self.accounts else self.account

    @property
    def glyphs(self) -> Glyphs:
        """The marks that this terminal can show."""
        wanted = self.settings.glyphs
        unicode = self.terminal.unicode if wanted == "auto" else wanted == "unicode"
        return glyphs(unicode=unicode)

    @property
    def follows(self) -> bool:
        """Whether the reader follows the cursor: not over SSH unless it was placed on purpose."""
        preview = self.settings.preview
        return preview in ("right", "below") or (preview == "auto" and not self.terminal.ssh)

    @property
    def marks_read_on_open(self) -> bool:
        """Whether opening a message marks it read."""
        return self.settings.mark_read == "open"
