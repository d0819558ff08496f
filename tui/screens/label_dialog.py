"""The label dialog and the label filter: type a few letters, choose, done.

Closes the trap of a new label born from a typing error: known labels that fit come first, and a new one
is offered as such.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from services.safe_text import SafeText, clean_line, phrase, ui
from tui import labels
from tui.labels import Held, LabelChange, LabelState
from tui.screens.choosing import NarrowingList
from widgets.plain import Plain

_SHOWN: Final = 200
_MARKS: Final = {Held.NONE: "[ ] ", Held.SOME: "[-] ", Held.ALL: "[x] "}


class LabelDialog(NarrowingList[LabelChange]):
    """Adds or removes one or several labels; returns the change, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "mark", "Mark and go on", show=False, priority=True),
    ]
    PICKS_ONE: ClassVar[bool] = False

    def __init__(
        self,
        title: SafeText,
        entries: Sequence[LabelState],
        monotonic: Callable[[], float],
        hint: SafeText = ui("Enter changes and closes · Tab changes several · Esc leaves"),  # noqa: B008 - an immutable literal
    ) -> None:
        super().__init__(monotonic)
        self._title = title
        self._hint = hint
        self._entries = tuple(entries)
        self._shown: tuple[LabelState, ...] = ()
        self._changes: dict[str, bool] = {}

    def compose(self) -> ComposeResult:
        """What it is about, the field, the labels, what the keys do."""
        with Vertical(classes="dialog"):
            yield Plain(self._title, classes="dialog-title")
            field = Input(placeholder="label", compact=True)
            field.cursor_blink = False
            yield field
            yield OptionList(markup=False, compact=True)
            yield Plain(id="label-problem", classes="dialog-line")
            yield Plain(self._hint, classes="dialog-hint")

    def action_mark(self) -> None:
        """Change the label under the cursor, and stay."""
        entry = self._current()
        if entry is None or self.PICKS_ONE:
            return
        self._toggle(entry)
        if entry not in self._entries:
            self._entries = (entry, *self._entries)
        self.query_one(Input).clear()
        self.narrow("")

    def action_choose(self) -> None:
        """Return what was marked; without marks, the label under the cursor."""
        entry = self._current()
        if not self._changes and entry is not None:
            self._toggle(entry)
        if not self._changes:
            return
        add = tuple(label for label, wanted in self._changes.items() if wanted)
        remove = tuple(label for label, wanted in self._changes.items() if not wanted)
        self.dismiss(LabelChange(add, remove))

    def _current(self) -> LabelState | None:
        place = self.query_one(OptionList).highlighted
        return None if place is None or place >= len(self._shown) else self._shown[place]

    def _toggle(self, entry: LabelState) -> None:
        if entry.label in self._changes:
            del self._changes[entry.label]
        else:
            self._changes[entry.label] = bool(labels.toggled(entry).add)

    def narrow(self, typed: str) -> None:
        """List the labels that fit, and a new one."""
        self._shown = (*labels.matching(self._entries, typed), *self._new(typed))[:_SHOWN]
        options = self.query_one(OptionList)
        options.set_options([Option(Content(self._line(entry))) for entry in self._shown])
        options.highlighted = 0 if self._shown else None
        self._say_problem(typed)

    def _new(self, typed: str) -> tuple[LabelState, ...]:
        if self.PICKS_ONE or labels.problem(typed):
            return ()
        if any(entry.label == typed for entry in self._entries):
            return ()
        return (LabelState(typed, clean_line(typed)),)

    def _say_problem(self, typed: str) -> None:
        wrong = labels.problem(typed) if typed and not self._shown else ui("")
        if typed and not self._shown and self.PICKS_ONE:
            wrong = ui("No such label.")
        self.query_one("#label-problem", Plain).show(wrong)

    def _line(self, entry: LabelState) -> SafeText:
        if self.PICKS_ONE:
            return entry.shown
        held = entry.held
        if entry.label in self._changes:
            held = Held.ALL if self._changes[entry.label] else Held.NONE
        new = entry.held is Held.NONE and entry not in self._entries
        return phrase("{}{}{}", ui(_MARKS[held]), entry.shown, ui("  (new label)" if new else ""))


class LabelFilterDialog(LabelDialog):
    """Chooses one label to show; returns it as the change's only addition."""

    PICKS_ONE = True

    def __init__(self, entries: Sequence[LabelState], monotonic: Callable[[], float]) -> None:
        super().__init__(
            ui("Show one label"), entries, monotonic, ui("Enter shows it · Esc leaves")
        )
