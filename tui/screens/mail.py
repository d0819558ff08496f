"""The mail screen: status line, panes, hint bar, and the keys between them.

Keeps three things apart: what is listed (`finding`), what is read (`reading`), what is changed
(`changes`). Closes two traps: keys typed before the first messages are there are kept and run then, and
answers of the engine that nobody waits for any more are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from services.events import Severity
from services.safe_text import EMPTY, SafeText, phrase, ui
from tui import clipboard, keys, messages
from tui.bridge import Bridge, EngineFactory
from tui.commands import BY_ID
from tui.guards import reason_against
from tui.keymap import KeySequence, Step
from tui.notices import Notices
from tui.screens.accounts import Accounts
from tui.screens.attention import Attention
from tui.screens.chrome import Chrome
from tui.screens.files import Files
from tui.screens.finding import QUERY_HINTS, Finding
from tui.screens.following import NOTHING_OPEN, Following
from tui.screens.mail_messages import FirstMail, FirstPaint
from tui.screens.moving import Moving
from tui.screens.panes import Panes
from tui.screens.reading import Reading
from tui.session import Session
from widgets.hint_bar import HintBar
from widgets.mailbox_list import MailboxList
from widgets.message_list import MessageList
from widgets.plain import Plain
from widgets.query_line import QueryLine
from widgets.reader_pane import ReaderPane
from widgets.status_line import StatusLine

if TYPE_CHECKING:
    from services.requests import Request
    from tui.screens.changes import Changes
    from tui.screens.outbound import Outbound
    from tui.screens.sealed_mail import SealedMail
    from widgets.attachment_list import AttachmentList
    from widgets.link_list import LinkList

COMPLETE_SECONDS: Final = 1.0
"""When the parts that the first frame does without are mounted at the latest."""
NO_PREVIEW: Final = "-no-preview"
_PREVIEWS: Final = {"below": "-below", "off": NO_PREVIEW}


class MailScreen(Screen[None]):
    """The mailbox of one account, or of several as one."""

    AUTO_FOCUS = "MessageList"
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """As in Textual, but the widgets paint their focus themselves, not the whole screen with them."""
    HORIZONTAL_BREAKPOINTS = [(0, "-one"), (100, "-two"), (140, "-three")]  # noqa: RUF012 - Textual's own

    def __init__(self, engine: EngineFactory, session: Session, *, width: int = 0) -> None:
        # With the class of its first width from the start, it need not be styled twice.
        panes = self._get_breakpoint_classes(width, self.HORIZONTAL_BREAKPOINTS)
        preview = _PREVIEWS.get(session.settings.preview, "")
        super().__init__(classes=" ".join((*panes, preview)))
        self.session = session
        self.bridge = Bridge(engine, self.post_message)
        glyphs = session.glyphs
        self.status = StatusLine(glyphs=glyphs, id="status")
        self._messages = MessageList(glyphs=glyphs, clock=session.clock, id="messages")
        self._places = MailboxList(glyphs=glyphs, id="places")
        self._pane = ReaderPane(
            glyphs=glyphs, late="-one" in panes or preview == NO_PREVIEW, id="reader"
        )
        self._query = QueryLine(hints=QUERY_HINTS, late=True, id="query")
        self._filter_line = Plain(id="filter")
        self._hints = HintBar(id="hints")
        self._keys = KeySequence(session.keymap)
        self._put_together()

    def _put_together(self) -> None:
        self.notices = Notices(self, lambda: self.status)
        self.panes = Panes(self, self._places, self._messages, self._pane)
        self.finding = Finding(
            self._messages,
            self._filter_line,
            self._query,
            ask=self.ask,
            key=self.shown_key,
            changed=self.refresh_chrome,
        )
        self.reading = Reading(
            self._pane,
            ask=self.ask,
            row_of=self.finding.row_of,
            ready=self.panes.reader_is_ready,
            visible=lambda: self.panes.reader_visible,
            mark_on_open=self.session.marks_read_on_open,
        )
        self.files = Files(self)
        self.accounts = Accounts(self)
        self.attention = Attention(self)
        self.chrome = Chrome(
            self.status,
            self._hints,
            self.panes,
            self.finding,
            self.attention,
            self.accounts,
            self._keys,
        )
        self.moving = Moving(self.panes, self.finding, self.reading)
        self.following = Following(self)

    @cached_property
    def changes(self) -> Changes:
        """The commands that change mail; made with the first key, not for the first frame."""
        from tui.screens.changes import Changes

        return Changes.of(self, self.following.gone)

    @cached_property
    def sealed(self) -> SealedMail:
        """Encrypted mail and the keys; made with the first of either."""
        from tui.screens.sealed_mail import SealedMail

        return SealedMail(self, self.status)

    @property
    def sealed_if_made(self) -> SealedMail | None:
        """The same, without making it."""
        return self.__dict__.get("sealed")

    @cached_property
    def outbound(self) -> Outbound:
        """Writing and sending; made with the first key for it, or the first that is told of it."""
        from tui.screens.outbound import Outbound

        return Outbound(self)

    @property
    def outbound_if_made(self) -> Outbound | None:
        """The same, without making it."""
        return self.__dict__.get("outbound")

    @cached_property
    def _handlers(self) -> Mapping[str, Callable[[], None]]:
        from tui.screens.mail_commands import handlers

        return handlers(self)

    def compose(self) -> ComposeResult:
        """Status line, panes, hints; the search field takes the row of the hints."""
        yield self.status
        with Horizontal(id="panes"):
            yield self._places
            with Horizontal(id="mail"):
                with Vertical(id="list-pane"):
                    yield self._filter_line
                    yield self._messages
                yield self._pane
        # One row of their own, so that one taking the other's place paints nothing else.
        with Horizontal(id="foot"):
            yield self._hints
            yield self._query

    def on_mount(self) -> None:
        """Show what there is, and let the engine open the mailbox."""
        self._messages.show_empty(EMPTY)
        self.reading.close(NOTHING_OPEN)
        self.refresh_chrome()
        self.set_timer(COMPLETE_SECONDS, self.complete)
        self._show_snapshot()
        self.bridge.start()

    @property
    def has_unsaved(self) -> bool:
        """Something is written that the disk has not taken."""
        news = None if self.outbound_if_made is None else self.outbound_if_made.news
        return news is not None and news.has_drafts and bool(news.drafts.not_saved)

    def stop(self, timeout: float) -> None:
        """Save what is being written and stop the engine; safe from any thread."""
        if self.outbound_if_made is not None:
            self.outbound_if_made.news.save_drafts()
        self.bridge.stop(timeout)

    # ── what there is ────────────────────────────────────────────────────────────────────────────

    def ask(self, request: Request) -> int:
        """Send a request to the engine and return its id."""
        return self.bridge.request(request)

    def shown_key(self, command: str) -> SafeText:
        """The key of a command as the screen writes it."""
        return self.session.keymap.shown_key(command)

    # ── keys and commands ────────────────────────────────────────────────────────────────────────

    def on_key(self, event: events.Key) -> None:
        """Turn keys into commands before any widget's own bindings."""
        key = keys.key_of(event)
        in_field = isinstance(self.focused, Input)
        taken = self.finding.take_key(key) if in_field else self._press(key)
        if taken:
            event.stop()
            event.prevent_default()

    def _press(self, key: str) -> bool:
        self.finding.touched = True
        self.status.clear_notice()
        begun = bool(self._keys.pending)
        step, command = self._keys.press(key, self.panes.context)
        if begun or step is Step.PENDING:
            self.refresh_chrome()
        if step is Step.RUN:
            self.run_command(command)
        return begun or step is not Step.NOTHING

    def run_command(self, command: str) -> None:
        """Run a command by its id, or say why it cannot run."""
        reason = reason_against(BY_ID[command].guard, self.attention.situation())
        if not reason:
            self._handlers[command]()
        elif command != "clear":
            self.notices.tell(reason)

    def tell_app(self, message: Message) -> None:
        """Hand something over to the app."""
        self.app.post_message(message)

    # ── the engine's events ──────────────────────────────────────────────────────────────────────

    def on_mailbox_changed(self, _message: messages.MailboxChanged) -> None:
        """Show the newest snapshot."""
        self._show_snapshot()

    def _show_snapshot(self) -> None:
        snapshot = self.bridge.snapshot
        if snapshot is None:
            return
        first = self.finding.snapshot is None
        self.finding.take(snapshot)
        self.reading.take_row()
        self.chrome.show_state(self.session)
        if first:
            self.call_after_refresh(self._painted)

    async def _painted(self) -> None:
        """The first messages are on screen: mount what they did without, then let keys run."""
        await self.complete()
        self.tell_app(FirstMail())
        self.tell_app(FirstPaint())
        self.outbound.count()

    async def complete(self) -> None:
        """Mount what the first frame did without; nothing the second time."""
        if self.is_attached:
            await self._pane.fill()
            await self._query.fill()
            assert self._handlers  # loaded here, so that the first key does not wait for it

    def on_sync_state_changed(self, message: messages.SyncStateChanged) -> None:
        """Tell how the mailbox stands."""
        self.finding.take_sync(self.accounts.take_sync(message.event))
        self.chrome.show_state(self.session)
        self.refresh_chrome()

    def on_message_opened(self, message: messages.MessageOpened) -> None:
        """Show the message that was asked for last."""
        event = message.event
        was_wanted = self.reading.opened(event)
        if was_wanted and (event.message.seal is not None or self.sealed_if_made is not None):
            self.sealed.opened(event, asks=self.reading.asks)
        self.files.shown()
        self.refresh_chrome()

    def on_raw_read(self, message: messages.RawRead) -> None:
        """Show the raw mail that was asked for last."""
        self.reading.raw_read(message.event)
        self.refresh_chrome()

    def on_search_answered(self, message: messages.SearchAnswered) -> None:
        """Show what the service found."""
        self.finding.answered(message.event)

    def on_notice_came(self, message: messages.NoticeCame) -> None:
        """Tell a sentence of the engine."""
        event = message.event
        undo = phrase("{} takes it back.", self.shown_key("undo")) if event.undoable else EMPTY
        self.notices.tell(event.sentence, event.severity, event.next_step or undo)

    def on_request_failed(self, message: messages.RequestFailed) -> None:
        """Say it in the reader when a message was meant, else as a notice."""
        event = message.event
        self.files.failed(event)
        late = (part for part in (self.sealed_if_made, self.outbound_if_made) if part is not None)
        if not (self.reading.failed(event) or any(part.take(event) for part in late)):
            self.finding.failed(event.request_id)
            self.notices.tell(event.sentence, Severity.ERROR, event.next_step)

    def on_key_event_came(self, message: messages.KeyEventCame) -> None:
        """Hand on what is told about keys."""
        self.sealed.take(message.event)
        self.refresh_chrome()

    def on_transfer_event_came(self, message: messages.TransferEventCame) -> None:
        """Hand on what is told about files."""
        self.files.take(message.event)

    def on_outbound_event_came(self, message: messages.OutboundEventCame) -> None:
        """Hand on what is told about mail that is written or leaves."""
        self.outbound.take(message.event)
        self.refresh_chrome()

    # ── the widgets' messages ────────────────────────────────────────────────────────────────────

    def on_message_list_cursor_moved(self, event: MessageList.CursorMoved) -> None:
        """Let the reader follow once the cursor rests."""
        event.stop()
        self.following.moved(event.message_id)
        self.refresh_chrome()

    def on_message_list_opened(self, event: MessageList.Opened) -> None:
        """Open what was clicked or chosen."""
        event.stop()
        self.moving.open(event.message_id, asks=True)
        if self.sealed_if_made is not None:
            self.sealed.unlock()

    def on_message_list_selection_changed(self, event: MessageList.SelectionChanged) -> None:
        """Show the count in the hints."""
        event.stop()
        self.refresh_chrome()

    def on_mailbox_list_chosen(self, event: MailboxList.Chosen) -> None:
        """Show the chosen mailbox."""
        event.stop()
        self.finding.go_to(event.filter)
        self.panes.show_list()

    def on_mailbox_list_place_chosen(self, event: MailboxList.PlaceChosen) -> None:
        """Show the screen of drafts, of approvals, of what leaves."""
        event.stop()
        self.run_command(event.command)

    def on_attachment_list_chosen(self, event: AttachmentList.Chosen) -> None:
        """Ask where to save an attachment that was chosen under the message."""
        event.stop()
        self.files.ask(event.attachment.index)

    def on_link_list_chosen(self, event: LinkList.Chosen) -> None:
        """Copy a link that was chosen under the message."""
        event.stop()
        self.notices.tell(clipboard.copy(self.app, event.url, ui("Link")))

    def on_query_line_changed(self, event: QueryLine.Changed) -> None:
        """Narrow the list as it is typed."""
        event.stop()
        self.finding.typed()

    def on_query_line_submitted(self, event: QueryLine.Submitted) -> None:
        """Keep the words."""
        event.stop()
        self.finding.keep()

    def on_query_line_cancelled(self, event: QueryLine.Cancelled) -> None:
        """Drop the words."""
        event.stop()
        self.finding.cancel()

    def on_mouse_down(self) -> None:
        """A click counts as a touch."""
        self.finding.touched = True

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        """Another pane has the keys: other hints."""
        self.refresh_chrome()

    # ── chrome ───────────────────────────────────────────────────────────────────────────────────

    def refresh_chrome(self) -> None:
        """Hints and place, as the situation is now."""
        if self.is_mounted:
            self.chrome.refresh(self.session)
