"""Answers the requests of the screens about one mailbox.

Closes the trap of a request that no part feels responsible for: the table below names one for each.
"""

from __future__ import annotations

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
    SearchAnswered,
    Severity,
    ShelfRequest,
    TransferRequest,
)
from services.requests import (
    FindConversation,
    ForAccount,
    OpenMessage,
    OwnRequest,
    PrepareSearch,
    ReadRaw,
    Refresh,
    Request,
    SearchServer,
    Undo,
)
from services.safe_text import EMPTY, clean_line, phrase, ui
from services.sync import wording
from services.sync.changing import ChangeRequest, edit_of, is_worth_a_word
from services.sync.connecting import Connecting
from services.sync.mailbox import Mailbox
from services.sync.under_way import UnderWay

if TYPE_CHECKING:
    from services.attachments.board import Board
    from services.attachments.desk import TransferDesk
    from services.keys.key_desk import KeyDesk
    from services.models import MessageRow
    from services.sync.shelf_desk import ShelfDesk


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
        connecting: Connecting | None = None,
    ) -> None:
        self._mailbox = mailbox
        self._emit = emit
        self._boundary = boundary
        self._nudge = nudge
        self._connecting = connecting or Connecting()
        self._under_way = UnderWay(self._dispatch, emit, boundary)
        self._key_desk: KeyDesk | None = None
        self._transfer_desk: TransferDesk | None = None
        self._shelf_desk: ShelfDesk | None = None
        self._board: Board | None = None
        self.outbound: OutboundDesk | None = None
        """Who answers requests about writing and sending; None where nothing can be sent."""

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way."""
        return self._under_way.is_busy

    def take(self, request_id: int, request: Request) -> None:
        """Start to answer a request; never blocks."""
        # Whoever keeps several accounts has taken it to this one.
        own = request.request if isinstance(request, ForAccount) else request
        self._under_way.take(request_id, own)

    async def finish(self, seconds: float) -> None:
        """Wait until the vital requests are carried out, but no longer than this."""
        await self._under_way.finish(seconds)

    async def close(self) -> None:
        """Cancel what is under way."""
        await self._under_way.close()
        if self._key_desk is not None:
            self._key_desk.close()

    async def _outbound(self, request_id: int, request: OutboundRequest) -> None:
        if self.outbound is None:
            raise UsageError("This mailbox cannot send.")
        await self.outbound.answer(request_id, request)

    def _dispatch(self, request_id: int, request: OwnRequest) -> Coroutine[Any, Any, None]:
        match request:
            case OpenMessage():
                return self._open(request_id, request)
            case ReadRaw():
                return self._raw(request_id, request)
            case SearchServer() | FindConversation():
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
            case TransferRequest() | ShelfRequest():
                return self._beside(request_id, request)
            case _:
                return self._change(request_id, request)

    async def _open(self, request_id: int, request: OpenMessage) -> None:
        message_id, reveal = request.message_id, request.reveal
        opened = await self._connecting.once_over(
            lambda: self._mailbox.open(message_id, reveal=reveal)
        )
        self._emit(MessageOpened(request_id, request.message_id, opened.message, opened.trust))
        self._find_kept()

    async def _raw(self, request_id: int, request: ReadRaw) -> None:
        message_id = request.message_id
        lines = await self._connecting.once_over(lambda: self._mailbox.raw(message_id))
        self._emit(RawRead(request_id, request.message_id, lines))

    async def _search(self, request_id: int, request: SearchServer | FindConversation) -> None:
        if isinstance(request, FindConversation):
            await self._conversation(request_id, request.message_id)
        else:
            self._emit(SearchAnswered(request_id, request.text, await self.find(request.text)))

    async def _conversation(self, request_id: int, message_id: str) -> None:
        from services.cache.conversations import conversation_of

        thread, found = await conversation_of(self._mailbox.store, message_id)
        if not found:
            raise UsageError("The mail service does not say which messages belong to this one.")
        sent: tuple[MessageRow, ...] = ()
        told = EMPTY
        try:
            listed = await self.shelves().sent_in(thread)
            sent = listed.rows
            if listed.more:
                told = ui("This conversation is long: what was sent in its older part is missing.")
        except MailError as error:
            told = phrase(
                "What was sent in this conversation is missing: {}", clean_line(str(error))
            )
        if told:
            self._mailbox.report.notice(told, Severity.WARNING, request_id=request_id)
        self._emit(SearchAnswered(request_id, "", found, sent))

    async def find(self, words: str) -> tuple[str, ...]:
        """Return what the service's own search finds; raises as `Mailbox.search_server`."""
        return await self._connecting.once_over(lambda: self._mailbox.search_server(words))

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

    async def _change(self, request_id: int, request: ChangeRequest) -> None:
        mailbox, edit = self._mailbox, edit_of(request)
        count = await mailbox.change(request.message_ids, edit)
        if is_worth_a_word(edit, count):
            sentence = wording.done(
                edit, count, mailbox.pace.delete_grace, trash=mailbox.limits.trash
            )
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

    def _beside(
        self, request_id: int, request: TransferRequest | ShelfRequest
    ) -> Coroutine[Any, Any, None]:
        if isinstance(request, ShelfRequest):
            return self.shelves().answer(request_id, request)
        return self._transfers().answer(request_id, request)

    def shelves(self) -> ShelfDesk:
        """Who answers what is asked about the trash of the service; made with the first question."""
        if self._shelf_desk is None:
            from services.sync.shelf_desk import ShelfDesk

            self._shelf_desk = ShelfDesk(self._mailbox, self._connecting, self._emit)
        return self._shelf_desk

    def _find_kept(self) -> None:
        """In a task of its own: it outlives the answer that came with the unlocked keys."""
        if self._mailbox.sealed.wants_kept:
            self._under_way.begin(self._survive(self._mailbox.find_kept()))

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
