"""Names of keys: what the operator writes, what Textual reports, what the screen shows.

Closes the trap of a key that is accepted and never fires: Textual takes any word as a key, while
`shift+e` arrives as `E` and `ctrl+E` never arrives. A key is one printable character or a name from
the list here; everything else is refused with the spelling that works.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from textual import events

from services.safe_text import SafeText, clean_line, join, ui

_NAMED: Final = {
    "enter": "Enter",
    "escape": "Esc",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "space": "Space",
    "backspace": "Backspace",
    "delete": "Del",
    "insert": "Ins",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
} | {f"f{number}": f"F{number}" for number in range(1, 13)}
_OTHER_SPELLINGS: Final = {
    "esc": "escape",
    "return": "enter",
    "pgdn": "pagedown",
    "pgup": "pageup",
    "del": "delete",
}
_ON_THE_WIRE: Final = {
    "ctrl+j": "enter",
    "ctrl+m": "enter",
    "ctrl+i": "tab",
    "ctrl+[": "escape",
    "ctrl+h": "backspace",
}
"""Control keys that every terminal sends as another key."""


class BadKey(ValueError):
    """A key that cannot be bound; the text says what to write instead."""


def key_of(event: events.Key) -> str:
    """The name of a pressed key, in the spelling of this module."""
    if event.character and event.is_printable and event.character != " ":
        return event.character
    return event.key


def parse(text: str) -> tuple[str, ...]:
    """Split a written key or sequence (`g i`) into key names; raises BadKey."""
    parts = text.split()
    if not parts:
        raise BadKey("a key is missing")
    if len(parts) > 3:
        raise BadKey("a sequence has at most three keys")
    return tuple(_parse_one(part) for part in parts)


def _parse_one(part: str) -> str:
    if len(part) == 1:
        if not part.isprintable():
            raise BadKey("this character cannot be typed")
        return part
    name = _OTHER_SPELLINGS.get(part.lower(), part)
    if name in _NAMED:
        return name
    modifier, _, key = name.rpartition("+")
    if modifier == "shift" and len(key) == 1:
        raise BadKey(f"write {key.upper()} instead")
    if modifier in ("ctrl", "alt", "ctrl+alt", "ctrl+shift") and (len(key) == 1 or key in _NAMED):
        return _modified(modifier, key, name)
    raise BadKey("there is no such key")


def _modified(modifier: str, key: str, name: str) -> str:
    if modifier.startswith("ctrl") and len(key) == 1 and key.isupper():
        raise BadKey(f"write {modifier}+{key.lower()} instead")
    if name in _ON_THE_WIRE:
        raise BadKey(f"terminals send {_ON_THE_WIRE[name]} for it")
    return name


def shown(keys: Iterable[str]) -> SafeText:
    """A key or sequence as the screen writes it: `Ctrl+R`, `g i`."""
    return join(" ", (_shown_one(key) for key in keys))


def _shown_one(key: str) -> SafeText:
    if len(key) == 1:
        return clean_line(key)
    if key in _NAMED:
        return ui(_NAMED[key])
    modifier, _, rest = key.rpartition("+")
    words = [word.capitalize() for word in modifier.split("+")]
    last = _NAMED.get(rest, rest.upper() if modifier.startswith("ctrl") else rest)
    return clean_line("+".join((*words, last)))
