"""The HTML part of a mail, made from the Markdown that the operator wrote.

Closes the trap of a reader's program that runs what a draft smuggles in: raw HTML in the text stays
text, and links lead to web and mail addresses only. Nothing is loaded from elsewhere: an image is
shown as its description.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from services.errors import ConfigError

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_LINK: Final = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_HEAD: Final = (
    '<!doctype html>\n<html>\n<head><meta charset="utf-8"></head>\n<body>\n'  # the charset again,
)
"""Because some readers show a saved part without its header."""
_TAIL: Final = "</body>\n</html>\n"


def html_of(markdown: str) -> str:
    """Return a whole HTML document; ConfigError when the Markdown library is not installed."""
    return f"{_HEAD}{_parser().render(markdown)}{_TAIL}"


def _parser() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise ConfigError(
            "Making HTML from Markdown needs an extra: pip install 'agentmail-tui[ses]'."
        ) from None
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"]).disable("image")
    parser.validateLink = _is_link  # type: ignore[method-assign]
    return parser


def _is_link(url: str) -> bool:
    return bool(_LINK.match(url))
