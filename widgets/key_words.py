"""How keys, peers and the directory stand, in a mark and a few words each; used by card and list.

Closes the trap of one state told in two ways at two places.
"""

from __future__ import annotations

from typing import Final

from services.key_models import (
    DirectoryStatus,
    DirectoryView,
    KeysView,
    LockState,
    OwnKeyView,
    PeerStatus,
    PeerView,
)
from services.safe_text import EMPTY, SafeText, join, phrase, ui
from widgets.dates import clock_words, day_words, time_left
from widgets.glyphs import Glyphs

SOON: Final = 30 * 86_400
"""A key that expires within so many seconds is worth a warning."""

_DIRECTORY: Final = {
    DirectoryStatus.UNKNOWN: ui("not known"),
    DirectoryStatus.ABSENT: ui("holds no key of yours"),
    DirectoryStatus.SAME: ui("the same key"),
    DirectoryStatus.OLDER: ui("still has a former key of yours"),
    DirectoryStatus.REVOKED: ui("your entry is revoked"),
    DirectoryStatus.FOREIGN: ui("HAS A KEY THAT IS NOT YOURS"),
}
_CALM: Final = frozenset({DirectoryStatus.SAME, DirectoryStatus.ABSENT, DirectoryStatus.UNKNOWN})


def expiry_words(expires: int | None, now: float) -> tuple[SafeText, bool]:
    """When a key expires, and whether that is worth a warning."""
    if expires is None:
        return ui("no expiry"), False
    day = day_words(expires)
    if expires <= now:
        return phrase("expired {}", day), True
    if expires - now <= SOON:
        return phrase("expires {}, in {}", day, time_left(expires - now)), True
    return phrase("expires {}", day), False


def lock_words(keys: KeysView, glyphs: Glyphs, now: float) -> SafeText:
    """`◇ unlocked, locks in 14 min`, `◆ locked`, told of the current key; empty without a key."""
    fact = lock_fact(keys, glyphs)
    if keys.lock is not LockState.UNLOCKED:
        return fact
    if keys.is_current_locked:
        return phrase("{}, a former key is open", fact)
    if keys.locks_at:
        return phrase("{}, locks in {}", fact, time_left(keys.locks_at - now))
    return fact


def own_key_words(key: OwnKeyView, now: float) -> tuple[SafeText, bool]:
    """Algorithm, age and expiry of a key, and whether the expiry is worth a warning."""
    expiry, warns = expiry_words(key.expires, now)
    sealed = EMPTY if key.is_sealed else ui(", no passphrase")
    words = phrase("{}, made {}, {}{}", key.algorithm, day_words(key.made), expiry, sealed)
    return words, warns


def directory_words(directory: DirectoryView, glyphs: Glyphs) -> tuple[SafeText, str]:
    """How the own entry stands, and the role of the words."""
    status = directory.status
    mark = _directory_mark(status, glyphs)
    words = [phrase("{} {}", mark, _DIRECTORY[status])]
    if directory.version:
        words.append(phrase("version {}", directory.version))
    if directory.checked_at:
        words.append(phrase("asked {}", clock_words(directory.checked_at)))
    role = "good" if status is DirectoryStatus.SAME else "text" if status in _CALM else "alarm"
    return join(", ", words), role


def _directory_mark(status: DirectoryStatus, glyphs: Glyphs) -> SafeText:
    if status is DirectoryStatus.SAME:
        return glyphs.verified
    return ui("-") if status in _CALM else glyphs.unverified


def peer_mark(peer: PeerView, glyphs: Glyphs) -> tuple[SafeText, str]:
    """The one cell that tells how a peer's key stands, and its role."""
    return {
        PeerStatus.VERIFIED: (glyphs.verified, "good"),
        PeerStatus.PINNED: (glyphs.pinned, "text"),
        PeerStatus.CHANGED: (glyphs.unverified, "alarm"),
        PeerStatus.UNUSABLE: (glyphs.unreadable, "caution"),
        PeerStatus.NO_KEY: (ui("-"), "muted"),
    }[peer.status]


def peer_words(peer: PeerView, now: float) -> tuple[SafeText, str]:
    """How far a peer's key can be relied on, and the role of the words."""
    if peer.status is PeerStatus.CHANGED:
        return ui("KEY CHANGED: blocked"), "alarm"
    if peer.status is PeerStatus.UNUSABLE:
        return peer.why or ui("cannot be used"), "caution"
    if peer.status is PeerStatus.NO_KEY:
        return ui("has no key"), "muted"
    words = verified_words(peer) if peer.status is PeerStatus.VERIFIED else ui("pinned")
    if peer.expires is None or peer.expires - now > SOON:
        return words, "text"
    if peer.expires <= now:
        return phrase("{}, EXPIRED", words), "caution"
    return phrase("{}, {} left", words, time_left(peer.expires - now)), "caution"


def verified_words(peer: PeerView) -> SafeText:
    """`verified by voice`, or only `verified`."""
    return phrase("verified {}", peer.verified_how) if peer.verified_how else ui("verified")


def peer_sentence(peer: PeerView, now: float) -> SafeText:
    """Everything about a peer in one line, for the note under the list."""
    words: list[SafeText] = [peer.shown]
    if peer.status is PeerStatus.CHANGED:
        words.append(phrase("shows this key since {}", day_words(peer.offered_at)))
        words.append(ui("not the pinned one: sending is blocked"))
    elif peer.status in (PeerStatus.UNUSABLE, PeerStatus.NO_KEY):
        words.append(peer.why or peer_words(peer, now)[0])
    else:
        words += [word for word in (peer.algorithm, expiry_words(peer.expires, now)[0]) if word]
        if peer.status is PeerStatus.VERIFIED:
            words.append(phrase("{} on {}", verified_words(peer), day_words(peer.verified_at)))
    if peer.requires_encryption:
        words.append(ui("encryption required"))
    elif peer.required_by_domain:
        words.append(ui("encryption required by its domain"))
    return join(", ", words)


def lock_fact(keys: KeysView | None, glyphs: Glyphs) -> SafeText:
    """The lock as the status line tells it; empty while nobody asked, or without a key."""
    if keys is None or keys.lock is LockState.NO_KEY:
        return EMPTY
    if keys.lock is LockState.LOCKED or keys.is_current_locked:
        return phrase("{} locked", glyphs.locked)
    return phrase("{} unlocked", glyphs.unlocked)
