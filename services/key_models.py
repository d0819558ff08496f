"""What screens show about keys, peers and the directory: plain, frozen, safe to show.

Loaded with the first key request, never for the first frame. Fingerprints travel twice: raw (40
upper-case hex digits, compared and sent back) and as SafeText in groups of four (shown).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from services.safe_text import EMPTY, SafeText


class LockState(Enum):
    """Whether encrypted mail can be read right now."""

    NO_KEY = "no key"
    LOCKED = "locked"
    UNLOCKED = "unlocked"


@dataclass(frozen=True, slots=True)
class FingerprintView:
    """One fingerprint: `raw` for comparing, `groups` and `words` for people."""

    raw: str
    groups: SafeText
    words: SafeText


@dataclass(frozen=True, slots=True)
class OwnKeyView:
    """One key of the operator's; times are seconds since the epoch."""

    fingerprint: FingerprintView
    algorithm: SafeText
    user_id: SafeText
    made: int
    expires: int | None
    is_current: bool
    """The key that is published and that new mail is sealed to; the others open older mail."""
    is_sealed: bool
    """A passphrase protects the file."""
    is_unlocked: bool
    warnings: tuple[SafeText, ...] = ()


class DirectoryStatus(Enum):
    """How the directory's entry stands to the current key."""

    UNKNOWN = "unknown"
    """Not asked yet, or the directory could not be reached."""
    ABSENT = "absent"
    SAME = "same"
    OLDER = "older"
    """The directory still has one of the operator's former keys."""
    REVOKED = "revoked"
    FOREIGN = "foreign"
    """The directory has a key that is none of the operator's."""


@dataclass(frozen=True, slots=True)
class DirectoryView:
    """The own entry in the directory, as it was at `checked_at`."""

    status: DirectoryStatus = DirectoryStatus.UNKNOWN
    version: int = 0
    fingerprint: FingerprintView | None = None
    """The OpenPGP fingerprint of the entry, when it holds a readable key."""
    checked_at: int = 0
    sentence: SafeText = EMPTY


class PeerStatus(Enum):
    """How far a peer's key can be relied on."""

    PINNED = "pinned"
    """First seen at `since`, the same ever since."""
    VERIFIED = "verified"
    """The operator has compared the fingerprint over another channel."""
    CHANGED = "changed"
    """The directory shows another key: sending is blocked until it is accepted."""
    UNUSABLE = "unusable"
    """Expired, revoked or without an encryption part; `why` tells."""
    NO_KEY = "no key"


@dataclass(frozen=True, slots=True)
class PeerView:
    """One peer with its pinned key."""

    address: str
    """Raw and lower-case: the key of every peer request."""
    shown: SafeText
    status: PeerStatus
    fingerprint: FingerprintView | None = None
    algorithm: SafeText = EMPTY
    since: int = 0
    verified_at: int = 0
    verified_how: SafeText = EMPTY
    expires: int | None = None
    requires_encryption: bool = False
    required_by_domain: bool = False
    offered: FingerprintView | None = None
    """With CHANGED: the key that the directory shows now."""
    offered_at: int = 0
    why: SafeText = EMPTY


@dataclass(frozen=True, slots=True)
class TrustedSenderView:
    """One entry of the service's allow-list (api/assmbl.md §9)."""

    peer_agent_id: str
    shown: SafeText
    enabled: bool
    rate_limit_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class ExpiryView:
    """One line of the expiry calendar: what ends when (seconds since the epoch)."""

    expires: int
    what: SafeText
    is_own: bool
    is_soon: bool
    """It ends within 30 days, or has ended."""


@dataclass(frozen=True, slots=True)
class KeysView:
    """Everything that the Keys screen shows."""

    lock: LockState
    locks_at: int = 0
    """When the unlocked keys lock themselves; 0 when locked."""
    own: tuple[OwnKeyView, ...] = ()
    """The current key first, then the former ones, newest first."""
    directory: DirectoryView = DirectoryView()
    peers: tuple[PeerView, ...] = ()
    required_domains: tuple[SafeText, ...] = ()
    trusted: tuple[TrustedSenderView, ...] = ()
    offers_trusted: bool = False
    """The service keeps a list of trusted senders."""
    passphrase_kept: SafeText = EMPTY
    """Where the passphrase is kept, as a sentence; empty when it is asked for."""
    calendar: tuple[ExpiryView, ...] = ()
    """What expires, the nearest first; what never does is not in it."""

    @property
    def locked(self) -> tuple[OwnKeyView, ...]:
        """The own keys that wait for a passphrase, whether or not others are open."""
        return tuple(key for key in self.own if key.is_sealed and not key.is_unlocked)

    @property
    def is_current_locked(self) -> bool:
        """Whether the current key waits for its passphrase."""
        return self.own[:1] == self.locked[:1] != ()
