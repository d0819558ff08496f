"""The colours of the four themes, by purpose: plain data, so that the first picture needs no Textual.

Closes the trap of two ideas of a theme: `tui.themes` makes Textual's themes of these tables, and
`tui.first_picture` draws with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Every colour of `dark`, `light` and `contrast` is one of the fixed colours 16 to 255: so a theme
# looks the same with 256 colours as with millions, and a frame says it in nine bytes instead of
# nineteen.

_DARK: Final = {
    "mail-background": "#121212",
    "mail-text": "#dadada",
    "mail-muted": "#949494",
    "mail-accent": "#5fd7af",
    "mail-caution": "#d7af5f",
    "mail-danger": "#ff8787",
    "mail-rule": "#444444",
    "quote-1": "#87afaf",
    "quote-2": "#8787d7",
    "quote-3": "#af87af",
    "notice-text": "#afaf87",
    "card-background": "#262626",
    "card-text": "#eeeeee",
    "card-muted": "#a8a8a8",
    "card-caution": "#ffd75f",
    "card-danger": "#ffafaf",
    "card-good": "#5fd7af",
    "bar-background": "#1c1c1c",
    "bar-text": "#dadada",
    "bar-muted": "#9e9e9e",
    "bar-caution": "#d7af5f",
    "bar-danger": "#ff8787",
    "account-blue": "#87afff",
    "account-green": "#87d787",
    "account-purple": "#d7afff",
    "account-orange": "#ff8700",
    "account-cyan": "#5fd7ff",
    "account-pink": "#ff87d7",
    "muted-style": "none",
}

_LIGHT: Final = {
    "mail-background": "#eeeeee",
    "mail-text": "#1c1c1c",
    "mail-muted": "#585858",
    "mail-accent": "#005f5f",
    "mail-caution": "#875f00",
    "mail-danger": "#af0000",
    "mail-rule": "#bcbcbc",
    "quote-1": "#005f5f",
    "quote-2": "#0000af",
    "quote-3": "#5f005f",
    "notice-text": "#5f5f00",
    "card-background": "#dadada",
    "card-text": "#121212",
    "card-muted": "#4e4e4e",
    "card-caution": "#5f5f00",
    "card-danger": "#870000",
    "card-good": "#005f5f",
    "bar-background": "#e4e4e4",
    "bar-text": "#1c1c1c",
    "bar-muted": "#4e4e4e",
    "bar-caution": "#5f5f00",
    "bar-danger": "#af0000",
    "account-blue": "#0000d7",
    "account-green": "#005f00",
    "account-purple": "#5f00d7",
    "account-orange": "#875f00",
    "account-cyan": "#005f87",
    "account-pink": "#af005f",
    "muted-style": "none",
}

_CONTRAST: Final = {
    "mail-background": "#000000",
    "mail-text": "#ffffff",
    "mail-muted": "#d0d0d0",
    "mail-accent": "#5fffd7",
    "mail-caution": "#ffd75f",
    "mail-danger": "#ffafaf",
    "mail-rule": "#d0d0d0",
    "quote-1": "#afffff",
    "quote-2": "#d7d7ff",
    "quote-3": "#ffd7ff",
    "notice-text": "#ffffaf",
    "card-background": "#303030",
    "card-text": "#ffffff",
    "card-muted": "#e4e4e4",
    "card-caution": "#ffd75f",
    "card-danger": "#ffd7d7",
    "card-good": "#87ffd7",
    "bar-background": "#1c1c1c",
    "bar-text": "#ffffff",
    "bar-muted": "#dadada",
    "bar-caution": "#ffd75f",
    "bar-danger": "#ffd7d7",
    "account-blue": "#afd7ff",
    "account-green": "#afffaf",
    "account-purple": "#d7afff",
    "account-orange": "#ffd7af",
    "account-cyan": "#afffff",
    "account-pink": "#ffafd7",
    "muted-style": "none",
}

# The terminal's own sixteen. Words keep the terminal's own text colour, whose contrast its owner
# has chosen; the card is black on white, the one pair that every palette keeps apart. Accounts are
# told apart by four colours only: blue and red cannot be read on many a ground.
_ANSI: Final = {
    "mail-background": "ansi_default",
    "mail-text": "ansi_default",
    "mail-muted": "ansi_default",
    "mail-accent": "ansi_cyan",
    "mail-caution": "ansi_yellow",
    "mail-danger": "ansi_red",
    "mail-rule": "ansi_default",
    "quote-1": "ansi_default",
    "quote-2": "ansi_default",
    "quote-3": "ansi_default",
    "notice-text": "ansi_default",
    "card-background": "ansi_white",
    "card-text": "ansi_black",
    "card-muted": "ansi_black",
    "card-caution": "ansi_black",
    "card-danger": "ansi_black",
    "card-good": "ansi_black",
    "bar-background": "ansi_default",
    "bar-text": "ansi_default",
    "bar-muted": "ansi_default",
    "bar-caution": "ansi_default",
    "bar-danger": "ansi_default",
    "account-blue": "ansi_cyan",
    "account-green": "ansi_green",
    "account-purple": "ansi_magenta",
    "account-orange": "ansi_yellow",
    "account-cyan": "ansi_cyan",
    "account-pink": "ansi_magenta",
    "muted-style": "dim",
}

PALETTES: Final[Mapping[str, Mapping[str, str]]] = {
    "dark": _DARK,
    "light": _LIGHT,
    "contrast": _CONTRAST,
    "ansi": _ANSI,
}
"""The colour variables of each theme, `dark` first."""
