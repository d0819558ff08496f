"""Chooses one of the operator's templates, and says where they lie when there are none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from services.outbound.writing.templates import Stationery
from services.paths import Paths
from services.safe_text import clean_line, phrase, ui
from tui.screens.dialogs import Dialog
from widgets.plain import Plain


class TemplateDialog(Dialog[str]):
    """Lists the templates; returns the name of the chosen one."""

    AUTO_FOCUS = "OptionList"

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__(monotonic)
        self._names: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """The names."""
        with Vertical(classes="dialog"):
            yield Plain(ui("Begin from a template"), classes="dialog-title")
            yield Plain(id="no-templates", classes="dialog-line")
            yield OptionList(markup=False, compact=True)
            yield Plain(ui("Enter takes it · Esc leaves"), classes="dialog-hint")

    def on_mount(self) -> None:
        """Read the folder in a thread."""
        super().on_mount()
        self.run_worker(self._read())

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the name."""
        event.stop()
        if self.armed:
            self.dismiss(self._names[event.option_index])

    async def _read(self) -> None:
        folder = Paths.from_environment().config_dir
        self._names = await asyncio.to_thread(Stationery(folder).names)
        options = self.query_one(OptionList)
        options.set_options([Option(Content(clean_line(name))) for name in self._names])
        options.display = bool(self._names)
        if not self._names:
            where = clean_line(str(folder / "templates" / "NAME.txt"))
            words = phrase("There are none yet: write one as {}.", where)
            self.query_one("#no-templates", Plain).update(Content(words))
