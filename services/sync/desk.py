"""Answers the requests of the screens: each in a task of its own, so none waits for another.

Closes two traps: an answer about a message that the operator has already left (a newer `OpenMessage`
cancels the older one), and a request that fails without a word: every failure becomes a
`RequestFailed` that carries the request's id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from services.errors import MailError, UsageError
from services.events import (
    Event,
    KeyRequest,
    MessageOpened,
    OutboundRequest,
    RawRead,
    RequestFailed,
    SearchAnswered,
    TransferRequest,
)
from services.requests import (
    Archive,
    ChangeLabels,
    Delete,
    MarkRead,
    OpenMessage,
    PrepareSearch,
    ReadRaw,
    Refresh,
    Request,
    SearchServer,
    Undo,
)
from services.safe_text import EMPTY, clean_line
from services.sync import wording
from services.sync.edits import Edit, EditKind
from services.sync.mailbox import Mailbox

if TYPE_CHECKING:
    from services.attachments.board import Board
    from services.attachments.desk import TransferDesk
    from services.keys.key_desk import KeyDesk


class OutboundDesk(Protocol):
    """Answers requests about writing and sending (`services.outbound.desk`)."""

    async def answer(self, request_id: int, request: OutboundRequest) -> None: ...


SMALL: Final = 1_000
"""Messages of a mailbox that is walked whole at every refresh: ten requests at most."""


class Desk:
    """The requests under way on one mailbox; `boundary` survives what no one foresaw."""

    def __init__(
        self,
        mailbox: Mailbox,
        emit: Callable[[Event], None],
        boundary: Callable[[int], AbstractContextManager[None]],
        nudge: Callable[[], None],
    ) -> None:
        self._mailbox = mailbox
        self._emit = emit
        self._boundary = boundary
        self._nudge = nudge
        self._tasks: set[asyncio.Task[None]] = set()
        self._latest: dict[type, asyncio.Task[None]] = {}
        self._vital: set[asyncio.Task[None]] = set()
        self._key_desk: KeyDesk | None = None
        self._transfer_desk: TransferDesk | None = None
        self._board: Board | None = None
        self.outbound: OutboundDesk | None = None
        """Who answers requests about writing and sending; None where nothing can be sent."""

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way."""
        return bool(self._tasks)

    def take(self, request_id: int, request: Request) -> None:
        """Start to answer a request; never blocks."""
        latest_only = isinstance(request, OpenMessage | SearchServer) or (
            isinstance(request, KeyRequest | OutboundRequest) and request.latest_only
        )
        if latest_only:
            older = self._latest.pop(type(request), None)
            if older is not None:
                older.cancel()
        task = self._begin(self._answer(request_id, request))
        if latest_only:
            self._latest[type(request)] = task
        if is_vital(request):
            self._vital.add(task)
            task.add_done_callback(self._vital.discard)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(self, seconds: float) -> None:
        """Wait until the vital requests are carried out, but no longer than this."""
        if self._vital:
            await asyncio.wait(tuple(self._vital), timeout=seconds)

    async def close(self) -> None:
        """Cancel what is under way."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._key_desk is not None:
            self._key_desk.close()

    async def _answer(self, request_id: int, request: Request) -> None:
        with self._boundary(request_id):
            try:
                await self._dispatch(request_id, request)
            except MailError as error:
                self._emit(failure(request_id, request, error))

    async def _outbound(self, request_id: int, request: OutboundRequest) -> None:
        if self.outbound is None:
            raise UsageError("This mailbox cannot send.")
        await self.outbound.answer(request_id, request)

    def _dispatch(self, request_id: int, request: Request) -> Coroutine[Any, Any, None]:
        match request:
            case OpenMessage():
                return self._open(request_id, request)
            case ReadRaw():
                return self._raw(request_id, request)
            case SearchServer():
                return self._search(request_id, request)
            case Refresh():
                return self._refresh(request)
            case PrepareSearch():
                return self._mailbox.prepare_search()
            case Undo():
                return self._undo(request_id)
            case KeyRequest():
                return self._keys(request_id, request)
            case OutboundRequest():
                return self._outbound(request_id, request)
            case TransferRequest():
                return self._transfers().answer(request_id, request)
            case _:
                return self._change(request_id, request)

    async def _open(self, request_id: int, request: OpenMessage) -> None:
        opened = await self._mailbox.open(request.message_id, reveal=request.reveal)
        self._emit(MessageOpened(request_id, request.message_id, opened.message, opened.trust))
        self._find_kept()

    async def _raw(self, request_id: int, request: ReadRaw) -> None:
        lines = await self._mailbox.raw(request.message_id)
        self._emit(RawRead(request_id, request.message_id, lines))

    async def _search(self, request_id: int, request: SearchServer) -> None:
        found = await self._mailbox.search_server(request.text)
        self._emit(SearchAnswered(request_id, request.text, found))

    async def _refresh(self, request: Refresh) -> None:
        if request.full:
            await self._mailbox.sync(full=True)
            return
        self._nudge()
        mailbox = self._mailbox
        if mailbox.synced_at and mailbox.report.snapshot.counts.total <= SMALL:
            # What stands in the way is told by the look that was asked for above.
            with suppress(MailError):
                await mailbox.sync(full=True, loud=False)

    async def _change(
        self, request_id: int, request: MarkRead | ChangeLabels | Archive | Delete
    ) -> None:
        mailbox, ids = self._mailbox, request.message_ids
        match request:
            case MarkRead(is_read=is_read):
                edit = Edit(EditKind.READ, is_read)
                count = await mailbox.mark_read(ids, is_read)
            case ChangeLabels(add=add, remove=remove):
                edit = Edit(EditKind.LABELS, add=add, remove=remove)
                count = await mailbox.change_labels(ids, add=add, remove=remove)
            case Archive(archived=archived):
                edit = Edit(EditKind.ARCHIVE, archived)
                count = await mailbox.archive(ids, archived)
            case Delete():
                edit = Edit(EditKind.DELETE)
                count = await mailbox.delete(ids)
        # Reading marks as read all day long: only more than one message is worth a word.
        if count > (1 if edit.kind is EditKind.READ else 0):
            sentence = wording.done(edit, count, mailbox.pace.delete_grace)
            mailbox.report.notice(sentence, request_id=request_id, undoable=True)

    def board(self) -> Board:
        """The board that files on their way are reported to; made with the first of them."""
        if self._board is None:
            from services.attachments.board import Board

            self._board = Board(self._emit)
        return self._board

    def _transfers(self) -> TransferDesk:
        if self._transfer_desk is None:
            from services.sync.saving import transfer_desk

            self._transfer_desk = transfer_desk(self._mailbox, self._emit, self.board())
        return self._transfer_desk

    def _find_kept(self) -> None:
        """In a task of its own: it outlives the answer that came with the unlocked keys."""
        if self._mailbox.sealed.wants_kept:
            self._begin(self._survive(self._mailbox.find_kept()))

    async def _survive(self, work: Coroutine[Any, Any, None]) -> None:
        with self._boundary(0):
            await work

    async def _keys(self, request_id: int, request: KeyRequest) -> None:
        from services.key_events import ReadAhead

        if isinstance(request, ReadAhead):
            await self._mailbox.read_ahead(request.message_ids)
            return
        keychain = await self._mailbox.keychain.get()
        if self._key_desk is None:
            from services.keys.key_desk import KeyDesk

            self._key_desk = KeyDesk(keychain, self._emit)
        await self._key_desk.answer(request_id, request)
        self._find_kept()

    async def _undo(self, request_id: int) -> None:
        result = await self._mailbox.undo()
        self._mailbox.report.notice(wording.undone(result), request_id=request_id)


def is_vital(request: Request) -> bool:
    """Tell whether a request is carried out even when the program is about to stop."""
    return isinstance(request, OutboundRequest) and request.is_vital


def failure(request_id: int, request: Request, error: MailError) -> RequestFailed:
    """Return the event that tells why a request was not answered."""
    return RequestFailed(
        request_id,
        clean_line(error.sentence),
        clean_line(error.next_step) if error.next_step else EMPTY,
        getattr(request, "message_id", ""),
    )
