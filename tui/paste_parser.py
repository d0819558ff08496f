"""Reads what the terminal sends, a paste in one piece.

Closes two traps of the stock parser. It takes a paste letter by letter, so that a megabyte that was
pasted by mistake holds the screen for seconds. And an escape sequence within a paste, or a mark that
comes in two reads with a pause between them, lets it take pasted text for keys: `d` and `y` delete.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textual import events
from textual._xterm_parser import BRACKETED_PASTE_END as END
from textual._xterm_parser import BRACKETED_PASTE_START as START
from textual._xterm_parser import XTermParser
from textual.message import Message

_OVERLAP: Final = len(START) - 1


class PasteParser(XTermParser):
    """The stock parser for everything but the text of a paste, which it never sees."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._pasted: list[str] | None = None
        """The pieces of the paste that has begun."""
        self._tail = ""
        """The end of what came before, in which a mark may have begun."""

    def feed(self, data: str) -> Iterator[Message]:
        """Yield what the terminal has sent; "" tells that nothing more will come."""
        if not data:
            yield from super().feed(data)
        while data:
            mark = START if self._pasted is None else END
            known = self._tail + data
            place = known.find(mark)
            cut = len(data) if place < 0 else place + len(mark) - len(self._tail)
            piece, data = data[:cut], data[cut:]
            self._tail = known[-_OVERLAP:] if place < 0 else ""
            if self._pasted is None:
                yield from super().feed(piece)
                self._pasted = None if place < 0 else []
            else:
                self._pasted.append(piece)
                if place >= 0:
                    yield self._whole("".join(self._pasted))
                    self._pasted = None

    def _whole(self, pasted: str) -> Message:
        # The stock parser waits for the end of a paste of which it has seen the beginning only.
        for _ in super().feed(END):
            pass
        # As there, no NUL: it ends strings elsewhere.
        return events.Paste(pasted.removesuffix(END).replace("\x00", ""))
