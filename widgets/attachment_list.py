"""The attachments of a message: name, type, size and state."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from services.models import AttachmentView
from widgets.choice_list import ChoiceList


class AttachmentList(ChoiceList):
    """Attachments to choose from."""

    class Chosen(Message):
        """An attachment was chosen."""

        def __init__(self, attachment: AttachmentView) -> None:
            super().__init__()
            self.attachment = attachment

    def show_attachments(self, attachments: Sequence[AttachmentView]) -> None:
        """Show these attachments."""
