"""Answers the screens' requests about files: saving, giving up, trying again, listing, opening.

Closes the trap of a file that was saved and that nobody can find: its path is told at once, and
stays on the board. Its hash is made afterwards: nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from services.attachments.board import Board
from services.attachments.inside import InsideFiles, is_inside, save_inside
from services.attachments.save_job import Outcome, SaveJob, place_words, told
from services.attachments.transfer import (
    AttachmentSource,
    Fetcher,
    KeySupply,
    Progressed,
    Saved,
    Wanted,
    sha256_of,
)
from services.errors import MailError, NotFound, Offline, UsageError
from services.events import Event, TransferRequest
from services.safe_text import SafeText, clean_line, phrase, ui
from services.transfer_events import (
    CancelTransfers,
    FileOpened,
    FilesSaved,
    ForgetTransfers,
    ListTransfers,
    OpenSavedFile,
    RetryTransfers,
    SaveAttachments,
    SavingNeedsKey,
    TransfersListed,
)

if TYPE_CHECKING:
    from services.ports import MailProvider


class TransferDesk:
    """Carries out `TransferRequest`s of one account.

    `provider` gives the mail service as it is connected now (None: offline), `keys` opens what is
    encrypted, `sender_of` gives the address of a message's sender, `staging` is a private folder,
    `inside` gives the files inside of encrypted mail.
    """

    def __init__(
        self,
        *,
        provider: Callable[[], MailProvider | None],
        emit: Callable[[Event], None],
        staging: Path,
        keys: KeySupply | None = None,
        sender_of: Callable[[str], str] = lambda _: "",
        inside: InsideFiles | None = None,
        board: Board | None = None,
    ) -> None:
        self._provider = provider
        self._emit = emit
        self._staging = staging
        self._keys = keys
        self._sender_of = sender_of
        self._inside = inside
        self._board = board or Board(emit)
        self._jobs: list[SaveJob] = []
        self._again: list[SaveAttachments] = []

    async def answer(self, request_id: int, request: TransferRequest) -> None:
        """Carry out a request; raises MailError when nothing of it could be done."""
        match request:
            case SaveAttachments():
                await self._save(request_id, request)
            case CancelTransfers():
                self._cancel(request)
            case RetryTransfers():
                await self._retry(request_id, request)
            case ListTransfers():
                self._list(request_id)
            case ForgetTransfers():
                self._board.forget()
                self._list(request_id)
            case OpenSavedFile():
                await self._open(request_id, request)
            case _:
                raise UsageError("This cannot be done with files.")

    def _list(self, request_id: int) -> None:
        self._emit(TransfersListed(request_id, self._board.rows))

    def _cancel(self, request: CancelTransfers) -> None:
        for transfer_id in request.transfer_ids:
            self._board.cancel(transfer_id)
        if request.transfer_ids and not request.request_ids:
            return
        for job in tuple(self._jobs):
            if not request.request_ids or job.request_id in request.request_ids:
                job.give_up()

    async def _retry(self, request_id: int, request: RetryTransfers) -> None:
        done = [self._board.retry(transfer_id) for transfer_id in request.transfer_ids]
        if not any(done):
            raise UsageError("There is nothing here that could be tried again.")
        # What a row calls back is collected here; uploads begin by themselves.
        waiting, self._again = self._again, []
        for one in waiting:
            await self._save(request_id, one)

    async def _save(self, request_id: int, request: SaveAttachments) -> None:
        job = SaveJob(
            request_id,
            request,
            board=self._board,
            emit=self._emit,
            sender=self._sender_of(request.message_id),
            again=self._again.append,
        )
        self._jobs.append(job)
        try:
            outcome = await job.run(self._save_one)
        finally:
            self._jobs.remove(job)
        self._tell(job, request, outcome)
        for entry, saved in outcome.saved:
            with suppress(MailError):  # somebody has moved it meanwhile
                entry.hashed(await sha256_of(saved.path))

    def _tell(self, job: SaveJob, request: SaveAttachments, outcome: Outcome) -> None:
        saved = [one for _, one in outcome.saved]
        if outcome.failed and not (saved or outcome.closed):
            raise outcome.failed[0]
        if saved or not outcome.closed:
            paths = tuple(one.path for one in saved)
            sentences = tuple(clean_line(str(error)) for error in outcome.failed)
            sentence = _told(saved, len(outcome.failed))
            self._emit(FilesSaved(job.request_id, request.message_id, sentence, paths, sentences))
        if outcome.closed:
            from services.crypto.errors import Locked

            self._emit(SavingNeedsKey(job.request_id, job.closed(), clean_line(str(Locked()))))

    async def _save_one(self, wanted: Wanted, tell: Callable[[Progressed], None]) -> Saved:
        if is_inside(wanted.index) and self._inside is not None:
            return await save_inside(self._inside, wanted, tell)
        fetcher = Fetcher(source_of(self._provider()), self._staging, self._keys)
        return await fetcher.save(wanted, tell)

    async def _open(self, request_id: int, request: OpenSavedFile) -> None:
        from services.attachments.opener import open_with_system

        row = self._board.row(request.transfer_id)
        if row is None or row.path is None:
            raise NotFound("This file is not on the list any more.")
        await open_with_system(row.path)
        self._emit(FileOpened(request_id, phrase("{} was handed to the desktop.", row.name)))


def source_of(provider: MailProvider | None) -> AttachmentSource:
    """Return what a service offers for files; Offline without one, UsageError if it has none."""
    if provider is None:
        raise Offline("There is no connection to the mail service.", "Save the file again later.")
    source: AttachmentSource | None = getattr(provider, "attachments", None)
    if source is None:
        raise UsageError("This mail service does not hand out files.")
    return source


def _told(saved: list[Saved], failed: int) -> SafeText:
    if not saved:
        return ui("Saving was cancelled.")
    if len(saved) == 1:
        sentence = told(saved[0])
    else:
        sentence = phrase("Saved {} files in {}.", len(saved), place_words(saved[0].path.parent))
    return phrase("{} {} could not be saved.", sentence, failed) if failed else sentence
