"""The passphrase dialog: one masked field, kept open until a key opens or the operator leaves.

Closes three traps: a passphrase that lives on in a field (it is taken out with Enter, before anything
is asked), a wrong one that ends in a closed dialog and a riddle (the sentence stands under the empty
field), and one kept somewhere because nobody unticked a box (keeping it is off until chosen).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button

from services.events import RequestFailed
from services.key_events import KeysChanged, KeyWork, KeyWorkDone, UnlockKeys, WrongPassphrase
from services.key_models import LockState
from services.safe_text import EMPTY, SafeText, phrase, ui
from tui.screens.field_dialog import FieldDialog
from tui.screens.secret_field import secret_field, take_secret
from widgets.plain import Plain

if TYPE_CHECKING:
    from services.events import KeyEvent
    from tui.key_news import KeyNews

_REMEMBER = {False: ui("[ ] keep it in the keyring"), True: ui("[x] keep it in the keyring")}


class PassphraseDialog(FieldDialog[bool]):
    """Asks for the passphrase of the own keys; returns True once they are unlocked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+k", "toggle_keep", "Keep in the keyring", show=False, priority=True),
    ]
    FIELDS = ("passphrase",)

    def __init__(self, news: KeyNews, monotonic: Callable[[], float]) -> None:
        super().__init__(monotonic)
        self._news = news
        self._keep = False
        self._was_locked = news.lock is not LockState.UNLOCKED
        self._request_id = 0
        self._end: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        """Which key, the field, what to keep, one line of state."""
        with Vertical(classes="dialog tall"):
            yield Plain(ui("Unlock your key"), classes="dialog-title")
            yield Plain(self._about(), classes="dialog-line")
            yield secret_field("passphrase")
            yield Button(Content(_REMEMBER[False]), id="tick", compact=True, classes="dialog-tick")
            yield from self.ending(ui("Unlock"))
            keys = ui("Enter unlocks · Ctrl+K ticks the box · Esc leaves")
            yield Plain(keys, classes="dialog-hint dialog-extra")

    def _about(self) -> SafeText:
        keys = self._news.keys
        if keys is None or not keys.own:
            return ui("It opens what is encrypted to you: mail, and your own drafts.")
        if len(keys.locked) > 1:
            return phrase("{} keys are locked; each that it fits is opened.", len(keys.locked))
        key = (keys.locked or keys.own)[0]
        return phrase("{}, {}", key.user_id, key.algorithm)

    def on_mount(self) -> None:
        """Listen to what comes of it."""
        super().on_mount()
        self._end = self._news.listen(self._heard)

    def on_unmount(self) -> None:
        """Listen no more."""
        if self._end is not None:
            self._end()

    def tick(self) -> None:
        """Tick the box."""
        self.action_toggle_keep()

    def action_toggle_keep(self) -> None:
        """Keep the passphrase in the keyring, or not."""
        self._keep = not self._keep
        self.query_one("#tick", Button).label = Content(_REMEMBER[self._keep])

    def answer(self) -> None:
        """Take the passphrase out of the field and try it; the dialog stays until it opens."""
        if self._request_id:
            return
        secret = take_secret(self.field("passphrase"))
        if not secret:
            self.say(ui("Type the passphrase of your key."))
            return
        self.say(ui("Unlocking …"))
        self._request_id = self._news.ask(UnlockKeys(secret, remember=self._keep))

    def _heard(self, event: KeyEvent | RequestFailed) -> bool:
        if isinstance(event, KeysChanged):
            if self._was_locked and event.keys.lock is LockState.UNLOCKED:
                self._close()
            return False
        if isinstance(event, KeyWork | KeyWorkDone | WrongPassphrase | RequestFailed):
            return event.request_id == self._request_id != 0 and self._answered(event)
        return False

    def _answered(self, event: KeyWork | KeyWorkDone | WrongPassphrase | RequestFailed) -> bool:
        if isinstance(event, KeyWorkDone):
            self._close()
            return False
        if isinstance(event, KeyWork):
            self.say(event.sentence)
            return True
        self._request_id = 0
        step = event.next_step if isinstance(event, RequestFailed) else EMPTY
        self.say(
            phrase("! {} {}", event.sentence, step) if step else phrase("! {}", event.sentence)
        )
        self.set_focus(self.field("passphrase"))
        return True

    def _close(self) -> None:
        if self.is_current:
            self.dismiss(True)
