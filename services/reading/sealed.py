"""Between the ciphertext that a mail holds and the text that is shown: what an opener is asked.

Closes the trap of decrypted data being read in the process that holds the keys: the opener gives
bytes back, unread, and they go through the sealed worker like any mail from outside. Nothing here
knows a key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from services.limits import SEALED_LIMIT
from services.reading.parsed_mail import ParsedMail
from services.safe_text import phrase, ui
from services.seal_models import SealFacts, SealState

CLOSED: Final = SealFacts(
    SealState.LOCKED,
    ui("Encrypted message; it stays closed here."),
    ui("The raw view shows the armor."),
)
"""What is told where nobody has a key to try."""
_DAMAGED: Final = SealFacts(
    SealState.DAMAGED,
    ui("The encrypted message is damaged and cannot be opened."),
    ui("Ask the sender to send it again."),
)
"""The words of `services.crypto.errors.Damaged`: nobody is told what is wrong with it."""
_TOO_LARGE: Final = SealFacts(
    SealState.TOO_LARGE,
    phrase("The encrypted block is larger than {:,} bytes, the most that is opened.", SEALED_LIMIT),
    ui("Open it with another program if you trust its sender."),
)
_MANY: Final = "The message holds {} encrypted blocks. One is opened at most, so all stay closed."
_ASK_FOR_ONE: Final = ui("Ask the sender for a message with one block.")


@dataclass(frozen=True, slots=True)
class Plaintext:
    """Decrypted bytes that nobody has read yet; `is_entity` when PGP/MIME says what they are."""

    data: bytes = field(repr=False)
    is_entity: bool = False


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What came of an encrypted mail: the facts, and the content when it is open."""

    facts: SealFacts
    plaintext: Plaintext | None = None
    was_kept: bool = False
    """It comes from what an earlier session kept, not from the message."""


class Opener(Protocol):
    """Opens the encrypted block of a mail that has been read; called on a worker thread."""

    def __call__(self, mail: ParsedMail) -> Unsealed:
        """Return the outcome; never raises for what is in the mail."""
        ...


def hopeless(mail: ParsedMail) -> SealFacts | None:
    """Return what is wrong with an encrypted mail whatever the keys are; None when it may open.

    Two blocks would let somebody's own words stand beside a message that he captured, so that an
    answer quotes both to him; which one was meant is not for a program to guess.
    """
    if mail.sealed_flaw == "too-large":
        return _TOO_LARGE
    if mail.sealed_flaw:
        return _DAMAGED
    if len(mail.sealed) > 1:
        return SealFacts(SealState.UNSUPPORTED, phrase(_MANY, len(mail.sealed)), _ASK_FOR_ONE)
    return None
