"""Chooses files to go with a mail: a path with completion, a list, and what was dropped on the window.

Closes two traps: a file attached because Enter was typed ahead (a folder only opens, and a file is
attached when its name is seen), and a disk that is slow: it is read in a thread, and an answer to
letters that are gone is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input
from textual.worker import WorkType

from services.draft import DraftFile
from services.safe_text import SafeText, clean_line, phrase, ui
from tui.file_choice import Folder, begun_anew, chosen_files, completed, look_into, paths_in
from tui.screens.dialogs import Dialog
from widgets.file_list import FileList
from widgets.line_field import LineField
from widgets.plain import Plain

_HINT: Final = ui("Ctrl+T marks one of several · Tab completes · Esc leaves")
_NOTHING: Final = ui("Nothing here begins like that.")
_EMPTY: Final = ui("Nothing to attach here; type a path, or paste it.")


class PathField(LineField):
    """A path; what is pasted may be several of them, which is told to the picker."""

    TAKES = 500_000

    class Dropped(Message):
        """Text was pasted that may name files."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(self.Dropped(event.text))


class FilePicker(Dialog[tuple[DraftFile, ...]]):
    """Returns the chosen files; `start` is the folder that it begins in, as people write it."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "step(1)", "Next", show=False, priority=True),
        Binding("up,ctrl+p", "step(-1)", "Before", show=False, priority=True),
        Binding("pagedown", "step(10)", "Page", show=False, priority=True),
        Binding("pageup", "step(-10)", "Page", show=False, priority=True),
        Binding("tab", "complete", "Complete", show=False, priority=True),
        Binding("ctrl+t", "mark", "Mark", show=False, priority=True),
        Binding("enter", "take", "Attach", show=False, priority=True),
    ]

    def __init__(self, monotonic: Callable[[], float], start: str = "~/") -> None:
        super().__init__(monotonic)
        self._start = start
        self._folder = Folder(start)
        self._marked: dict[Path, SafeText] = {}
        self._listed = ""
        """The path whose entries are on the screen."""
        self._takes_next = False
        """Enter came before the entries of the path did: it means those, not the ones before."""

    def compose(self) -> ComposeResult:
        """The path, what fits it, what is marked."""
        with Vertical(classes="dialog wide tall"):
            yield Plain(ui("Attach files"), classes="dialog-title")
            yield PathField(clean_line(self._start), id="path")
            yield FileList(id="entries")
            yield Plain(id="picker-state", classes="dialog-line dialog-state")
            yield Plain(_HINT, classes="dialog-hint")

    def on_mount(self) -> None:
        """List the folder that it begins in."""
        super().on_mount()
        self._read()

    @property
    def _typed(self) -> str:
        return self.query_one("#path", PathField).value

    def on_input_changed(self, event: Input.Changed) -> None:
        """The path is another one."""
        event.stop()
        self._takes_next = False
        meant = begun_anew(self._typed)
        if meant != self._typed:
            self._type(meant)
        else:
            self._read()

    def on_path_field_dropped(self, event: PathField.Dropped) -> None:
        """Files were dropped on the window, or a path was pasted."""
        event.stop()
        self._go(partial(self._take_dropped, event.text), "dropped")

    def action_step(self, by: int) -> None:
        """Move in the list."""
        self.query_one(FileList).step(by)
        self._say(self._state())

    def action_complete(self) -> None:
        """Make the path longer as far as there is one choice."""
        self._type(completed(self._typed, self._folder))

    def action_mark(self) -> None:
        """Mark the file under the cursor, or unmark it."""
        entry = self.query_one(FileList).current
        if entry is None or entry.is_folder:
            return
        path = Path(f"{self._folder.shown}{entry.name}").expanduser()
        if self._marked.pop(path, None) is None:
            self._marked[path] = entry.name
        self.query_one(FileList).step(1)
        self._show()

    def action_take(self) -> None:
        """Open the folder under the cursor, or attach the file and what is marked."""
        if not self.armed:
            return
        self._takes_next = self._listed != self._typed
        if self._takes_next:
            return
        entry = self.query_one(FileList).current
        if self._opens:
            assert entry is not None
            self._type(f"{self._folder.shown}{entry.name}/")
            return
        paths = list(self._marked)
        if entry is not None and not entry.is_folder and not paths:
            paths.append(Path(f"{self._folder.shown}{entry.name}"))
        if paths:
            self._go(partial(self._attach_all, paths), "attaching")
        else:
            self._say(_NOTHING)

    @property
    def _opens(self) -> bool:
        """Enter opens the folder under the cursor; with marks only one that was typed for."""
        entry = self.query_one(FileList).current
        is_meant = not (self._marked and self._typed.endswith("/"))
        return entry is not None and entry.is_folder and is_meant

    def on_file_list_opened(self, event: FileList.Opened) -> None:
        """A click on the row under the cursor is Enter."""
        event.stop()
        self.action_take()

    def _type(self, path: str) -> None:
        field = self.query_one("#path", PathField)
        field.value = path
        field.action_end()

    # ── the disk ─────────────────────────────────────────────────────────────────────────────────

    def _go(self, work: WorkType[None], group: str) -> None:
        """Do something that waits for the disk; of one kind only the latest."""
        self.run_worker(work, exclusive=True, group=group)

    def _read(self) -> None:
        typed = self._typed
        self._go(partial(self._list, typed), "listing")

    async def _list(self, typed: str) -> None:
        folder = await asyncio.to_thread(look_into, typed)
        if typed == self._typed:
            self._folder, self._listed = folder, typed
            self._show()
            if self._takes_next:
                self.action_take()

    async def _attach_all(self, paths: list[Path]) -> None:
        files, errors = await asyncio.to_thread(chosen_files, paths)
        if errors:
            self._say(clean_line(errors[0].sentence))
        elif files:
            self.dismiss(files)

    async def _take_dropped(self, text: str) -> None:
        paths = await asyncio.to_thread(paths_in, text)
        if paths:
            self._marked |= {path: clean_line(path.name) for path in paths}
            self._show()
        else:
            line = clean_line(text.strip())
            self._type(line)

    def _show(self) -> None:
        marked = frozenset(
            name
            for path, name in self._marked.items()
            if path.parent == Path(self._folder.shown or ".").expanduser()
        )
        self.query_one(FileList).show_entries(self._folder.entries, marked)
        self._say(self._state())

    def _state(self) -> SafeText:
        folder = self._folder
        if folder.trouble:
            return folder.trouble
        entry = self.query_one(FileList).current
        if entry is not None and self._opens:
            return phrase("Enter opens {}/", entry.name)
        if self._marked:
            return phrase("{} marked: Enter attaches them.", len(self._marked))
        if folder.hidden:
            return phrase("{} names cannot be shown as they are, and are left out.", folder.hidden)
        if folder.more:
            return ui("There are more; type on.")
        if entry is not None:
            return phrase("Enter attaches {}", entry.name)
        return _EMPTY if self._typed.endswith("/") else _NOTHING

    def _say(self, sentence: SafeText) -> None:
        self.query_one("#picker-state", Plain).show(sentence)
