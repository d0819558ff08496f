"""What lies in a folder, to choose from: folders first, a mark before each file that was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

from textual.message import Message

from services.safe_text import SafeText
from widgets.cells import fit, fit_right, size_words
from widgets.choice_list import ChoiceList
from widgets.rows import Part

_SIZE_CELLS = 8


class Listed(Protocol):
    """A file or a folder as it is shown; `size` in bytes."""

    @property
    def name(self) -> SafeText: ...

    @property
    def is_folder(self) -> bool: ...

    @property
    def size(self) -> int: ...


class FileList(ChoiceList, can_focus=False):
    """Rows of entries; the field above has the keys."""

    TALLEST = 10
    BAR_WITHOUT_FOCUS = True
    INKS: ClassVar[Mapping[str, str]] = {
        "text": "$card-text",
        "strong": "$card-text bold",
        "muted": "$card-muted $muted-style",
        "accent": "$card-good",
        "cursor": "$card-good",
        "cursor-blurred": "$card-good",
    }
    DEFAULT_CSS = """
    FileList { background: $card-background; color: $card-text; height: 10; }
    """

    class Opened(Message):
        """The row under the cursor was clicked."""

    _entries: tuple[Listed, ...] = ()
    _marked: frozenset[SafeText] = frozenset()

    @property
    def current(self) -> Listed | None:
        """What the cursor stands on."""
        return None if self.position is None else self._entries[self.position]

    def show_entries(self, entries: Sequence[Listed], marked: frozenset[SafeText]) -> None:
        """List these; the cursor stays when they are the same ones."""
        same = self._entries == tuple(entries)
        self._entries, self._marked = tuple(entries), marked
        if same:
            self.refresh()
        else:
            self.show_count(len(self._entries))

    def parts(self, place: int, width: int) -> Sequence[Part]:
        """Mark, name, size."""
        entry = self._entries[place]
        mark = self._glyphs.selected if entry.name in self._marked else " "
        name = f"{entry.name}/" if entry.is_folder else entry.name
        size = "" if entry.is_folder else size_words(entry.size)
        return [
            (f"{mark} ", "accent"),
            (
                fit(name, max(4, width - _SIZE_CELLS - 3), self._glyphs.ellipsis),
                "strong" if entry.is_folder else "text",
            ),
            (fit_right(size, _SIZE_CELLS) + " ", "muted"),
        ]

    def opened(self, place: int) -> None:  # noqa: ARG002 - it is the cursor's
        """Say that it was clicked."""
        self.post_message(self.Opened())
