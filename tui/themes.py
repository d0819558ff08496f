"""The four themes, in our own variables: what a colour is for, not what it looks like.

Closes the trap of styles that work in one theme only: widgets name a purpose (`$mail-muted`), every
theme gives it a colour, and a test measures the contrast of each pair that is drawn. Colour never
carries a meaning alone (widgets/glyphs.py).
"""

from __future__ import annotations

from typing import Final

from textual.app import App
from textual.theme import Theme

_DARK: Final = {
    "mail-background": "#101415",
    "mail-text": "#d7dcdc",
    "mail-muted": "#8f9a9c",
    "mail-accent": "#4fc4b2",
    "mail-caution": "#e3ac45",
    "mail-danger": "#f47f80",
    "mail-rule": "#3a4446",
    "quote-1": "#a3b4b0",
    "quote-2": "#9aa7bb",
    "quote-3": "#a99fb5",
    "notice-text": "#b7a779",
    "card-background": "#202a2c",
    "card-text": "#e8ecec",
    "card-muted": "#9eabad",
    "card-caution": "#f0b950",
    "card-danger": "#ff9a9a",
    "card-good": "#63d3c2",
    "bar-background": "#181e1f",
    "bar-text": "#d7dcdc",
    "bar-muted": "#94a0a2",
    "bar-caution": "#e3ac45",
    "bar-danger": "#f47f80",
    "muted-style": "none",
}

_LIGHT: Final = {
    "mail-background": "#fbfbf9",
    "mail-text": "#1f2628",
    "mail-muted": "#5b676a",
    "mail-accent": "#0a6c61",
    "mail-caution": "#855600",
    "mail-danger": "#b3261e",
    "mail-rule": "#c3cac9",
    "quote-1": "#43605a",
    "quote-2": "#48597a",
    "quote-3": "#64507a",
    "notice-text": "#6d5a1c",
    "card-background": "#e3e9e8",
    "card-text": "#161c1e",
    "card-muted": "#4d595c",
    "card-caution": "#754b00",
    "card-danger": "#a11d16",
    "card-good": "#075f55",
    "bar-background": "#eef1f0",
    "bar-text": "#1f2628",
    "bar-muted": "#55615f",
    "bar-caution": "#7d5100",
    "bar-danger": "#a92219",
    "muted-style": "none",
}

_CONTRAST: Final = {
    "mail-background": "#000000",
    "mail-text": "#ffffff",
    "mail-muted": "#cfcfcf",
    "mail-accent": "#5ff5e0",
    "mail-caution": "#ffd24a",
    "mail-danger": "#ffa3a3",
    "mail-rule": "#cfcfcf",
    "quote-1": "#bfe8df",
    "quote-2": "#c6d6ff",
    "quote-3": "#ecccff",
    "notice-text": "#ffe9a8",
    "card-background": "#262626",
    "card-text": "#ffffff",
    "card-muted": "#e0e0e0",
    "card-caution": "#ffd968",
    "card-danger": "#ffb9b9",
    "card-good": "#7ff7e6",
    "bar-background": "#1a1a1a",
    "bar-text": "#ffffff",
    "bar-muted": "#d4d4d4",
    "bar-caution": "#ffd968",
    "bar-danger": "#ffb9b9",
    "muted-style": "none",
}

# The terminal's own sixteen. Words keep the terminal's own text colour, whose contrast its owner has
# chosen; the card is black on white, the one pair that every palette keeps apart.
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
    "muted-style": "dim",
}


def _theme(name: str, colours: dict[str, str], *, dark: bool = True, ansi: bool = False) -> Theme:
    return Theme(
        name=name,
        primary=colours["mail-accent"],
        secondary=colours["mail-muted"],
        accent=colours["mail-accent"],
        warning=colours["mail-caution"],
        error=colours["mail-danger"],
        success=colours["mail-accent"],
        foreground=colours["mail-text"],
        background=colours["mail-background"],
        surface=colours["mail-background"],
        panel=colours["bar-background"],
        boost=colours["bar-background"],
        dark=dark,
        ansi=ansi,
        variables=dict(colours),
    )


THEMES: Final = {
    "dark": _theme("dark", _DARK),
    "light": _theme("light", _LIGHT, dark=False),
    "contrast": _theme("contrast", _CONTRAST),
    "ansi": _theme("ansi", _ANSI, ansi=True),
}
"""The themes by name, `dark` first."""


def variable_defaults() -> dict[str, str]:
    """Values for our variables under a theme that is not ours; for `get_theme_variable_defaults`."""
    return dict(_DARK)


def install(app: App[object], name: str = "dark") -> None:
    """Register the themes with an app and choose one; an unknown name falls back to `dark`."""
    for theme in THEMES.values():
        app.register_theme(theme)
    app.theme = name if name in THEMES else "dark"
