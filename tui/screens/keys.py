"""The Keys screen: the own key and its place in the directory, peers, and what can be done with them.

Closes the trap of a picture that is older than the keys: every change comes as a whole `KeysView`, and
what takes a while stands in the row of the key it is about, not over the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from services.events import RequestFailed, Severity
from services.key_events import (
    DirectoryConflict,
    KeysChanged,
    KeyWork,
    KeyWorkDone,
    ReadKeys,
)
from services.key_models import (
    DirectoryStatus,
    LockState,
    OwnKeyView,
    PeerStatus,
    PeerView,
    TrustedSenderView,
)
from services.safe_text import phrase, ui
from tui import hints, keys
from tui.commands import BY_ID
from tui.guards import reason_against
from tui.keymap import KeySequence, Step
from tui.notices import Notices
from tui.screens.dialogs import ConfirmDialog
from tui.screens.key_actions import KeyActions, handlers
from tui.situation import Context, Situation
from widgets.hint_bar import HintBar
from widgets.key_card import KeyCard
from widgets.key_list import Chosen, KeyList
from widgets.key_note import KeyNote
from widgets.status_line import StatusLine

if TYPE_CHECKING:
    from services.events import KeyEvent
    from services.requests import OwnRequest
    from services.safe_text import SafeText
    from tui.key_news import KeyNews
    from tui.session import Session

MINUTE: Final = 60.0
_NOT_PUBLISHED: Final = frozenset({DirectoryStatus.ABSENT, DirectoryStatus.REVOKED})


class KeysScreen(Screen[None]):
    """Keys, peers and directory of one account."""

    AUTO_FOCUS = "KeyList"

    def __init__(self, news: KeyNews, session: Session) -> None:
        super().__init__()
        self.news = news
        self.session = session
        glyphs, clock = session.glyphs, session.clock
        self._status = StatusLine(glyphs=glyphs, id="status")
        self._card = KeyCard(glyphs=glyphs, clock=clock, id="key-card")
        self.list = KeyList(glyphs=glyphs, clock=clock, id="key-list")
        self._note = KeyNote(glyphs=glyphs, clock=clock, id="key-note")
        self._hints = HintBar(id="hints")
        self._keys = KeySequence(session.keymap)
        self._asked: dict[int, OwnRequest] = {}
        self._end: Callable[[], None] | None = None
        self.notices = Notices(self, lambda: self._status)
        self.actions = KeyActions(self)
        self._run = handlers(self)

    def compose(self) -> ComposeResult:
        """Title, card, list, note, hints."""
        yield self._status
        yield self._card
        yield self.list
        yield self._note
        yield self._hints

    def on_mount(self) -> None:
        """Show what is known, and ask for the rest."""
        self._end = self.news.listen(self._heard)
        self._status.show_title(self.session.account, ui("Keys"))
        self.set_interval(MINUTE, self._minute)
        self._show()
        self.ask(ReadKeys(ask_directory=True))

    def on_unmount(self) -> None:
        """Hear no more."""
        if self._end is not None:
            self._end()

    def confirm(
        self, question: SafeText, details: Sequence[SafeText], yes: SafeText, request: OwnRequest
    ) -> None:
        """Ask the operator whether this is to be asked of the engine."""

        def answered(sure: bool | None) -> None:
            if sure:
                self.ask(request)

        dialog = ConfirmDialog(question, details, yes, self.session.monotonic)
        self.app.push_screen(dialog, answered)

    def ask(self, request: OwnRequest) -> int:
        """Send a request to the engine; what becomes of it is told on this screen."""
        request_id = self.news.ask(request)
        self._asked[request_id] = request
        return request_id

    @property
    def current(self) -> Chosen | None:
        """What the cursor stands on."""
        return self.list.current

    # ── keys and commands ────────────────────────────────────────────────────────────────────────

    def on_key(self, event: events.Key) -> None:
        """Turn keys into commands before any widget's own bindings."""
        self._status.clear_notice()
        begun = bool(self._keys.pending)
        step, command = self._keys.press(keys.key_of(event), Context.KEYS)
        if step is Step.RUN:
            self.run_command(command)
        if begun or step is not Step.NOTHING:
            self._show_hints()
            event.stop()
            event.prevent_default()

    def run_command(self, command: str) -> None:
        """Run a command by its id, or say why it cannot run."""
        reason = reason_against(BY_ID[command].guard, self.situation())
        if reason:
            self.notices.tell(reason)
        else:
            self._run[command]()

    def shown_key(self, command: str) -> SafeText:
        """The key of a command as the screen writes it."""
        return self.session.keymap.shown_key(command, Context.KEYS)

    def situation(self) -> Situation:
        """The frozen picture that guards and hints look at."""
        view = self.news.keys
        return Situation(
            context=Context.KEYS,
            has_key=view is not None and view.lock is not LockState.NO_KEY,
            unlocked=view is not None and view.lock is LockState.UNLOCKED,
            locked=view is not None and (view.lock is LockState.LOCKED or bool(view.locked)),
            published=view is not None and view.directory.status not in _NOT_PUBLISHED,
            same_published=view is not None and view.directory.status is DirectoryStatus.SAME,
            entry=_kind(self.current),
            offers_trusted=view is not None and view.offers_trusted,
        )

    # ── what the engine tells ────────────────────────────────────────────────────────────────────

    def _heard(self, event: KeyEvent | RequestFailed) -> bool:
        if isinstance(event, KeysChanged):
            self._show()
            return True
        if isinstance(event, KeyWork):
            self._card.show_work(event.sentence, event.fraction)
            return True
        if isinstance(event, KeyWorkDone | RequestFailed | DirectoryConflict):
            asked = self._asked.pop(event.request_id, None)
            if isinstance(event, RequestFailed) and asked is None:
                return False
            self._card.show_work()
            self._done(event, asked)
            return True
        return False

    def _done(
        self, event: KeyWorkDone | RequestFailed | DirectoryConflict, asked: OwnRequest | None
    ) -> None:
        if isinstance(event, RequestFailed):
            self.actions.failed(asked)
            self.notices.tell(event.sentence, Severity.ERROR, event.next_step)
        elif isinstance(event, DirectoryConflict):
            self.actions.conflict(event)
        else:
            self.notices.tell(event.sentence)
            self.actions.done(event, asked)

    def on_row_list_cursor_moved(self, event: KeyList.CursorMoved) -> None:
        """Tell about the entry under the cursor."""
        event.stop()
        self._note.show_entry(self.current)
        self._show_hints()

    def on_row_list_opened(self, event: KeyList.Opened) -> None:
        """A click on the current row is Enter."""
        event.stop()
        self.run_command("compare_key")

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is no key press."""
        event.stop()

    # ── what is shown ────────────────────────────────────────────────────────────────────────────

    def _show(self) -> None:
        view = self.news.keys
        if view is None or not self.is_mounted:
            return
        key = self.shown_key
        no_key = (
            ui("There is no key yet: mail that is encrypted to you cannot be read."),
            phrase("{} makes one, {} imports one.", key("generate_key"), key("import_key")),
        )
        no_peers = phrase("No peers yet: {} looks one up in the directory.", key("add_peer"))
        with self.app.batch_update():
            self._card.show_keys(view, no_key)
            self.list.show_keys(view, no_peers)
        self.actions.shown()
        self._show_hints()

    def _show_hints(self) -> None:
        begun, keymap = self._keys.pending, self.session.keymap
        if begun:
            self._hints.show_hints(hints.continuations(keymap, Context.KEYS, begun))
        else:
            self._hints.show_hints(hints.hint_bar(keymap, self.situation()))

    def _minute(self) -> None:
        """The time that is left until the keys lock themselves is told in minutes."""
        if self.situation().unlocked and self.news.keys is not None:
            self._card.changed()


def _kind(entry: Chosen | None) -> str:
    if isinstance(entry, PeerView):
        return "changed" if entry.status is PeerStatus.CHANGED else "peer"
    if isinstance(entry, OwnKeyView):
        return "key"
    if isinstance(entry, TrustedSenderView):
        return "trusted"
    return "domain" if entry is not None else ""
