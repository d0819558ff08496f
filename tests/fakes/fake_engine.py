"""An engine over rows in memory: the same methods and events, no thread, no disk, no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Protocol

from services import events, requests
from services.events import Event
from services.models import (
    LabelCount,
    Mailbox,
    MailboxCounts,
    MailFilter,
    MessageRow,
    RowFlag,
    SyncPhase,
    SyncState,
)
from services.outbound_events import CountOutbound
from services.requests import Request
from services.safe_text import SafeText, clean_line, clean_text, phrase, ui
from services.shown_mail import BodyLine, RenderedMessage, TrustFacts
from tests.fakes.rows import NOON, FakeRows

if TYPE_CHECKING:
    from tests.fakes.fake_keys import FakeKeys


class FakeSnapshot:
    """A MailSnapshot over rows in memory; `selected` are the filters that it was asked for."""

    search_ready = True

    def __init__(self, rows: Sequence[MessageRow], version: int = 1) -> None:
        self.rows = tuple(rows)
        self.version = version
        self.by_id = {row.message_id: row for row in self.rows}
        self.counts = _counts(self.rows)
        self.selected: list[MailFilter] = []

    def counts_of(self, account: str) -> MailboxCounts:
        return _counts([row for row in self.rows if row.account == account])

    def row_of(self, message_id: str) -> MessageRow | None:
        return self.by_id.get(message_id)

    def select(self, wanted: MailFilter) -> FakeRows:
        self.selected.append(wanted)
        return FakeRows([row for row in self.rows if _fits(row, wanted)])


SYNCED = SyncState(SyncPhase.SYNCED, synced_at=NOON)


class FakeDesk(Protocol):
    """Answers what is asked about outgoing mail and files, as far as a test needs it."""

    def answer(self, number: int, request: Request, emit: Callable[[Event], None]) -> None: ...


class FakeEngine:
    """Answers every request at once and keeps what it was asked in `requests`."""

    def __init__(
        self,
        on_event: Callable[[Event], None],
        rows: Sequence[MessageRow] = (),
        *,
        messages: Mapping[str, RenderedMessage] | None = None,
        sync: SyncState = SYNCED,
        silent: bool = False,
        slow: bool = False,
        keys: FakeKeys | None = None,
        unsealed: Mapping[str, RenderedMessage] | None = None,
        outbound: FakeDesk | None = None,
    ) -> None:
        self.emit = on_event
        self.messages = dict(messages or {})
        self.sync = sync
        self.silent = silent
        self.slow = slow
        self.keys = keys
        self.unsealed = dict(unsealed or {})
        self.outbound = outbound
        self.requests: list[Request] = []
        self.counts_asked = 0
        self.stopped = 0
        self.published: FakeSnapshot | None = None
        self._rows = tuple(rows)
        self._undo: list[tuple[MessageRow, ...]] = []
        self._ids = count(1)
        self.late: list[Event] = []

    @property
    def snapshot(self) -> FakeSnapshot | None:
        return self.published

    def start(self) -> None:
        if not self.silent:
            self.publish(self._rows)
            self.emit(events.SyncStateChanged(self.sync))

    def stop(self, timeout: float = 2.0) -> None:
        self.stopped += 1

    def publish(self, rows: Sequence[MessageRow]) -> None:
        self._rows = tuple(rows)
        self.published = FakeSnapshot(rows, (self.published.version + 1 if self.published else 1))
        self.emit(events.MailboxChanged(self.published.counts))

    def request(self, request: Request) -> int:
        if isinstance(request, CountOutbound):
            # The screen asks that by itself at the start: nothing that the operator did.
            self.counts_asked += 1
            self._answer(0, request)
            return 0
        self.requests.append(request)
        number = next(self._ids)
        self._answer(number, request)
        return number

    def _answer(self, number: int, request: Request) -> None:
        match request:
            case requests.OpenMessage(message_id):
                event = self._opened(number, message_id)
                self.late.append(event) if self.slow else self.emit(event)
            case requests.ReadRaw(message_id):
                lines = (ui("From: someone"), ui("Subject: raw"), ui(""), ui("raw body"))
                self.emit(events.RawRead(number, message_id, lines))
            case requests.MarkRead(ids, is_read):
                self._change(ids, lambda row: _flagged(row, RowFlag.UNREAD, on=not is_read))
            case requests.Archive(ids, archived):
                self._change(ids, lambda row: _flagged(row, RowFlag.ARCHIVED, on=archived))
            case requests.ChangeLabels(ids, add, remove):
                self._change(ids, lambda row: _labelled(row, add, remove))
            case requests.Delete(ids):
                self._change(ids, lambda row: None)
            case requests.Undo() if self._undo:
                self.publish(self._undo.pop())
                self.emit(events.Notice(ui("Undone.")))
            case requests.SearchServer(text):
                self.emit(self._found(number, text))
            case (
                events.KeyRequest()
                | events.OutboundRequest()
                | events.TransferRequest()
                | events.ShelfRequest()
            ):
                self._pass_on(number, request)
            case _:
                pass

    def _pass_on(self, number: int, request: Request) -> None:
        answering = self.keys if isinstance(request, events.KeyRequest) else self.outbound
        if answering is not None:
            answering.answer(number, request, self.emit)

    def _found(self, number: int, text: str) -> events.SearchAnswered:
        found = (r.message_id for r in self._rows if text.casefold() in r.subject.casefold())
        return events.SearchAnswered(number, text, tuple(found))

    def _opened(self, number: int, message_id: str) -> events.MessageOpened:
        row = self.published.row_of(message_id) if self.published else None
        if row is None:
            # What was sent is in no snapshot; a test gives its text.
            trust = TrustFacts(False, False, False, sent=True)
            return events.MessageOpened(number, message_id, self.messages[message_id], trust)
        message = self.messages.get(message_id) or rendered(row)
        if self.keys is not None and self.keys.view.lock.value == "unlocked":
            message = self.unsealed.get(message_id, message)
        trust = TrustFacts(
            verified=RowFlag.VERIFIED in row.flags,
            first_contact=RowFlag.FIRST_CONTACT in row.flags,
            encrypted=RowFlag.ENCRYPTED in row.flags,
            hidden_characters=message.hidden_characters,
            notes=message.notes,
            seal=message.seal,
        )
        return events.MessageOpened(number, message_id, message, trust)

    def _change(
        self, ids: Sequence[str], change: Callable[[MessageRow], MessageRow | None]
    ) -> None:
        self._undo.append(self._rows)
        wanted = frozenset(ids)
        changed = [change(row) if row.message_id in wanted else row for row in self._rows]
        self.publish([row for row in changed if row is not None])
        self.emit(events.Notice(phrase("Changed {}.", len(wanted))))


def rendered(row: MessageRow, body: str = "Hello,\n\nthis is the text.\n") -> RenderedMessage:
    """A plain message for a row."""
    return RenderedMessage(
        from_name=row.sender,
        from_address=row.address,
        to=ui("ops-bot@agents.example.com"),
        subject=row.subject,
        date=row.received_at,
        body=tuple(BodyLine(SafeText(line)) for line in clean_text(body).text.split("\n")),
    )


def _flagged(row: MessageRow, flag: RowFlag, *, on: bool) -> MessageRow:
    return replace(row, flags=row.flags | flag if on else row.flags & ~flag)


def _labelled(row: MessageRow, add: Sequence[str], remove: Sequence[str]) -> MessageRow:
    dropped = {clean_line(label) for label in remove}
    added = [clean_line(label) for label in add if clean_line(label) not in row.labels]
    kept = [label for label in row.labels if label not in dropped]
    return replace(row, labels=(*kept, *added))


def _fits(row: MessageRow, wanted: MailFilter) -> bool:
    archived, unread = RowFlag.ARCHIVED in row.flags, RowFlag.UNREAD in row.flags
    verified = RowFlag.VERIFIED in row.flags
    in_box = {
        Mailbox.INBOX: not archived,
        Mailbox.UNREAD: unread and not archived,
        Mailbox.UNVERIFIED: not verified and not archived,
        Mailbox.ARCHIVED: archived,
        Mailbox.ALL: True,
    }[wanted.mailbox]
    text = f"{row.sender} {row.subject}".casefold()
    return (
        in_box
        and wanted.account in ("", row.account)
        and (wanted.label is None or clean_line(wanted.label) in row.labels)
        and all(word in text for word in wanted.text.casefold().split())
        and wanted.unread in (None, unread)
        and wanted.verified in (None, verified)
    )


def _counts(rows: Sequence[MessageRow]) -> MailboxCounts:
    inbox = [row for row in rows if RowFlag.ARCHIVED not in row.flags]
    labels = Counter(label for row in inbox for label in row.labels)
    return MailboxCounts(
        inbox=len(inbox),
        unread=sum(RowFlag.UNREAD in row.flags for row in inbox),
        unverified=sum(RowFlag.VERIFIED not in row.flags for row in inbox),
        archived=len(rows) - len(inbox),
        total=len(rows),
        labels=tuple(LabelCount(str(name), name, labels[name]) for name in sorted(labels)),
    )
