"""The expiry calendar: which keys end when, own and pinned, the nearest first.

Closes the trap of a key that ends over night: what ends within 30 days is marked, and an ended key
stays on the list until it is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from services.crypto.certs import PeerKey
from services.key_models import ExpiryView
from services.keys import words
from services.safe_text import SafeText, clean_line, phrase

SOON: Final = 30 * 24 * 3_600
"""Seconds ahead that a coming end is worth a warning."""


def calendar(
    own: Iterable[PeerKey],
    peers: Iterable[tuple[str, PeerKey]],
    now: int,
    *,
    former: Iterable[PeerKey] = (),
) -> tuple[ExpiryView, ...]:
    """Return what ends when; the part that is encrypted to ends for its key.

    A `former` key goes on opening old mail, so its end is listed and never a warning.
    """
    lines = [_line(f"Your key {_name(key)}", key, now, is_own=True) for key in own]
    lines += [
        line and replace(line, is_soon=False)
        for line in (
            _line(f"Your former key {_name(key)}", key, now, is_own=True) for key in former
        )
    ]
    lines += [
        _line(f"{address}, key {_name(key)}", key, now, is_own=False) for address, key in peers
    ]
    found = [line for line in lines if line is not None]
    return tuple(sorted(found, key=lambda line: (line.expires, line.what)))


def end_of(key: PeerKey) -> int | None:
    """Return when a key can no longer be encrypted to; None for never."""
    part = key.encrypt_to
    ends = [end for end in (key.expires, part.expires if part else None) if end is not None]
    return min(ends, default=None)


def warning(key: PeerKey, now: int) -> SafeText | None:
    """Return the sentence about a coming or past end; None when that is far off."""
    end = end_of(key)
    if end is None or end > now + SOON:
        return None
    if end <= now:
        return phrase("It expired on {}.", day(end))
    return phrase("It expires on {}: extend it or make a new one.", day(end))


def day(moment: int) -> SafeText:
    """Return a day as YYYY-MM-DD in UTC; a date beyond the calendar as "after 9999"."""
    try:
        return clean_line(datetime.fromtimestamp(moment, UTC).date().isoformat())
    except (OverflowError, ValueError, OSError):
        return clean_line("after 9999")


def _line(what: str, key: PeerKey, now: int, *, is_own: bool) -> ExpiryView | None:
    end = end_of(key)
    if end is None:
        return None
    return ExpiryView(end, clean_line(what, 400), is_own, is_soon=end <= now + SOON)


def _name(key: PeerKey) -> str:
    return f"{words.short(key.fingerprint)} ({key.algorithm})"
