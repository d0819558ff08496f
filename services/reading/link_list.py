"""The numbered links of one mail.

Closes the trap of two places that number differently: HTML and plain text parts of one mail share
one list. The same target under the same text keeps its number; the same target under another text
gets a new one, because the text may be the lie.
"""

from __future__ import annotations

import re
from typing import Final

from services.limits import LINKS_LIMIT
from services.reading.parsed_mail import ParsedLink

_BLANKS: Final = re.compile(r"[\s\u00a0]+")
_TEXT_LIMIT: Final = 300
_URL_LIMIT: Final = 8_000


class LinkList:
    """Gives numbers to link targets, from `first` on; `dropped` counts those beyond LINKS_LIMIT."""

    def __init__(self, first: int = 1) -> None:
        self._first = first
        self._links: dict[tuple[str, str], ParsedLink] = {}
        self._targets: set[str] = set()
        self.dropped = 0

    def number(self, url: str, text: str) -> int:
        """Return the number of a target under a text; 0 when the list is full."""
        url = url.strip()[:_URL_LIMIT]
        text = _BLANKS.sub(" ", text[: 4 * _TEXT_LIMIT]).strip()[:_TEXT_LIMIT]
        known = self._links.get((url, text))
        if known is not None:
            return known.number
        if len(self._links) >= LINKS_LIMIT:
            self.dropped += 1
            return 0
        link = ParsedLink(self._first + len(self._links), text, url)
        self._links[url, text] = link
        self._targets.add(url)
        return link.number

    def holds(self, url: str) -> bool:
        """Tell whether a target is listed, under whatever text."""
        return url.strip()[:_URL_LIMIT] in self._targets

    def all(self) -> tuple[ParsedLink, ...]:
        """Return the links in the order of their numbers."""
        return tuple(self._links.values())
