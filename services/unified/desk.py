"""Answers what several accounts are asked together: changes, undo, search, files, outgoing mail.

Closes two traps: an answer in pieces (a change to messages of three accounts is one sentence and one
undo, and an account that could not take part is named without taking the others' success away), and an
undo that overtakes the change which it was meant for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from services.errors import MailError, NotFound, UsageError
from services.events import (
    Event,
    Notice,
    OutboundRequest,
    RequestFailed,
    SearchAnswered,
    Severity,
    ShelfRequest,
    TransferRequest,
)
from services.requests import OwnRequest, SearchServer, Undo
from services.safe_text import EMPTY, SafeText, clean_line, join
from services.sync import wording
from services.sync.changes import Undone
from services.sync.changing import ChangeRequest, edit_of, is_worth_a_word
from services.sync.under_way import UnderWay
from services.unified.addressing import named, transfer_row
from services.unified.ids import by_account, join_id

if TYPE_CHECKING:
    from services.posting import Posting
    from services.shelf_events import ShelfListed
    from services.sync.session import Session
    from services.transfer_models import TransferRow

Sessions: TypeAlias = Callable[[], Mapping[str, "Session"]]
"""The sessions that are open now, by account, in the order of the accounts."""
Failures: TypeAlias = dict[str, MailError]
Work: TypeAlias = Callable[[str, "Session"], Awaitable[None]]
"""What is done in an account."""
_LATER: Final = 1e-6
"""Seconds between two changes that were made at the same moment."""


class UnifiedDesk:
    """The requests under way on several mailboxes; `boundary` survives what no one foresaw."""

    def __init__(
        self,
        sessions: Sessions,
        emit: Callable[[Event], None],
        boundary: Callable[[int], AbstractContextManager[None]],
        clock: Callable[[], float],
    ) -> None:
        self._sessions = sessions
        self._emit = emit
        self._clock = clock
        self._turn = asyncio.Lock()
        """Changes and undos are made one after another, as they were asked for."""
        self._under_way = UnderWay(self._dispatch, emit, boundary)
        self.take = self._under_way.take
        self.finish = self._under_way.finish
        self.close = self._under_way.close
        self.posting: Posting | None = None
        """Who writes and sends; None where nothing can be sent."""

    async def _dispatch(self, request_id: int, request: OwnRequest) -> None:
        match request:
            case OutboundRequest():
                await self._outbound(request_id, request)
            case SearchServer():
                await self._search(request_id, request)
            case Undo():
                await self._undo(request_id)
            case TransferRequest():
                self._files(request_id, request)
            case ShelfRequest():
                await self._shelf(request_id, request)
            case _:
                await self._change(request_id, request)  # type: ignore[arg-type]

    async def _outbound(self, request_id: int, request: OutboundRequest) -> None:
        if self.posting is None:
            raise UsageError("These mailboxes cannot send.")
        await self.posting.answer(request_id, request)

    # ── changes ──────────────────────────────────────────────────────────────────────────────────

    async def _change(self, request_id: int, request: ChangeRequest) -> None:
        edit, at = edit_of(request), 0.0
        counts: dict[str, int] = {}

        async def change(account: str, session: Session) -> None:
            ids = wanted[account]
            counts[account] = await session.mailbox.change(ids, edit, at=at)

        def whose() -> tuple[str, ...]:
            nonlocal at
            at = self._moment()
            return tuple(wanted)

        wanted = by_account(request.message_ids)
        failures = await self._in_turn(whose, change)
        count = sum(counts.values())
        if is_worth_a_word(edit, count):
            sessions = self._sessions()
            grace = max(one.mailbox.pace.delete_grace for one in sessions.values())
            trash = all(sessions[one].mailbox.limits.trash for one in counts if one in sessions)
            sentence = wording.done(edit, count, grace, trash=trash)
            self._emit(Notice(sentence, request_id=request_id, undoable=True))
        self._tell(request_id, failures, answered=count > 0)

    async def _undo(self, request_id: int) -> None:
        """Take back the latest change, in every account that it was made in."""
        found: list[Undone] = []

        async def undo(_account: str, session: Session) -> None:
            undone = await session.mailbox.undo()
            if undone is not None:
                found.append(undone)

        def latest() -> tuple[str, ...]:
            last = self._changed_at()
            moment = max(last.values(), default=0.0)
            return tuple(account for account, at in last.items() if at == moment)

        failures = await self._in_turn(latest, undo)
        if found or not failures:
            sentence = wording.undone(_together(found))
            self._emit(Notice(sentence, request_id=request_id))
        self._tell(request_id, failures, answered=bool(found))

    def _moment(self) -> float:
        """Return when a change is made: after all others, also by a clock that was set back."""
        return max(self._clock(), max(self._changed_at().values(), default=0.0) + _LATER)

    def _changed_at(self) -> dict[str, float]:
        """Return when each account was changed last, where that can be taken back."""
        return {
            account: at
            for account, session in self._sessions().items()
            if (at := session.mailbox.changed_at) is not None and not _reads_only(session)
        }

    # ── search ───────────────────────────────────────────────────────────────────────────────────

    async def _search(self, request_id: int, request: SearchServer) -> None:
        found: dict[str, tuple[str, ...]] = {}

        async def search(account: str, session: Session) -> None:
            ids = await session.desk.find(request.text)
            found[account] = tuple(join_id(account, one) for one in ids)

        accounts = tuple(self._sessions())
        failures = await self._each(accounts, search)
        if found:
            ids = tuple(one for account in accounts for one in found.get(account, ()))
            self._emit(SearchAnswered(request_id, request.text, ids))
        self._tell(request_id, failures, answered=bool(found))

    async def _shelf(self, request_id: int, request: ShelfRequest) -> None:
        from services.shelf_events import ListShelf
        from services.unified import shelves

        if not isinstance(request, ListShelf):
            raise UsageError("This is for one account only.")
        shelf = request.shelf

        sessions = self._sessions()
        found: dict[str, ShelfListed] = {}

        async def look(account: str, session: Session) -> None:
            found[account] = await session.desk.shelves().look(shelf)

        failures = await self._each(shelves.having(shelf, sessions), look)
        if found:
            told = _told(failures) if failures else EMPTY
            self._emit(shelves.joined(request_id, shelf, found, told, sessions))
        else:
            self._tell(request_id, failures, answered=False)

    # ── files ────────────────────────────────────────────────────────────────────────────────────

    def _files(self, request_id: int, request: TransferRequest) -> None:
        from services.transfer_events import ForgetTransfers, ListTransfers, TransfersListed

        if not isinstance(request, ListTransfers | ForgetTransfers):
            raise UsageError("This cannot be done with files.")
        rows: list[TransferRow] = []
        for account, session in self._sessions().items():
            board = session.desk.board()
            if isinstance(request, ForgetTransfers):
                board.forget()
            rows += (transfer_row(account, row) for row in board.rows)
        moving = [row for row in rows if not row.state.is_over]
        over = [row for row in rows if row.state.is_over]
        over.sort(key=lambda row: row.changed_at, reverse=True)
        self._emit(TransfersListed(request_id, (*moving, *over)))

    # ── several at once ──────────────────────────────────────────────────────────────────────────

    async def _each(self, accounts: tuple[str, ...], work: Work) -> Failures:
        """Do something in several accounts at once and return what stood in the way where."""
        doing, failures = self._begin(accounts, work)
        await doing
        return failures

    async def _in_turn(self, accounts: Callable[[], tuple[str, ...]], work: Work) -> Failures:
        """Do the same after all that was asked for before; a mailbox changes before it waits."""
        async with self._turn:
            doing, failures = self._begin(accounts(), work)
            # The first step of what was begun comes before the next one of this.
            await asyncio.sleep(0)
        await doing
        return failures

    def _begin(
        self, accounts: tuple[str, ...], work: Work
    ) -> tuple[asyncio.Future[list[None]], Failures]:
        sessions = self._sessions()
        failures: Failures = {}

        async def one(account: str) -> None:
            session = sessions.get(account)
            try:
                if session is None:
                    raise NotFound("This mailbox is not open.", "Start the program again.")
                await work(account, session)
            except MailError as error:
                failures[account] = error

        return asyncio.gather(*map(one, accounts)), failures

    def _tell(self, request_id: int, failures: Failures, *, answered: bool) -> None:
        """Tell what did not work: as the answer when nothing did, else beside it."""
        if not failures:
            return
        sentence = _told(failures)
        step = clean_line(next(iter(failures.values())).next_step)
        account = next(iter(failures)) if len(failures) == 1 else ""
        if answered:
            self._emit(Notice(sentence, Severity.WARNING, next_step=step, account=account))
        else:
            self._emit(RequestFailed(request_id, sentence, step, account=account))


def _told(failures: Failures) -> SafeText:
    """Say a sentence once that stands in the way of several."""
    by_sentence: dict[str, list[str]] = {}
    for account, error in failures.items():
        by_sentence.setdefault(error.sentence, []).append(account)
    return join(
        " ",
        (named(", ".join(names), clean_line(told)) for told, names in by_sentence.items()),
    )


def _together(found: list[Undone]) -> Undone | None:
    """Return what the parts of one change came to."""
    if not found:
        return None
    return replace(
        found[0],
        restored=sum(one.restored for one in found),
        uncertain=sum(one.uncertain for one in found),
        too_late=sum(one.too_late for one in found),
    )


def _reads_only(session: Session) -> bool:
    return session.mailbox.store.read_only
