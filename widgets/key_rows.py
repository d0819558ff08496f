"""One peer, former key, domain or trusted sender as one row: pure functions to parts with a role.

Closes the trap of columns that wander between the kinds of rows: all of them share one division of
the width, and each state has its cell at a fixed place.

    ▌! ▣ csv-worker@agents.example.com   0C44 1D5E …   2 Nov 2026   KEY CHANGED: blocked
    ││ │
    ││ └ encryption is required
    │└ how the key stands
    └ cursor
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from services.key_models import KeysView, OwnKeyView, PeerStatus, PeerView, TrustedSenderView
from services.safe_text import EMPTY, SafeText, phrase, ui
from widgets.cells import GUTTER_CELLS, fit
from widgets.dates import day_words
from widgets.fingerprint import GROUPED_CELLS, short_groups
from widgets.glyphs import Glyphs
from widgets.key_words import expiry_words, peer_mark, peer_words
from widgets.rows import Part

_MARK_CELLS: Final = 4
_DATE_CELLS: Final = 12


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a section; the cursor passes over it."""

    title: SafeText
    since: SafeText = EMPTY
    state: SafeText = EMPTY


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence in place of rows; the cursor passes over it."""

    sentence: SafeText


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain to which encryption is required."""

    name: SafeText


Entry: TypeAlias = Heading | Remark | Domain | PeerView | OwnKeyView | TrustedSenderView


@dataclass(frozen=True, slots=True)
class KeyColumns:
    """How a row is divided, in cells; 0 leaves a column out. `state` takes what is left."""

    name: int
    fingerprint: int
    since: int
    state: int


def key_columns(width: int) -> KeyColumns:
    """The division of a row of `width` cells, gutter included."""
    room = width - GUTTER_CELLS - _MARK_CELLS
    since = _DATE_CELLS + 1 if width >= 72 else 0
    if width >= 132:
        name, fingerprint = 34, GROUPED_CELLS + 2
    elif width >= 100:
        name, fingerprint = 32, 17
    elif width >= 72:
        name, fingerprint = 28, 12
    else:
        name, fingerprint = max(8, room - 12 - 21), 12 if width >= 56 else 0
    state = max(0, room - name - 1 - fingerprint - since)
    return KeyColumns(name, fingerprint, since, state)


def entries(keys: KeysView, no_peers: SafeText) -> Iterator[Entry]:
    """Everything that is listed under the card, section by section."""
    title = phrase("Peers {}", len(keys.peers)) if keys.peers else ui("Peers")
    yield Heading(title, ui("first seen"), ui("state"))
    yield from keys.peers
    if not keys.peers:
        yield Remark(no_peers)
    if keys.required_domains:
        yield Heading(ui("Encryption is always required to"))
        yield from (Domain(name) for name in keys.required_domains)
    if len(keys.own) > 1:
        yield Heading(ui("My former keys"), ui("made"), ui("state"))
        yield from keys.own[1:]
    if keys.offers_trusted:
        yield Heading(ui("Trusted senders on the service"))
        yield from keys.trusted
        if not keys.trusted:
            yield Remark(ui("Nobody is on the list."))


def entry_parts(
    entry: Entry, columns: KeyColumns, glyphs: Glyphs, now: float
) -> list[tuple[str, str]]:
    """The parts of a row, right of the gutter."""
    if isinstance(entry, Heading):
        return _heading(entry, columns, glyphs)
    if isinstance(entry, Remark):
        return [(f"    {entry.sentence}", "muted")]
    if isinstance(entry, PeerView):
        return _peer(entry, columns, glyphs, now)
    if isinstance(entry, OwnKeyView):
        return _own(entry, columns, glyphs, now)
    if isinstance(entry, Domain):
        return [(f"  {glyphs.encrypted} ", "text"), (f"everyone at {entry.name}", "text")]
    return _trusted(entry, columns, glyphs)


def _heading(entry: Heading, columns: KeyColumns, glyphs: Glyphs) -> list[Part]:
    if not entry.state:
        return [(entry.title, "heading")]
    name = fit(entry.title, _MARK_CELLS + columns.name, glyphs.ellipsis)
    return [
        (name + " " * (1 + columns.fingerprint), "heading"),
        (fit(entry.since, columns.since) if columns.since else "", "muted"),
        (fit(entry.state, columns.state), "muted"),
    ]


def _peer(peer: PeerView, columns: KeyColumns, glyphs: Glyphs, now: float) -> list[Part]:
    mark, mark_role = peer_mark(peer, glyphs)
    required = peer.requires_encryption or peer.required_by_domain
    words, role = peer_words(peer, now)
    name_role = "strong" if peer.status is PeerStatus.CHANGED else "text"
    return [
        (f"{mark} ", mark_role),
        (f"{glyphs.encrypted if required else ' '} ", "text"),
        (fit(peer.shown, columns.name, glyphs.ellipsis) + " ", name_role),
        (_fingerprint(peer, columns.fingerprint, glyphs), "muted"),
        (fit(day_words(peer.since), columns.since) if columns.since else "", "muted"),
        (fit(words, columns.state, glyphs.ellipsis), role),
    ]


def _fingerprint(entry: PeerView | OwnKeyView, cells: int, glyphs: Glyphs) -> str:
    shown = entry.fingerprint
    if shown is None or not cells:
        return " " * cells
    return fit(short_groups(shown, cells - 1, glyphs.ellipsis), cells)


def _own(key: OwnKeyView, columns: KeyColumns, glyphs: Glyphs, now: float) -> list[Part]:
    expiry, warns = expiry_words(key.expires, now)
    lock = phrase("{}, {}", key.algorithm, expiry)
    mark = glyphs.unlocked if key.is_unlocked else glyphs.locked
    return [
        (f"{mark}   ", "text"),
        (fit(key.user_id, columns.name, glyphs.ellipsis) + " ", "text"),
        (_fingerprint(key, columns.fingerprint, glyphs), "muted"),
        (fit(day_words(key.made), columns.since) if columns.since else "", "muted"),
        (fit(lock, columns.state, glyphs.ellipsis), "caution" if warns else "text"),
    ]


def _trusted(sender: TrustedSenderView, columns: KeyColumns, glyphs: Glyphs) -> list[Part]:
    cap = sender.rate_limit_per_minute
    words = phrase("at most {:,} a minute", cap) if cap is not None else ui("no cap")
    state = words if sender.enabled else ui("switched off")
    name_cells = columns.name + 1 + columns.fingerprint
    return [
        (f"{glyphs.verified if sender.enabled else '-'}   ", "text"),
        (fit(sender.shown, name_cells, glyphs.ellipsis), "text"),
        (fit(state, columns.since + columns.state, glyphs.ellipsis), "muted"),
    ]
