"""A text that is being written: lines, cursor, selection, and every change undone or done again.

Closes two traps: a text copied whole at every key (a line is replaced, not the text), and control
characters of pasted or quoted text that reach the terminal: nothing gets in but through `insert` and
`load`, which clean it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from rich.cells import split_graphemes

from services.safe_text import SafeText, clean_text

Place = tuple[int, int]
"""Line and column, in characters, both from 0."""

MOST_CHANGES: Final = 1_000
"""Changes that can be undone."""
_NEAR: Final = 64
"""Characters looked at around the cursor to find the letter beside it."""
_WORD_BEFORE: Final = re.compile(r"(?:\w+|[^\w\s]+)\s*$|\s+$")
_WORD_AFTER: Final = re.compile(r"\s*(?:\w+|[^\w\s]+)|\s+")


class Kind(Enum):
    """What made a change: letters typed in a row are undone together, and so are those deleted."""

    TYPED = "typed"
    DELETED = "deleted"
    OTHER = "other"


@dataclass(slots=True)
class Change:
    """`removed` at `start` was replaced by `added`; `before` is the cursor before that."""

    start: Place
    removed: str
    added: str
    before: Place
    kind: Kind


Changed = Callable[[int, int, int, int], None]
"""Told of a change: first line, column in it, number of lines before, number of lines now."""


def cleaned(text: str) -> SafeText:
    """Text from outside as an editor may hold it: line feeds only, no controls, no tabs."""
    return clean_text(text.replace("\r\n", "\n").replace("\r", "\n")).text


class TextBuffer:
    """Lines of safe text with a cursor; `version` grows with every change."""

    def __init__(self, text: str = "") -> None:
        self.lines: list[str] = [""]
        self.cursor: Place = (0, 0)
        self.anchor: Place | None = None
        """The other end of the selection."""
        self.version = 0
        self.changed: Changed = _nobody
        self._undo: list[Change] = []
        self._redo: list[Change] = []
        self._joins = False
        self.load(text)

    @property
    def text(self) -> SafeText:
        """All of it."""
        return SafeText("\n".join(self.lines))

    @property
    def end(self) -> Place:
        """Behind the last character."""
        return len(self.lines) - 1, len(self.lines[-1])

    @property
    def selection(self) -> tuple[Place, Place] | None:
        """What is selected, from and to in the order of the text."""
        if self.anchor is None or self.anchor == self.cursor:
            return None
        return min(self.anchor, self.cursor), max(self.anchor, self.cursor)

    @property
    def selected(self) -> SafeText:
        """The selected text."""
        chosen = self.selection
        return SafeText(self._between(*chosen)) if chosen else SafeText("")

    def load(self, text: str) -> None:
        """Hold another text, from its start, with nothing to undo."""
        before = len(self.lines)
        self.lines = cleaned(text).split("\n")
        self.cursor, self.anchor = (0, 0), None
        self._undo.clear()
        self._redo.clear()
        self.version += 1
        self.changed(0, 0, before, len(self.lines))

    # ── moving ───────────────────────────────────────────────────────────────────────────────────

    def go(self, place: Place, *, selecting: bool = False) -> None:
        """Put the cursor somewhere, the nearest place there is."""
        line = min(max(0, place[0]), len(self.lines) - 1)
        if not selecting:
            self.anchor = None
        elif self.anchor is None:
            self.anchor = self.cursor
        self.cursor = line, min(max(0, place[1]), len(self.lines[line]))
        self._joins = False

    def select_all(self) -> None:
        """Select everything."""
        self.anchor, self.cursor = (0, 0), self.end
        self._joins = False

    def left_of(self, place: Place) -> Place:
        """One letter back, with the marks that stand on it."""
        line, column = place
        if column == 0:
            return (line - 1, len(self.lines[line - 1])) if line else place
        start = max(0, column - _NEAR)
        near = self.lines[line][start:column]
        return line, start + (len(near) - 1 if near.isascii() else split_graphemes(near)[0][-1][0])

    def right_of(self, place: Place) -> Place:
        """One letter on, with the marks that stand on it."""
        line, column = place
        if column >= len(self.lines[line]):
            return (line + 1, 0) if line + 1 < len(self.lines) else place
        near = self.lines[line][column : column + _NEAR]
        return line, column + (1 if near.isascii() else split_graphemes(near)[0][0][1])

    def word_left_of(self, place: Place) -> Place:
        """The start of the word before."""
        line, column = place
        start = max(0, column - 4 * _NEAR)
        found = _WORD_BEFORE.search(self.lines[line][start:column])
        return self.left_of(place) if found is None else (line, start + found.start())

    def word_right_of(self, place: Place) -> Place:
        """The end of the word behind."""
        line, column = place
        found = _WORD_AFTER.match(self.lines[line], column)
        return self.right_of(place) if found is None else (line, found.end())

    # ── changing ─────────────────────────────────────────────────────────────────────────────────

    def insert(self, text: str, kind: Kind = Kind.OTHER) -> None:
        """Put text in the place of the selection, or at the cursor."""
        start, end = self.selection or (self.cursor, self.cursor)
        if kind is Kind.TYPED:
            # A joiner or a mark means something behind its letter only.
            before = self.lines[start[0]][max(0, start[1] - 1) : start[1]]
            text = cleaned(before + text)[len(cleaned(before)) :]
        else:
            text = cleaned(text)
        if text or start != end:
            self._do(start, end, text, kind)

    def delete(self, to: Place, kind: Kind = Kind.DELETED) -> None:
        """Delete the selection, or what lies between the cursor and a place."""
        start, end = self.selection or (min(self.cursor, to), max(self.cursor, to))
        if start != end:
            self._do(start, end, "", kind)

    def replace_all(self, text: str) -> None:
        """Put another text in the place of all, as one change that can be undone."""
        added = cleaned(text)
        if added != self.text:
            self._do((0, 0), self.end, added, Kind.OTHER)
            self.go((0, 0))

    def undo(self) -> bool:
        """Take the last change back; False when there is none."""
        if not self._undo:
            return False
        change = self._undo.pop()
        self._apply(change.start, _behind(change.start, change.added), change.removed)
        self.cursor, self.anchor = change.before, None
        self._redo.append(change)
        self._joins = False
        return True

    def redo(self) -> bool:
        """Do again what was undone last; False when there is nothing."""
        if not self._redo:
            return False
        change = self._redo.pop()
        self._apply(change.start, _behind(change.start, change.removed), change.added)
        self._undo.append(change)
        self._joins = False
        return True

    def _do(self, start: Place, end: Place, text: str, kind: Kind) -> None:
        change = Change(start, self._between(start, end), text, self.cursor, kind)
        self._apply(start, end, text)
        self._redo.clear()
        if not (self._joins and self._undo and _joined(self._undo[-1], change)):
            self._undo.append(change)
            del self._undo[:-MOST_CHANGES]
        self._joins = kind is not Kind.OTHER

    def _apply(self, start: Place, end: Place, text: str) -> None:
        first, last = self.lines[start[0]], self.lines[end[0]]
        pieces = text.split("\n")
        pieces[0] = first[: start[1]] + pieces[0]
        column = len(pieces[-1])
        pieces[-1] += last[end[1] :]
        self.lines[start[0] : end[0] + 1] = pieces
        self.cursor, self.anchor = (start[0] + len(pieces) - 1, column), None
        self.version += 1
        self.changed(start[0], start[1], end[0] - start[0] + 1, len(pieces))

    def _between(self, start: Place, end: Place) -> str:
        if start[0] == end[0]:
            return self.lines[start[0]][start[1] : end[1]]
        first, *rest = self.lines[start[0] : end[0] + 1]
        return "\n".join((first[start[1] :], *rest[:-1], rest[-1][: end[1]]))


def _behind(start: Place, text: str) -> Place:
    """Where a text ends that begins at `start`."""
    lines = text.count("\n")
    return (start[0] + lines, len(text) - text.rfind("\n") - 1 + (0 if lines else start[1]))


def _joined(last: Change, new: Change) -> bool:
    """Make a change part of the one before; False when it is one of its own."""
    if last.kind is not new.kind or "\n" in new.added + new.removed:
        return False
    if new.kind is Kind.TYPED:
        begins_word = new.added.isspace() < last.added[-1:].isspace()
        if new.removed or begins_word or _behind(last.start, last.added) != new.start:
            return False
        last.added += new.added
        return True
    if _behind(new.start, new.removed) == last.start:
        last.start, last.removed = new.start, new.removed + last.removed
        return True
    if new.start == last.start:
        last.removed += new.removed
        return True
    return False


def _nobody(_line: int, _column: int, _before: int, _now: int) -> None:
    """Nobody listens."""
