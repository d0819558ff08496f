"""The keys of the editor, as every editor in a terminal has them.

Closes the trap of a key that writes and does something else as well: letters are text, and what the
screen's own commands use comes to them first.
"""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType


def _key(keys: str, action: str, words: str) -> Binding:
    return Binding(keys, action, words, show=False)


def _moves() -> list[Binding]:
    """Each move, and with Shift the same move selecting."""
    found: list[Binding] = []
    for keys, to in (
        ("left", "left"),
        ("right", "right"),
        ("ctrl+left", "word_left"),
        ("ctrl+right", "word_right"),
        ("home", "home"),
        ("end", "row_end"),
        ("ctrl+home", "start"),
        ("ctrl+end", "finish"),
    ):
        found.append(_key(keys, f"move('{to}')", f"Move {to}"))
        modifier, _, key = keys.rpartition("+")
        shifted = "+".join(part for part in (modifier, "shift", key) if part)
        found.append(_key(shifted, f"move('{to}', True)", f"Select {to}"))
    for key, by in (("up", -1), ("down", 1)):
        found.append(_key(key, f"row({by})", f"Row {key}"))
        found.append(_key(f"shift+{key}", f"row({by}, True)", f"Select {key}"))
    for key, by in (("pageup", -1), ("pagedown", 1)):
        found.append(_key(key, f"page({by})", f"Page {key}"))
        found.append(_key(f"shift+{key}", f"page({by}, True)", f"Select {key}"))
    return found


EDIT_KEYS: Final[list[BindingType]] = [
    *_moves(),
    _key("alt+left,alt+b", "move('word_left')", "Word left"),
    _key("alt+right,alt+f", "move('word_right')", "Word right"),
    _key("ctrl+a", "move('home')", "Start of the row"),
    _key("enter", "new_line", "New line"),
    _key("backspace", "delete('left')", "Delete the letter before"),
    _key("delete,ctrl+d", "delete('right')", "Delete the letter behind"),
    _key("ctrl+w,alt+backspace,ctrl+backspace", "delete('word_left')", "Delete the word before"),
    _key("alt+d,ctrl+delete", "delete('word_right')", "Delete the word behind"),
    _key("ctrl+k", "delete('end')", "Cut to the end of the line"),
    _key("ctrl+u", "delete('line_start')", "Cut to the start of the line"),
    _key("ctrl+v", "put_back", "Put in what was cut"),
    _key("shift+delete", "cut", "Cut the selection"),
    _key("alt+a", "select_all", "Select all"),
    _key("ctrl+z", "undo", "Undo"),
    _key("ctrl+y", "redo", "Redo"),
]
"""Ctrl+Z is undo, not the shell's job control: who writes expects it."""
