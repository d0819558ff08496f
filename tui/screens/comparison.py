"""The comparison of a fingerprint over another channel, and the own one to read to somebody.

Closes the trap of "verified" as a habit: the safe answer has the focus, nothing typed ahead can say
that two fingerprints match, and how they were compared is kept with the mark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button

from services.key_models import FingerprintView, PeerView
from services.safe_text import SafeText, phrase, ui
from tui.screens.dialogs import Dialog
from widgets.fingerprint import FingerprintCard
from widgets.plain import Plain

HOWS: Sequence[tuple[SafeText, str]] = (
    (ui("by voice"), "by voice"),
    (ui("in person"), "in person"),
    (ui("by video"), "by video"),
)
OTHER = "other"
"""The answer that asks for words of the operator's."""


class ComparisonDialog(Dialog[str]):
    """A peer's fingerprint in groups and words; returns how it was compared, OTHER, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,left,k,shift+tab", "app.focus_previous", "Before", show=False),
        Binding("down,right,j,tab", "app.focus_next", "Next", show=False),
    ]

    def __init__(
        self, peer: PeerView, fingerprint: FingerprintView, monotonic: Callable[[], float]
    ) -> None:
        super().__init__(monotonic)
        self._peer, self._fingerprint = peer, fingerprint

    def compose(self) -> ComposeResult:
        """The fingerprint in both forms, then the answers from the safest on."""
        with Vertical(classes="dialog tall"):
            yield Plain(phrase("Compare the key of {}", self._peer.shown), classes="dialog-title")
            yield Plain(
                ui("Compare all of it over another channel than mail."),
                classes="dialog-line",
            )
            yield FingerprintCard(self._fingerprint, id="fingerprint")
            with Vertical(classes="dialog-choices"):
                yield Button("It differs, or I am not sure", id="no", compact=True)
                for number, (how, _) in enumerate(HOWS):
                    words = phrase("They match, compared {}", how)
                    yield Button(Content(words), id=f"how-{number}", compact=True)
                yield Button("They match, compared in another way …", id="other", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Return how they were compared, when the answer may be given."""
        event.stop()
        name = event.button.id or ""
        if name == "no":
            self.dismiss(None)
        elif self.armed:
            self.dismiss(OTHER if name == OTHER else HOWS[int(name.removeprefix("how-"))][1])


class OwnFingerprintDialog(Dialog[None]):
    """The own fingerprint, to read it to somebody."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "leave", "Close", show=False)]

    def __init__(
        self, fingerprint: FingerprintView, user_id: SafeText, monotonic: Callable[[], float]
    ) -> None:
        super().__init__(monotonic)
        self._fingerprint, self._user_id = fingerprint, user_id

    def compose(self) -> ComposeResult:
        """Whose it is, both forms, one answer."""
        with Vertical(classes="dialog tall"):
            yield Plain(ui("My fingerprint"), classes="dialog-title")
            yield Plain(self._user_id, classes="dialog-line")
            yield FingerprintCard(self._fingerprint, id="fingerprint")
            with Vertical(classes="dialog-choices"):
                yield Button("Close", id="close", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Close."""
        event.stop()
        self.dismiss(None)
