"""Answers the screens' requests to save files: one after another, told as they go, cancellable.

Closes two traps: one file that fails and takes the others with it, and a saved file that nobody can
find (the path is told at the end).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.attachments.transfer import (
    AttachmentSource,
    Fetcher,
    KeySupply,
    Progressed,
    Saved,
    Stage,
    Wanted,
)
from services.errors import MailError, Offline, UsageError
from services.events import Event, TransferRequest
from services.safe_text import SafeText, clean_line, phrase, ui
from services.transfer_events import (
    CancelTransfers,
    FileMoved,
    FilesSaved,
    SaveAttachments,
    SavingNeedsKey,
)

if TYPE_CHECKING:
    from services.ports import MailProvider

_PATH_CELLS: Final = 52
_OPENED: Final = {
    "good": "Decrypted and saved as {}. Its signature is good.",
    "bad": "Decrypted and saved as {}. Its signature does NOT fit: do not rely on it.",
    "unusable": "Decrypted and saved as {}. Its signature proves nothing.",
}
"""By verdict (`services.crypto.verdicts`)."""


class TransferDesk:
    """Carries out `TransferRequest`s of one account.

    `provider` gives the mail service as it is connected now (None: offline), `keys` opens what is
    encrypted, `sender_of` gives the address of a message's sender, `staging` is a private folder.
    """

    def __init__(
        self,
        *,
        provider: Callable[[], MailProvider | None],
        emit: Callable[[Event], None],
        staging: Path,
        keys: KeySupply | None = None,
        sender_of: Callable[[str], str] = lambda _: "",
    ) -> None:
        self._provider = provider
        self._emit = emit
        self._staging = staging
        self._keys = keys
        self._sender_of = sender_of
        self._running: dict[int, asyncio.Task[None]] = {}

    async def answer(self, request_id: int, request: TransferRequest) -> None:
        """Carry out a request; raises MailError when nothing of it could be done."""
        match request:
            case SaveAttachments():
                await self._save_cancellable(request_id, request)
            case CancelTransfers():
                self._cancel(request.request_ids)
            case _:
                raise UsageError("This cannot be done with files.")

    def _cancel(self, request_ids: tuple[int, ...]) -> None:
        for request_id, task in tuple(self._running.items()):
            if not request_ids or request_id in request_ids:
                task.cancel()

    async def _save_cancellable(self, request_id: int, request: SaveAttachments) -> None:
        task = asyncio.ensure_future(self._save(request_id, request))
        self._running[request_id] = task
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            was_asked = task.cancelled()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if not was_asked:
                raise
            sentence = ui("Saving was cancelled.")
            self._emit(FilesSaved(request_id, request.message_id, sentence))
        finally:
            del self._running[request_id]

    async def _save(self, request_id: int, request: SaveAttachments) -> None:
        from services.crypto.errors import Locked

        fetcher = Fetcher(source_of(self._provider()), self._staging, self._keys)
        sender = self._sender_of(request.message_id)
        saved: list[Saved] = []
        failed: list[MailError] = []
        closed: list[int] = []
        for index in request.indexes:
            wanted = Wanted(request.message_id, index, request.folder, request.opens, sender)
            tell = self._teller(request_id, request.message_id, index)
            try:
                saved.append(await fetcher.save(wanted, tell))
            except Locked:
                closed.append(index)
            except MailError as error:
                failed.append(error)
            finally:
                self._emit(FileMoved(request_id, request.message_id, index))
        if saved:
            self._emit(_done(request_id, request, saved, failed))
        elif failed and not closed:
            raise failed[0]
        if closed:
            again = replace(request, indexes=tuple(closed))
            self._emit(SavingNeedsKey(request_id, again, clean_line(str(Locked()))))

    def _teller(self, request_id: int, message_id: str, index: int) -> Callable[[Progressed], None]:
        def tell(progressed: Progressed) -> None:
            self._emit(FileMoved(request_id, message_id, index, state_words(progressed)))

        return tell


def state_words(progressed: Progressed) -> SafeText:
    """Return how far a file is, in a word or two."""
    if progressed.stage is Stage.WAITING:
        return ui("waiting")
    if progressed.stage is Stage.OPENING:
        return ui("opening")
    if not progressed.total:
        return ui("fetching")
    return phrase("{} %", min(99, progressed.done * 100 // progressed.total))


def source_of(provider: MailProvider | None) -> AttachmentSource:
    """Return what a service offers for files; Offline without one, UsageError if it has none."""
    if provider is None:
        raise Offline("There is no connection to the mail service.", "Save the file again later.")
    source: AttachmentSource | None = getattr(provider, "attachments", None)
    if source is None:
        raise UsageError("This mail service does not hand out files.")
    return source


def _done(
    request_id: int, request: SaveAttachments, saved: list[Saved], failed: list[MailError]
) -> FilesSaved:
    paths = tuple(one.path for one in saved)
    sentences = tuple(clean_line(str(error)) for error in failed)
    return FilesSaved(request_id, request.message_id, _told(saved, failed), paths, sentences)


def _told(saved: list[Saved], failed: list[MailError]) -> SafeText:
    if len(saved) == 1:
        sentence = phrase(_words(saved[0]), _place(saved[0].path))
    else:
        sentence = phrase("Saved {} files in {}.", len(saved), _place(saved[0].path.parent))
    return phrase("{} {} could not be saved.", sentence, len(failed)) if failed else sentence


def _words(saved: Saved) -> str:
    if saved.was_opened:
        return _OPENED.get(
            saved.verdict.value if saved.verdict else "", "Decrypted and saved as {}."
        )
    if saved.was_sealed:
        return "Saved, still encrypted, as {}."
    if saved.was_marked:
        return "Saved as {}. It was marked as encrypted and is not."
    return "Saved as {}."


def _place(path: Path) -> SafeText:
    """Return a path as people write it; of a long one the end, which says more."""
    shown = clean_line(shown_path(path))
    return (
        shown if len(shown) <= _PATH_CELLS else phrase("…{}", clean_line(shown[1 - _PATH_CELLS :]))
    )


def shown_path(path: Path) -> str:
    """Return a path with `~` for the home folder."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)
