"""Tells how outgoing mail comes along: each file on the board of transfers, each step to who listens.

Closes the trap of an upload that nobody can see or stop: its row offers to take the mail back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from services.errors import MailError
from services.outbound.gate.gate import Prepared, Step
from services.outbound.gate.plan import OutboundMail
from services.outbound.log.lending import Lender
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.safe_text import EMPTY, SafeText, clean_line, phrase
from services.transfer_models import Direction, TransferAbout, TransferEntry, TransferState

if TYPE_CHECKING:
    from services.transfer_models import TransferBoard

_STATES = {Step.SEALING: TransferState.SEALING, Step.UPLOADING: TransferState.UPLOADING}


def _nobody(_entry: OutboxEntry, _progress: SafeText) -> None:
    """Nobody listens."""


class ShownUploads:
    """The observer of one office's sending; `listen` is told every step of every mail."""

    def __init__(
        self, lender: Lender, take_back: Callable[[tuple[str, ...]], Awaitable[object]]
    ) -> None:
        self._lender = lender
        self._take_back = take_back
        self._rows: dict[tuple[str, int], TransferEntry] = {}
        self._told: dict[str, OutboxEntry] = {}
        self._cancelling: set[asyncio.Task[None]] = set()
        self.listen: Callable[[OutboxEntry, SafeText], None] = _nobody

    def moved(self, entry: OutboxEntry) -> None:
        """It has a new state, or tells something new about it."""
        if entry != self._told.get(entry.entry_id):
            self.listen(entry, EMPTY)
            self._told[entry.entry_id] = entry
        if entry.is_settled:
            del self._told[entry.entry_id]

    def progress(self, entry: OutboxEntry, mail: OutboundMail, prepared: Prepared) -> None:
        """A file of it is so far."""
        total = mail.files[prepared.file].size
        row = self._row(entry, mail, prepared.file)
        if row is not None:
            row.moved(_STATES[prepared.step], prepared.done, total)
        percent = min(99, prepared.done * 100 // total) if total > 0 else 0
        self.listen(entry, phrase("{} {} %", clean_line(prepared.step.value), percent))

    def ended(self, entry: OutboxEntry, error: MailError | None) -> None:
        """Its files do not move any more, for now."""
        for key in [key for key in self._rows if key[0] == entry.entry_id]:
            row = self._rows.pop(key)
            if error is None:
                row.finished()
            else:
                row.failed(error)

    def given_up(self, entry: OutboxEntry) -> None:
        """A person took it back."""
        self.moved(entry)
        for key in [key for key in self._rows if key[0] == entry.entry_id]:
            self._rows.pop(key).cancelled()

    def _row(self, entry: OutboxEntry, mail: OutboundMail, number: int) -> TransferEntry | None:
        board: TransferBoard | None = self._lender.board
        if board is None:
            return None
        key = entry.entry_id, number
        if key not in self._rows:
            file = mail.files[number]
            about = TransferAbout(
                f"up/{entry.entry_id}/{number}",
                Direction.UP,
                clean_line(file.name),
                phrase("{}: {}", clean_line(entry.to), clean_line(entry.subject)),
                file.size,
                cancel=lambda: self._cancel(entry.entry_id),
            )
            self._rows[key] = board.begin(about)
        return self._rows[key]

    def _cancel(self, entry_id: str) -> None:
        task = asyncio.get_running_loop().create_task(self._cancel_now(entry_id))
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    async def _cancel_now(self, entry_id: str) -> None:
        try:
            await self._take_back((entry_id,))
        except MailError:
            # It has left, or somebody else was faster: its row in the outbox says which.
            return
