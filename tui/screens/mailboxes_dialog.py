"""The mailbox list as a dialog, for screens too narrow to keep it beside the messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from services.models import MailboxCounts, MailFilter
from services.safe_text import ui
from tui.screens.dialogs import Dialog
from widgets.glyphs import Glyphs
from widgets.mailbox_list import AccountGroup, Beside, MailboxList, Outgoing
from widgets.plain import Plain


class MailboxesDialog(Dialog[MailFilter | str]):
    """Chooses a mailbox or a label, or by its command a screen of its own."""

    AUTO_FOCUS = "MailboxList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,m", "leave", "Back", show=False),
        Binding("j", "step(1)", "Next", show=False),
        Binding("k", "step(-1)", "Before", show=False),
    ]

    def __init__(
        self,
        counts: MailboxCounts,
        accounts: tuple[AccountGroup, ...],
        outgoing: Outgoing,
        beside: Beside,
        current: MailFilter,
        glyphs: Glyphs,
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(monotonic)
        self._counts = counts
        self._accounts = accounts
        self._outgoing = outgoing
        self._beside = beside
        self._current = current
        self._list = MailboxList(glyphs=glyphs)

    def compose(self) -> ComposeResult:
        """The list and its way out."""
        with Vertical(classes="dialog places"):
            yield self._list
            yield Plain(ui("Enter shows it · Esc leaves"), classes="dialog-hint")

    def on_mount(self) -> None:
        """Fill the list."""
        super().on_mount()
        self._list.show_counts(self._counts, self._accounts)
        self._list.show_outgoing(self._outgoing)
        self._list.show_beside(self._beside)
        self._list.show_current(self._current)

    def on_mailbox_list_chosen(self, event: MailboxList.Chosen) -> None:
        """Return what was chosen."""
        event.stop()
        self.dismiss(event.filter)

    def on_mailbox_list_place_chosen(self, event: MailboxList.PlaceChosen) -> None:
        """Return the command of what was chosen."""
        event.stop()
        self.dismiss(event.command)

    def on_choice_list_left(self, event: MailboxList.Left) -> None:
        """Escape in the list leaves the dialog."""
        event.stop()
        self.action_leave()

    def action_step(self, by: int) -> None:
        """Move in the list."""
        self._list.step(by)
