"""The four themes, in our own variables: what a colour is for, not what it looks like.

Closes the trap of styles that work in one theme only: widgets name a purpose (`$mail-muted`), every
theme gives it a colour, and a test measures the contrast of each pair that is drawn. Colour never
carries a meaning alone (widgets/glyphs.py).
"""

from __future__ import annotations

from typing import Any, Final

from textual.app import App
from textual.theme import Theme

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
    "muted-style": "none",
}

# The terminal's own sixteen. Words keep the terminal's own text colour, whose contrast its owner
# has chosen; the card is black on white, the one pair that every palette keeps apart.
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

# Names that Textual's own styles ask of a theme of sixteen colours.
_ANSI_TEXTUAL: Final = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "border": "ansi_cyan",
    "border-blurred": "ansi_default",
    "block-cursor-foreground": "ansi_black",
    "block-cursor-background": "ansi_white",
    "input-cursor-background": "ansi_white",
    "input-cursor-foreground": "ansi_black",
    "input-selection-background": "ansi_white",
    "input-selection-foreground": "ansi_black",
    "screen-selection-background": "ansi_white",
    "screen-selection-foreground": "ansi_black",
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
        variables={**colours, **(_ANSI_TEXTUAL if ansi else {})},
    )


THEMES: Final = {
    "dark": _theme("dark", _DARK),
    "light": _theme("light", _LIGHT, dark=False),
    "contrast": _theme("contrast", _CONTRAST),
    "ansi": _theme("ansi", _ANSI, ansi=True),
}
"""The themes by name, `dark` first."""


def variable_defaults() -> dict[str, str]:
    """Our variables under a theme that is not ours; for `get_theme_variable_defaults`."""
    return dict(_DARK)


def install(app: App[Any], name: str = "dark") -> None:
    """Register the themes with an app and choose one; an unknown name falls back to `dark`."""
    for theme in THEMES.values():
        app.register_theme(theme)
    app.theme = name if name in THEMES else "dark"
