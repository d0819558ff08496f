"""Which panes of the mail screen are on it, and which of them has the keys.

Closes the trap of a layout that is known to the style sheet only: the classes `-one`, `-two`, `-three`
(by width) and `-reading` decide in one place what is shown, and who gets the focus is asked here.
In one pane the reader comes on screen with its message, never with the one before or empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tui.situation import Context
from widgets.mailbox_list import MailboxList
from widgets.message_list import MessageList

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.widget import Widget

    from widgets.attachment_list import AttachmentList
    from widgets.reader_pane import ReaderPane

READING: Final = "-reading"


class Panes:
    """The three panes: mailboxes, list, reader."""

    def __init__(
        self,
        screen: Screen[None],
        places: MailboxList,
        messages: MessageList,
        reader: ReaderPane,
    ) -> None:
        self._screen = screen
        self.places = places
        self.messages = messages
        self.reader = reader
        self._expecting = False
        """The reader has the keys, but the list stays on screen until there is something to read."""

    @property
    def split(self) -> bool:
        """List and reader are both on screen."""
        return not (self._screen.has_class("-one") or self._screen.has_class("-no-preview"))

    @property
    def has_places(self) -> bool:
        """The mailbox list is on screen."""
        return self._screen.has_class("-three")

    @property
    def reader_visible(self) -> bool:
        """The reader is on screen."""
        return self.split or self._screen.has_class(READING)

    @property
    def context(self) -> Context:
        """Who owns the keys now."""
        if self._expecting:
            return Context.READER
        focused = self._screen.focused
        if focused is self.places:
            return Context.MAILBOXES
        if focused is not None and self.reader in focused.ancestors_with_self:
            return Context.READER
        return Context.LIST

    @property
    def files(self) -> AttachmentList | None:
        """The list of attachments while it has the keys; None otherwise."""
        focused = self._screen.focused
        return focused if self.reader.files and focused is self.reader.attachments else None

    def expect_reader(self) -> None:
        """Give the keys to the reader; in one pane it comes on screen with `reader_is_ready`."""
        if self.reader_visible:
            self.show_reader()
        else:
            self._expecting = True

    def reader_is_ready(self) -> None:
        """Bring the reader on screen, if it is still expected."""
        if self._expecting:
            self.show_reader()

    def show_reader(self) -> None:
        """Bring the reader on screen and give it the keys."""
        self._expecting = False
        self._screen.add_class(READING)
        self._screen.set_focus(self.reader.reader)

    def show_list(self) -> None:
        """Bring the list on screen and give it the keys."""
        self._expecting = False
        self._screen.remove_class(READING)
        self._screen.set_focus(self.messages)

    def show_places(self) -> bool:
        """Give the mailbox list the keys; False when it is not on screen."""
        if self.has_places:
            self._screen.set_focus(self.places)
        return self.has_places

    def go(self, step: int) -> None:
        """Give the keys to the next (1) or previous (-1) pane on screen."""
        order: list[tuple[Widget, bool]] = [
            (self.places, self.has_places),
            (self.messages, self.split or not self.reader_visible),
            (self.reader.reader, self.reader_visible),
        ]
        if self.reader_visible and self.reader.files:
            order.append((self.reader.attachments, True))
        shown = [pane for pane, visible in order if visible]
        focused = self._screen.focused
        place = shown.index(focused) if focused in shown else 0
        target = shown[(place + step) % len(shown)]
        if target is self.reader.reader:
            self.show_reader()
        elif target is self.messages:
            self.show_list()
        else:
            self._screen.set_focus(target)
