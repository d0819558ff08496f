"""The ground of the screens beside the mail: status line, own parts, hints, and the keys of one context.

Closes the trap of screens that read keys, guards and hints each in its own way: a command runs only
when its guard lets it, what stands against it is told in the status line, and pasted text is no key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Input

from services.events import RequestFailed
from services.outbound_events import SendCancelled, SendQueued
from services.safe_text import EMPTY, SafeText, ui
from tui import hints, keys
from tui.commands import BY_ID
from tui.guards import reason_against
from tui.keymap import KeySequence, Step
from tui.notices import Notices
from tui.outbound_commands import PLACES
from tui.screens.overlays import show_help, show_palette, suspend_app
from tui.situation import Context, Situation
from widgets.hint_bar import Hint, HintBar
from widgets.status_line import StatusLine
from widgets.undo_bar import UndoBar

if TYPE_CHECKING:
    from services.events import OutboundEvent
    from services.requests import Request
    from tui.outbound_news import OutboundNews
    from tui.session import Session
    from widgets.row_list import RowList

Answer = TypeVar("Answer")
Handlers = Mapping[str, Callable[[], None]]
SLOW_SECONDS: Final = 0.15
"""After this long without an answer a list says that it is being read."""


class SideScreen(Screen[Answer]):
    """A screen of its own; a subclass says what is on it, where it stands and what its commands do."""

    CONTEXT: ClassVar[Context]
    HEADING: ClassVar[SafeText] = EMPTY
    """What the status line calls it."""
    UNDO: ClassVar[str] = "take_back"
    """The command that takes back what waits to leave."""

    def __init__(self, news: OutboundNews, session: Session) -> None:
        super().__init__()
        self.news = news
        self.session = session
        self.status = StatusLine(glyphs=session.glyphs, id="status")
        self.hint_bar = HintBar(id="hints")
        self.undo_bar = UndoBar(glyphs=session.glyphs, clock=session.clock, id="undo-bar")
        self.notices = Notices(self, lambda: self.status)
        self._keys = KeySequence(session.keymap)
        self._asked: dict[int, Request] = {}
        self._awaited: RowList[Any] | None = None
        self._is_answered = False
        self._end: Callable[[], None] | None = None
        self._run: Handlers = {}

    # ── what a subclass says ─────────────────────────────────────────────────────────────────────

    def parts(self) -> ComposeResult:
        """What stands between the status line and the hints."""
        raise LookupError(self)

    def situation(self) -> Situation:
        """The frozen picture that guards and hints look at."""
        return Situation(context=self.CONTEXT)

    def handlers(self) -> Handlers:
        """What the commands of this screen do, by id; leaving, palette, help and quit are known."""
        return {}

    def opened(self) -> None:
        """It is on screen: ask for what it shows."""

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """The engine told something; `asked` is the request of this screen that it answers.

        True when it is for this screen alone.
        """
        raise LookupError(event, asked)

    # ── what all of them do ──────────────────────────────────────────────────────────────────────

    def compose(self) -> ComposeResult:
        """Title, the screen's own parts, hints."""
        yield self.status
        yield from self.parts()
        yield self.undo_bar
        yield self.hint_bar

    def on_mount(self) -> None:
        """Listen, then ask."""
        self._run = {
            "leave_screen": self.leave,
            "take_back": self.news.take_back,
            "palette": self._palette,
            "help": self._help,
            "quit_anywhere": self._quit,
            "suspend": partial(suspend_app, self, self.notices),
            **{one.id: partial(self._go, one.id) for one in PLACES},
            **self.handlers(),
        }
        self._end = self.news.listen(self._heard)
        self.status.show_title(self.session.account, self.HEADING)
        self.opened()
        self._show_undo()
        # Textual calls a screen mounted only behind this.
        self.hint_bar.show_hints(self._hints())

    def on_unmount(self) -> None:
        """Hear no more."""
        if self._end is not None:
            self._end()

    def ask(self, request: Request) -> int:
        """Send a request to the engine; what becomes of it is told on this screen."""
        request_id = self.news.ask(request)
        self._asked[request_id] = request
        return request_id

    def await_list(self, rows: RowList[Any]) -> None:
        """Let a list say until its first answer that it is read, or why it cannot be."""
        self._awaited, self._is_answered = rows, False
        self.set_timer(SLOW_SECONDS, self._say_that_it_is_read)

    def _say_that_it_is_read(self) -> None:
        if self._awaited is not None and not self._is_answered:
            self._awaited.say_meanwhile(ui("Reading …"))

    def expect_nothing(self) -> None:
        """What was asked for is not wanted any more: its answers are nobody's."""
        self._asked.clear()

    def leave(self) -> None:
        """Leave; nothing is decided by that."""
        self.dismiss(None)

    def shown_key(self, command: str) -> SafeText:
        """The key of a command as this screen writes it."""
        return self.session.keymap.shown_key(command, self.CONTEXT)

    def _heard(self, event: OutboundEvent | RequestFailed) -> bool:
        if isinstance(event, SendQueued | SendCancelled):
            self._show_undo()
            self.show_hints()
        request_id: int = getattr(event, "request_id", 0)
        asked = self._asked.pop(request_id, None) if request_id else None
        if isinstance(event, RequestFailed) and asked is not None and self._awaited is not None:
            self._is_answered = True
            self._awaited.say_meanwhile(event.sentence)
        return self.heard(event, asked)

    def _show_undo(self) -> None:
        queued, key = self.news.queued, self.shown_key(self.UNDO)
        if queued is None:
            self.undo_bar.end()
        elif key:
            self.undo_bar.show_until(queued.undo_until, key)

    def on_undo_bar_over(self, event: UndoBar.Over) -> None:
        """Nothing waits to leave any more: no hint says that it does."""
        event.stop()
        self.show_hints()

    def _situation(self) -> Situation:
        """The picture of the screen, and whether something can be taken back."""
        sending = self.news.can_take_back(self.session.clock())
        return replace(self.situation(), sending=sending)

    # ── keys and commands ────────────────────────────────────────────────────────────────────────

    def on_key(self, event: events.Key) -> None:
        """Turn keys into commands before any widget's own bindings."""
        if self.take_key(event):
            event.stop()
            event.prevent_default()

    def take_key(self, event: events.Key) -> bool:
        """Run the command of a key; False when it is none, or text for a field."""
        if isinstance(self.focused, Input):
            return False
        self.status.clear_notice()
        begun = bool(self._keys.pending)
        step, command = self._keys.press(keys.key_of(event), self.CONTEXT)
        if step is Step.RUN:
            self.run_command(command)
        if begun or step is not Step.NOTHING:
            self.show_hints()
        return begun or step is not Step.NOTHING

    def run_command(self, command: str) -> None:
        """Run a command by its id, or say why it cannot run."""
        reason = reason_against(BY_ID[command].guard, self._situation())
        if reason:
            self.notices.tell(reason)
        else:
            self._run[command]()

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is no key press."""
        event.stop()

    def show_hints(self) -> None:
        """The hints, as the situation is now."""
        if self.is_mounted:
            self.hint_bar.show_hints(self._hints())

    def _hints(self) -> tuple[Hint, ...]:
        begun, keymap = self._keys.pending, self.session.keymap
        if begun:
            return hints.continuations(keymap, self.CONTEXT, begun, self._situation())
        return hints.hint_bar(keymap, self._situation())

    def _palette(self) -> None:
        show_palette(self, self.session, self._situation(), self.shown_key, self.run_command)

    def _help(self) -> None:
        show_help(self, self.session, self.CONTEXT)

    def _go(self, command: str) -> None:
        """Another screen takes the place of this one."""
        self.dismiss(None)
        self.news.go(command)

    def _quit(self) -> None:
        self.app.call_later(self.app.action_quit)
