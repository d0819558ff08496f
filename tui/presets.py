"""The key presets besides the built-in one: only what differs from the keys in `commands`.

Sources of the dialects: research/mail_clients.md §2. A preset gives a command all its keys anew. It
keeps the rule that no key which changes mail means two things in two panes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

Keys = Mapping[str, tuple[str, ...]]

_GMAIL: Final[Keys] = {
    "delete": ("#",),
    "next_message": ("n", "J"),
    "previous_message": ("p", "K"),
    "back": ("u", "q", "escape"),
    "toggle_unread": ("_",),
    "select": ("x",),
    "select_all": ("* a",),
    "select_none": ("* n",),
    "inbox": ("g i",),
    "all_mail": ("g a", "g e"),
    "archived": ("g h",),
    "filter_label": ("g l",),
    "reply_all": ("a", "R"),
}

_MUTT: Final[Keys] = {
    "next_message": ("J", "right"),
    "previous_message": ("K", "left"),
    "first": ("=", "home"),
    "last": ("*", "end"),
    "half_page_down": ("]",),
    "half_page_up": ("[",),
    "page_down": ("Z", "pagedown", "ctrl+f"),
    "next_unread": ("tab",),
    "previous_unread": ("shift+tab",),
    "next_pane": ("f6",),
    "previous_pane": ("f5",),
    "back": ("q", "i", "x", "escape"),
    "open": ("enter", "space"),
    "select": ("t",),
    "select_all": ("T",),
    "select_none": ("ctrl+t",),
    "select_range": ("V",),
    "quotes": ("S",),
    "save_files": ("s",),
    "search_server": ("alt+/",),
    "archive": ("E",),
    "label": ("Y",),
    "delete": ("d",),
    "undo": ("u",),
    "toggle_unread": ("N",),
    "mark_read": ("w r",),
    "mark_unread": ("w N",),
    "search": ("/", "l"),
    "links": ("ctrl+l",),
    "raw": ("e",),
    "mailboxes": ("c", "y"),
    "copy_address": ("@",),
    "compose": ("m",),
    "edit_as_new": ("alt+e",),
    "refresh": ("$", "ctrl+r"),
    "refresh_all": ("g ctrl+r",),
}

_EMACS: Final[Keys] = {
    "next": ("n", "ctrl+n", "down"),
    "previous": ("p", "ctrl+p", "up"),
    "scroll_down": ("ctrl+n", "down"),
    "scroll_up": ("ctrl+p", "up"),
    "next_message": ("n",),
    "previous_message": ("p",),
    "half_page_down": ("ctrl+d",),
    "half_page_up": ("ctrl+u",),
    "page_down": ("ctrl+v", "pagedown"),
    "read_on": ("space", "ctrl+v", "pagedown"),
    "page_up": ("alt+v", "pageup"),
    "first": ("alt+<", "home"),
    "last": ("alt+>", "end"),
    "palette": ("alt+x", ":"),
    "search": ("ctrl+s", "/"),
    "archive": ("r",),
    "delete": ("D",),
    "undo": ("ctrl+_", "U"),
    "mark_read": ("!",),
    "mark_unread": ("ctrl+o",),
    "select": ("m", "space"),
    "select_all": ("* a",),
    "select_none": ("ctrl+g",),
    "back": ("q", "escape"),
    "mailboxes": ("j",),
    "refresh": ("g g", "ctrl+r"),
    "next_key": ("ctrl+n", "j", "down"),
    "previous_key": ("ctrl+p", "k", "up"),
    "next_row": ("n", "ctrl+n", "j", "down"),
    "previous_row": ("p", "ctrl+p", "k", "up"),
    "first_row": ("alt+<", "home"),
    "last_row": ("alt+>", "end"),
    "compose": ("C",),
    "reply": ("R",),
    "reply_all": ("W",),
    "forward": ("F",),
    "only_unread": ("f u",),
    "only_verified": ("f v",),
    "only_account": ("f a",),
}

PRESETS: Final[Mapping[str, Keys]] = MappingProxyType(
    {
        "vim": MappingProxyType({}),
        "gmail": MappingProxyType(_GMAIL),
        "mutt": MappingProxyType(_MUTT),
        "emacs": MappingProxyType(_EMACS),
    }
)
