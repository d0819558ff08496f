"""How a row of the editor looks: its text, what of it is selected, where the cursor stands.

Closes the trap of painting what did not change: looks that are equal need no painting.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

from rich.cells import cell_len, split_graphemes
from rich.segment import Segment
from rich.style import Style

_LEVELS: Final = 3
_NEAR: Final = 32
"""Characters looked at to find the letter under the cursor."""


class Look(NamedTuple):
    """All that a row of the screen shows."""

    text: str
    role: str
    chosen: tuple[int, int] | None = None
    """The selected columns of the row."""
    cursor: int | None = None
    """The cursor's column in the row."""


def role_of(line: str) -> str:
    """The ink of a line: quotes by their level, `>`, `> >` and deeper."""
    if not line.startswith(">"):
        return "text"
    marks = line[:20].replace(" ", "")
    return f"quote-{min(_LEVELS, len(marks) - len(marks.lstrip('>')))}"


def pieces(look: Look, ink: Style) -> list[Segment]:
    """The text of a row, with what is selected and the cursor reversed."""
    if look.chosen is None and look.cursor is None:
        return [Segment(look.text, ink)]
    text = look.text + " "
    marked = Style(reverse=True)
    low, high = look.chosen or (0, 0)
    cuts = {0, low, high, len(text)}
    if look.cursor is not None:
        cuts |= {look.cursor, look.cursor + _letter(text[look.cursor :])}
    places = sorted(cut for cut in cuts if cut <= len(text))
    out = []
    for start, end in pairwise(places):
        is_marked = low <= start < high
        if start == look.cursor:
            # Within a selection the cursor is the cell that is not reversed.
            is_marked = not is_marked
        out.append(Segment(text[start:end], ink + marked if is_marked else ink))
    return out


def _letter(text: str) -> int:
    """Characters of the first letter with all its marks."""
    near = text[:_NEAR]
    if near.isascii() or cell_len(near) == len(near):
        return 1
    return split_graphemes(near)[0][0][1]
