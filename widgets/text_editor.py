"""The editor of a mail's text: soft wrap, selection, undo, quotes shaded by their level.

Closes three traps of the ready-made editor: control characters that it writes to the terminal, a
megabyte in one line that costs seconds at every key, and rows painted again that did not change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from services.safe_text import EMPTY, SafeText
from widgets.line_view import LineView
from widgets.text_buffer import Kind, Place, TextBuffer
from widgets.text_flow import Row, TextFlow
from widgets.text_keys import EDIT_KEYS
from widgets.text_looks import Look, pieces, role_of

INDENT = 1
"""Cells left of the text; one more stands at its right, for a cursor behind the last letter."""
_MARKS = INDENT + 1
_WIDEST = 100
"""Cells of a row at most: longer ones are hard to read, here and where they arrive."""
_JOINERS = "\u200c\u200d"
"""What does not print and is typed all the same, in Persian and between emoji."""


class TextEditor(LineView):
    """Edits a `TextBuffer`; `show_buffer` puts another one in its place, with its undo history."""

    INKS: ClassVar[Mapping[str, str]] = {
        "text": "$mail-text",
        "muted": "$mail-muted $muted-style",
        "quote-1": "$quote-1",
        "quote-2": "$quote-2",
        "quote-3": "$quote-3",
    }
    DEFAULT_CSS = """
    TextEditor { width: 1fr; height: 1fr; background: $mail-background; color: $mail-text; }
    """
    BINDINGS = EDIT_KEYS

    passes_on = False
    """The next letter is not for the text: it ends a command that was begun."""

    class Changed(Message):
        """The text is another one."""

    def __init__(
        self,
        *,
        empty: SafeText = EMPTY,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._empty = empty
        self._buffer = TextBuffer()
        self._flow = TextFlow(self._buffer)
        self._top: Row = (0, 0)
        self._goal: int | None = None
        self._looks: list[Look] = []
        self._killed = ""
        self._dragging = False

    # ── what is edited ───────────────────────────────────────────────────────────────────────────

    @property
    def buffer(self) -> TextBuffer:
        """The text under the cursor."""
        return self._buffer

    def show_buffer(self, buffer: TextBuffer) -> None:
        """Edit another text, where its cursor stands."""
        self._buffer = buffer
        self._flow = TextFlow(buffer, _measure(self.size.width))
        self._top = (0, 0)
        self._goal = None
        if self.size.height:
            self._reveal()
        self._show(everything=True)

    def insert(self, text: str, kind: Kind = Kind.OTHER) -> None:
        """Put text at the cursor; it is cleaned."""
        self._edit(lambda: self._buffer.insert(text, kind))

    def replace_all(self, text: str) -> None:
        """Put another text in the place of all; undo brings the old one back."""
        self._edit(lambda: self._buffer.replace_all(text))

    # ── keys ─────────────────────────────────────────────────────────────────────────────────────

    def on_key(self, event: events.Key) -> None:
        """Letters are text; everything else is the screen's, or an action."""
        if self.passes_on or event.character is None:
            return
        if event.is_printable or event.character in _JOINERS:
            event.stop()
            event.prevent_default()
            self.insert(event.character, Kind.TYPED)

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is one change."""
        event.stop()
        self.insert(event.text)

    def action_new_line(self) -> None:
        """End the line."""
        self.insert("\n", Kind.TYPED)

    def action_move(self, to: str, selecting: bool = False) -> None:
        """Move the cursor; `to` is one of the names in `_target`."""
        buffer = self._buffer
        if to in ("left", "right") and not selecting and buffer.selection is not None:
            self._go(buffer.selection[to == "right"])
        else:
            self._go(self._target(to), selecting=selecting)

    def action_row(self, by: int, selecting: bool = False) -> None:
        """Move the cursor by rows of the screen; its cell is kept."""
        buffer, flow = self._buffer, self._flow
        row = flow.row_of(buffer.cursor)
        cell = flow.cell_of(buffer.cursor) if self._goal is None else self._goal
        to = flow.moved(row, by)
        at_end = to == row
        place = flow.place_at(to, cell)
        if at_end:
            place = buffer.end if by > 0 else (0, 0)
        self._go(place, selecting=selecting)
        self._goal = None if at_end else cell

    def action_page(self, by: int, selecting: bool = False) -> None:
        """Move the cursor by pages."""
        step = max(1, self.page - 1) * by
        self._top = self._flow.moved(self._top, step)
        self.action_row(step, selecting)

    def action_delete(self, to: str) -> None:
        """Delete up to a place that `action_move` knows; what is cut by the line can be put back."""
        target = self._target(to)
        if to in ("end", "line_start"):
            self._killed = self._buffer.selected or self._within(target)
        self._edit(lambda: self._buffer.delete(target))

    def action_put_back(self) -> None:
        """Put in what was cut last."""
        if self._killed:
            self.insert(self._killed)

    def action_cut(self) -> None:
        """Cut what is selected."""
        if self._buffer.selection is not None:
            self._killed = self._buffer.selected
            self._edit(lambda: self._buffer.delete(self._buffer.cursor, Kind.OTHER))

    def action_select_all(self) -> None:
        """Select everything."""
        self._buffer.select_all()
        self._show()

    def action_undo(self) -> None:
        """Take the last change back."""
        self._edit(self._buffer.undo)

    def action_redo(self) -> None:
        """Do again what was undone."""
        self._edit(self._buffer.redo)

    def _target(self, to: str) -> Place:
        buffer, flow = self._buffer, self._flow
        cursor = buffer.cursor
        match to:
            case "left":
                return buffer.left_of(cursor)
            case "right":
                return buffer.right_of(cursor)
            case "word_left":
                return buffer.word_left_of(cursor)
            case "word_right":
                return buffer.word_right_of(cursor)
            case "home":
                return cursor[0], flow.span(flow.row_of(cursor))[0]
            case "row_end":
                return flow.place_at(flow.row_of(cursor), self.size.width)
            case "line_start":
                return cursor[0], 0
            case "end":
                here = len(buffer.lines[cursor[0]])
                return (cursor[0], here) if cursor[1] < here else buffer.right_of(cursor)
            case "finish":
                return buffer.end
            case _:
                return 0, 0

    def _within(self, target: Place) -> str:
        """What lies between the cursor and a place of its line, or of the next one's start."""
        line, column = self._buffer.cursor
        if target[0] != line:
            return "\n"
        low, high = sorted((column, target[1]))
        return self._buffer.lines[line][low:high]

    def _go(self, place: Place, *, selecting: bool = False) -> None:
        self._buffer.go(place, selecting=selecting)
        self._goal = None
        self._reveal()
        self._show()

    def _edit(self, change: Callable[[], object]) -> None:
        version = self._buffer.version
        change()
        self._goal = None
        if self._buffer.version != version:
            self._reveal()
            self._show()
            self.post_message(self.Changed())
        else:
            self._show()

    # ── the mouse ────────────────────────────────────────────────────────────────────────────────

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Put the cursor where it is clicked; a drag selects."""
        event.stop()
        self.focus()
        self._go(self._place_of(event.x, event.y), selecting=event.shift)
        self._dragging = True
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select as far as the mouse is dragged."""
        if self._dragging:
            event.stop()
            self._go(self._place_of(event.x, event.y), selecting=True)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """The drag is over."""
        event.stop()
        self._dragging = False
        self.release_mouse()

    def scroll_rows(self, rows: int) -> None:
        """Scroll; the cursor stays in the text and comes back with the next key."""
        self._top = self._flow.moved(self._top, rows)
        self._show()

    def _place_of(self, x: int, y: int) -> Place:
        row = self._flow.moved(self._top, max(0, y))
        return self._flow.place_at(row, x - INDENT)

    # ── painting ─────────────────────────────────────────────────────────────────────────────────

    def on_resize(self, event: events.Resize) -> None:
        """Break the lines anew; the cursor stays in sight."""
        self._flow.resize(_measure(event.size.width))
        self._top = self._flow.row_of((self._top[0], 0)) if self._top[1] else self._top
        self._reveal()
        self._show(everything=True)

    def focus_changed(self) -> None:
        """Only the cursor is seen or not."""
        self._show()

    def render_line(self, y: int) -> Strip:
        """Draw a row of the screen."""
        width = self.size.width
        if y >= len(self._looks):
            return Strip.blank(width, self.ink("text"))
        look = self._looks[y]
        ink = self.ink(look.role)
        segments = [Segment(" ", self.ink("text")), *pieces(look, ink)]
        return Strip(segments).adjust_cell_length(width, self.ink("text"))

    def _reveal(self) -> None:
        """Bring the cursor's row into sight, by a third of the screen so that it seldom moves."""
        row, page = self._flow.row_of(self._buffer.cursor), self.page
        if not self._flow.has(self._top) or row < self._top:
            self._top = self._flow.moved(row, -min(page // 3, page - 1))
            return
        last = self._flow.moved(self._top, page - 1)
        if row > last:
            self._top = self._flow.moved(row, -(page - 1 - page // 3))

    def _show(self, *, everything: bool = False) -> None:
        """Paint the rows that look different from before."""
        if not self._flow.has(self._top):
            self._top = self._flow.row_of(self._buffer.cursor)
        before, self._looks = self._looks, self._look()
        if everything:
            self.refresh()
            return
        width = self.size.width
        for y in range(max(len(before), len(self._looks))):
            if before[y : y + 1] != self._looks[y : y + 1]:
                self.refresh(Region(0, y, width, 1))

    def _look(self) -> list[Look]:
        buffer, flow = self._buffer, self._flow
        if buffer.lines == [""] and not self.has_focus:
            return [Look(self._empty, "muted")]
        cursor_row = flow.row_of(buffer.cursor) if self.has_focus else None
        looks: list[Look] = []
        row: Row | None = self._top
        while row is not None and len(looks) < self.page:
            looks.append(self._look_of(row, at_cursor=row == cursor_row))
            row = flow.below(row)
        return looks

    def _look_of(self, row: Row, *, at_cursor: bool) -> Look:
        buffer = self._buffer
        start, end = self._flow.span(row)
        line = buffer.lines[row[0]]
        cursor = min(buffer.cursor[1], max(end, start)) - start if at_cursor else None
        chosen = buffer.selection
        columns = None
        if chosen is not None and chosen[0][0] <= row[0] <= chosen[1][0]:
            low = chosen[0][1] if chosen[0][0] == row[0] else 0
            high = chosen[1][1] if chosen[1][0] == row[0] else len(line) + 1
            low, high = max(low, start) - start, min(high, end + 1) - start
            columns = (low, high) if low < high else None
        return Look(line[start:end], role_of(line), columns, cursor)


def _measure(width: int) -> int:
    """Cells that a row of text has on a screen of this width."""
    return max(2, min(_WIDEST, width - _MARKS))
