"""The mailbox list: built-in mailboxes, accounts and labels, each with its exact count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.message import Message

from services.models import Mailbox, MailboxCounts, MailFilter
from services.safe_text import EMPTY, SafeText, ui
from widgets.account_mark import ACCOUNT_INKS, AccountMark
from widgets.cells import count_words, fit
from widgets.choice_list import ChoiceList
from widgets.glyphs import UNICODE, Glyphs
from widgets.list_window import ListWindow
from widgets.rows import Part


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list: a mailbox (`filter`), a screen of its own (`command`) or a heading."""

    words: SafeText
    filter: MailFilter | None
    count: int = 0
    """0 where it is only told that something is there."""
    command: str = ""
    role: str = ""
    """The ink of a heading, when it is an account's."""
    trouble: SafeText = EMPTY
    """What stands against an account, behind its name."""
    more: bool = False
    """There are more than were counted."""

    @property
    def is_heading(self) -> bool:
        """It cannot be chosen."""
        return self.filter is None and not self.command


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What waits for a decision, is written, is on its way or may have left."""

    waiting: int = 0
    drafts: int = 0
    outbox: int = 0

    def entries(self) -> tuple[Entry, ...]:
        """Only what there is takes a line."""
        found = (
            Entry(ui("Approvals"), None, self.waiting, "approvals"),
            Entry(ui("Drafts"), None, self.drafts, "drafts"),
            Entry(ui("Outbox"), None, self.outbox, "outbox"),
        )
        return tuple(entry for entry in found if entry.count)


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies at the services beside the mailboxes: how much is held, whether there is any other."""

    held: int = 0
    more_held: bool = False
    sent: bool = False
    trashed: bool = False

    def entries(self) -> tuple[Entry, ...]:
        """Only what there is takes a line."""
        found = (
            (Entry(ui("Held mail"), None, self.held, "held", more=self.more_held), self.held),
            (Entry(ui("All sent mail"), None, command="all_sent"), self.sent),
            (Entry(ui("Trash"), None, command="trash"), self.trashed),
        )
        return tuple(entry for entry, is_there in found if is_there)


@dataclass(frozen=True, slots=True)
class AccountGroup:
    """The mailboxes of one account, where there are several."""

    mark: AccountMark
    counts: MailboxCounts
    trouble: SafeText = EMPTY
    """In a word or two what is wrong with it: `signed out`."""

    def entries(self) -> tuple[Entry, ...]:
        """Its name, its Inbox, and of its other mailboxes those that hold something."""
        mark, others = self.mark, _mailboxes(self.counts, self.mark.name)[1:]
        return (
            Entry(mark.short, None, role=mark.role, trouble=self.trouble),
            Entry(ui("Inbox"), MailFilter(account=mark.name), self.counts.inbox),
            *(entry for entry in others if entry.count),
        )


def entries(
    counts: MailboxCounts,
    outgoing: Outgoing | None = None,
    accounts: Sequence[AccountGroup] = (),
    account: str = "",
    beside: Beside | None = None,
) -> tuple[Entry, ...]:
    """The built-in mailboxes, what is outgoing or lies beside, the accounts, then labels."""
    built_in = (
        *_mailboxes(counts),
        *(outgoing.entries() if outgoing is not None else ()),
        *(beside.entries() if beside is not None else ()),
        *(entry for group in accounts for entry in group.entries()),
    )
    own = next((one.counts for one in accounts if one.mark.name == account), counts)
    if not own.labels:
        return built_in
    labels = (
        Entry(one.shown, MailFilter(Mailbox.INBOX, label=one.label, account=account), one.count)
        for one in own.labels
    )
    return (*built_in, Entry(ui("labels"), None), *labels)


def _mailboxes(counts: MailboxCounts, account: str = "") -> tuple[Entry, ...]:
    return tuple(
        Entry(words, MailFilter(mailbox, account=account), count)
        for words, mailbox, count in (
            (ui("Inbox"), Mailbox.INBOX, counts.inbox),
            (ui("Unread"), Mailbox.UNREAD, counts.unread),
            (ui("Unverified"), Mailbox.UNVERIFIED, counts.unverified),
            (ui("Archived"), Mailbox.ARCHIVED, counts.archived),
        )
    )


class MailboxList(ChoiceList):
    """Inbox, Unread, Unverified, Archived, the same of each account, then the labels."""

    INKS: ClassVar[Mapping[str, str]] = {**ChoiceList.INKS, **ACCOUNT_INKS}

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

    class PlaceChosen(Message):
        """A screen of its own was chosen; `command` shows it."""

        def __init__(self, command: str) -> None:
            super().__init__()
            self.command = command

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._counts, self.outgoing, self.beside = MailboxCounts(), Outgoing(), Beside()
        self.accounts: tuple[AccountGroup, ...] = ()
        self._entries = entries(self._counts)
        self._current = MailFilter()
        self._window.restart(len(self._entries))

    @property
    def cursor_filter(self) -> MailFilter | None:
        """The mailbox under the cursor."""
        return None if self.position is None else self._entries[self.position].filter

    def show_counts(self, counts: MailboxCounts, accounts: tuple[AccountGroup, ...] = ()) -> None:
        """Show these counts and labels, and those of each account; the cursor keeps its mailbox."""
        self._counts, self.accounts = counts, accounts
        self._take_entries()

    def show_outgoing(self, outgoing: Outgoing) -> None:
        """Show how much is written, waits or is on its way; the cursor stays on its mailbox."""
        self.outgoing = outgoing
        self._take_entries()

    def show_beside(self, beside: Beside) -> None:
        """Show what lies at the services beside the mailboxes; the cursor stays on its mailbox."""
        self.beside = beside
        self._take_entries()

    def _take_entries(self) -> None:
        account = self._current.account
        fresh = entries(self._counts, self.outgoing, self.accounts, account, self.beside)
        if fresh == self._entries:
            return
        old, under = self._entries, self._under
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
        shown = MailFilter(filter.mailbox, label=filter.label, account=filter.account)
        if shown == self._current:
            return
        before, self._current = self._current, shown
        if shown.account != before.account:
            self._take_entries()
        place = self._place_of((shown, ""))
        if place is not None and not self.has_focus:
            self.move(lambda window: window.go(place))
        for one in (before, shown):
            changed = self._place_of((one, ""))
            if changed is not None:
                self.refresh_row(changed)

    def parts(self, place: int, width: int) -> Sequence[Part]:
        """Words at the left, count at the right."""
        entry = self._entries[place]
        if entry.is_heading:
            return self._heading(entry, width)
        count = count_words(entry.count) + "+" * entry.more if entry.count else ""
        room = width - len(count) - 2
        role = "strong" if entry.filter == self._current and not entry.command else "text"
        return [(fit(entry.words, room, self._glyphs.ellipsis), role), (f" {count} ", "muted")]

    def _heading(self, entry: Entry, width: int) -> Sequence[Part]:
        rule = f"{self._glyphs.rule} "
        trouble = f" {self._glyphs.unverified} {entry.trouble}" if entry.trouble else ""
        if cell_len(rule + entry.words + trouble) > width:
            # Which one it is matters more; the switcher says what is wrong.
            trouble = f" {self._glyphs.unverified}"
        return [(rule, "muted"), (entry.words, entry.role or "muted"), (trouble, "caution")]

    def move(self, move: Callable[[ListWindow], None]) -> None:
        """Move, and step over the heading."""
        before = self._window.cursor or 0
        super().move(move)
        after = self._window.cursor
        if after is not None and self._entries[after].is_heading:
            self.step(1 if after >= before else -1)

    def opened(self, place: int) -> None:
        """Say which mailbox was chosen."""
        chosen = self._entries[place]
        if chosen.filter is not None:
            self.post_message(self.Chosen(chosen.filter))
        elif chosen.command:
            self.post_message(self.PlaceChosen(chosen.command))

    def on_click(self, event: events.Click) -> None:
        """One click chooses."""
        event.prevent_default()
        place = self.top + event.y
        if 0 <= place < len(self._entries) and not self._entries[place].is_heading:
            event.stop()
            self.go(place)
            self.opened(place)

    @property
    def _under(self) -> tuple[MailFilter | None, str] | None:
        return None if self.position is None else _identity(self._entries[self.position])

    def _place_of(self, wanted: tuple[MailFilter | None, str] | None) -> int | None:
        places = (place for place, one in enumerate(self._entries) if _identity(one) == wanted)
        return None if wanted is None else next(places, None)


def _identity(entry: Entry) -> tuple[MailFilter | None, str]:
    return entry.filter, entry.command
