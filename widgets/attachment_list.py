"""The attachments of a message: name, type, size and state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from services.safe_text import SafeText
from services.shown_mail import AttachmentView
from widgets.cells import fit, fit_right, size_words
from widgets.choice_list import ChoiceList
from widgets.glyphs import UNICODE, Glyphs
from widgets.rows import Part

_SIZE_CELLS = 7
_STATE_CELLS = 9


class AttachmentList(ChoiceList):
    """Attachments to choose from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Before the screen's own Enter, which is about the message.
        Binding("enter", "open", "Save", id="attachments.open", show=False, priority=True)
    ]

    class Chosen(Message):
        """An attachment was chosen."""

        def __init__(self, attachment: AttachmentView) -> None:
            super().__init__()
            self.attachment = attachment

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._attachments: tuple[AttachmentView, ...] = ()
        self._moving: dict[int, SafeText] = {}

    @property
    def attachments(self) -> tuple[AttachmentView, ...]:
        """What is listed."""
        return self._attachments

    def show_attachments(self, attachments: Sequence[AttachmentView]) -> None:
        """Show these attachments."""
        self._attachments = tuple(attachments)
        self._moving.clear()
        self.show_count(len(self._attachments))

    def show_state(self, index: int, state: SafeText) -> None:
        """Show how far the saving of an attachment is, in the place of its state; empty ends it."""
        if state:
            self._moving[index] = state
        else:
            self._moving.pop(index, None)
        self.refresh()

    @property
    def current(self) -> AttachmentView | None:
        """The attachment under the cursor."""
        return None if self.position is None else self._attachments[self.position]

    def parts(self, place: int, width: int) -> Sequence[Part]:
        """Mark, name, type, size, state."""
        attachment = self._attachments[place]
        moving = self._moving.get(attachment.index)
        if moving is not None:
            attachment = replace(attachment, state=moving)
        return attachment_parts(attachment, width, self._glyphs)

    def opened(self, place: int) -> None:
        """Say which attachment was chosen."""
        self.post_message(self.Chosen(self._attachments[place]))


def attachment_parts(file: AttachmentView, width: int, glyphs: Glyphs) -> list[Part]:
    """One attachment as a row of `width` cells."""
    kind_cells = min(24, max(0, (width - 40) // 2))
    name_cells = max(4, width - 4 - kind_cells - _SIZE_CELLS - _STATE_CELLS - 3)
    mark = glyphs.encrypted if file.encrypted else glyphs.attachment
    tone = "muted" if file.state in ("", "ready") else "caution"
    return [
        (f" {mark} ", "accent"),
        (fit(file.file_name, name_cells, glyphs.ellipsis) + " ", "text"),
        (fit(file.content_type, kind_cells, glyphs.ellipsis) + " ", "muted"),
        (fit_right(size_words(file.size), _SIZE_CELLS), "text"),
        ("  " + fit(file.state, _STATE_CELLS, glyphs.ellipsis), tone),
    ]
