"""The Transfers screen: files on their way in both directions, what became of them, where they lie.

Closes two traps: a list asked for anew at every report (each report changes its own row), and a file
that is opened by one key: what a stranger sent is opened after a question, never by Enter alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from services.events import RequestFailed, Severity
from services.safe_text import SafeText, clean_line, phrase, ui
from services.transfer_events import (
    CancelTransfers,
    FileOpened,
    ForgetTransfers,
    ListTransfers,
    OpenSavedFile,
    RetryTransfers,
    TransferMoved,
    TransfersListed,
)
from tui import clipboard
from tui.screens.dialogs import ConfirmDialog
from tui.screens.list_screen import ListScreen, row_motions
from tui.screens.side_screen import Handlers
from tui.situation import Context, Situation
from widgets.transfer_list import TransferList, TransferNote

if TYPE_CHECKING:
    from services.events import OutboundEvent, TransferEvent
    from services.requests import Request
    from services.transfer_models import TransferRow
    from tui.outbound_news import OutboundNews
    from tui.session import Session

_NOTHING: Final = (
    "No file was saved or sent since the start. {} in a message saves its attachments."
)


class TransfersScreen(ListScreen[None]):
    """Files on their way."""

    CONTEXT = Context.TRANSFERS
    HEADING: ClassVar[SafeText] = ui("Transfers")
    AUTO_FOCUS = "TransferList"
    OPENS = "open_saved"

    list: TransferList
    note: TransferNote

    def __init__(self, news: OutboundNews, session: Session) -> None:
        super().__init__(news, session)
        glyphs, clock = session.glyphs, session.clock
        self.list = TransferList(glyphs=glyphs, clock=clock, id="transfers")
        self.list.show_accounts(session.list_marks)
        self.note = TransferNote(glyphs=glyphs, clock=clock, id="transfer-note")
        self._deaf: Callable[[], None] | None = None

    def opened(self) -> None:
        """Listen, and ask for the list."""
        self._deaf = self.news.listen_to_files(self.heard_of_file)
        self.await_list(self.list)
        self.ask(ListTransfers())

    def on_unmount(self) -> None:
        """Hear no more; Textual calls the ground's own handler too."""
        if self._deaf is not None:
            self._deaf()

    def situation(self) -> Situation:
        """What can be done with the file under the cursor."""
        over = sum(row.state.is_over for row in self.list.records)
        return Situation(context=Context.TRANSFERS, rows=over, entry=_entry(self.list.current))

    def handlers(self) -> Handlers:
        """What each command does."""
        return {
            "open_saved": self._open,
            "give_up": lambda: self._with_current(lambda key: CancelTransfers(transfer_ids=(key,))),
            "try_again": lambda: self._with_current(lambda key: RetryTransfers((key,))),
            "copy_place": self._copy,
            "forget_transfers": lambda: self._ask_for(ForgetTransfers()),
            **row_motions(self.list),
        }

    # ── commands ─────────────────────────────────────────────────────────────────────────────────

    def _ask_for(self, request: Request) -> None:
        self.ask(request)

    def _with_current(self, request: Callable[[str], Request]) -> None:
        row = self.list.current
        if row is not None:
            self.ask(request(row.transfer_id))

    def _copy(self) -> None:
        row = self.list.current
        if row is not None and row.path is not None:
            path = clean_line(str(row.path), clipboard.LIMIT)
            self.notices.tell(clipboard.copy(self.app, path, ui("Path")))

    def _open(self) -> None:
        row = self.list.current
        if row is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.ask(OpenSavedFile(row.transfer_id))

        details = (
            row.sentence,
            ui("It came by mail: whatever opens it reads what a stranger may have made."),
        )
        question = phrase("Open {} with the desktop's own program?", row.name)
        dialog = ConfirmDialog(question, details, ui("Open"), self.session.monotonic)
        self.app.push_screen(dialog, answered)

    # ── what the engine tells ────────────────────────────────────────────────────────────────────

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """A failure of what this screen asked for; a file that fails tells it in its row too."""
        if not isinstance(event, RequestFailed) or asked is None:
            return False
        self.notices.tell(event.sentence, Severity.ERROR, event.next_step)
        return True

    def heard_of_file(self, event: TransferEvent) -> bool:
        """The list, what moves in it, and what was opened; nothing is kept from others."""
        match event:
            case TransfersListed():
                key = self.session.keymap.shown_key("save_files")
                self.list.show_records(self.session.only(event.rows), phrase(_NOTHING, key))
            case TransferMoved():
                if self.session.only((event.row,)):
                    self.list.take(event.row)
            case FileOpened():
                self.notices.tell(event.sentence)
        self.show_current()
        self.tick()
        return False


def _entry(row: TransferRow | None) -> str:
    """What guards look at: moving, bound (moving, not to be stopped), here, sent, again, ended."""
    if row is None:
        return ""
    if not row.state.is_over:
        return "moving" if row.can_cancel else "bound"
    if row.path is not None:
        return "here"
    if row.can_retry:
        return "again"
    return "sent" if row.state.value == "done" else "ended"
