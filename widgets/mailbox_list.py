"""The mailbox list: built-in mailboxes and labels, each with its exact count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from services.models import Mailbox, MailboxCounts, MailFilter
from services.safe_text import SafeText, ui
from widgets.cells import count_words, fit
from widgets.choice_list import ChoiceList
from widgets.glyphs import UNICODE, Glyphs
from widgets.list_window import ListWindow
from widgets.rows import Part


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list; `filter` is None for the heading of the labels."""

    words: SafeText
    filter: MailFilter | None
    count: int = 0


def entries(counts: MailboxCounts) -> tuple[Entry, ...]:
    """The built-in mailboxes, then the labels under their heading."""
    built_in = (
        Entry(ui("Inbox"), MailFilter(Mailbox.INBOX), counts.inbox),
        Entry(ui("Unread"), MailFilter(Mailbox.UNREAD), counts.unread),
        Entry(ui("Unverified"), MailFilter(Mailbox.UNVERIFIED), counts.unverified),
        Entry(ui("Archived"), MailFilter(Mailbox.ARCHIVED), counts.archived),
    )
    if not counts.labels:
        return built_in
    labels = (
        Entry(one.shown, MailFilter(Mailbox.INBOX, label=one.label), one.count)
        for one in counts.labels
    )
    return (*built_in, Entry(ui("labels"), None), *labels)


class MailboxList(ChoiceList):
    """Inbox, Unread, Unverified, Archived, then the labels."""

    DEFAULT_CSS = """
    MailboxList { width: 20; height: 1fr; }
    """

    BAR_WITHOUT_FOCUS = True
    TALLEST = 200

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
        super().__init__(glyphs=glyphs, id=id)
        self._entries = entries(MailboxCounts())
        self._current = MailFilter()
        self._window.restart(len(self._entries))

    @property
    def cursor_filter(self) -> MailFilter | None:
        """The mailbox under the cursor."""
        return None if self.position is None else self._entries[self.position].filter

    def show_counts(self, counts: MailboxCounts) -> None:
        """Show these counts and labels; the cursor stays on its mailbox."""
        fresh = entries(counts)
        if fresh == self._entries:
            return
        old, under = self._entries, self.cursor_filter
        self._entries = fresh
        self._window.follow(len(fresh), self._place_of(under))
        if len(old) != len(fresh):
            self.refresh()
            return
        for place, (before, after) in enumerate(zip(old, fresh, strict=True)):
            if before != after:
                self.refresh_row(place)

    def show_current(self, filter: MailFilter) -> None:  # noqa: A002 - what it is
        """Mark the mailbox that is listed, and put the cursor on it unless it is being moved."""
        shown = MailFilter(filter.mailbox, label=filter.label)
        if shown == self._current:
            return
        self._current = shown
        place = self._place_of(shown)
        if place is not None and not self.has_focus:
            self._window.go(place)
        self.refresh()

    def parts(self, place: int, width: int) -> Sequence[Part]:
        """Words at the left, count at the right."""
        entry = self._entries[place]
        if entry.filter is None:
            return [(f"{self._glyphs.rule} {entry.words}", "muted")]
        count = count_words(entry.count) if entry.count else ""
        room = width - len(count) - 2
        role = "strong" if entry.filter == self._current else "text"
        return [(fit(entry.words, room, self._glyphs.ellipsis), role), (f" {count} ", "muted")]

    def move(self, move: Callable[[ListWindow], None]) -> None:
        """Move, and step over the heading."""
        before = self._window.cursor or 0
        super().move(move)
        after = self._window.cursor
        if after is not None and self._entries[after].filter is None:
            self.step(1 if after >= before else -1)

    def opened(self, place: int) -> None:
        """Say which mailbox was chosen."""
        chosen = self._entries[place].filter
        if chosen is not None:
            self.post_message(self.Chosen(chosen))

    def on_click(self, event: events.Click) -> None:
        """One click chooses."""
        event.prevent_default()
        place = self.top + event.y
        if 0 <= place < len(self._entries) and self._entries[place].filter is not None:
            event.stop()
            self.go(place)
            self.opened(place)

    def _place_of(self, wanted: MailFilter | None) -> int | None:
        places = (place for place, one in enumerate(self._entries) if one.filter == wanted)
        return None if wanted is None else next(places, None)
