"""What the trust panel tells about an encrypted message: the seal, the signature, the sender's key.

Closes two traps: "encrypted" read as "from" (who signed is a fact of its own, and "not signed" is
told), and a verdict that stands in the text, where anybody can write one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from services.key_models import PeerStatus, PeerView
from services.safe_text import EMPTY, SafeText, phrase, ui
from services.seal_models import SealFacts, SealState, SignatureVerdict
from widgets.dates import day_words
from widgets.glyphs import Glyphs
from widgets.key_words import verified_words

Fact = tuple[SafeText, str]
"""Words and their role."""

_STATES: Final = {
    SealState.OPENED: ui("encrypted"),
    SealState.LOCKED: ui("encrypted, locked"),
    SealState.NOT_FOR_ME: ui("encrypted, not to your key"),
    SealState.NO_KEY: ui("encrypted, no key"),
    SealState.DAMAGED: ui("encrypted, damaged"),
    SealState.UNSUPPORTED: ui("encrypted, not supported"),
    SealState.TOO_LARGE: ui("encrypted, too large"),
}
_WAITING: Final = frozenset({SealState.OPENED, SealState.LOCKED, SealState.NO_KEY})


def seal_facts(seal: SealFacts, peer: PeerView | None, glyphs: Glyphs) -> Iterator[Fact]:
    """The facts of an encrypted message, the seal first."""
    mark = glyphs.encrypted if seal.state in _WAITING else glyphs.unreadable
    role = "text" if seal.state is SealState.OPENED else "alarm"
    yield phrase("{} {}", mark, _STATES[seal.state]), role
    if seal.outside:
        yield phrase("{} some of the text is NOT encrypted", glyphs.unverified), "alarm"
    if seal.state is SealState.OPENED:
        yield _signature(seal, glyphs)
    if peer is not None:
        is_proven = seal.verdict is SignatureVerdict.GOOD
        yield from peer_facts(peer, glyphs, is_proven=is_proven)


def seal_notes(seal: SealFacts, unlock_key: SafeText) -> Iterator[SafeText]:
    """The sentence about a message that is not open, with what to do."""
    if seal.sentence and seal.state is not SealState.OPENED:
        step = seal.next_step
        if seal.state is SealState.LOCKED:
            step = phrase("{} asks for the passphrase and opens it.", unlock_key)
        yield phrase("{} {}", seal.sentence, step) if step else seal.sentence
    for number, key in enumerate(seal.own_keys):
        yield phrase("your key: {}", key) if number == 0 else phrase("and {}", key)
    if seal.verdict is SignatureVerdict.UNKNOWN and seal.signer:
        yield phrase("The signer's key is {}; it says nothing about the sender.", seal.signer)


def peer_facts(peer: PeerView, glyphs: Glyphs, *, is_proven: bool) -> Iterator[Fact]:
    """What is known of the key of the sender's address; a check mark only where the key signed."""
    if peer.status is PeerStatus.CHANGED:
        yield phrase("{} KEY CHANGED", glyphs.unverified), "alarm"
    elif peer.status is PeerStatus.VERIFIED:
        mark, role = (glyphs.verified, "good") if is_proven else (glyphs.pinned, "text")
        yield phrase("{} key {}", mark, verified_words(peer)), role
    elif peer.status is PeerStatus.PINNED:
        yield phrase("{} key pinned since {}", glyphs.pinned, day_words(peer.since)), "text"


def _signature(seal: SealFacts, glyphs: Glyphs) -> Fact:
    if seal.verdict is SignatureVerdict.GOOD:
        when = day_words(seal.signed_at)
        on = phrase(" on {}", when) if when else EMPTY
        return phrase("{} signed by the sender's pinned key{}", glyphs.verified, on), "good"
    return {
        SignatureVerdict.NONE: (ui("not signed"), "text"),
        SignatureVerdict.UNKNOWN: (
            phrase("{} signed by a key you do not know", glyphs.unverified),
            "caution",
        ),
        SignatureVerdict.BAD: (phrase("{} BAD SIGNATURE", glyphs.unverified), "alarm"),
        SignatureVerdict.UNUSABLE: (
            phrase("{} the signature proves nothing", glyphs.unverified),
            "alarm",
        ),
    }[seal.verdict]
