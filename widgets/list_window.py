"""Which rows of a long list are on the screen, and where the cursor stands among them.

Closes two traps. Scrolling by one at the edge repaints every row at every step: the window moves by
half a screen. A cursor out of sight lets a command hit a message that nobody sees: it never leaves.
"""

from __future__ import annotations


class ListWindow:
    """`count` rows, `page` of them on the screen from `top` on; no `cursor` in an empty list."""

    __slots__ = ("count", "cursor", "page", "top")

    def __init__(self) -> None:
        self.count = 0
        self.page = 1
        self.top = 0
        self.cursor: int | None = None

    @property
    def cursor_line(self) -> int | None:
        """The cursor's line on the screen."""
        return None if self.cursor is None else self.cursor - self.top

    def go(self, place: int) -> None:
        """Put the cursor on a row, the nearest one there is."""
        if self.cursor is not None:
            self.cursor = min(max(0, place), self.count - 1)
            self._reveal()

    def leap(self, by: int) -> None:
        """Move screen and cursor together; at an end only the cursor moves on."""
        if self.cursor is not None:
            self.top = self._clamped(self.top + by)
            self.go(self.cursor + by)

    def scroll(self, by: int) -> None:
        """Move the screen; the cursor comes along where it would leave it."""
        self.top = self._clamped(self.top + by)
        if self.cursor is not None:
            self.cursor = min(max(self.cursor, self.top), self.top + self.page - 1)

    def resize(self, page: int) -> None:
        """The screen has another number of rows."""
        self.page = max(1, page)
        self.top = self._clamped(self.top)
        self._reveal()

    def restart(self, count: int) -> None:
        """Another list: the cursor on its first row."""
        self.count = count
        self.top = 0
        self.cursor = 0 if count else None

    def follow(self, count: int, place: int | None) -> None:
        """The list changed: the cursor's row is at `place` now, or gone.

        The cursor keeps its line on the screen; of a row that is gone it keeps the place. A screen
        that shows the start of the list goes on to show it, or new mail would come out of sight.
        """
        self.count = count
        at_start = self.top == 0
        line = self.cursor_line or 0
        if not count:
            self.top, self.cursor = 0, None
            return
        self.cursor = min(self.cursor or 0, count - 1) if place is None else place
        stays = at_start and self.cursor < self.page
        self.top = 0 if stays else self._clamped(self.cursor - line)
        self._reveal()

    def _clamped(self, top: int) -> int:
        return max(0, min(top, self.count - self.page))

    def _reveal(self) -> None:
        if self.cursor is not None and not self.top <= self.cursor < self.top + self.page:
            self.top = self._clamped(self.cursor - self.page // 2)
