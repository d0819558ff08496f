"""Facts side by side: broken where they do not fit, each of them whole.

Closes the trap of a row of facts that is cut at its end, where the warning stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from services.safe_text import SafeText
from widgets.cells import fit, wrapped
from widgets.glyphs import Glyphs
from widgets.rows import Part

Fact = tuple[SafeText, str]
"""Words and their role."""


def flowed(facts: Sequence[Fact], width: int, glyphs: Glyphs) -> list[list[Part]]:
    """The facts in lines of at most `width` cells, with a dot between two; a longer one is cut."""
    lines: list[list[Part]] = [[]]
    used = 0
    for words, role in facts:
        cells = cell_len(words)
        if used and used + 3 + cells > width:
            lines.append([])
            used = 0
        if used:
            lines[-1].append((f" {glyphs.dot} ", "muted"))
            used += 3
        lines[-1].append((fit(words, min(cells, width), glyphs.ellipsis), role))
        used += cells
    return lines


def flowed_whole(facts: Sequence[Fact], width: int, glyphs: Glyphs) -> list[list[Part]]:
    """As `flowed`, but what is longer than a line goes on in the next one: nothing is cut."""
    lines: list[list[Part]] = []
    fitting: list[Fact] = []
    for words, role in facts:
        if cell_len(words) <= width:
            fitting.append((words, role))
            continue
        lines += flowed(fitting, width, glyphs) if fitting else []
        fitting = []
        lines += [[(words[start:end], role)] for start, end in wrapped(words, max(1, width))]
    return lines + (flowed(fitting, width, glyphs) if fitting else [])


def padded(line: Sequence[Part], width: int) -> list[Part]:
    """A line filled up to its width."""
    gap = width - sum(cell_len(text) for text, _role in line)
    return [*line, (" " * gap, "text")] if gap > 0 else list(line)
