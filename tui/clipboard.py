"""Copying to the terminal's clipboard (OSC 52), with what can honestly be said about it.

Closes two traps: an unlimited copy sends hundreds of kilobytes down an SSH line, and nobody ever learns
whether the terminal took it, so success is not claimed. The text is base64 on the wire; it cannot break
out of the sequence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.safe_text import SafeText, phrase, ui

if TYPE_CHECKING:
    from textual.app import App

LIMIT: Final = 8_192
"""Characters sent at most; several terminals drop longer copies in silence."""


def copy(app: App[int], text: SafeText, what: SafeText) -> SafeText:
    """Send a text to the terminal's clipboard and return the sentence that says so."""
    if len(text) > LIMIT:
        return phrase("{} is too long to copy ({} characters).", what, len(text))
    if not text:
        return ui("There is nothing to copy.")
    app.copy_to_clipboard(text)
    return phrase("{} sent to your terminal's clipboard.", what)
