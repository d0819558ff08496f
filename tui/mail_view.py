"""What the message list shows: a mailbox, narrowed by words, label and flags, or a server's answer.

Pure state between snapshots and widgets. Closes the trap of an empty list that says nothing: for each
way to be empty there is a sentence with the next key in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from services.models import Mailbox, MailFilter, MessageRow, RowSource, SyncPhase, SyncState
from services.safe_text import EMPTY, SafeText, clean_line, join, phrase, ui

if TYPE_CHECKING:
    from services.snapshots import Snapshot

TITLES: Final = {
    Mailbox.INBOX: ui("Inbox"),
    Mailbox.UNREAD: ui("Unread"),
    Mailbox.UNVERIFIED: ui("Unverified"),
    Mailbox.ARCHIVED: ui("Archived"),
    Mailbox.ALL: ui("All mail"),
}
ORDER: Final = tuple(TITLES)
_QUOTED_WORDS: Final = 40


class Answered:
    """The rows of a server's answer, newest first; `sent` are those that no snapshot has."""

    def __init__(
        self, snapshot: Snapshot, message_ids: Iterable[str], sent: Iterable[MessageRow] = ()
    ) -> None:
        rows = (snapshot.row_of(message_id) for message_id in message_ids)
        found = {row.message_id: row for row in (*sent, *rows) if row is not None}
        self._rows = sorted(found.values(), key=lambda row: row.received_at, reverse=True)
        self._places = {row.message_id: place for place, row in enumerate(self._rows)}

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, position: int) -> MessageRow:
        """The row at a place, counted from 0."""
        return self._rows[position]

    def message_id(self, position: int) -> str:
        """The id at a place."""
        return self._rows[position].message_id

    def position_of(self, message_id: str) -> int | None:
        """The place of a message, None when it is not among them."""
        return self._places.get(message_id)


@dataclass(frozen=True, slots=True)
class ServerSearch:
    """A search that the service was asked; `message_ids` is None while it works.

    With `conversation` it is no search: `text` is the subject of a message, and what belongs to
    that message is looked for, `sent` mail too.
    """

    text: str
    request_id: int
    message_ids: tuple[str, ...] | None = None
    conversation: bool = False
    sent: tuple[MessageRow, ...] = ()

    def sent_row(self, message_id: str) -> MessageRow | None:
        """The row of a message that was sent, None for any other."""
        return next((row for row in self.sent if row.message_id == message_id), None)


@dataclass(frozen=True, slots=True)
class MailView:
    """Which messages the list shows; each change makes a new view."""

    filter: MailFilter = field(default_factory=MailFilter)
    server: ServerSearch | None = None

    def rows(self, snapshot: Snapshot) -> RowSource:
        """The rows of this view."""
        if self.server is not None and self.server.message_ids is not None:
            return Answered(snapshot, self.server.message_ids, self.server.sent)
        return snapshot.select(self.filter)

    @property
    def narrowed(self) -> bool:
        """Something besides the mailbox chooses the messages."""
        return self != MailView(self._mailbox)

    @property
    def _mailbox(self) -> MailFilter:
        return MailFilter(self.filter.mailbox, account=self.filter.account)

    @property
    def title(self) -> SafeText:
        """The name of the mailbox or the label."""
        if self.filter.label is not None:
            return clean_line(self.filter.label, 64)
        return TITLES[self.filter.mailbox]

    def narrowing(self, *, search_ready: bool = True) -> SafeText:
        """What narrows the list, in words; empty when nothing does."""
        if self.server is not None:
            words = _quoted(self.server.text)
            if self.server.conversation:
                return phrase("conversation of {}", words)
            if self.server.message_ids is None:
                return phrase("asking the server for {}", words)
            return phrase("server results for {}", words)
        return join(" · ", self._narrowings(search_ready=search_ready))

    def _narrowings(self, *, search_ready: bool) -> list[SafeText]:
        wanted = self.filter
        said = []
        if wanted.text:
            said.append(_quoted(wanted.text))
            if not search_ready:
                said.append(ui("still reading older mail"))
        if wanted.label is not None:
            said.append(phrase("label {}", clean_line(wanted.label, 64)))
        if wanted.unread is not None:
            said.append(ui("unread only") if wanted.unread else ui("read only"))
        if wanted.verified is not None:
            said.append(ui("verified only") if wanted.verified else ui("unverified only"))
        return said

    def searching(self, text: str) -> MailView:
        """The same mailbox narrowed by words."""
        return MailView(replace(self.filter, text=text))

    def labelled(self, label: str | None) -> MailView:
        """The same mailbox narrowed to a label, or no longer."""
        return MailView(replace(self.filter, label=label))

    def toggling_unread(self) -> MailView:
        """Only unread messages, or all again."""
        return MailView(replace(self.filter, unread=None if self.filter.unread else True))

    def toggling_verified(self) -> MailView:
        """Only verified senders, or all again."""
        return MailView(replace(self.filter, verified=None if self.filter.verified else True))

    def cleared(self) -> MailView:
        """One step back: the server's answer first, then every filter."""
        if self.server is not None:
            return MailView(self.filter)
        return MailView(self._mailbox)

    def mailbox(self, mailbox: Mailbox) -> MailView:
        """Another built-in mailbox of the same account."""
        return MailView(MailFilter(mailbox, account=self.filter.account))

    def of_account(self, account: str) -> MailView:
        """The same of another account, or of all for ""."""
        return MailView(replace(self.filter, account=account))

    def beside(self, step: int) -> MailView:
        """The next (1) or previous (-1) built-in mailbox, around the end."""
        place = ORDER.index(self.filter.mailbox)
        return self.mailbox(ORDER[(place + step) % len(ORDER)])


KeyShown = Callable[[str], SafeText]
"""Gives the key of a command as the screen writes it."""


def empty_sentence(view: MailView, sync: SyncState, total: int, key: KeyShown) -> SafeText:
    """Why the list is empty, and the next key; `total` counts all cached messages."""
    if view.server is not None or (view.narrowed and total):
        return phrase("No message fits. {} clears the search and the filters.", key("clear"))
    if total:
        say = ui("Nothing in {}. {} shows all mail, {} lists the mailboxes.")
        return phrase(say, view.title, key("all_mail"), key("mailboxes"))
    return _empty_cache(sync, key)


def _empty_cache(sync: SyncState, key: KeyShown) -> SafeText:
    if sync.phase is SyncPhase.SIGNED_OUT:
        return phrase("Signed out. {} enters a token.", key("sign_in"))
    if sync.phase in (SyncPhase.OFFLINE, SyncPhase.FAILED):
        why = sync.sentence or ui("The service cannot be reached and nothing is cached yet.")
        return phrase("{} {} tries again.", why, key("refresh"))
    if sync.phase is SyncPhase.BUSY:
        return phrase("The service is busy. {} tries again now.", key("refresh"))
    if sync.phase is SyncPhase.SYNCED:
        return phrase(
            "No mail yet. {} looks again, {} shows all keys.", key("refresh"), key("help")
        )
    if sync.phase is SyncPhase.READ_ONLY:
        return ui("Another instance fetches this mailbox; its mail appears there first.")
    return phrase("Fetching your mail. {} shows all keys meanwhile.", key("help"))


def _quoted(text: str) -> SafeText:
    return phrase("“{}”", clean_line(text, _QUOTED_WORDS)) if text else EMPTY
