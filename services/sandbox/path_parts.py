"""Paths of the sandbox's doors: cut at the raw slashes first, then decoded piece by piece.

Closes the trap of an id with a slash inside (`%2F`), which is one piece and no two.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote_to_bytes


def decoded_parts(raw_path: bytes) -> list[str]:
    """Return the pieces of an absolute path; none for what is no path or no UTF-8."""
    if not raw_path.startswith(b"/"):
        return []
    try:
        return [unquote_to_bytes(part).decode() for part in raw_path[1:].split(b"/")]
    except UnicodeDecodeError:
        return []


def ids_in(parts: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    """Return what stands in the places of `{name}` segments; None where the path does not fit.

    Both are equally long; an id is never empty.
    """
    ids: dict[str, str] = {}
    for segment, part in zip(segments, parts, strict=True):
        if segment.startswith("{"):
            if not part:
                return None
            ids[segment.strip("{}")] = part
        elif segment != part:
            return None
    return ids
