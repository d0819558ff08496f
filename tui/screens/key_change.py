"""The alarm about a changed key: both fingerprints, and an answer that is not the default.

Closes the trap of an alarm that is clicked away: the focus stands on "Do not accept", Enter and y
accept nothing, and only the answer itself, reached on purpose or by Shift+A, does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from services.key_models import FingerprintView, PeerView
from services.safe_text import SafeText, join, phrase, ui
from tui.screens.dialogs import Dialog
from widgets.dates import day_words
from widgets.fingerprint import FingerprintPair, differing_groups
from widgets.glyphs import Glyphs
from widgets.key_words import verified_words
from widgets.plain import Plain


class KeyChangeDialog(Dialog[bool]):
    """Asks whether the offered key takes the pinned one's place; True only when it shall."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,right,h,l,tab,shift+tab,up,down", "other", "Other answer", show=False),
        Binding("n,q", "leave", "Do not accept", show=False),
        Binding("A", "accept", "Accept", show=False),
    ]

    def __init__(
        self,
        peer: PeerView,
        pinned: FingerprintView,
        offered: FingerprintView,
        glyphs: Glyphs,
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(monotonic)
        self._peer, self._pinned, self._offered = peer, pinned, offered
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """What happened, both fingerprints, what it may mean, the two answers."""
        labels = (ui("old"), ui("new"))
        with Vertical(classes="dialog tall"):
            yield Plain(
                phrase("{} {} HAS ANOTHER KEY", self._glyphs.unverified, self._peer.shown),
                classes="dialog-title alarm",
            )
            yield Plain(self._dates(), classes="dialog-line")
            yield FingerprintPair(
                self._pinned, self._offered, labels=labels, glyphs=self._glyphs, id="fingerprint"
            )
            yield Plain(
                phrase(
                    "{}. Sending is blocked: it may have made a new key, or somebody stands in "
                    "between. Ask it over another channel than mail.",
                    differing_groups(self._pinned, self._offered),
                ),
                classes="dialog-line",
            )
            yield Plain(
                phrase("new in words: {}", self._offered.words), classes="dialog-line dialog-extra"
            )
            with Horizontal(classes="dialog-answers"):
                yield Button("Do not accept", id="no", compact=True)
                yield Button("Accept the new key (A)", id="yes", variant="error", compact=True)

    def _dates(self) -> SafeText:
        peer = self._peer
        words = [phrase("old pinned {}", day_words(peer.since))]
        if peer.verified_at:
            words.append(phrase("{} {}", verified_words(peer), day_words(peer.verified_at)))
        if peer.offered_at:
            words.append(phrase("new seen {}", day_words(peer.offered_at)))
        return join(", ", words)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer, when the answer may be given."""
        event.stop()
        if event.button.id == "yes":
            self.action_accept()
        else:
            self.dismiss(None)

    def action_other(self) -> None:
        """Move to the other answer."""
        other = "#yes" if self.query_one("#no").has_focus else "#no"
        self.set_focus(self.query_one(other))

    def action_accept(self) -> None:
        """Accept, unless it was typed ahead of the question."""
        if self.armed:
            self.dismiss(True)

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is no answer."""
        event.stop()
