"""The links of a message: number, text, real host, and a warning where the two differ."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from services.models import Link
from services.safe_text import SafeText
from widgets.choice_list import ChoiceList


class LinkList(ChoiceList):
    """Links to choose from."""

    class Chosen(Message):
        """A link was chosen; what happens to it is the screen's affair."""

        def __init__(self, url: SafeText, link: Link) -> None:
            super().__init__()
            self.url = url
            self.link = link

    def show_links(self, links: Sequence[Link]) -> None:
        """Show these links."""
