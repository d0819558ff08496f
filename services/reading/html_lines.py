"""The lines that grow while a page is walked: white space, blank lines, table rows, quote depth.

Closes the trap of layout tables: cells are put side by side only while they are short and hold no
line of their own, so a page built from tables reads as paragraphs, and a receipt reads as rows.
"""

from __future__ import annotations

import re
from typing import Final

from services.reading.parsed_mail import ParsedLine
from services.reading.plain_text import trim

_BLANKS: Final = re.compile(r"[ \t\r\n\f]+")
_LINE_ENDS: Final = re.compile("[\x0b\x85\u2028\u2029]")
_ROW_LIMIT: Final = 100
"""Characters of a table row after which the next cell begins a new line."""


class PageLines:
    """Collects lines; `quote` is the depth of the element that is open, `prefix` a list mark that
    waits for its text, `written` how many characters have been put."""

    def __init__(self) -> None:
        self.quote = 0
        self.prefix = ""
        self.written = 0
        self._lines: list[ParsedLine] = []
        self._pieces: list[str] = []
        self._space = False
        self._gap = False
        self._cell_ended = False

    def flow(self, data: str) -> None:
        """Add running text: white space collapses."""
        text = _BLANKS.sub(" ", data)
        if not text or text == " ":
            self._space = self._space or bool(text)
            return
        spaced = self._space or text[0] == " "
        self._space = text[-1] == " "
        text = text.strip(" ")
        self.put(" " + text if spaced and self._pieces else text)

    def put(self, text: str) -> None:
        """Add text as it is to the line that is open."""
        if self._cell_ended and self._pieces:
            text = "  " + text.lstrip(" ")
        self._cell_ended = False
        if not self._pieces and self.prefix:
            self._pieces.append(self.prefix)
            self.prefix = ""
        self._pieces.append(_LINE_ENDS.sub(" ", text))
        self.written += len(text)

    def preformatted(self, data: str) -> None:
        """Add text whose line ends count."""
        first, *more = (
            data.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").split("\n")
        )
        if first:
            self.put(first)
        for line in more:
            self.line_feed()
            if line:
                self.put(line)

    def attach(self, mark: str) -> None:
        """Add a mark of ours right behind the text that was put last."""
        if self._pieces:
            self._pieces.append(mark)
        elif self._lines:
            last = self._lines[-1]
            self._lines[-1] = ParsedLine(last.text + mark, last.quote, last.kind)

    def line_feed(self) -> None:
        """End the line; on an empty one, ask for a blank line."""
        if self._pieces:
            self.break_line()
        else:
            self._gap = bool(self._lines)

    def break_line(self) -> None:
        """End the line that is open, if there is one."""
        self._space = self._cell_ended = False
        if not self._pieces:
            return
        text = "".join(self._pieces).rstrip()
        self._pieces.clear()
        if self._gap:
            between = min(self.quote, self._lines[-1].quote)
            self._lines.append(ParsedLine("", between, "quote" if between else "text"))
            self._gap = False
        self._lines.append(ParsedLine(text, self.quote, "quote" if self.quote else "text"))

    def blank_line(self) -> None:
        """End the line and leave one line empty before the next."""
        self.break_line()
        # A paragraph right behind a list mark belongs on the mark's line.
        self._gap = self._gap or bool(self._lines and not self.prefix)

    def open_cell(self) -> None:
        """Begin a table cell: beside the one before it, or on a new line when the row is long."""
        if sum(map(len, self._pieces)) > _ROW_LIMIT:
            self.break_line()

    def close_cell(self) -> None:
        """End a table cell."""
        self._cell_ended = bool(self._pieces)
        self._space = False

    def finish(self) -> list[ParsedLine]:
        """End the page and return its lines."""
        self.break_line()
        return trim(self._lines)
