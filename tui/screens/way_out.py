"""How a mail leaves, and what its text is: one choice, with the reason where there is none.

Closes the trap of a choice that nobody can make and nobody explains: what is not to be had stands
there, greyed, and its reason under the list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button

from services.draft import BodyFormat, Draft, Encryption
from services.events import RequestFailed
from services.safe_text import EMPTY, SafeText, ui
from services.way_events import AskWays, Way, WaysTold
from tui.screens.dialogs import Dialog
from widgets.plain import Plain

if TYPE_CHECKING:
    from services.events import OutboundEvent
    from tui.outbound_news import OutboundNews

_NO_HTML = ui("An encrypted mail carries no HTML: leave it in clear, or choose plain text.")


class WayOutDialog(Dialog[Draft]):
    """Asks how it leaves; returns the changed draft, or None."""

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,shift+tab", "app.focus_previous", "Before", show=False),
        Binding("down,tab", "app.focus_next", "Next", show=False),
    ]

    def __init__(
        self, draft: Draft, account: str, news: OutboundNews, monotonic: Callable[[], float]
    ) -> None:
        super().__init__(monotonic)
        self._draft = draft
        self._account = account
        self._news = news
        self._asked = 0
        self._ways: tuple[Way, ...] = ()
        self._end: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        """The ways, as soon as they are told, and why some are not to be had."""
        with Vertical(classes="dialog tall"):
            yield Plain(ui("How it leaves"), classes="dialog-title")
            with Vertical(classes="dialog-choices", id="ways"):
                yield Button("Cancel", id="cancel", compact=True)
            yield Plain(ui("Asking what is set up …"), classes="dialog-line dialog-state")

    def on_mount(self) -> None:
        """Ask which there are."""
        super().on_mount()
        self._end = self._news.listen(self._heard)
        self._asked = self._news.ask(AskWays(self._account))

    def on_unmount(self) -> None:
        """Hear no more."""
        if self._end is not None:
            self._end()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Take a way."""
        event.stop()
        name = event.button.id or ""
        if not name.startswith("way-"):
            self.dismiss(None)
        elif self.armed:
            way = self._ways[int(name.removeprefix("way-"))]
            self.dismiss(replace(self._draft, via=way.via, format=way.format))

    def _heard(self, event: OutboundEvent | RequestFailed) -> bool:
        if not isinstance(event, WaysTold | RequestFailed) or event.request_id != self._asked:
            return False
        if isinstance(event, RequestFailed):
            self._say(event.sentence)
        else:
            self._show(event)
        return True

    def _show(self, told: WaysTold) -> None:
        self._ways = told.ways
        reasons = [self._reason(way) for way in told.ways]
        buttons = [self._button(number, reason) for number, reason in enumerate(reasons)]
        self.query_one("#ways", Vertical).mount(*buttons, before=0)
        self._say(next(filter(None, reasons), told.place))
        chosen = next((button for button in buttons if self._is_chosen(button)), buttons[0])
        self.call_after_refresh(lambda: self.set_focus(chosen))

    def _button(self, number: int, reason: SafeText) -> Button:
        way = self._ways[number]
        mark = "● " if (way.via, way.format) == (self._draft.via, self._draft.format) else "  "
        return Button(
            Content(mark + way.words), id=f"way-{number}", compact=True, disabled=bool(reason)
        )

    def _is_chosen(self, button: Button) -> bool:
        return not button.disabled and str(button.label).startswith("●")

    def _reason(self, way: Way) -> SafeText:
        if way.hindrance:
            return way.hindrance
        is_sealed = self._draft.encryption is Encryption.REQUIRED
        return _NO_HTML if is_sealed and way.format is not BodyFormat.PLAIN else EMPTY

    def _say(self, words: SafeText) -> None:
        self.query_one(".dialog-state", Plain).update(Content(words))
