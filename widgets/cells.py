"""Text measured in terminal cells: fitting, wrapping, sizes.

Closes the trap of `len` and slicing, which count characters: a wide letter takes two cells, a
combining mark none, and a row that is one cell too long moves every column after it. Widths are
Rich's, the same that Textual cuts its strips by.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len, split_graphemes

from services.safe_text import SafeText, phrase

GUTTER_CELLS: Final = 1
"""What every list keeps at its left edge for the cursor's bar."""

_UNITS: Final = ("B", "KB", "MB", "GB", "TB")
_WINDOW: Final = 4
"""Characters looked at per cell when text is cut; safe_text caps marks, so this is ample."""


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut or pad text to exactly `width` cells."""
    if width <= 0:
        return ""
    if text.isascii():
        length = len(text)
        if length <= width:
            return text + " " * (width - length)
        return text[: width - 1] + ellipsis
    return _fit_wide(text, width, ellipsis)


def fit_right(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut text, or pad it on its left, to exactly `width` cells."""
    gap = width - cell_len(text)
    return " " * gap + text if gap > 0 else fit(text, width, ellipsis)


def _fit_wide(text: str, width: int, ellipsis: str) -> str:
    window = text[: width * _WINDOW]
    spans, cells = split_graphemes(window)
    if cells <= width and len(window) == len(text):
        return text + " " * (width - cells)
    end = used = 0
    for _start, stop, size in spans:
        if used + size > width - 1:
            break
        end, used = stop, used + size
    return window[:end] + ellipsis + " " * (width - used - 1)


def wrapped(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Break a line at spaces, or anywhere when there are none, into rows of at most `width` cells.

    Yields (start, end) one at a time, so that the first rows of a line of megabytes cost nothing
    more than themselves. An empty line is one empty row.
    """
    start, length = 0, len(text)
    while True:
        stop = _row_end(text, start, max(1, width))
        if stop >= length:
            yield start, length
            return
        space = text.rfind(" ", start, stop + 1)
        end = space if space > start else stop
        yield start, end
        start = end
        while start < length and text[start] == " ":
            start += 1
        if start >= length:
            return


def _row_end(text: str, start: int, width: int) -> int:
    """Where the characters stop that fit into `width` cells."""
    piece = text[start : start + width]
    if piece.isascii() or cell_len(piece) == len(piece):
        if len(piece) < width or start + width >= len(text):
            return start + len(piece)
        if text[start + width].isascii():
            return start + width
    used, end = 0, 0
    for _start, stop, size in _enough(text, start, width):
        if used + size > width:
            break
        used, end = used + size, stop
    return start + (end or 1)


def _enough(text: str, start: int, width: int) -> list[tuple[int, int, int]]:
    """The spans (start, end, cells) of at least `width` cells of text; few characters when wide."""
    for characters in (width + 2, width * _WINDOW):
        spans, cells = split_graphemes(text[start : start + characters])
        if cells > width + 1:
            break
    return spans


def size_words(size: int | None) -> str:
    """A size in three digits at most: `312 B`, `1.4 MB`; empty when unknown."""
    if size is None:
        return ""
    value = float(max(0, size))
    for unit in _UNITS:
        if value < 999.5 or unit == _UNITS[-1]:
            break
        value /= 1000
    digits = f"{value:.1f}" if unit != "B" and value < 9.95 else f"{value:.0f}"
    return f"{digits} {unit}"


def count_words(count: int) -> SafeText:
    """An exact count with separators: `34,200`."""
    return phrase("{:,}", count)
