"""What is told about an encrypted message besides its text: whether it opened, and who signed it.

Loaded with the first encrypted message, never for the first frame: `RenderedMessage.seal` and
`TrustFacts.seal` are None for a message in clear. Closes two traps: a damaged message that is told
apart from another damaged one (one sentence for every cause, research/crypto.md §3), and "encrypted"
read as "from": a verdict of its own says what is known about the signer, and only against the key
that is pinned for the sender's address.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from services.safe_text import EMPTY, SafeText


class SealState(Enum):
    """Whether an encrypted message is open, and why not."""

    OPENED = "opened"
    LOCKED = "locked"
    """An own key would open it and waits for its passphrase; the screen names its key for that."""
    NOT_FOR_ME = "not for me"
    NO_KEY = "no key"
    """There is no own key at all."""
    DAMAGED = "damaged"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too large"


class SignatureVerdict(Enum):
    """What is known about the signature inside an opened message (`services.crypto.verdicts`)."""

    NONE = "none"
    GOOD = "good"
    """Made by the key that is pinned for the address in From."""
    UNKNOWN = "unknown"
    """Made by another key, or no key is pinned for the address: it proves nothing."""
    BAD = "bad"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class SealFacts:
    """The facts about one encrypted message; everything in it is safe to show."""

    state: SealState
    sentence: SafeText = EMPTY
    """Why it is not open; empty when it is."""
    next_step: SafeText = EMPTY
    verdict: SignatureVerdict = SignatureVerdict.NONE
    signer: SafeText = EMPTY
    """The signer's fingerprint in groups of four, or only a key id (UNKNOWN)."""
    signed_at: int = 0
    """Seconds since the epoch, 0 when nothing vouches for it."""
    to_key: SafeText = EMPTY
    """The own key that opened it, in groups of four."""
    own_keys: tuple[SafeText, ...] = ()
    """With NOT_FOR_ME: the fingerprints of the own keys, in groups of four."""
    outside: bool = False
    """Text shown stands outside of the encrypted block (`BodyLine.outside`), other than the list of
    files that the service writes there."""
