"""Dialogs of one field over one list: letters go into the field, arrows move in the list.

Closes the trap of a list that takes the focus: the next letter would be lost, and Enter would mean
something else.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input, OptionList

from tui.screens.dialogs import Answer, Dialog


class FieldOverList(Dialog[Answer]):
    """A subclass composes one `Input` and one `OptionList`."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "step(1)", "Next", show=False, priority=True),
        Binding("up,ctrl+p", "step(-1)", "Before", show=False, priority=True),
    ]

    @property
    def options(self) -> OptionList:
        """The list."""
        return self.query_one(OptionList)

    def on_mount(self) -> None:
        """Keep the focus in the field."""
        super().on_mount()
        self.options.can_focus = False

    def action_step(self, by: int) -> None:
        """Move in the list without leaving the field."""
        if by > 0:
            self.options.action_cursor_down()
        else:
            self.options.action_cursor_up()


class NarrowingList(FieldOverList[Answer]):
    """What is typed narrows the list; Enter, or a click, chooses."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Choose", show=False, priority=True),
    ]

    def narrow(self, typed: str) -> None:
        """List what fits the typed letters."""
        raise LookupError(typed)

    def action_choose(self) -> None:
        """Answer with what is under the cursor."""
        raise LookupError(self)

    def on_mount(self) -> None:
        """List everything."""
        super().on_mount()
        self.narrow("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list as it is typed."""
        event.stop()
        self.narrow(event.value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click chooses."""
        event.stop()
        self.action_choose()
