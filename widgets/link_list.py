"""The links of a message: number, real host first, then what the text says, and a warning.

Closes the trap of a link that reads like one place and leads to another: the host comes before the
words, and the words can never push it out of the row.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.message import Message

from services.safe_text import SafeText
from services.shown_mail import Link
from widgets.cells import fit
from widgets.choice_list import ChoiceList
from widgets.glyphs import UNICODE, Glyphs
from widgets.rows import Part


class LinkList(ChoiceList):
    """Links to choose from; what happens to a chosen one is the screen's affair."""

    class Chosen(Message):
        """A link was chosen; `url` is safe to show and to copy."""

        def __init__(self, url: SafeText, link: Link) -> None:
            super().__init__()
            self.url = url
            self.link = link

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._links: tuple[Link, ...] = ()

    def show_links(self, links: Sequence[Link]) -> None:
        """Show these links."""
        self._links = tuple(links)
        self.show_count(len(self._links))

    @property
    def current(self) -> Link | None:
        """The link under the cursor."""
        return None if self.position is None else self._links[self.position]

    def parts(self, place: int, width: int) -> Sequence[Part]:
        """Number, host, words, warning."""
        return link_parts(self._links[place], width, self._glyphs)

    def opened(self, place: int) -> None:
        """Say which link was chosen."""
        self.post_message(self.Chosen(self._links[place].url, self._links[place]))


def link_parts(link: Link, width: int, glyphs: Glyphs) -> list[Part]:
    """One link as a row of `width` cells."""
    number = f"[{link.number}]".rjust(5) + " "
    host_cells = max(8, min(36, width // 3))
    room = max(0, width - len(number) - host_cells - 2)
    warning = ""
    said = link.warning or ("not encrypted" if link.outside else "")
    if said:
        words = f" {glyphs.unverified} {said}"
        warning = fit(words, room * 2 // 3, glyphs.ellipsis).rstrip()
    return [
        (number, "accent"),
        (fit(link.host or link.url, host_cells, glyphs.ellipsis), "strong"),
        ("  ", "text"),
        (fit(link.text, room - cell_len(warning), glyphs.ellipsis), "muted"),
        (warning, "caution"),
    ]
