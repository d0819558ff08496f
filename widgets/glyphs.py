"""The glyph table: every state mark with its ASCII twin, all of them one cell wide.

Closes the trap of a mark that one font draws in two cells: a test measures each of them, and each
stands in a column of fixed place, so that a state is told by place and shape, never by colour
alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.safe_text import SafeText, ui


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of marks; each is exactly one terminal cell."""

    cursor: SafeText
    unread: SafeText
    verified: SafeText
    unverified: SafeText
    first_contact: SafeText
    encrypted: SafeText
    unreadable: SafeText
    """Encrypted, and it could not be opened; a key that cannot be used."""
    locked: SafeText
    unlocked: SafeText
    pinned: SafeText
    differs: SafeText
    """Stands under what is not the same in two lines."""
    attachment: SafeText
    pending: SafeText
    marketplace: SafeText
    selected: SafeText
    folded: SafeText
    unfolded: SafeText
    quote: SafeText
    rule: SafeText
    vertical: SafeText
    ellipsis: SafeText
    dot: SafeText
    arrow: SafeText
    above: SafeText
    below: SafeText


UNICODE: Final = Glyphs(
    cursor=ui("▌"),
    unread=ui("●"),
    verified=ui("✓"),
    unverified=ui("!"),
    first_contact=ui("+"),
    encrypted=ui("▣"),
    unreadable=ui("▢"),
    locked=ui("◆"),
    unlocked=ui("◇"),
    pinned=ui("◦"),
    differs=ui("^"),
    attachment=ui("∙"),
    pending=ui("…"),
    marketplace=ui("¤"),
    selected=ui("×"),
    folded=ui("▸"),
    unfolded=ui("▾"),
    quote=ui("│"),
    rule=ui("─"),
    vertical=ui("│"),
    ellipsis=ui("…"),
    dot=ui("·"),
    arrow=ui("→"),
    above=ui("▲"),
    below=ui("▼"),
)

ASCII: Final = Glyphs(
    cursor=ui(">"),
    unread=ui("*"),
    verified=ui("v"),
    unverified=ui("!"),
    first_contact=ui("+"),
    encrypted=ui("E"),
    unreadable=ui("x"),
    locked=ui("="),
    unlocked=ui("-"),
    pinned=ui("."),
    differs=ui("^"),
    attachment=ui("@"),
    pending=ui("~"),
    marketplace=ui("$"),
    selected=ui("x"),
    folded=ui(">"),
    unfolded=ui("v"),
    quote=ui("|"),
    rule=ui("-"),
    vertical=ui("|"),
    ellipsis=ui("~"),
    dot=ui("-"),
    arrow=ui(">"),
    above=ui("^"),
    below=ui("v"),
)


def glyphs(*, unicode: bool) -> Glyphs:
    """The set for a terminal that can, or cannot, show more than ASCII."""
    return UNICODE if unicode else ASCII
