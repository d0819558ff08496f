"""The four themes, in our own variables: what a colour is for, not what it looks like.

Closes the trap of styles that work in one theme only: widgets name a purpose (`$mail-muted`), every
theme gives it a colour, and a test measures the contrast of each pair that is drawn. Colour never
carries a meaning alone (widgets/glyphs.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from textual.app import App
from textual.theme import Theme

from tui.palettes import PALETTES

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


def _theme(
    name: str, colours: Mapping[str, str], *, dark: bool = True, ansi: bool = False
) -> Theme:
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
    name: _theme(name, colours, dark=name != "light", ansi=name == "ansi")
    for name, colours in PALETTES.items()
}
"""The themes by name, `dark` first."""


def variable_defaults() -> dict[str, str]:
    """Our variables under a theme that is not ours; for `get_theme_variable_defaults`."""
    return dict(PALETTES["dark"])


def install(app: App[Any], name: str = "dark") -> None:
    """Register the themes with an app and choose one; an unknown name falls back to `dark`."""
    for theme in THEMES.values():
        app.register_theme(theme)
    app.theme = name if name in THEMES else "dark"
