"""The mailbox list: built-in mailboxes and labels, each with its exact count."""

from __future__ import annotations

from textual.message import Message
from textual.scroll_view import ScrollView

from services.models import MailboxCounts, MailFilter
from widgets.glyphs import UNICODE, Glyphs


class MailboxList(ScrollView):
    """Inbox, Unread, Unverified, Archived, then the labels."""

    class Chosen(Message):
        """A mailbox or a label was chosen."""

        def __init__(self, filter: MailFilter) -> None:  # noqa: A002 - what it is
            super().__init__()
            self.filter = filter

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs

    def show_counts(self, counts: MailboxCounts) -> None:
        """Show these counts and labels."""

    def show_current(self, filter: MailFilter) -> None:  # noqa: A002 - what it is
        """Mark the mailbox that is listed."""
