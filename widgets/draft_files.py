"""The files that go with a draft: mark, name, type, size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from services.safe_text import EMPTY, SafeText
from widgets.cells import fit, fit_right, size_words
from widgets.choice_list import ChoiceList
from widgets.rows import Part

_SIZE_CELLS = 7
_LEAST_KIND = 15
"""Cells below which a type says nothing (`application/pdf`)."""
_LEAST_SAID = 16
"""Cells that hold how far a file is (`fetching 40 %`)."""


@dataclass(frozen=True, slots=True)
class FileLine:
    """One file as it is shown; `remark` says what is wrong with it, `size` is in bytes.

    `progress` says how far it is while it still has to come.
    """

    name: SafeText
    content_type: SafeText
    size: int
    encrypted: bool = False
    remark: SafeText = EMPTY
    progress: SafeText = EMPTY


class DraftFiles(ChoiceList):
    """Rows of files; Delete takes one away, Enter or r asks again for one that did not come."""

    TALLEST = 3
    INKS: ClassVar[Mapping[str, str]] = {
        "text": "$card-text",
        "muted": "$card-muted $muted-style",
        "accent": "$card-good",
        "caution": "$card-caution",
        "cursor": "$card-good",
        "cursor-blurred": "$card-muted",
    }
    DEFAULT_CSS = """
    DraftFiles { background: $card-background; color: $card-text; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete,backspace,d,x", "remove", "Take it away", show=False),
        Binding("r", "again", "Fetch it again", show=False),
    ]

    class Removed(Message):
        """A file is to be taken away; `place` counts from 0."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    class Again(Message):
        """A file is to be fetched again; `place` counts from 0."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    _files: tuple[FileLine, ...] = ()

    def show_files(self, files: Sequence[FileLine]) -> None:
        """List these files; none hides the list."""
        if self._files == tuple(files):
            return
        place = self.position or 0
        self._files = tuple(files)
        self.show_count(len(self._files))
        self.display = bool(files)
        self.go(place)

    def parts(self, place: int, width: int) -> Sequence[Part]:
        """One file as a row of `width` cells."""
        file, glyphs = self._files[place], self._glyphs
        said = file.remark or file.progress or file.content_type
        kind_cells = min(30, (width - 36) // 2)
        if file.remark or file.progress:
            kind_cells = max(kind_cells, min(_LEAST_SAID, width // 3))
        elif kind_cells < _LEAST_KIND:
            kind_cells = 0
        name_cells = max(4, width - 5 - max(0, kind_cells) - _SIZE_CELLS)
        return [
            (f" {glyphs.encrypted if file.encrypted else glyphs.attachment} ", "accent"),
            (fit(file.name, name_cells, glyphs.ellipsis) + " ", "text"),
            (fit(said, max(0, kind_cells), glyphs.ellipsis), "caution" if file.remark else "muted"),
            (fit_right(size_words(file.size if file.size >= 0 else None), _SIZE_CELLS), "text"),
            (" ", "text"),
        ]

    def opened(self, place: int) -> None:
        """Say that one is to be fetched again; whoever hears it knows whether that makes sense."""
        self.post_message(self.Again(place))

    def action_again(self) -> None:
        """Say which file is to be fetched again."""
        if self.position is not None:
            self.opened(self.position)

    def action_remove(self) -> None:
        """Say which file is to go."""
        if self.position is not None:
            self.post_message(self.Removed(self.position))
