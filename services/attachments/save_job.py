"""One request to save files: one after another, each with its row on the board.

Closes two traps: one file that fails and takes the others with it, and one that is given up and
takes the others with it. What has begun to arrive is cleaned away before anything is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from services.attachments.board import Board, Entry
from services.attachments.transfer import Progressed, Saved, Stage, Wanted
from services.errors import MailError
from services.events import Event
from services.safe_text import SafeText, clean_line, phrase, ui
from services.transfer_events import FileMoved, SaveAttachments
from services.transfer_models import Direction, TransferAbout, TransferState

Save = Callable[[Wanted, Callable[[Progressed], None]], Awaitable[Saved]]
"""Saves one file and tells how far it is (`services.attachments.transfer.Fetcher.save`)."""
GIVEN_UP: Final = ui("Nothing of it was kept.")
_STATES: Final = {
    Stage.WAITING: TransferState.WAITING,
    Stage.FETCHING: TransferState.FETCHING,
    Stage.OPENING: TransferState.OPENING,
}
_PATH_CELLS: Final = 52
_OPENED: Final = {
    "good": "Decrypted and saved as {}. Its signature is good.",
    "bad": "Decrypted and saved as {}. Its signature does NOT fit: do not rely on it.",
    "unusable": "Decrypted and saved as {}. Its signature proves nothing.",
}
"""By verdict (`services.crypto.verdicts`)."""


@dataclass(slots=True)
class Outcome:
    """What became of the files of a request; those that were given up are in none of them."""

    saved: list[tuple[Entry, Saved]] = field(default_factory=list)
    failed: list[MailError] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    """Indexes of those that wait for the passphrase."""


class SaveJob:
    """The files of one request; `again` is called with a request that tries one of them again."""

    def __init__(
        self,
        request_id: int,
        request: SaveAttachments,
        *,
        board: Board,
        emit: Callable[[Event], None],
        sender: str,
        again: Callable[[SaveAttachments], None],
    ) -> None:
        self.request_id = request_id
        self._request = request
        self._emit = emit
        self._sender = sender
        self._task: asyncio.Future[None] | None = None
        self._at = -1
        self._given_up: set[int] = set()
        self._outcome = Outcome()
        singles = [self._single(place) for place in range(len(request.indexes))]
        self._entries = {
            single.indexes[0]: board.begin(self._about(single, again)) for single in singles
        }

    async def run(self, save: Save) -> Outcome:
        """Save them and return what became of them."""
        for index in self._entries:
            if index in self._given_up:
                continue
            self._at = index
            self._task = asyncio.ensure_future(self._save(index, save))
            # Cancelled from outside, this waits until the file has been cleaned away.
            await asyncio.gather(self._task, return_exceptions=True)
            if not self._task.cancelled():
                self._task.result()
            else:
                self._entries[index].cancelled(GIVEN_UP)
            self._emit(FileMoved(self.request_id, self._request.message_id, index))
        return self._outcome

    def give_up(self, index: int | None = None) -> None:
        """Give up one file, or all that are left."""
        for one in self._entries if index is None else (index,):
            self._given_up.add(one)
            if one == self._at and self._task is not None and not self._task.done():
                self._task.cancel()
            else:
                self._entries[one].cancelled(GIVEN_UP)

    def closed(self) -> SaveAttachments:
        """The request for what waits for the passphrase, under the same rows."""
        places = [self._request.indexes.index(index) for index in self._outcome.closed]
        singles = [self._single(place) for place in places]
        return replace(
            self._request,
            indexes=tuple(self._outcome.closed),
            names=tuple(name for single in singles for name in single.names),
            transfer_ids=tuple(key for single in singles for key in single.transfer_ids),
        )

    async def _save(self, index: int, save: Save) -> None:
        from services.crypto.errors import Locked

        request, entry = self._request, self._entries[index]
        wanted = Wanted(
            request.message_id, index, request.folder, request.opens, sender=self._sender
        )
        try:
            saved = await save(wanted, partial(self._tell, index))
        except Locked as error:
            self._outcome.closed.append(index)
            entry.locked(clean_line(str(error)))
        except MailError as error:
            self._outcome.failed.append(error)
            entry.failed(error)
        else:
            self._outcome.saved.append((entry, saved))
            entry.finished(told(saved), path=saved.path)

    def _tell(self, index: int, progressed: Progressed) -> None:
        total = progressed.total or -1
        self._entries[index].moved(_STATES[progressed.stage], progressed.done, total)
        words = state_words(progressed)
        self._emit(FileMoved(self.request_id, self._request.message_id, index, words))

    def _single(self, place: int) -> SaveAttachments:
        """The request for one of the files."""
        request = self._request
        index = request.indexes[place]
        names = request.names[place : place + 1] or (phrase("Attachment {}", index + 1),)
        rows = request.transfer_ids[place : place + 1] or (f"down/{self.request_id}/{index}",)
        return replace(request, indexes=(index,), names=names, transfer_ids=rows)

    def _about(
        self, single: SaveAttachments, again: Callable[[SaveAttachments], None]
    ) -> TransferAbout:
        return TransferAbout(
            single.transfer_ids[0],
            Direction.DOWN,
            single.names[0],
            single.about,
            cancel=partial(self.give_up, single.indexes[0]),
            retry=partial(again, single),
        )


def state_words(progressed: Progressed) -> SafeText:
    """Return how far a file is, in a word or two."""
    if progressed.stage is Stage.WAITING:
        return ui("waiting")
    if progressed.stage is Stage.OPENING:
        return ui("opening")
    if not progressed.total:
        return ui("fetching")
    return phrase("{} %", min(99, progressed.done * 100 // progressed.total))


def told(saved: Saved) -> SafeText:
    """Return where a file lies and what it is, in a sentence."""
    return phrase(_words(saved), place_words(saved.path))


def place_words(path: Path) -> SafeText:
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


def _words(saved: Saved) -> str:
    if saved.was_opened:
        return _OPENED.get(
            saved.verdict.value if saved.verdict else "", "Decrypted and saved as {}."
        )
    if saved.was_sealed:
        return "Saved, still encrypted, as {}."
    if saved.was_marked:
        return "Saved as {}. It was marked as encrypted and is not."
    if saved.is_other_size:
        return "Saved as {}. Its size is not the one that was announced."
    return "Saved as {}."
