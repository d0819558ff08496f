"""How keys and peers are printed by verbs: one JSON shape, one text layout.

Closes the trap of two verbs that name the same thing differently. Everything comes from the shown
values of `services.key_models`, so foreign text is safe already.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from services.key_models import (
    DirectoryView,
    ExpiryView,
    FingerprintView,
    KeysView,
    OwnKeyView,
    PeerView,
)
from tui.listing import iso_date


def fingerprint_json(view: FingerprintView | None) -> str | None:
    """Return the raw digits, None without a key."""
    return view.raw if view else None


def own_json(key: OwnKeyView) -> dict[str, Any]:
    """Return one own key."""
    return {
        "fingerprint": key.fingerprint.raw,
        "words": key.fingerprint.words,
        "algorithm": key.algorithm,
        "user_id": key.user_id,
        "made": iso_date(key.made),
        "expires": iso_date(key.expires or 0),
        "current": key.is_current,
        "sealed": key.is_sealed,
        "warnings": list(key.warnings),
    }


def directory_json(view: DirectoryView) -> dict[str, Any]:
    """Return the own entry in the directory; `checked` None when it was not asked."""
    return {
        "status": view.status.value,
        "version": view.version,
        "fingerprint": fingerprint_json(view.fingerprint),
        "checked": iso_date(view.checked_at),
        "sentence": view.sentence,
    }


def peer_json(peer: PeerView) -> dict[str, Any]:
    """Return one peer."""
    return {
        "address": peer.address,
        "status": peer.status.value,
        "fingerprint": fingerprint_json(peer.fingerprint),
        "words": peer.fingerprint.words if peer.fingerprint else None,
        "algorithm": peer.algorithm,
        "first_seen": iso_date(peer.since),
        "verified": iso_date(peer.verified_at),
        "verified_how": peer.verified_how,
        "expires": iso_date(peer.expires or 0),
        "require_encryption": peer.requires_encryption,
        "required_by_domain": peer.required_by_domain,
        "offered": fingerprint_json(peer.offered),
        "offered_words": peer.offered.words if peer.offered else None,
        "offered_at": iso_date(peer.offered_at),
        "why": peer.why,
    }


def keys_json(view: KeysView) -> dict[str, Any]:
    """Return what `keys list` prints."""
    return {
        "keys": [own_json(key) for key in view.own],
        "directory": directory_json(view.directory),
        "calendar": [
            {
                "expires": iso_date(line.expires),
                "what": line.what,
                "own": line.is_own,
                "soon": line.is_soon,
            }
            for line in view.calendar
        ],
        "passphrase_kept": bool(view.passphrase_kept),
    }


def key_lines(view: KeysView) -> Iterator[str]:
    """Yield what `keys list` prints for a person."""
    if not view.own:
        yield "No key yet: `agentmail-tui keys generate` makes one, `keys import FILE` takes one in."
    for key in view.own:
        yield from own_lines(key)
    yield f"Directory: {_version(view.directory)}{view.directory.sentence}"
    yield view.passphrase_kept or "The passphrase is asked for when it is needed."
    yield from calendar_lines(view.calendar)


def own_lines(key: OwnKeyView) -> Iterator[str]:
    """Yield one own key, with its warnings."""
    about = ", ".join((
        key.algorithm or "unreadable",
        f"made {_day(key.made)}",
        f"expires {_day(key.expires)}" if key.expires else "no expiry",
        "passphrase" if key.is_sealed else "no passphrase",
    ))  # fmt: skip
    yield f"{'*' if key.is_current else ' '} {key.fingerprint.groups}  {about}"
    yield f"    {key.user_id}"
    yield f"    {key.fingerprint.words}"
    for warning in key.warnings:
        yield f"    ! {warning}"


def peer_lines(peer: PeerView) -> Iterator[str]:
    """Yield one peer."""
    marks = [peer.status.value]
    if peer.since:
        marks.append(f"first seen {_day(peer.since)}")
    if peer.verified_at:
        how = f" ({peer.verified_how})" if peer.verified_how else ""
        marks.append(f"verified {_day(peer.verified_at)}{how}")
    if peer.requires_encryption or peer.required_by_domain:
        marks.append("must be encrypted")
    yield f"{peer.shown}  {', '.join(marks)}"
    if peer.fingerprint:
        yield f"    {peer.fingerprint.groups}  {peer.algorithm}"
        yield f"    {peer.fingerprint.words}"
    if peer.offered:
        yield f"    ! offered since {_day(peer.offered_at)}: {peer.offered.groups}"
        yield f"      {peer.offered.words}"
    if peer.why:
        yield f"    ! {peer.why}"


def calendar_lines(calendar: tuple[ExpiryView, ...]) -> Iterator[str]:
    """Yield what expires, the nearest first."""
    for line in calendar:
        verb = "expired" if line.expires <= time.time() else "expires"
        yield f"{'!' if line.is_soon else ' '} {_day(line.expires)}  {line.what} {verb}"


def _version(view: DirectoryView) -> str:
    return f"version {view.version}. " if view.version else ""


def _day(moment: int | None) -> str:
    return (iso_date(moment or 0) or "unknown")[:10]
