"""The trust panel: what is known about a message from outside its text.

Closes the trap of a message that says of itself that it is verified: these lines stand in the card
above the rule, in words and glyphs, and body text reaches neither their place nor their ground.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.models import MessageRow
from services.safe_text import SafeText, phrase, ui
from services.shown_mail import RenderedMessage, TrustFacts
from widgets.card_view import CardView
from widgets.cells import fit, wrapped
from widgets.flowing import flowed, padded
from widgets.glyphs import UNICODE, Glyphs
from widgets.rows import Part

if TYPE_CHECKING:
    from services.key_models import PeerView

MOST_NOTE_LINES: Final = 4
REVEAL_KEY: Final = ui("H")
UNLOCK_KEY: Final = ui("Enter")


def trust_facts(
    trust: TrustFacts, glyphs: Glyphs, reveal_key: SafeText, peer: PeerView | None = None
) -> list[tuple[SafeText, str]]:
    """The facts, most important first, each with its role."""
    facts = [_sender_fact(trust, glyphs)]
    if trust.first_contact:
        facts.append((phrase("{} first contact", glyphs.first_contact), "alarm"))
    if trust.seal is not None:
        from widgets.seal_words import seal_facts

        facts += seal_facts(trust.seal, peer, glyphs)
    elif trust.encrypted:
        facts.append((phrase("{} encrypted", glyphs.encrypted), "text"))
    if trust.hidden_characters:
        template = (
            "{} hidden character ({} show)"
            if trust.hidden_characters == 1
            else "{:,} hidden characters ({} show)"
        )
        facts.append((phrase(template, trust.hidden_characters, reveal_key), "alarm"))
    return facts


def _sender_fact(trust: TrustFacts, glyphs: Glyphs) -> tuple[SafeText, str]:
    if trust.sent:
        return ui("sent from this inbox"), "text"
    if trust.verified:
        return phrase("{} verified sender", glyphs.verified), "good"
    return phrase("{} unverified sender", glyphs.unverified), "alarm"


def _notes(trust: TrustFacts, unlock_key: SafeText) -> tuple[SafeText, ...]:
    if trust.seal is None:
        return trust.notes
    from widgets.seal_words import seal_notes

    return (*seal_notes(trust.seal, unlock_key), *trust.notes)


def trust_lines(
    trust: TrustFacts,
    width: int,
    glyphs: Glyphs,
    reveal_key: SafeText,
    *,
    unlock_key: SafeText = UNLOCK_KEY,
    peer: PeerView | None = None,
) -> list[list[Part]]:
    """Facts side by side, broken where they do not fit; then the notes; then the rule."""
    lines = [
        padded(line, width)
        for line in flowed(trust_facts(trust, glyphs, reveal_key, peer), width, glyphs)
    ]
    noted = [line for note in _notes(trust, unlock_key) for line in _note(note, width, glyphs)]
    if len(noted) > MOST_NOTE_LINES:
        rest = phrase("{} more lines of notes", len(noted) - MOST_NOTE_LINES + 1)
        noted = [
            *noted[: MOST_NOTE_LINES - 1],
            [(fit(f"  {rest}", width, glyphs.ellipsis), "muted")],
        ]
    return [*lines, *noted, [(glyphs.rule * width, "muted")]]


def _note(note: SafeText, width: int, glyphs: Glyphs) -> list[list[Part]]:
    room = max(1, width - 2)
    rows = [note[start:end] for start, end in wrapped(note, room)]
    return [
        [(f"{glyphs.unverified} " if number == 0 else "  ", "alarm"), (fit(text, room), "text")]
        for number, text in enumerate(rows)
    ]


class TrustPanel(CardView):
    """Verified or not, first contact, encrypted, hidden characters, notes; then the rule."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        reveal_key: SafeText = REVEAL_KEY,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._reveal_key = reveal_key
        self._trust: TrustFacts | None = None
        self._peer: PeerView | None = None

    def show_message(
        self,
        message: RenderedMessage,  # noqa: ARG002 - the same call for every widget of a message
        trust: TrustFacts,
        row: MessageRow | None = None,  # noqa: ARG002
    ) -> None:
        """Show what is known about a message."""
        self.show_facts(trust)

    def show_facts(self, trust: TrustFacts) -> None:
        """Show what is known; of the sender's key, what `show_peer` tells afterwards."""
        self._trust, self._peer = trust, None
        self.changed()

    def show_peer(self, peer: PeerView | None) -> None:
        """Show what is known of the key of the sender's address."""
        if peer != self._peer:
            self._peer = peer
            self.changed()

    def fitted(self, width: int) -> list[list[Part]]:
        """Facts, notes and the rule."""
        if self._trust is None:
            return []
        return trust_lines(self._trust, width, self._glyphs, self._reveal_key, peer=self._peer)
