"""Takes one mail of the outbox as far as it goes now: sealed, uploaded, claimed, sent, and written down.

Closes four traps: mail that two processes send (whoever works on it holds its lock), a crash between
the sending and the note of it (the claim is on the disk before the first byte leaves, so that what is
found CLAIMED may have left), a retry that builds the mail anew (the stored bytes are sent), and an
answer that nobody understood taken for a refusal.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from services.errors import CacheError, Conflict, MailError
from services.outbound.gate.plan import OutboundMail
from services.outbound.gate.ready import ReadyMail, SealedMail, UploadedFile
from services.outbound.gate.transport import WITHOUT_END
from services.outbound.log.work_lock import WorkLocks
from services.outbound.outbox.looking import Looks
from services.outbound.outbox.outbox import Elsewhere, Outbox
from services.outbound.outbox.outbox_contents import (
    durable,
    ready_mail,
    recorded,
    sealed_document,
    sealed_mail,
    whole_mail,
)
from services.outbound.outbox.outbox_documents import NEVER_LEFT, OutboxEntry
from services.outbound.outbox.retry_delay import RetryDelay, answer_of, may_have_left, passes
from services.outbound.outbox.waits import Waits
from services.outbound_models import OutboxState

if TYPE_CHECKING:
    from services.outbound.gate.gate import Prepared, Receipt
    from services.outbound.gate.transport import SentMail
    from services.outbound.outbox.verdicts import Verdicts

_DIED: Final = "the program ended while it was being sent"
_STOPPED: Final = "the program was stopped while it was being sent"
_TOO_LATE: Final = "too much time has passed to send it again without a person"
_CLOCKS_DIFFER: Final = 3_600
"""Seconds that a clock may be set back by without anybody's noticing: services are asked for less."""


class WayOut(Protocol):
    """What sending needs of the gate (`services.outbound.gate.gate.Gate`)."""

    async def seal(
        self, mail: OutboundMail, folder: Path, tell: Callable[[Prepared], None] = ...
    ) -> SealedMail: ...

    async def upload(
        self,
        sealed: SealedMail,
        tell: Callable[[Prepared], None] = ...,
        *,
        uploaded: Sequence[UploadedFile] = ...,
        on_uploaded: Callable[[UploadedFile], None] = ...,
    ) -> ReadyMail: ...

    async def send(self, mail: ReadyMail, *, repeat: bool = ...) -> Receipt: ...

    def to_look_at(self, mail: ReadyMail, receipt: Receipt) -> SentMail | None: ...

    async def verify(self, sent: SentMail) -> str: ...


class Observer(Protocol):
    """Who is told how a mail comes along; on the loop."""

    def moved(self, entry: OutboxEntry) -> None: ...

    def progress(self, entry: OutboxEntry, mail: OutboundMail, prepared: Prepared) -> None: ...

    def ended(self, entry: OutboxEntry, error: MailError | None) -> None:
        """Nothing of its files moves any more, for now."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What one account's mail is sent with.

    `gate` raises MailError while there is no connection; `open_text` opens what was sealed to the own
    key (CryptoError while that is locked). `remembers` tells of a way out for how many seconds its
    service delivers a repeated key once. `verdicts` keeps looks at sent mail: owed, and told.
    `reconcile` asks a service that can tell whether it has taken a mail: None when it does not know.
    """

    gate: Callable[[], Awaitable[WayOut]]
    open_text: Callable[[str], Awaitable[str]]
    spool: Path
    clock: Callable[[], float]
    delay: RetryDelay
    verdicts: Verdicts
    remembers: Callable[[str], int] = lambda _: 0
    reconcile: Callable[[OutboxEntry], Awaitable[bool | None]] | None = None


class Carrier:
    """Works on the mails of one outbox, one call a mail and attempt."""

    def __init__(
        self, outbox: Outbox, locks: WorkLocks, around: Surroundings, observer: Observer
    ) -> None:
        self._outbox = outbox
        self._locks = locks
        self.around = around
        self._observer = observer
        self._at_hand: dict[str, OutboundMail] = {}
        self.failures: dict[str, MailError] = {}
        """Why the last attempt of a mail failed, as long as this process knows."""
        self.on_wire: set[str] = set()
        """The mails that the service may be taking at this moment."""
        self.waits = Waits(around.clock)
        self.looks = Looks(around.verdicts, around.gate, around.clock, around.delay)

    def remember(self, entry_id: str, mail: OutboundMail) -> None:
        """Keep a mail that was just queued at hand: sealing it needs no unlocked key then."""
        self._at_hand[entry_id] = mail

    async def carry(self, entry_id: str) -> OutboxEntry | None:
        """Take a mail on; return how it stands, None when another process works on it.

        Raises CacheError when the disk refuses. A failure of sending is part of the entry.
        """
        lock = self._locks.take(entry_id)
        if lock is None:
            return None
        is_settled = False
        try:
            entry = self._tell(await durable(lambda: self._take_up(entry_id)))
            if not entry.is_settled:
                entry = await self._advance(entry)
            is_settled = entry.is_settled
            return entry
        except Elsewhere:
            entry = await durable(lambda: self._outbox.get(entry_id))
            is_settled = entry.is_settled
            return entry
        finally:
            if is_settled:
                self._at_hand.pop(entry_id, None)
                shutil.rmtree(self.around.spool / entry_id, ignore_errors=True)
            lock.release(for_good=is_settled)

    def clear_up(self, entry_id: str) -> bool:
        """Remove what was prepared of a settled mail; False while it is worked on or the disk refuses.

        Whoever carries a mail to its end does so by himself, whoever takes one back does not.
        """
        self.waits.forget(entry_id)
        spooled = self.around.spool / entry_id
        if not (spooled.exists() or self._locks.is_there(entry_id)):
            return True
        try:
            lock = self._locks.take(entry_id)
        except CacheError:
            return False
        if lock is None:
            return False
        shutil.rmtree(spooled, ignore_errors=True)
        lock.release(for_good=True)
        return True

    async def look_again(self, entry_id: str) -> OutboxEntry | None:
        """Take a look that is owed; None when it waits, or another process is at it."""
        lock = self._locks.take(entry_id)
        if lock is None:
            return None
        try:
            entry = await self.looks.take(entry_id)
        finally:
            lock.release(for_good=True)
        return None if entry is None else self._tell(entry)

    def _take_up(self, entry_id: str) -> OutboxEntry:
        """Look at a mail whose lock is held: what is CLAIMED lost its process."""
        entry = self._outbox.get(entry_id)
        if entry.state is OutboxState.CLAIMED:
            entry = self._outbox.doubt(entry_id, _DIED, self._now if self._settles(entry) else 0)
        if entry.state is OutboxState.UNCERTAIN and entry.next_try and self.is_too_late(entry):
            entry = self._outbox.doubt(entry_id, _TOO_LATE, 0)
        return self._expired(entry)

    def _expired(self, entry: OutboxEntry) -> OutboxEntry:
        """Close a mail that waited too long; the time may have passed while it was prepared."""
        if entry.state is OutboxState.PENDING and self._is_late(entry):
            return self._outbox.expire(entry.entry_id, "it waited too long to be sent")
        return entry

    def _is_late(self, entry: OutboxEntry) -> bool:
        return 0 < entry.expires_at <= self._now

    def _settles(self, entry: OutboxEntry) -> bool:
        """Whether a doubt about a mail needs no person.

        What was decided long ago is not sent by itself, and no service knows a key for ever.
        """
        asks = self.around.reconcile is not None
        return asks or (self._is_known(entry) and not self._is_late(entry))

    def is_too_late(self, entry: OutboxEntry) -> bool:
        """Whether mail that may have left and was to be sent again is for a person to decide now."""
        return self._is_late(entry) if entry.may_repeat else not self._settles(entry)

    def _is_known(self, entry: OutboxEntry) -> bool:
        """Whether the service still knows the key, from the first time that it may have seen it.

        A clock that was set back since does not tell how long ago that was.
        """
        seconds = self.around.remembers(entry.via)
        since = self._now - (entry.first_claimed or self._now)
        is_told = since >= -_CLOCKS_DIFFER or seconds == WITHOUT_END
        return seconds > 0 and is_told and since < seconds

    async def _advance(self, entry: OutboxEntry) -> OutboxEntry:
        try:
            return await self._steps(entry)
        except Elsewhere:
            raise
        except MailError as error:
            failure = self.failures[entry.entry_id] = error
        self._observer.ended(entry, failure)
        return self._tell(await durable(lambda: self._settle_failure(entry, failure)))

    async def _steps(self, entry: OutboxEntry) -> OutboxEntry:
        if entry.state is OutboxState.PENDING and not entry.is_sealed:
            entry = self._tell(await self._seal(entry))
        if self.waits.until_sent(entry) or not await durable(lambda: self._may_go(entry)):
            return entry
        if not entry.is_ready:
            entry = self._tell(await self._upload(entry))
        if entry.state is OutboxState.UNCERTAIN and not entry.may_repeat:
            entry = self._tell(await self._reconciled(entry))
        if entry.is_settled or (
            entry.state is OutboxState.UNCERTAIN and not self.may_repeat(entry)
        ):
            return entry
        entry = self._tell(await durable(lambda: self._expired(entry)))
        return entry if entry.is_settled else self._tell(await self._send(entry))

    def may_repeat(self, entry: OutboxEntry) -> bool:
        """Whether mail that may have left is sent again: the service or a person allows it."""
        by_itself = self._is_known(entry) and bool(entry.next_try) and not self._is_late(entry)
        return entry.may_repeat or by_itself

    def moves_alone(self, entry: OutboxEntry) -> bool:
        """Whether something happens to mail that may have left without anybody's doing."""
        settles = self.around.reconcile is not None or self.around.remembers(entry.via) > 0
        return entry.may_repeat or (settles and bool(entry.next_try))

    async def _reconciled(self, entry: OutboxEntry) -> OutboxEntry:
        """Ask the service whether it has taken a mail, where it can tell."""
        if self.around.reconcile is None:
            return entry
        entry_id = entry.entry_id
        was_taken = await self.around.reconcile(entry)
        if was_taken is None:
            return await durable(lambda: self._outbox.doubt(entry_id, "nobody knows", 0))
        if was_taken:
            return await durable(lambda: self._outbox.sent(entry_id, "", "found at the service"))
        return await durable(lambda: self._outbox.absent(entry_id))

    def _may_go(self, entry: OutboxEntry) -> bool:
        """All of a batch are sealed before one is uploaded; the oversight copy leaves first."""
        mates = self._outbox.batch(entry.batch)
        if any(mate.state is OutboxState.PENDING and not mate.is_sealed for mate in mates):
            return False
        copies = [mate for mate in mates if mate.idempotency_key == entry.copy_key]
        if not entry.copy_key or entry.state is OutboxState.UNCERTAIN:
            return True
        if any(copy.state in NEVER_LEFT for copy in copies):
            self._outbox.refuse(entry.entry_id, "its oversight copy did not leave")
            raise Elsewhere("Its oversight copy did not leave.")
        return any(copy.state is OutboxState.SENT for copy in copies)

    # ── the steps ────────────────────────────────────────────────────────────────────────────────

    async def _seal(self, entry: OutboxEntry) -> OutboxEntry:
        mail = await self._mail(entry)
        gate = await self.around.gate()
        folder = self.around.spool / entry.entry_id
        sealed = await gate.seal(mail, folder, lambda p: self._observer.progress(entry, mail, p))
        document = sealed_document(sealed)
        kept = await durable(lambda: self._outbox.keep_sealed(entry.entry_id, document))
        self._at_hand.pop(entry.entry_id, None)
        return kept

    async def _upload(self, entry: OutboxEntry) -> OutboxEntry:
        content = await durable(lambda: self._outbox.content(entry.entry_id))
        sealed, done = sealed_mail(content)
        gate = await self.around.gate()
        uploaded = list(done)
        try:
            ready = await gate.upload(
                sealed,
                lambda p: self._observer.progress(entry, sealed.mail, p),
                uploaded=done,
                on_uploaded=uploaded.append,
            )
        except (MailError, asyncio.CancelledError):
            if len(uploaded) > len(done):
                again = sealed_document(sealed, uploaded)
                await durable(lambda: self._outbox.keep_uploaded(entry.entry_id, again))
            raise
        self._observer.ended(entry, None)
        document = msgspec.to_builtins(ready)
        return await durable(lambda: self._outbox.keep_ready(entry.entry_id, document))

    async def _send(self, entry: OutboxEntry) -> OutboxEntry:
        content = await durable(lambda: self._outbox.content(entry.entry_id))
        ready = ready_mail(content)
        gate = await self.around.gate()
        entry_id = entry.entry_id
        try:
            self._tell(await durable(lambda: self._outbox.claim(entry_id, f"pid {os.getpid()}")))
        except asyncio.CancelledError:
            await self._unclaim(entry_id)
            raise
        self.on_wire.add(entry_id)
        try:
            receipt = await gate.send(ready, repeat=self._is_known(entry))
        except asyncio.CancelledError:
            again = self._now if self._settles(entry) else 0
            await durable(lambda: self._outbox.doubt(entry_id, _STOPPED, again))
            raise
        except MailError as error:
            return await self._not_sent(entry, error)
        finally:
            self.on_wire.discard(entry_id)
        answer = " ".join(part for part in (receipt.message_id, receipt.correlation_id) if part)
        look = gate.to_look_at(ready, receipt)
        took = await recorded(lambda: self._took(entry_id, receipt.message_id, answer, look))
        return await self.looks.take(entry_id) or took

    def _took(
        self, entry_id: str, message_id: str, answer: str, look: SentMail | None
    ) -> OutboxEntry:
        if look is None:
            return self._outbox.sent(entry_id, message_id, answer)
        return self.around.verdicts.sent(self._outbox, entry_id, answer, look, self._now)

    async def _not_sent(self, entry: OutboxEntry, error: MailError) -> OutboxEntry:
        """Write down an attempt that brought no receipt."""
        # Without the error's next step: what may have left is not tried again lightly.
        entry_id, reason = entry.entry_id, error.sentence
        self.failures[entry_id] = error
        if not may_have_left(error) and not (entry.may_have_left and _is_taken(error)):
            return await recorded(lambda: self._settle_failure(entry, error))
        again = self._next_try(entry, error) if self._settles(entry) else 0
        return await recorded(lambda: self._outbox.doubt(entry_id, reason, again))

    async def _unclaim(self, entry_id: str) -> None:
        with suppress(Elsewhere):
            await durable(lambda: self._outbox.unclaim(entry_id))

    # ── failures before anything left ────────────────────────────────────────────────────────────

    def _settle_failure(self, entry: OutboxEntry, error: MailError) -> OutboxEntry:
        """Try again what passes; refuse the rest, with everything that was queued with it."""
        reason = error.sentence if entry.may_have_left else str(error)
        if passes(error):
            again = self._next_try(entry, error)
            return self._outbox.postpone(entry.entry_id, reason, again)
        return self._outbox.refuse(entry.entry_id, reason, answer=answer_of(error))

    def _next_try(self, entry: OutboxEntry, error: MailError) -> int:
        return self._now + self.around.delay.seconds(entry.failures + 1, error)

    # ── what is kept ─────────────────────────────────────────────────────────────────────────────

    async def _mail(self, entry: OutboxEntry) -> OutboundMail:
        """Return the mail with its text; CryptoError while the own key is locked."""
        if entry.entry_id in self._at_hand:
            return self._at_hand[entry.entry_id]
        content = await durable(lambda: self._outbox.content(entry.entry_id))
        return await whole_mail(content, self.around.open_text)

    @property
    def _now(self) -> int:
        return int(self.around.clock())

    def _tell(self, entry: OutboxEntry) -> OutboxEntry:
        self._observer.moved(entry)
        return entry


def _is_taken(error: MailError) -> bool:
    """Tell a key that is in use, which after a lost answer is this mail's own attempt."""
    return isinstance(error, Conflict) and error.code == "conflict"
