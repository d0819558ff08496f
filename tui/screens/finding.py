"""What the list shows and how it is narrowed: mailboxes, words, labels, a server's answer.

Closes three traps: a filter that is on and cannot be seen (a line above the list names it and its way
out), a server's answer to words that have changed since (answers carry the request's id), and a list
that is filtered for each of ten letters while only the last is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services.events import SearchAnswered
from services.models import MailboxCounts, MailFilter, MessageRow, RowSource, SyncPhase, SyncState
from services.safe_text import EMPTY, SafeText, phrase, ui
from tui.key_queue import AfterKeys
from tui.mail_view import KeyShown, MailView, ServerSearch, empty_sentence
from widgets.hint_bar import Hint
from widgets.message_list import MessageList
from widgets.no_rows import NO_ROWS
from widgets.plain import Plain
from widgets.query_line import QueryLine

QUERY_HINTS: Final = (
    Hint(ui("Enter"), ui("keep"), 1),
    Hint(ui("Esc"), ui("clear"), 0),
    Hint(ui("Ctrl+R"), ui("ask the server"), 2),
    Hint(ui("Up/Down"), ui("move"), 3),
)

if TYPE_CHECKING:
    from services.requests import Request
    from services.snapshots import Snapshot

PROMPT = ui("/")


class Finding:
    """Owns the view and keeps the list, the filter line and the search field in step with it."""

    def __init__(
        self,
        messages: MessageList,
        line: Plain,
        query: QueryLine,
        *,
        ask: Callable[[Request], int],
        key: KeyShown,
        changed: Callable[[], None],
    ) -> None:
        self._messages = messages
        self._line = line
        self._query = query
        self._ask = ask
        self._key = key
        self._changed = changed
        self.view = MailView()
        self.sync = SyncState()
        self.snapshot: Snapshot | None = None
        self.rows: RowSource = NO_ROWS
        self._conversation: ServerSearch | None = None
        self.touched = False
        """A key or a click has reached the list."""
        query.display = False
        line.display = False

    @property
    def typing(self) -> bool:
        """The search field is open."""
        return bool(self._query.display)

    @property
    def counts(self) -> MailboxCounts:
        """The counts of the snapshot that is shown, of the one account if only that is shown."""
        if self.snapshot is None:
            return MailboxCounts()
        account = self.view.filter.account
        return self.snapshot.counts_of(account) if account else self.snapshot.counts

    def row_of(self, message_id: str) -> MessageRow | None:
        """The row of a message as of now, of one that was sent as the service told it."""
        return self._cached_row(message_id) or self.sent_row(message_id)

    def sent_row(self, message_id: str) -> MessageRow | None:
        """The row of a message that was sent, None for one of the mailbox."""
        server = self.view.server
        if server is None or self._cached_row(message_id) is not None:
            return None
        return server.sent_row(message_id)

    def _cached_row(self, message_id: str) -> MessageRow | None:
        return self.snapshot.row_of(message_id) if self.snapshot is not None else None

    def take(self, snapshot: Snapshot) -> None:
        """Show the same view of a newer snapshot; the cursor stays on its message.

        Until the operator has touched anything, the first walk (oldest mail first) would carry the
        cursor down with it: then it stays on the newest.
        """
        self.snapshot = snapshot
        self._show(keep=self.touched or self.sync.phase is SyncPhase.SYNCED)

    def take_sync(self, sync: SyncState) -> None:
        """Say in an empty list how the mailbox stands."""
        self.sync = sync
        self._show_empty()

    def go(self, view: MailView, *, keep: bool = False) -> None:
        """Show another view; `keep` holds the cursor on its message if it is still there."""
        self._conversation = None
        self.view = view
        self._show(keep=keep)

    def go_to(self, wanted: MailFilter) -> None:
        """Show a mailbox or a label from the mailbox list."""
        self.go(MailView(wanted))

    def start(self) -> None:
        """Open the search field with the words that hold now."""
        self._query.display = True
        self._query.start(PROMPT, self.view.filter.text)
        self._changed()

    def typed(self) -> None:
        """Narrow the list to what is typed, once the field shows it and no key waits any more."""
        self._query.app.post_message(AfterKeys(self._narrow_when_painted))

    def _narrow_when_painted(self) -> None:
        self._query.call_after_refresh(self._narrow)

    def _narrow(self) -> None:
        text = self._query.text
        if self.typing and text != self.view.filter.text:
            self.go(self.view.searching(text), keep=True)

    def keep(self) -> None:
        """Close the field and keep the words."""
        self._narrow()
        self._close()
        self._show_line()

    def take_key(self, key: str) -> bool:
        """Take a key that was pressed in the search field; False for one that is typed."""
        if key == "ctrl+r":
            self.ask_server()
        elif key == "enter":
            self.keep()
        elif key == "escape":
            self.cancel()
        elif key == "down":
            self._narrow()
            self._messages.action_cursor_down()
        elif key == "up":
            self._narrow()
            self._messages.action_cursor_up()
        else:
            return False
        return True

    def cancel(self) -> None:
        """Close the field and drop the words."""
        self._close()
        self.go(MailView(replace(self.view.filter, text="")), keep=True)

    def clear(self) -> None:
        """One step back: selection, then server's answer, then filters."""
        if self._messages.selected_count:
            self._messages.clear_selection()
        else:
            self.go(self.view.cleared(), keep=True)

    def ask_server(self) -> None:
        """Send the words to the service's own search."""
        self._narrow()
        text = self.view.filter.text.strip()
        if not text:
            return
        self._close()
        from services.requests import SearchServer

        request_id = self._ask(SearchServer(text))
        self.go(MailView(self.view.filter, ServerSearch(text, request_id)), keep=True)

    def show_conversation(self, message_id: str) -> None:
        """Show what belongs to a message, in whatever mailbox it is; until told, all stays as it is."""
        from services.requests import FindConversation

        row = self.row_of(message_id)
        subject = str(row.subject) if row is not None else ""
        request_id = self._ask(FindConversation(message_id))
        self._conversation = ServerSearch(subject, request_id, conversation=True)

    def answered(self, event: SearchAnswered) -> None:
        """Show the service's answer, if it is still wanted."""
        for server in (self._conversation, self.view.server):
            if server is not None and server.request_id == event.request_id:
                self._conversation = None
                found = replace(server, message_ids=event.message_ids, sent=event.sent)
                self.go(replace(self.view, server=found), keep=server.conversation)
                return

    def failed(self, request_id: int) -> bool:
        """Go back to the local words when the service failed; False when another request is meant."""
        server = self.view.server
        if server is None or server.request_id != request_id:
            return False
        self.go(self.view.cleared(), keep=True)
        return True

    def _close(self) -> None:
        # At once, not by `focus()`: the next key may be waiting already.
        self._messages.screen.set_focus(self._messages)
        self._query.display = False
        self._changed()

    def _show(self, *, keep: bool) -> None:
        if self.snapshot is None:
            return
        self.rows = self.view.rows(self.snapshot)
        self._messages.show(self.rows, keep)
        self._show_empty()
        self._show_line()
        self._changed()

    def _show_empty(self) -> None:
        if self.snapshot is None:
            self._messages.show_empty(ui(""))
        elif not len(self.rows):
            total = self.counts.total
            self._messages.show_empty(empty_sentence(self.view, self.sync, total, self._key))

    def _show_line(self) -> None:
        # While words are typed the line neither comes nor goes: that would move the whole list.
        if not self.typing:
            self._line.display = self.view.narrowed
        if self._line.display and self.snapshot is not None:
            said = self.view.narrowing(search_ready=self.snapshot.search_ready)
            self._line.show(self._with_count(said) if said else EMPTY)

    def _with_count(self, said: SafeText) -> SafeText:
        if self.view.server is not None and self.view.server.message_ids is None:
            return said
        clear = self._key("clear")
        return phrase("{} · {} found · {} clears", said, len(self.rows), clear)
