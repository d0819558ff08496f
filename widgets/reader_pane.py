"""Everything about one message: the chrome above, the text, attachments and links below.

Closes the trap of facts about a message standing among its text: the chrome has a ground of its
own, stands above a rule, and does not scroll with the text.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical

from services.models import MessageRow
from services.safe_text import EMPTY, SafeText
from widgets.account_mark import AccountMark
from widgets.glyphs import UNICODE, Glyphs

if TYPE_CHECKING:
    from services.shown_mail import AttachmentView, RenderedMessage, TrustFacts
    from widgets.attachment_list import AttachmentList
    from widgets.header_card import HeaderCard
    from widgets.link_list import LinkList
    from widgets.reader import Reader
    from widgets.trust_panel import TrustPanel


class ReaderPane(Vertical):
    """The reader with its chrome: `header`, `trust`, `reader`, `attachments`, `links`.

    Links are hidden until `toggle_links`; attachments are shown whenever there are any. A `late` pane
    is empty until `fill`: its parts are a tenth of a start that does not show them.
    """

    header: HeaderCard
    trust: TrustPanel
    reader: Reader
    attachments: AttachmentList
    links: LinkList

    DEFAULT_CSS = """
    ReaderPane { width: 1fr; height: 1fr; background: $mail-background; }
    ReaderPane .hidden { display: none; }
    """

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        reveal_key: SafeText | None = None,
        late: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._late = late
        self._words = EMPTY
        self._marks: Mapping[str, AccountMark] = {}
        self._glyphs = glyphs
        self._clock = clock
        self._reveal_key = reveal_key
        if not late:
            self._make_parts()

    def _make_parts(self) -> None:
        from widgets.attachment_list import AttachmentList
        from widgets.header_card import HeaderCard
        from widgets.link_list import LinkList
        from widgets.reader import Reader
        from widgets.trust_panel import REVEAL_KEY, TrustPanel

        glyphs = self._glyphs
        self.header = HeaderCard(glyphs=glyphs, clock=self._clock)
        self.trust = TrustPanel(glyphs=glyphs, reveal_key=self._reveal_key or REVEAL_KEY)
        self.reader = Reader(glyphs=glyphs)
        self.attachments = AttachmentList(glyphs=glyphs)
        self.links = LinkList(glyphs=glyphs)
        self.header.show_accounts(self._marks)
        for part in (self.header, self.trust, self.attachments, self.links):
            part.add_class("hidden")

    def compose(self) -> ComposeResult:
        """Chrome first, then the text, then what belongs to it."""
        if not self._late:
            yield from (self.header, self.trust, self.reader, self.attachments, self.links)

    @property
    def files(self) -> tuple[AttachmentView, ...]:
        """The attachments that are on screen."""
        if self._late or self.attachments.has_class("hidden"):
            return ()
        return self.attachments.attachments

    async def fill(self) -> None:
        """Make and mount the parts of a `late` pane; nothing the second time."""
        if self._late:
            self._late = False
            self._make_parts()
            self.show_empty(self._words)
            # Whoever leaves in the first moments takes the pane from the screen meanwhile.
            if self.is_attached:
                await self.mount(*self.compose())

    def show_accounts(self, marks: Mapping[str, AccountMark]) -> None:
        """Tell above each message which account it came to, by these marks."""
        self._marks = marks
        if not self._late:
            self.header.show_accounts(marks)

    def show_message(
        self, message: RenderedMessage, trust: TrustFacts, row: MessageRow | None = None
    ) -> None:
        """Show a message whole."""
        with self.app.batch_update():
            self.header.show_message(message, trust, row)
            self.trust.show_message(message, trust, row)
            self.reader.show_message(message, trust, row)
            self.attachments.show_attachments(message.attachments)
            self.links.show_links(message.links)
            self.header.remove_class("hidden")
            self.trust.remove_class("hidden")
            self.attachments.set_class(not message.attachments, "hidden")
            self.links.add_class("hidden")

    def show_lines(self, lines: tuple[SafeText, ...]) -> None:
        """Show the raw mail under the chrome of the message shown before."""
        self.reader.show_lines(lines)
        self.attachments.add_class("hidden")
        self.links.add_class("hidden")

    def show_empty(self, text: SafeText) -> None:
        """Show one sentence and no chrome."""
        self._words = text
        if self._late:
            return
        self.reader.show_empty(text)
        for part in (self.header, self.trust, self.attachments, self.links):
            part.add_class("hidden")

    def toggle_headers(self) -> None:
        """Show all header fields above the text, or take them away."""
        self.reader.show_headers(not self.reader.headers_shown)

    def toggle_links(self) -> None:
        """Show the list of links and give it the keys, or take it away."""
        shown = self.links.has_class("hidden") and self.links.current is not None
        self.links.set_class(not shown, "hidden")
        (self.links if shown else self.reader).focus()
