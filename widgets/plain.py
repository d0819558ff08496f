"""The only text widget: it takes SafeText, or text assembled from SafeText, and reads no markup.

Closes the trap of Textual's default: a plain `str` given to a `Static` is parsed as markup, so the
subject `sale [/50% off]` ends the app and `[@click=…]` becomes a clickable action.
"""

from __future__ import annotations

from rich.text import Text
from textual.content import Content
from textual.widgets import Static

from services.safe_text import EMPTY, SafeText

Shown = SafeText | Text | Content
"""What a text widget may show; `Text` and `Content` only when put together from SafeText."""


def content_of(text: Shown) -> Content | Text:
    """Wrap safe text so that no surface reads markup in it; raises TypeError for a str."""
    if isinstance(text, SafeText):
        return Content(text)
    if isinstance(text, Text | Content):
        return text
    raise TypeError("A text widget takes SafeText only.")


class Plain(Static):
    """Text without markup.

    `text` is SafeText, or a `Text`/`Content` assembled from SafeText by our own functions.
    """

    ALLOW_SELECT = False

    def __init__(
        self,
        text: Shown = EMPTY,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(content_of(text), markup=False, name=name, id=id, classes=classes)

    def show(self, text: Shown) -> None:
        """Replace the text without asking for a new layout."""
        self.update(content_of(text), layout=False)
