"""Answers the requests about writing and sending, of all screens (`services.outbound_events`).

Closes two traps: a request that no part feels responsible for (the table below names one for each),
and a screen that shows yesterday's outbox because another program has changed it: what other
processes do is looked for, and told as if it had happened here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from services import outbound_events as ev
from services.audit_events import ListAudit
from services.carried_events import CarryFiles
from services.crypto.errors import Locked
from services.errors import MailError, PolicyRefused, UsageError
from services.events import Event, Notice, OutboundRequest, Severity
from services.moving_events import MoveDraft
from services.outbound.approval_requests import ApprovalRequests
from services.outbound.draft_requests import DraftRequests
from services.outbound.moving_drafts import MovingDrafts
from services.outbound.office import Office
from services.outbound.offices import Offices
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound.outbox.outbox_views import row_of
from services.outbound.send_requests import SendRequests
from services.outbound.server_desk import ServerDesk
from services.outbound.way_requests import WayRequests
from services.safe_text import SafeText, clean_line
from services.way_events import AskCarriage, AskWays

Answers = dict[type[OutboundRequest], Callable[[int, Any], Awaitable[None]]]
LOOK_EVERY: Final = 1.0
"""Seconds between two looks at what other processes have done."""


class OutboundDesk:
    """Carries out `OutboundRequest`s; MailErrors are the caller's to tell."""

    def __init__(self, offices: Offices, emit: Callable[[Event], None]) -> None:
        self.offices = offices
        self._emit = emit
        self._drafts = DraftRequests(offices, emit)
        self._moving = MovingDrafts(offices, emit, self._drafts.settled)
        self._server = ServerDesk(emit)
        self._sends = SendRequests(offices, emit, self._drafts, self._server.hold)
        self._approvals = ApprovalRequests(offices, emit, self._server.progress)
        self._seen: dict[str, tuple[int, bool]] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._told_troubles: dict[str, str] = {}
        self._told_repairs: dict[str, int] = {}
        ways = WayRequests(offices, emit)
        self._answers: Answers = {
            ev.BeginDraft: self._drafts.begin,
            ev.OpenDraft: self._drafts.open,
            ev.SaveDraft: self._drafts.save,
            ev.DiscardDraft: self._drafts.discard,
            ev.RestoreDraft: self._drafts.restore,
            MoveDraft: self._moving.move,
            ev.ListDrafts: self._drafts.list,
            CarryFiles: self._drafts.carry,
            ev.SuggestRecipients: self._drafts.suggest,
            ev.AskPricing: self._drafts.ask_pricing,
            AskWays: ways.tell,
            AskCarriage: ways.carriage,
            ev.ReviewDraft: self._sends.review,
            ev.SendDraft: self._sends.send,
            ev.CancelSend: self._sends.cancel,
            ev.SettleUncertain: self._sends.settle,
            ev.RetryNow: self._sends.retry,
            ev.ListOutbox: self._sends.list,
            ev.ReadSent: self._sends.read,
            ev.ListProposals: self._list_proposals,
            ev.CompareProposal: self._approvals.compare,
            ev.RejectProposal: self._approvals.reject,
            ev.PauseAgent: self._approvals.pause,
            ListAudit: self._approvals.audit,
            ev.CountOutbound: self._approvals.count,
        }

    async def answer(self, request_id: int, request: OutboundRequest) -> None:
        """Carry out one request; raises MailError, after which nothing was done."""
        answer = self._answers.get(type(request))
        if answer is None:
            raise UsageError("This cannot be asked of the outbox.")
        try:
            await answer(request_id, request)
        except Locked as error:
            account = getattr(request, "account", "")
            self._emit(ev.DraftLocked(request_id, clean_line(str(error)), account))

    async def _list_proposals(self, request_id: int, request: ev.ListProposals) -> None:
        self._server.nudge()
        await self._approvals.list(request_id, request)

    async def run(self) -> None:
        """Send what is due in all offices and tell what changes, until cancelled."""
        try:
            while True:
                for office in await self.offices.all():
                    self._attend(office)
                    self._tell_repairs(office)
                for name, error in self.offices.troubles.items():
                    self._tell_trouble(name, error)
                await self._tell_changes()
                await asyncio.sleep(LOOK_EVERY)
        finally:
            for task in self._sending.values():
                task.cancel()

    async def close(self, seconds: float) -> None:
        """End; what is on the wire gets so many seconds."""
        await self._server.close()
        await self._drafts.close()
        await self.offices.close(seconds)

    # ── what happens by itself ───────────────────────────────────────────────────────────────────

    def _attend(self, office: Office) -> None:
        """Keep an office sending; one that failed (a full disk) is begun again at the next look."""
        self._server.attend(office)
        task = self._sending.get(office.account.name)
        if task is not None and not task.done():
            return
        if task is not None and not task.cancelled() and (failure := task.exception()):
            if not isinstance(failure, MailError):
                raise failure
            self._trouble(office, failure)
        office.uploads.listen = partial(self._moved, office)
        office.sending.on_trouble = partial(self._trouble, office)
        loop = asyncio.get_running_loop()
        self._sending[office.account.name] = loop.create_task(office.sending.run())

    async def _look(self, office: Office) -> tuple[int, bool]:
        """Return what changes when somebody saves something, and when keys open or lock."""
        version = await asyncio.to_thread(office.look)
        is_open = office.sealer.is_open
        was_open = self._seen.get(office.account.name, (0, is_open))[1]
        if was_open and not is_open:
            office.drafts.forget()
        if is_open and not was_open:
            await office.retry_now()
        return version, is_open

    def _moved(self, office: Office, entry: OutboxEntry, progress: SafeText) -> None:
        row = row_of(entry, office.now, progress)
        self._emit(ev.OutboxMoved(replace(row, account=self.offices.tag(office))))

    def _trouble(self, office: Office, error: MailError) -> None:
        self._tell_trouble(office.account.name, error)

    def _tell_trouble(self, name: str, error: MailError) -> None:
        """Tell what stands in the way of an account's mail, once as long as it is the same."""
        if self._told_troubles.get(name) != error.sentence:
            self._told_troubles[name] = error.sentence
            sentence, step = clean_line(f"{name}: {error.sentence}"), clean_line(error.next_step)
            grave = isinstance(error, PolicyRefused)
            severity = Severity.ERROR if grave else Severity.WARNING
            self._emit(Notice(sentence, severity, next_step=step))

    def _tell_repairs(self, office: Office) -> None:
        """Tell what was damaged on the disk and had to be set aside, each once."""
        name, repairs = office.account.name, office.store.repairs
        for sentence in repairs[self._told_repairs.get(name, 0) :]:
            self._emit(Notice(clean_line(f"{name}: {sentence}"), Severity.WARNING))
        self._told_repairs[name] = len(repairs)

    async def _tell_changes(self) -> None:
        """Tell again what screens have asked for, when any process has changed something."""
        seen = {}
        for office in self.offices.opened:
            seen[office.account.name] = await self._look(office)
        if seen != self._seen:
            self._seen = seen
            self._server.nudge()
            await self._tell_what_changed()
        elif self._approvals.is_listed and self._approvals.is_behind:
            await self._approvals.tell()

    async def _tell_what_changed(self) -> None:
        await self._approvals.tell_counts()
        if self._drafts.is_listed:
            await self._drafts.tell()
        for sent in tuple(self._sends.listed):
            await self._sends.tell(sent=sent)
        if self._approvals.is_listed:
            await self._approvals.tell()
