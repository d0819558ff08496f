"""Answers what the review, the outbox and the list of sent mail ask.

Closes the trap of a decision on something else than what leaves: a decision names a digest, and the
plan is made again before anything is queued.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from services import outbound_events as ev
from services.errors import MailError
from services.events import Event
from services.outbound.approvals.approval import DecisionVoid
from services.outbound.draft_requests import DraftRequests
from services.outbound.gate.plan import Plan
from services.outbound.gate.reviewing import review
from services.outbound.office import Office
from services.outbound.offices import Offices
from services.outbound.outbox.outbox_contents import durable, whole_mail
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound.outbox.outbox_views import body_of, facts_of, row_of, span
from services.outbound.writing.pricing import ask_pricing, price_list
from services.outbound_models import OutboxRow, OutboxState, ReviewView
from services.safe_text import SafeText, clean_line, phrase, ui


class SendRequests:
    """Reviews, queues, takes back and tells outgoing mail."""

    def __init__(
        self,
        offices: Offices,
        emit: Callable[[Event], None],
        drafts: DraftRequests,
        hold: Callable[[Office, str], Awaitable[None]],
    ) -> None:
        self._hold = hold
        """Makes sure that what is decided on is still what lies where it came from."""
        self._offices = offices
        self._emit = emit
        self._drafts = drafts
        self.listed: set[bool] = set()
        """Which lists (outbox: False, sent: True) were asked for: they are told when they change."""

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────

    async def review(self, request_id: int, request: ev.ReviewDraft) -> None:
        """Make the plan of a draft and show it."""
        await self._drafts.settled()
        office = await self._offices.get(request.account)
        plan = await office.show(request.draft_id)
        self._emit(ev.ReviewReady(request_id, await _view(office, plan)))

    async def send(self, request_id: int, request: ev.SendDraft) -> None:
        """Queue what was decided on."""
        await self._drafts.settled()
        office = await self._offices.get(request.account)
        await self._hold(office, request.draft_id)
        try:
            entries = await office.send(request.draft_id, request.digest)
        except DecisionVoid as void:
            if void.plan is None:
                raise
            view = await _view(office, void.plan)
            sentence = clean_line(void.sentence)
            self._emit(ev.DecisionVoid(request_id, sentence, void.changed, view))
            return
        self._emit(_queued(request_id, request, entries, office.clock()))

    # ── the outbox ───────────────────────────────────────────────────────────────────────────────

    async def cancel(self, request_id: int, request: ev.CancelSend) -> None:
        """Take back what has not left."""
        office = await self._offices.get(request.account)
        taken = await office.take_back(request.entry_ids)
        batch = await durable(lambda: office.outbox.batch(taken[0].batch))
        self._emit(_taken(request_id, taken, batch))

    async def settle(self, request_id: int, request: ev.SettleUncertain) -> None:
        """Carry out what a person decided about mail that may have left."""
        office = await self._offices.get(request.account)
        entry = await office.settle_uncertain(request.entry_id, resend=request.resend)
        row = row_of(entry, office.now)
        self._emit(ev.OutboxMoved(replace(row, account=self._offices.tag(office))))
        sentence = ui("The same is sent again.") if request.resend else ui("It counts as sent.")
        self._emit(ev.OutboundDone(request_id, sentence))

    async def retry(self, request_id: int, _: ev.RetryNow) -> None:
        """Try now what waits for its next try."""
        for office in self._offices.opened:
            await office.retry_now()
        self._emit(ev.OutboundDone(request_id, ui("What waits is tried now.")))

    async def list(self, request_id: int, request: ev.ListOutbox) -> None:
        """Tell the outbox, or what has left."""
        self.listed.add(request.sent)
        await self.tell(request_id, sent=request.sent)

    async def tell(self, request_id: int = 0, *, sent: bool = False) -> None:
        """Tell one of the two lists as it is now, newest first."""
        moving: list[OutboxRow] = []
        over: list[OutboxRow] = []
        for office in await self._offices.shown():
            found = await durable(partial(_rows, office, self._offices.tag(office), sent=sent))
            moving += found[0]
            over += found[1]
        if len({row.account for row in (*moving, *over)}) > 1:
            moving.sort(key=lambda row: row.changed_at, reverse=True)
            over.sort(key=lambda row: row.changed_at, reverse=True)
        self._emit(ev.OutboxListed(request_id, (*moving, *over), sent))

    async def read(self, request_id: int, request: ev.ReadSent) -> None:
        """Show the local copy of one mail."""
        office = await self._offices.get(request.account)
        entry = await durable(lambda: office.outbox.get(request.entry_id))
        content = await durable(lambda: office.outbox.content(request.entry_id))
        mail = await whole_mail(content, office.open_text)
        body = body_of(mail)
        if mail.is_encrypted and not content.text:
            body = (ui("There is no local copy of the text: you have no key to seal it to."),)
        self._emit(ev.SentOpened(request_id, request.entry_id, facts_of(entry, mail), body))


def _rows(office: Office, account: str, *, sent: bool) -> tuple[list[OutboxRow], list[OutboxRow]]:
    """Return what is under way and what is settled, each newest first."""
    now = office.now
    settled = [e for e in office.outbox.settled() if (e.state is OutboxState.SENT) == sent]
    moving = [] if sent else office.outbox.open()
    shown = [
        [replace(row_of(entry, now), account=account) for entry in reversed(entries)]
        for entries in (moving, settled)
    ]
    return shown[0], shown[1]


def _queued(
    request_id: int, request: ev.SendDraft, entries: tuple[OutboxEntry, ...], now: float
) -> ev.SendQueued:
    until = max(entry.send_at for entry in entries)
    ids = tuple(entry.entry_id for entry in entries)
    leaves = _leaves(entries, round(until - now))
    return ev.SendQueued(request_id, request.draft_id, ids, until, leaves, request.account)


def _leaves(entries: tuple[OutboxEntry, ...], wait: int) -> SafeText:
    first = next((entry for entry in entries if not entry.is_copy), entries[0])
    more = sum(not entry.is_copy for entry in entries) - 1
    to = clean_line(first.to)
    who = phrase("{} and {} more", to, more) if more else to
    if wait <= 0:
        return phrase("The mail to {} leaves now.", who)
    return phrase("The mail to {} leaves in {}.", who, span(wait))


def _taken(
    request_id: int, taken: tuple[OutboxEntry, ...], batch: tuple[OutboxEntry, ...]
) -> ev.SendCancelled:
    draft_id = taken[0].draft_id
    late = [one for one in batch if one.state is not OutboxState.CANCELLED and not one.is_copy]
    if not late:
        words = ui("Taken back; it was not sent. The draft is there again.")
        return ev.SendCancelled(request_id, draft_id, words)
    words = phrase("{} taken back; {} could not be stopped any more.", len(taken), len(late))
    return ev.SendCancelled(request_id, draft_id, words, is_back=False)


async def _view(office: Office, plan: Plan) -> ReviewView:
    """Return a plan as a review, with the seller's prices on a marketplace request."""
    lines: tuple[SafeText, ...] = ()
    if plan.marketplace_request_id and plan.usage is None and plan.mails:
        with suppress(MailError):
            prices = price_list(await office.lender.provider())
            to = plan.mails[-1].to
            agent = office.chain.agent_id_for(to) if office.chain is not None else ""
            lines = await ask_pricing(prices, to, office.sender.mail_domain, agent)
    return review(plan, pricing=lines)
