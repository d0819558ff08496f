"""Asks what of a message is to be saved, and where: one list, one field.

Closes two traps: a file that lands somewhere by a key typed ahead (Enter is taken only when the
question has been on screen), and a name from a mail that reaches the disk as it stands (what is
shown is the mail's own name; what is written is made safe by `services.attachments.names`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from services.attachments.folders import complete
from services.safe_text import EMPTY, SafeText, clean_line, phrase, ui
from services.shown_mail import AttachmentView
from tui.screens.choosing import FieldOverList
from widgets.cells import size_words
from widgets.plain import Plain

_HINT = ui("Enter saves · Tab completes the folder · Esc leaves")
_CHOICE_HINT = ui("Enter saves · Up/Down chooses · Tab completes the folder · Esc leaves")


@dataclass(frozen=True, slots=True)
class SaveChoice:
    """Which attachments (by index) are to be saved where, and whether encrypted ones are opened."""

    indexes: tuple[int, ...]
    folder: str
    opens: bool = True


class SaveDialog(FieldOverList[SaveChoice]):
    """Chooses attachments and a folder; `current` is the index that the cursor starts on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", show=False, priority=True),
        Binding("ctrl+e", "keep_sealed", "Keep encrypted", show=False, priority=True),
        Binding("enter", "save", "Save", show=False, priority=True),
    ]

    def __init__(
        self,
        files: Sequence[AttachmentView],
        folder: str,
        monotonic: Callable[[], float],
        current: int | None = None,
    ) -> None:
        super().__init__(monotonic)
        self._files = tuple(files)
        self._folder = folder
        self._current = current
        self._opens = True

    def compose(self) -> ComposeResult:
        """What is saved, where to, and what becomes of encrypted files."""
        with Vertical(classes="dialog"):
            yield Plain(ui("Save in a folder"), classes="dialog-title")
            yield OptionList(
                *(Option(Content(line)) for line in self._lines()), markup=False, compact=True
            )
            field = Input(value=self._folder, placeholder="folder", compact=True)
            field.cursor_blink = False
            field.select_on_focus = False
            yield field
            yield Plain(id="save-sealed", classes="dialog-line")
            yield Plain(_CHOICE_HINT if len(self._files) > 1 else _HINT, classes="dialog-hint")

    def on_mount(self) -> None:
        """Put the cursor on what is meant."""
        super().on_mount()
        self.options.highlighted = self._place()
        self.query_one(Input).action_end()
        self._say()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say what becomes of encrypted files among the chosen ones."""
        event.stop()
        self._say()

    def action_complete(self) -> None:
        """Complete the folder; the disk is read in a thread."""
        self.run_worker(self._complete(self.query_one(Input).value), exclusive=True)

    def action_keep_sealed(self) -> None:
        """Save encrypted files as they are, or decrypt them again."""
        self._opens = not self._opens
        self._say()

    def action_save(self) -> None:
        """Return the choice, unless it was typed ahead of the question."""
        folder = self.query_one(Input).value.strip()
        if self.armed and folder:
            indexes = tuple(file.index for file in self._chosen())
            self.dismiss(SaveChoice(indexes, folder, self._opens))

    async def _complete(self, typed: str) -> None:
        completed = await asyncio.to_thread(complete, typed)
        field = self.query_one(Input)
        if field.value == typed:
            field.value = completed
            field.action_end()

    def _place(self) -> int:
        if len(self._files) < 2 or self._current is None:
            return 0
        indexes = [file.index for file in self._files]
        return 1 + indexes.index(self._current) if self._current in indexes else 0

    def _chosen(self) -> tuple[AttachmentView, ...]:
        place = self.query_one(OptionList).highlighted or 0
        if len(self._files) < 2 or place == 0:
            return self._files
        return (self._files[place - 1],)

    def _lines(self) -> list[SafeText]:
        lines = [
            phrase("{}  {}", file.file_name, clean_line(size_words(file.size)))
            for file in self._files
        ]
        return lines if len(lines) < 2 else [phrase("All {} files", len(lines)), *lines]

    def _say(self) -> None:
        sentence = EMPTY
        if any(file.encrypted for file in self._chosen()):
            sentence = (
                ui("It is decrypted on the way to the disk. Ctrl+E keeps it encrypted.")
                if self._opens
                else ui("It stays encrypted. Ctrl+E decrypts it.")
            )
        self.query_one("#save-sealed", Plain).show(sentence)
