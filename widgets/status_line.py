"""The one-row status line: account, mailbox, counts, and where the mailbox stands."""

from __future__ import annotations

from typing import Literal

from services.models import MailboxCounts, SyncState
from services.safe_text import EMPTY, SafeText
from widgets.glyphs import UNICODE, Glyphs
from widgets.plain import Plain

Tone = Literal["info", "warning", "error"]


class StatusLine(Plain):
    """One row of facts."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs

    def show_state(self, state: SyncState, counts: MailboxCounts, account: SafeText) -> None:
        """Show the sync state, the counts and the account."""

    def show_place(self, title: SafeText, shown: int, position: int | None = None) -> None:
        """Show which mailbox is listed, how many messages it shows, and the cursor's place (from 1)."""

    def show_notice(
        self, sentence: SafeText, tone: Tone = "info", next_step: SafeText = EMPTY
    ) -> None:
        """Put a sentence in place of the state for 4 s, or until `clear_notice`."""

    def clear_notice(self) -> None:
        """Take the notice away; screens call this on the next key."""
