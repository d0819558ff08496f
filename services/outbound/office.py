"""Everything outbound of one account: drafts, proposals, outbox, audit, policy, gate, behind one door.

Opened by the engine, which lends its connection and its unlocked keys, and by command-line verbs,
which bring their own. Several may be open on the same account in several processes. Closes the trap of
a second idea, in some verb, of what "queue" or "approve" means.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.draft import Draft, DraftState
from services.errors import CryptoError, MailError, ServiceError
from services.outbound.approvals.approval import Decisions
from services.outbound.approvals.proposals import Proposals
from services.outbound.drafts.attaching import check_place
from services.outbound.drafts.carried_folders import CarriedFolders
from services.outbound.drafts.draft_store import Drafts
from services.outbound.drafts.outside_texts import LeftTexts
from services.outbound.gate.gate import Gate
from services.outbound.gate.plan import OutboundMail, Plan
from services.outbound.gate.policy import HOUR, require_room
from services.outbound.gate.sender import OwnInboxes, Sender
from services.outbound.gate.transports.of_account import own_inboxes, remembers, ways_out
from services.outbound.log.audit import AUDIT_FILE, OPERATOR, AuditLog
from services.outbound.log.lending import Lender
from services.outbound.log.sealed_documents import KeychainSealer, NoSealer, Sealer
from services.outbound.log.store import FOLDER, OutboundStore
from services.outbound.log.work_lock import FOLDER as WORK_FOLDER
from services.outbound.log.work_lock import WorkLocks, sweep
from services.outbound.outbox.carrying import Carrier, Observer, Surroundings
from services.outbound.outbox.history import KnownPeople
from services.outbound.outbox.homecoming import Homecoming
from services.outbound.outbox.outbox import Outbox
from services.outbound.outbox.outbox_contents import content_of, durable
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound.outbox.retry_delay import RetryDelay, passes
from services.outbound.outbox.sending import Sending
from services.outbound.outbox.uploads_shown import ShownUploads
from services.outbound.outbox.verdicts import Verdicts
from services.outbound.own_lender import OwnLender
from services.outbound.writing.templates import Stationery
from services.outbound_models import OutboxState

if TYPE_CHECKING:
    from services.config import Account
    from services.keys.keychain import Keychain
    from services.ports import MailProvider

SPOOL: Final = "spool"


class Office:
    """The outbound side of one account; `open` makes it, `close` ends it.

    `drafts`, `outbox`, `audit` and `sending` are its parts. What needs the network asks `lender`.
    """

    def __init__(
        self,
        account: Account,
        folder: Path,
        store: OutboundStore,
        lender: Lender,
        chain: Keychain | None,
        clock: Callable[[], float],
        config_folder: Path | None = None,
        delay: RetryDelay | None = None,
        barred: tuple[Path, ...] = (),
    ) -> None:
        self.account = account
        self.folder = folder
        self.store = store
        self.lender = lender
        self.chain = chain
        self.clock = clock
        self._barred = barred
        self._inboxes: tuple[object, OwnInboxes | None] = (None, None)
        self._ours: frozenset[str] = frozenset()
        self.stationery = Stationery(config_folder or folder)
        self.sealer: Sealer = KeychainSealer(chain) if chain is not None else NoSealer()
        self.drafts = Drafts(store, self.sealer, clock)
        self.left = LeftTexts(self.drafts)
        self.carried = CarriedFolders(folder / FOLDER)
        self.drafts.on_gone = self.carried.remove
        self._unhook = chain.on_lock(self.drafts.forget) if chain is not None else None
        self.audit = AuditLog(folder / AUDIT_FILE, store, clock)
        chronicle = Homecoming(self.drafts, self.audit, store)
        self.outbox = Outbox(store, chronicle, clock)
        self._verdicts = Verdicts(store, chronicle)
        self.history = KnownPeople(lender, self.outbox, chain, lambda: store.version)
        self.proposals = Proposals(
            self.sender, store, self.drafts, self.audit, history=self.history, clock=clock
        )
        self.decisions = Decisions(
            self.drafts, self.gate, hours=account.policy.approval_hours, clock=clock
        )
        self._deciding = asyncio.Lock()
        self._gate: tuple[object, Sender, Gate] | None = None
        self.uploads = ShownUploads(lender, self.take_back)
        self.carrier = self._carrier(self.uploads, delay or RetryDelay())
        self.sending = Sending(self.outbox, self.carrier, self.look, clock)

    @classmethod
    async def open(
        cls,
        account: Account,
        folder: Path,
        lender: Lender,
        clock: Callable[[], float] = time.time,
        *,
        config_folder: Path | None = None,
        delay: RetryDelay | None = None,
        barred: tuple[Path, ...] = (),
    ) -> Office:
        """Open what lies in an account's folder, making it if need be; CacheError when it cannot.

        Signature and templates lie in `config_folder`; `delay` is how long retries wait; no
        file in a `barred` folder goes along with a mail.
        """
        store = await durable(lambda: OutboundStore.open(folder))
        try:
            chain = await lender.keychain()
        except MailError:
            # Drafts can be written without it. Nothing leaves: the rules for recipients lie there.
            chain = None
        office = cls(account, folder, store, lender, chain, clock, config_folder, delay, barred)
        await durable(office.tidy)
        return office

    def _carrier(self, observer: Observer, delay: RetryDelay) -> Carrier:
        around = Surroundings(
            gate=self.gate,
            open_text=self.open_text,
            spool=self.folder / FOLDER / SPOOL,
            clock=self.clock,
            delay=delay,
            remembers=lambda via: remembers(self.account, via),
            verdicts=self._verdicts,
        )
        return Carrier(self.outbox, WorkLocks(self.folder / FOLDER), around, observer)

    @property
    def now(self) -> int:
        """Seconds since the epoch."""
        return int(self.clock())

    @property
    def sender(self) -> Sender:
        """The account as the policy sees it."""
        own = self.chain.own_address if self.chain is not None else ""
        return Sender.of(self.account, own, self._ours)

    async def gate(self) -> Gate:
        """Return the gate over the connection of now; Offline, SignedOut, CryptoError without one."""
        client = await self.lender.provider()
        await self._know_inboxes(client)
        sender = self.sender
        if self._gate is None or self._gate[:2] != (client, sender):
            if self.chain is None:
                raise CryptoError(
                    "The keys of this mailbox cannot be opened, so nothing is sent.",
                    "See: agentmail-tui doctor",
                )
            made = Gate(
                ways_out(self.account, client),
                self.chain,
                sender,
                traffic=self.outbox,
                history=self.history,
                is_paused=self.proposals.is_paused,
                clock=self.clock,
                check_place=self._check_place,
            )
            self._gate = (client, sender, made)
            self.proposals.know(sender)
        return self._gate[2]

    async def _know_inboxes(self, client: MailProvider) -> None:
        """Ask which inboxes are ours besides the account's own; none where the key may not tell.

        Raises what passes by itself: nothing is planned or sent until it is known.
        """
        if self._inboxes[0] is not client:
            self._inboxes = (client, own_inboxes(self.account, client))
        inboxes = self._inboxes[1]
        try:
            self._ours = await inboxes.addresses() if inboxes is not None else frozenset()
        except ServiceError as error:
            if passes(error):
                raise
            # What cannot be told is external: it needs oversight, and a person's decision.
            self._ours = frozenset()

    def _check_place(self, draft_id: str, real: Path) -> None:
        """Raise PolicyRefused for a file of the program's own, but for those that a draft carries."""
        if real.parent.parent != self.carried.of(draft_id).resolve():
            check_place(real, self._barred)

    # ── into the outbox ──────────────────────────────────────────────────────────────────────────

    async def plan(self, draft_id: str) -> tuple[Draft, Plan]:
        """Return a kept draft and what would be sent of it now; NotFound, Locked, Offline."""
        draft = await self.draft(draft_id)
        return draft, await (await self.gate()).plan(draft)

    async def show(self, draft_id: str) -> Plan:
        """Make the plan of a draft for the screen, which can then decide on it; raises as `draft`."""
        await self.unlock_silently()
        return await self.decisions.show(draft_id)

    async def send(self, draft_id: str, digest: str) -> tuple[OutboxEntry, ...]:
        """Queue what a person decided on, on screen, by its digest.

        DecisionVoid when that is not what would be sent now, and what `enqueue` raises.
        """
        await self.unlock_silently()
        async with self._deciding:
            queued = await durable(lambda: self.outbox.decided(draft_id, digest))
            if queued:
                # The same decision, once more: it stands already.
                return queued
            plan = await self.decisions.decide(draft_id, digest)
            return await self.enqueue(plan, by_person=True)

    async def draft(self, draft_id: str) -> Draft:
        """Return a kept draft; NotFound, Locked when its key has to be asked for."""
        await self.unlock_silently()
        if self.left.waits:
            await durable(self.left.take_in)
        return await durable(lambda: self.drafts.get(draft_id))

    async def enqueue(
        self, plan: Plan, *, by_person: bool, actor: str = OPERATOR, undo: bool = True
    ) -> tuple[OutboxEntry, ...]:
        """Put the mails of a decided plan into the outbox, in one step with its draft and the audit.

        Raises what stands against it (`Plan.released`), DecisionVoid when the draft was sent or
        changed meanwhile, CacheError; then nothing has happened. `undo`: it waits for as long as
        it can be taken back.
        """
        mails = plan.released(by_person=by_person)
        entries = await durable(lambda: self._enqueue(plan, mails, actor, undo=undo))
        for entry, mail in zip(entries, mails, strict=True):
            self.carrier.remember(entry.entry_id, mail)
            self.uploads.moved(entry)
        self.sending.nudge()
        return entries

    def _enqueue(
        self, plan: Plan, mails: tuple[OutboundMail, ...], actor: str, *, undo: bool
    ) -> tuple[OutboxEntry, ...]:
        seal = None if self.sealer.hindrance else self._seal_text
        batch, wait = uuid.uuid4().hex, plan.undo_seconds if undo else 0
        made = [(self._entry(mail, batch, wait), content_of(mail, seal)) for mail in mails]
        with self.store.transaction():
            self.decisions.require_current(plan)
            count = sum(1 + len(mail.bcc) for mail in mails)
            require_room(self.sender.policy, self.outbox, self.now, count)
            self.drafts.put_state(plan.draft_id, DraftState.QUEUED)
            return self.outbox.queue(made, actor=actor)

    def _entry(self, mail: OutboundMail, batch: str, wait: int) -> OutboxEntry:
        now = self.now
        undo_until = ceil(self.clock()) + wait if wait else now
        send_at = max(mail.send_at, undo_until)
        return OutboxEntry(
            entry_id=uuid.uuid4().hex,
            draft_id=mail.draft_id,
            batch=batch,
            state=OutboxState.PENDING,
            to=mail.to,
            subject=mail.subject,
            idempotency_key=mail.idempotency_key,
            digest=mail.digest,
            copy_key=mail.copy_key,
            is_copy=mail.is_copy,
            is_encrypted=mail.is_encrypted,
            files=len(mail.files),
            agent=mail.agent,
            queued_at=now,
            changed_at=now,
            send_at=send_at,
            is_scheduled=mail.send_at > undo_until,
            via=mail.via,
            bcc=len(mail.bcc),
            expires_at=send_at + self.account.policy.approval_hours * HOUR,
        )

    # ── out of it again ──────────────────────────────────────────────────────────────────────────

    async def take_back(
        self, entry_ids: tuple[str, ...], actor: str = OPERATOR
    ) -> tuple[OutboxEntry, ...]:
        """Take back what has not left, with what was queued together; UsageError when it is too late."""
        taken = await durable(lambda: self.outbox.cancel(entry_ids, actor))
        self.sending.stop(entry.entry_id for entry in taken)
        for entry in taken:
            self.uploads.given_up(entry)
            await durable(partial(self.carrier.clear_up, entry.entry_id))
        return taken

    async def settle_uncertain(self, entry_id: str, *, resend: bool) -> OutboxEntry:
        """Carry out what a person decided about mail that may have left; UsageError, NotFound."""
        entry = await durable(
            lambda: self.outbox.settle_uncertain(entry_id, resend=resend, actor=OPERATOR)
        )
        self.sending.nudge()
        return entry

    async def retry_now(self) -> None:
        """Try what waits for its next try."""
        await durable(self.outbox.hurry)
        self.sending.nudge()

    # ── texts, changes, the end ──────────────────────────────────────────────────────────────────

    def _seal_text(self, text: str) -> str:
        return self.sealer.seal(text.encode("utf-8", "surrogatepass")).decode("ascii")

    async def open_text(self, sealed: str) -> str:
        """Return a text that was sealed to the own key; Locked, NoKey or another CryptoError."""
        await self.unlock_silently()
        opened = await asyncio.to_thread(lambda: self.sealer.open(sealed.encode("ascii")))
        return opened.decode("utf-8", "surrogatepass")

    async def unlock_silently(self) -> None:
        """Open the own keys where nobody has to be asked."""
        if self.chain is not None:
            await self.chain.ready()

    def tidy(self) -> None:
        """Seal what was kept in clear before there was a key; drop what a killed program left."""
        self.drafts.seal_what_is_clear()
        self.left.take_in()
        for name in (SPOOL, WORK_FOLDER):
            sweep(self.folder / FOLDER / name, self._waiting)
        self.carried.sweep(self.drafts.restorable)

    def _waiting(self) -> set[str]:
        self.look()
        return {entry.entry_id for entry in self.outbox.open()}

    def look(self) -> int:
        """Take in what other processes have saved; return a number that grows with every change."""
        self.store.refresh()
        return self.store.version

    async def close(self, seconds: float = 0.0) -> None:
        """Stop sending, with so many seconds for what is on the wire, and close the files."""
        await self.sending.finish(seconds)
        if self._unhook is not None:
            self._unhook()
        self.carried.close()
        await durable(self.store.close)
        if isinstance(self.lender, OwnLender):
            await self.lender.close()
