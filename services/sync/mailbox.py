"""One mailbox: cache and service together, as awaitable operations, without a thread.

The engine runs it on its loop, the command line in `asyncio.run`. What the operator does is applied
and committed before an operation returns, with or without a connection; sending is `Sender`'s. Closes
the trap of two programs with two ideas of what "archive" means.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.errors import CacheLocked, NotFound, Offline, RenderError
from services.events import Event
from services.models import SyncPhase
from services.ports import Capabilities, MailProvider, MailRenderer, Trash
from services.safe_text import SafeText, ui
from services.sync import label_rules
from services.sync.changes import Changes, Undone
from services.sync.edits import Edit, EditKind
from services.sync.late_keychain import LateKeychain
from services.sync.pace import Pace
from services.sync.precedence import Precedence
from services.sync.reading import MessageReader, Opened, RawMail, raw_lines
from services.sync.reconcile import FullWalk
from services.sync.refused_changes import RefusedChanges
from services.sync.remote_changes import RemoteChangeReader
from services.sync.report import Reporter
from services.sync.sealed_reading import SealedReading
from services.sync.sender import Flushed, Refusal, Sender
from services.sync.server_search import ServerSearch
from services.sync.trash_bin import TrashBin
from services.sync.walk import Progress, Walker

if TYPE_CHECKING:
    from services.attachments.inside import InsideFile
    from services.cache.snapshot import MailSnapshot
    from services.cache.store import MailStore, PutOutcome

_SEARCH_PAUSE: Final = 0.005


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """What a sync changed in the cache: numbers of messages."""

    new: int = 0
    changed: int = 0
    removed: int = 0


class Mailbox:
    """The operations on one mailbox; `provider` None means offline until `connect`.

    Operations raise MailError; those that change something raise CacheLocked on a read-only store.
    """

    def __init__(
        self,
        store: MailStore,
        provider: MailProvider | None,
        renderer: MailRenderer | None,
        emit: Callable[[Event], None] = lambda _: None,
        *,
        clock: Callable[[], float] = time.time,
        pace: Pace | None = None,
        keychain: LateKeychain | None = None,
        offers: Callable[[], Capabilities] = Capabilities,
    ) -> None:
        self.store = store
        self._offers = offers
        self.provider = provider
        self.keychain = keychain or LateKeychain()
        self.renderer = renderer
        self.pace = pace or Pace()
        self._clock = clock
        self._precedence = Precedence()
        self._changes = Changes(store, clock, grace=self.pace.delete_grace)
        self.trash = TrashBin(store, self._changes)
        self.report = Reporter(store, emit, clock, self.pace)
        self.sender = Sender(self._changes, clock, self.pace, self._precedence.give_way)
        self.sender.provider = provider
        self.sender.on_change = self._after_change
        self.sender.on_refused = self._on_refused
        self.sender.on_signed_out = self.report.trouble
        self._walker = Walker(store, self._changes, clock, self._precedence.give_way)
        self._walker.on_kept = self._on_page
        self._full = FullWalk(store, self._changes, clock, self._give_way_long)
        self._search = ServerSearch(store, self._changes, self._on_listed)
        self.sealed = SealedReading(store, self.keychain)
        self._reader = MessageReader(store, self.sealed)
        self.refused_changes = RefusedChanges(self.report, self.pace.publish)
        self._remote = RemoteChangeReader(store, self._changes, self._on_remote)
        self._tail_lock, self._full_lock = asyncio.Lock(), asyncio.Lock()
        self._is_loud = False
        self._new = self._changed = 0
        self._take_up()

    def _take_up(self) -> None:
        self.keychain.connect(self.provider)
        self._full.on_kept = self._on_full_page
        self.sealed.on_forget = self.report.publish_soon
        self.report.waiting_now(self._changes.journal.waiting)
        if self.store.repairs and not self.store.read_only:
            # What was set aside may have been pages that the cursor says are here.
            self._walker.forget()

    @property
    def snapshot(self) -> MailSnapshot:
        """The latest published picture of the mailbox."""
        return self.report.snapshot

    @property
    def waiting(self) -> int:
        """How many local changes the service has not confirmed."""
        return self._changes.journal.waiting

    @property
    def limits(self) -> Capabilities:
        """What the service offers; without a connection what its kind is known to offer."""
        return self.provider.capabilities if self.provider else self._offers()

    @property
    def synced_at(self) -> int:
        """When the mailbox was last read to its end; seconds since the epoch, 0 for never."""
        return self._walker.progress.synced_at

    @property
    def reconciled_at(self) -> int:
        """When the last walk over the whole mailbox ended; seconds since the epoch, 0 for never."""
        return self._full.done_at

    def connect(self, provider: MailProvider) -> None:
        """Use this provider from now on; changes that wait for a token are sent again."""
        self.provider = provider
        self.keychain.connect(provider)
        self.sender.connected(provider)

    def disconnect(self) -> None:
        """Stop using the provider; local work goes on, changes wait."""
        self.provider = self.sender.provider = None
        self.keychain.connect(None)

    # ── from the service ─────────────────────────────────────────────────────────────────────────

    async def sync(self, *, full: bool = False, loud: bool = True) -> SyncOutcome:
        """Read what is new; `full` walks everything and finds what was deleted or changed elsewhere.

        Not `loud` keeps the phase as it is. Raises ServiceError; what was read until then is kept.
        """
        provider = self._connected()
        self._may_write()
        self._new = self._changed = 0
        removed = 0
        if full or not await self._catch_up(provider):
            removed = await self._walk_all(provider, loud=loud)
        if removed:
            self.report.publish_now()
        self.report.flush()
        self.report.phase(SyncPhase.SYNCED, synced_at=self.synced_at)
        self.sender.connected()
        return SyncOutcome(self._new, self._changed, removed)

    async def _catch_up(self, provider: MailProvider) -> bool:
        async with self._tail_lock:
            knows_all = await self._remote.take_in(provider)
            progress = self._walker.progress
            if progress.complete:
                return await self._walker.read_tail(provider) and knows_all
            self.report.phase(SyncPhase.SYNCING, fetched=progress.fetched)
            self._is_loud = True
            try:
                await self._walker.resume(provider)
            finally:
                self._is_loud = False
            with self._changes.commit():
                self._full.mark_done()
            self.store.checkpoint()
            return True

    async def _walk_all(self, provider: MailProvider, *, loud: bool) -> int:
        async with self._full_lock:
            self._is_loud = loud
            if loud:
                self.report.phase(SyncPhase.SYNCING, fetched=0)
            try:
                with self._remote.whole_walk():
                    removed = await self._full.run(provider)
            finally:
                self._is_loud = False
            self.store.checkpoint()
            return removed

    async def search_server(self, text: str) -> tuple[str, ...]:
        """Ask the service's own search; ids in its order. Raises as `ServerSearch.find` does."""
        return await self._search.find(self._connected(), text)

    async def prepare_search(self) -> None:
        """Build the search text in slices, leaving the loop and the interpreter free in between."""
        is_ready = False
        while not is_ready:
            is_ready = self.store.build_search_text(lambda: True)
            await asyncio.sleep(_SEARCH_PAUSE)
        self.report.publish_now()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    async def open(self, message_id: str, *, reveal: bool = False) -> Opened:
        """Return a message as safe text with its trust facts; raises ServiceError, RenderError."""
        if self.renderer is None:
            raise RenderError("This command does not show message text.")
        async with self._reads(message_id):
            return await self._reader.open(message_id, self.provider, self.renderer, reveal=reveal)

    async def inside_file(self, message_id: str, number: int) -> InsideFile:
        """Return a file out of an encrypted message; raises as `MessageReader.file_inside`."""
        if self.renderer is None:
            raise RenderError("This command does not read messages.")
        return await self._reader.file_inside(message_id, number, self.provider, self.renderer)

    async def read_ahead(self, message_ids: Sequence[str]) -> None:
        """Open encrypted messages in advance, nearest first, while the keys are unlocked."""
        if self.renderer is not None:
            await self._reader.read_ahead(message_ids, self.provider, self.renderer)

    async def find_kept(self) -> None:
        """After unlocking, let the search find the decrypted text that was kept earlier."""
        if await self.sealed.load_kept():
            self.report.publish_now()

    async def fetch(self, message_id: str) -> RawMail:
        """Return a message as received; raises ServiceError when it must be fetched and cannot."""
        async with self._reads(message_id):
            return await self._reader.fetch(message_id, self.provider)

    async def raw(self, message_id: str) -> tuple[SafeText, ...]:
        """Return the raw MIME of a message as lines of safe text; raises as `fetch` does."""
        return raw_lines((await self.fetch(message_id)).raw)

    @asynccontextmanager
    async def _reads(self, message_id: str) -> AsyncIterator[None]:
        """Let the walk wait, and forget a message that the service does not have any more."""
        try:
            with self._precedence.reading():
                yield
        except NotFound:
            self._forget(message_id)
            raise

    def _forget(self, message_id: str) -> None:
        if self.store.read_only or self.store.item(message_id) is None:
            return
        self._changes.vanished(message_id)
        self._reader.forget(message_id)
        self.report.publish_now()

    # ── changes ──────────────────────────────────────────────────────────────────────────────────

    async def mark_read(self, message_ids: Iterable[str], is_read: bool) -> int:
        """Mark messages; return how many it made a difference to."""
        return self._make(message_ids, Edit(EditKind.READ, is_read))

    async def change_labels(
        self,
        message_ids: Iterable[str],
        *,
        add: tuple[str, ...] = (),
        remove: tuple[str, ...] = (),
    ) -> int:
        """Add and remove labels; raises UsageError for what the service would refuse."""
        return await self.change(message_ids, Edit(EditKind.LABELS, add=add, remove=remove))

    async def archive(self, message_ids: Iterable[str], archived: bool = True) -> int:
        """Archive messages or bring them back; return how many it made a difference to."""
        return self._make(message_ids, Edit(EditKind.ARCHIVE, archived))

    async def delete(self, message_ids: Iterable[str]) -> int:
        """Delete messages; they are gone here at once and on the service after the grace delay."""
        return self._make(message_ids, Edit(EditKind.DELETE))

    async def change(
        self, message_ids: Iterable[str], edit: Edit, *, at: float | None = None
    ) -> int:
        """Apply any edit; return how many messages it made a difference to.

        `at` is when it was made, for what is a part of a change in several accounts.
        """
        ids = tuple(message_ids)
        if edit.kind is EditKind.LABELS:
            items = map(self.store.item, ids)
            edit = label_rules.asked_edit(edit.add, edit.remove, self.limits, items)
        return self._make(ids, edit, at)

    @property
    def changed_at(self) -> float | None:
        """When the change was made that `undo` would take back; None when there is none."""
        rows = self._changes.journal.last_change()
        return rows[0].at if rows else None

    async def undo(self) -> Undone | None:
        """Take back the last change; None when there is none. ServiceError from a trash."""
        self._may_write()
        result = self._changes.undo(self.sender)
        if result is not None and result.away and isinstance(self.provider, Trash):
            result = await self.trash.bring_back(self.provider, result)
        self._after_edit()
        return result

    async def flush(self) -> Flushed:
        """Send all that waits, deletions too; raises the error that keeps something waiting."""
        self._connected()
        return await self.sender.flush()

    def _make(self, message_ids: Iterable[str], edit: Edit, at: float | None = None) -> int:
        self._may_write()
        count = self._changes.make(message_ids, edit, at=at)
        if count:
            self._after_edit()
        return count

    def _after_edit(self) -> None:
        self.report.publish_now()
        self.report.waiting_now(self._changes.journal.waiting)

    # ── what the parts report ────────────────────────────────────────────────────────────────────

    def _after_change(self) -> None:
        self.report.publish_soon()
        self.report.waiting(self._changes.journal.waiting)

    def _on_refused(self, refusal: Refusal) -> None:
        item = self.store.item(refusal.message_id)
        self.refused_changes.add(refusal, item.subject if item else "")

    def _on_remote(self, outcome: PutOutcome) -> None:
        self._on_listed(outcome)
        self.report.publish_soon()

    def _on_listed(self, outcome: PutOutcome) -> None:
        self._on_page(outcome, None)

    def _on_page(self, outcome: PutOutcome, progress: Progress | None) -> None:
        self._full.note(outcome.new)
        self._on_full_page(outcome, progress)

    def _on_full_page(self, outcome: PutOutcome, progress: Progress | None) -> None:
        self._new += len(outcome.new)
        self._changed += len(outcome.changed)
        if outcome.new or outcome.changed:
            self.report.publish_soon()
        if self._is_loud and progress is not None:
            self.report.progress(progress.fetched)

    async def _give_way_long(self) -> None:
        if not self._is_loud:
            await asyncio.sleep(self.pace.full_gap)
        await self._precedence.give_way()

    def _connected(self) -> MailProvider:
        if self.provider is None:
            raise Offline("There is no connection to the mail service yet.")
        return self.provider

    def _may_write(self) -> None:
        if self.store.read_only:
            raise CacheLocked(
                ui("Another window or command writes to this mailbox, so this one only reads."),
                "Use that one, or close it: this one takes over by itself.",
            )
