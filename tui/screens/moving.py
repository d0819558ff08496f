"""Moving: the cursor in the list, the text in the reader, and from message to message while reading.

Closes the trap of a message that leaves the list while it is read (it was unread and the list shows
unread mail): "next" then means the one that took its place, not the one after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tui.screens.finding import Finding
from tui.screens.panes import Panes
from tui.screens.reading import Reading
from tui.situation import Context


class Moving:
    """The moving commands of a mail screen."""

    def __init__(self, panes: Panes, finding: Finding, reading: Reading) -> None:
        self._panes = panes
        self._list = panes.messages
        self._finding = finding
        self._reading = reading

    def commands(self) -> Mapping[str, Callable[[], None]]:
        """The handlers by command id."""
        both = self._both
        messages, text, places = self._list, self._panes.reader.reader, self._panes.places
        return {
            "next": self._rows(messages.action_cursor_down, places.action_cursor_down),
            "previous": self._rows(messages.action_cursor_up, places.action_cursor_up),
            "scroll_down": lambda: self._lines(1),
            "scroll_up": lambda: self._lines(-1),
            "half_page_down": both(messages.action_half_page_down, text.action_half_page_down),
            "half_page_up": both(messages.action_half_page_up, text.action_half_page_up),
            "page_down": messages.action_page_down,
            "read_on": text.action_page_down,
            "page_up": both(messages.action_page_up, text.action_page_up),
            "first": self._rows(
                both(messages.action_first, text.action_first), places.action_first
            ),
            "last": self._rows(both(messages.action_last, text.action_last), places.action_last),
            "next_unread": lambda: self._unread(messages.action_next_unread),
            "previous_unread": lambda: self._unread(messages.action_previous_unread),
            "open": messages.action_open,
            "next_message": lambda: self._step(1),
            "previous_message": lambda: self._step(-1),
            "back": self._back,
        }

    def open(self, message_id: str, *, asks: bool = False) -> None:
        """Open a message on purpose: it gets the keys, and is marked read once painted.

        `asks` lets the passphrase be asked for.
        """
        self._list.move_to(message_id)
        self._panes.expect_reader()
        self._reading.open(message_id, on_purpose=True, asks=asks)

    def _both(
        self, in_list: Callable[[], None], in_reader: Callable[[], None]
    ) -> Callable[[], None]:
        def move() -> None:
            reading = self._panes.context is Context.READER
            (in_reader if reading else in_list)()

        return move

    def _rows(
        self, elsewhere: Callable[[], None], in_mailboxes: Callable[[], None]
    ) -> Callable[[], None]:
        def move() -> None:
            choosing = self._panes.context is Context.MAILBOXES
            (in_mailboxes if choosing else elsewhere)()

        return move

    def _lines(self, by: int) -> None:
        """Scroll the text, or move among the attachments when they have the keys."""
        files = self._panes.files
        if files is None:
            self._panes.reader.reader.scroll_rows(by)
        else:
            files.step(by)

    def _unread(self, move: Callable[[], None]) -> None:
        move()
        current = self._list.cursor_id
        if self._panes.context is Context.READER and current is not None:
            self.open(current)

    def _step(self, by: int) -> None:
        open_id = self._reading.message_id
        left_list = open_id is None or self._finding.rows.position_of(open_id) is None
        if not left_list and open_id is not None:
            self._list.move_to(open_id)
        if by < 0:
            self._list.action_cursor_up()
        elif not left_list:
            self._list.action_cursor_down()
        current = self._list.cursor_id
        if current is not None and current != open_id:
            self.open(current)

    def _back(self) -> None:
        if not self._reading.leave_raw():
            self._panes.show_list()
