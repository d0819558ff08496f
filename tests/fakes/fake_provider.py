"""An in-memory mail service with fault switches, for what the real sandbox cannot do in time.

It answers late and out of date on purpose: a request reads the state at one moment and returns at
another, so that tests can interleave everything with everything. Its cursors are of one of two
kinds: "keyset" (stable when messages are deleted) and "offset" (not stable).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from services.errors import Conflict, NotFound, Rejected, ServiceError
from services.ports import Capabilities
from services.safe_text import EMPTY
from services.shown_mail import RenderedMessage
from services.sync.pace import Pace
from services.wire_values import FetchedMessage, InboxItem, InboxPage

QUICK = Pace(
    poll=0.01,
    full=3_600.0,
    full_gap=0.0,
    first_retry=0.001,
    longest_retry=0.002,
    longest_wait=0.05,
    delete_grace=0.0,
    publish=0.001,
    writer_look=0.02,
)
"""The times of sync for tests: nothing waits longer than it must."""

Hook = Callable[[str], Awaitable[None]]


async def _nothing(operation: str) -> None:
    del operation


def items(count: int, start: int = 0, **fields: object) -> list[InboxItem]:
    """Messages with ids m0, m1, … oldest first."""
    return [
        InboxItem(
            f"m{n}",
            sender=f"Sender {n % 7} <s{n % 7}@example.com>",
            subject=f"Subject {n}",
            body_preview="preview",
            received_at=1_700_000_000 + n,
            **fields,  # type: ignore[arg-type]
        )
        for n in range(start, start + count)
    ]


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until something holds; the test's own time limit ends it otherwise."""
    turn = asyncio.Event()
    while not condition():
        turn.clear()
        asyncio.get_running_loop().call_later(0.0005, turn.set)
        await turn.wait()


class FakeProvider:
    """A mailbox on the other side; everything public may be changed by a test at any time."""

    def __init__(
        self, content: Iterable[InboxItem] = (), *, page: int = 100, cursors: str = "keyset"
    ) -> None:
        self.capabilities = Capabilities(page_limit=page)
        self.cursors = cursors
        self.requests: list[tuple[str, str]] = []
        self.before: Hook = _nothing
        """Runs before the state is read or changed; may raise: then nothing happened."""
        self.after: Hook = _nothing
        """Runs after it; may raise: then it happened all the same."""
        self.pages: dict[str | None, InboxPage | ServiceError] = {}
        """Pages by cursor that are answered instead of the real ones."""
        self.mails: dict[str, str] = {}
        """Raw mail by message id that is answered instead of a made-up one."""
        self.is_closed = False
        self._messages: dict[str, tuple[int, InboxItem]] = {}
        self._sequence = 0
        self.arrive(content)

    # ── the other side ───────────────────────────────────────────────────────────────────────────

    def arrive(self, content: Iterable[InboxItem]) -> None:
        for item in content:
            self._sequence += 1
            self._messages[item.message_id] = (self._sequence, item)

    @property
    def content(self) -> dict[str, InboxItem]:
        return {message_id: item for message_id, (_, item) in self._messages.items()}

    def lose(self, message_id: str) -> None:
        self._messages.pop(message_id, None)

    def change(self, message_id: str, **fields: object) -> None:
        if message_id in self._messages:
            sequence, item = self._messages[message_id]
            self._messages[message_id] = (sequence, replace(item, **fields))  # type: ignore[arg-type]

    def fail(self, error: ServiceError | None, *operations: str) -> None:
        """Answer these operations (all, without any) with an error; None ends it."""

        async def before(operation: str) -> None:
            if error is not None and (not operations or operation in operations):
                raise error

        self.before = before

    def count(self, operation: str) -> int:
        return sum(name == operation for name, _ in self.requests)

    # ── the port ─────────────────────────────────────────────────────────────────────────────────

    async def list_inbox(
        self,
        *,
        limit: int = 100,
        cursor: str | None = None,
        verified_only: bool = False,
        q: str | None = None,
        label: str | None = None,
        is_read: bool | None = None,
        include_archived: bool = False,
    ) -> InboxPage:
        self.requests.append(("list_inbox", cursor or ""))
        assert include_archived
        await self.before("list_inbox")
        answer = self.pages.get(cursor) if cursor in self.pages else self._page(limit, cursor, q)
        await self.after("list_inbox")
        if isinstance(answer, ServiceError):
            raise answer
        assert answer is not None
        return answer

    def _page(self, limit: int, cursor: str | None, q: str | None) -> InboxPage:
        try:
            position = int(cursor or 0)
        except ValueError:
            raise Rejected("The place has expired.", status=400, code="invalid_cursor") from None
        everything = sorted(self._messages.values(), key=lambda entry: entry[0])
        if self.cursors == "offset":
            rest, after = everything[position:], position
        else:
            rest, after = [entry for entry in everything if entry[0] > position], 0
        page = rest[:limit]
        more = len(rest) > len(page)
        end = after + len(page) if self.cursors == "offset" else (page[-1][0] if page else 0)
        found = tuple(item for _, item in page if not q or q.lower() in item.subject.lower())
        return InboxPage(found, str(end) if more else None)

    async def get_message(self, message_id: str) -> FetchedMessage:
        await self._enter("get_message", message_id)
        item = self._item(message_id)
        await self.after("get_message")
        raw = f"From: {item.sender}\r\nSubject: {item.subject}\r\n\r\nText of {message_id}\r\n"
        return FetchedMessage(item, self.mails.get(message_id, raw))

    async def delete_message(self, message_id: str) -> None:
        await self._enter("delete_message", message_id)
        self._item(message_id)
        self.lose(message_id)
        await self.after("delete_message")

    async def patch_message_labels(
        self, message_id: str, *, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        await self._enter("patch_message_labels", message_id)
        kept = [label for label in self._item(message_id).labels if label not in remove]
        labels = tuple(dict.fromkeys([*kept, *add]))
        self.change(message_id, labels=labels)
        await self.after("patch_message_labels")
        return labels

    async def patch_message_read(self, message_id: str, *, is_read: bool) -> None:
        await self._enter("patch_message_read", message_id)
        self._item(message_id)
        self.change(message_id, is_read=is_read)
        await self.after("patch_message_read")

    async def patch_message_archive(self, message_id: str, *, archived: bool) -> None:
        await self._enter("patch_message_archive", message_id)
        if self._item(message_id).archived and archived:
            raise Conflict("Archived already.", status=409, code="already_archived")
        self.change(message_id, archived=archived)
        await self.after("patch_message_archive")

    async def get_unread_count(self) -> int:
        return sum(not item.is_read and not item.archived for item in self.content.values())

    async def aclose(self) -> None:
        self.is_closed = True

    async def _enter(self, operation: str, message_id: str) -> None:
        self.requests.append((operation, message_id))
        await self.before(operation)

    def _item(self, message_id: str) -> InboxItem:
        if message_id not in self._messages:
            raise NotFound("It is not there any more.", status=404)
        return self._messages[message_id][1]


class FakeRenderer:
    """Returns an empty rendering and remembers what it was given; `gate` holds it back."""

    def __init__(self) -> None:
        self.rendered: list[bytes] = []
        self.gate: asyncio.Event | None = None

    async def render(
        self,
        raw: bytes,
        *,
        attachments: tuple[object, ...] = (),
        reveal: bool = False,
        opener: object = None,
    ) -> RenderedMessage:
        self.rendered.append(raw)
        if self.gate is not None:
            await self.gate.wait()
        return RenderedMessage(EMPTY, EMPTY, EMPTY, EMPTY, 0, (), hidden_characters=int(reveal))

    async def file_in(self, plaintext: object, number: int) -> tuple[str, bytes] | None:
        return None

    async def aclose(self) -> None:
        return
