"""What one run of the app is about and stands on: account, settings, terminal, keys, clocks.

Closes the trap of screens that reach into the app for these and cannot be tested without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from services.config import Settings
from services.safe_text import SafeText, ui
from tui.keymap import Keymap
from tui.terminal import Terminal
from widgets.account_mark import AccountMark
from widgets.glyphs import Glyphs, glyphs

ALL_ACCOUNTS: Final = ui("All accounts")


class OfAccount(Protocol):
    """A row that says whose it is."""

    @property
    def account(self) -> str: ...


Owned = TypeVar("Owned", bound=OfAccount)


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
    chosen: str = ""
    """The one of them that a screen of its own is about; "" for all."""
    trash: bool = False
    """What is deleted lies in a trash afterwards, whichever account it is of."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""
    monotonic: Callable[[], float] = time.monotonic

    @property
    def marks(self) -> Mapping[str, AccountMark]:
        """The marks of the accounts by their names."""
        return {mark.name: mark for mark in self.accounts}

    def of_account(self, chosen: str) -> Session:
        """The same for a screen of its own about one account, or about all for ""."""
        return replace(self, chosen=chosen, account=self.titled(chosen))

    @property
    def list_marks(self) -> Mapping[str, AccountMark]:
        """The marks that a list needs: none where it shows one account only."""
        return {} if self.chosen else self.marks

    def only(self, rows: Sequence[Owned]) -> tuple[Owned, ...]:
        """Of these rows those of the chosen account, or all."""
        return tuple(row for row in rows if not self.chosen or row.account == self.chosen)

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
