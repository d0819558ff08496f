"""What changes mail: each command over its targets, with a question where undo is short.

Closes the trap of an action that touches something else than what the operator saw: the targets are
taken by id when the key is pressed, and a dialog keeps exactly those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from services.models import LabelCount, MessageRow, RowFlag
from services.requests import Archive, ChangeLabels, Delete, MarkRead, Request, Undo
from services.safe_text import SafeText, phrase, ui
from services.sync.pace import Pace
from tui import labels
from tui.labels import LabelChange
from tui.screens.dialogs import ConfirmDialog
from tui.screens.label_dialog import LabelDialog

if TYPE_CHECKING:
    from textual.screen import Screen

    from tui.screens.mail import MailScreen

ROWS_LOOKED_AT = 500
"""Rows of a large selection that are read to find out its labels and flags."""


class Changes:
    """The changing commands of a mail screen."""

    def __init__(
        self,
        screen: Screen[None],
        *,
        ask: Callable[[Request], int],
        targets: Callable[[], tuple[str, ...]],
        row_of: Callable[[str], MessageRow | None],
        known_labels: Callable[[], Sequence[LabelCount]],
        gone: Callable[[tuple[str, ...]], None],
        key: Callable[[str], SafeText],
        monotonic: Callable[[], float],
        trash: bool = False,
    ) -> None:
        self._screen = screen
        self._ask = ask
        self._targets = targets
        self._row_of = row_of
        self._known_labels = known_labels
        self._gone = gone
        self._key = key
        self._monotonic = monotonic
        self._trash = trash

    @classmethod
    def of(cls, screen: MailScreen, gone: Callable[[tuple[str, ...]], None]) -> Changes:
        """The changing commands of this screen; `gone` hears of messages that leave the list."""
        return cls(
            screen,
            ask=screen.ask,
            targets=screen.attention.targets,
            row_of=screen.finding.row_of,
            known_labels=lambda: screen.finding.counts.labels,
            gone=gone,
            key=screen.shown_key,
            monotonic=screen.session.monotonic,
            trash=screen.session.trash,
        )

    def archive(self) -> None:
        """Archive the targets; archived ones are brought back."""
        ids = self._targets()
        first = self._row_of(ids[0]) if ids else None
        archived = first is not None and RowFlag.ARCHIVED in first.flags
        self._ask(Archive(ids, archived=not archived))
        self._gone(ids)

    def toggle_unread(self) -> None:
        """Mark unread; read when the first target is unread."""
        ids = self._targets()
        first = self._row_of(ids[0]) if ids else None
        self._ask(MarkRead(ids, is_read=first is not None and RowFlag.UNREAD in first.flags))

    def mark_read(self) -> None:
        """Mark the targets read."""
        self._ask(MarkRead(self._targets(), is_read=True))

    def mark_unread(self) -> None:
        """Mark the targets unread."""
        self._ask(MarkRead(self._targets(), is_read=False))

    def undo(self) -> None:
        """Take back the last change."""
        self._ask(Undo())

    def label(self) -> None:
        """Ask which labels to change on the targets."""
        ids = self._targets()
        entries = labels.states(self._rows(ids), self._known_labels())

        def answered(change: LabelChange | None) -> None:
            if change is not None:
                self._ask(ChangeLabels(ids, change.add, change.remove))

        dialog = LabelDialog(phrase("Labels of {}", self._named(ids)), entries, self._monotonic)
        self._screen.app.push_screen(dialog, answered)

    def delete(self) -> None:
        """Ask, then delete the targets: for good, unless the service has a trash."""
        ids = self._targets()

        def answered(sure: bool | None) -> None:
            if sure:
                self._ask(Delete(ids))
                self._gone(ids)

        count = len(ids)
        dialog = ConfirmDialog(
            phrase(
                "Move {} to the trash?" if self._trash else "Delete {} for good?",
                self._counted(count),
            ),
            (self._named(ids), self._way_back()),
            ui("Delete") if count == 1 else phrase("Delete {}", count),
            self._monotonic,
        )
        self._screen.app.push_screen(dialog, answered)

    def _way_back(self) -> SafeText:
        if self._trash:
            return phrase("{} brings it back from there.", self._key("undo"))
        seconds = round(Pace().delete_grace)
        say = "{} takes it back for {} seconds, then nothing does."
        return phrase(say, self._key("undo"), seconds)

    def _rows(self, ids: Sequence[str]) -> list[MessageRow]:
        rows = (self._row_of(message_id) for message_id in ids[:ROWS_LOOKED_AT])
        return [row for row in rows if row is not None]

    def _counted(self, count: int) -> SafeText:
        return ui("this message") if count == 1 else phrase("{} messages", count)

    def _named(self, ids: Sequence[str]) -> SafeText:
        """The first target's subject, and how many more there are."""
        first = self._row_of(ids[0]) if ids else None
        subject = SafeText(first.subject[:80]) if first is not None else ui("")
        if len(ids) == 1:
            return phrase("“{}”", subject)
        return phrase("“{}” and {} more", subject, len(ids) - 1)
