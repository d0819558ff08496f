"""Answers the requests about writing and sending, of all screens (`services.outbound_events`).

Closes two traps: an autosave that overtakes an older one and keeps a stale text (saves go one after
another, and whoever reviews or sends waits for them), and a request that no part feels responsible
for: the table below names one for each.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from services import outbound_events as ev
from services.errors import UsageError
from services.events import Event, OutboundRequest
from services.outbound.approval_requests import ApprovalRequests
from services.outbound.draft_requests import DraftRequests
from services.outbound.offices import Offices
from services.outbound.send_requests import SendRequests

Answers = dict[type[OutboundRequest], Callable[[int, Any], Awaitable[None]]]


class OutboundDesk:
    """Carries out `OutboundRequest`s; MailErrors are the caller's to tell."""

    def __init__(self, offices: Offices, emit: Callable[[Event], None]) -> None:
        self.offices = offices
        self._drafts = DraftRequests(offices, emit)
        self._sends = SendRequests(offices, emit, self._drafts)
        self._approvals = ApprovalRequests(offices, emit)
        self._answers: Answers = {
            ev.BeginDraft: self._drafts.begin,
            ev.OpenDraft: self._drafts.open,
            ev.SaveDraft: self._drafts.save,
            ev.DiscardDraft: self._drafts.discard,
            ev.RestoreDraft: self._drafts.restore,
            ev.ListDrafts: self._drafts.list,
            ev.SuggestRecipients: self._drafts.suggest,
            ev.AskPricing: self._drafts.ask_pricing,
            ev.ReviewDraft: self._sends.review,
            ev.SendDraft: self._sends.send,
            ev.CancelSend: self._sends.cancel,
            ev.SettleUncertain: self._sends.settle,
            ev.RetryNow: self._sends.retry,
            ev.ListOutbox: self._sends.list,
            ev.ReadSent: self._sends.read,
            ev.ListProposals: self._approvals.list,
            ev.CompareProposal: self._approvals.compare,
            ev.RejectProposal: self._approvals.reject,
            ev.PauseAgent: self._approvals.pause,
            ev.ListAudit: self._approvals.audit,
            ev.CountOutbound: self._approvals.count,
        }

    async def answer(self, request_id: int, request: OutboundRequest) -> None:
        """Carry out one request; raises MailError, after which nothing was done."""
        answer = self._answers.get(type(request))
        if answer is None:
            raise UsageError("This cannot be asked of the outbox.")
        await answer(request_id, request)
