"""Answers what the compose screen and the list of drafts ask.

Closes the trap of two autosaves under way at once: they are carried out in the order in which they
were asked for, and whoever reviews or lists waits for those that came before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from services import outbound_events as ev
from services.carried_events import CarryFiles
from services.draft import Draft, DraftState
from services.errors import CacheError, UsageError
from services.events import Event
from services.outbound.carrying_over import CarryingOver
from services.outbound.log.lending import Original
from services.outbound.office import Office
from services.outbound.offices import Offices
from services.outbound.outbox.outbox_contents import durable
from services.outbound.writing.pricing import ask_pricing, price_list
from services.outbound.writing.recipient_book import RecipientBook
from services.outbound.writing.replying import Begun, Desktop, begin_answer, begin_blank
from services.outbound_models import DraftRow, OutboxState
from services.safe_text import EMPTY, clean_line, ui

if TYPE_CHECKING:
    from services.cache.snapshot import MailSnapshot

_COPY = ui("Somebody else changed this draft meanwhile: yours is kept as a copy.")


class DraftRequests:
    """Begins, keeps and hands out drafts."""

    def __init__(self, offices: Offices, emit: Callable[[Event], None]) -> None:
        self._offices = offices
        self._emit = emit
        self._in_order = asyncio.Lock()
        self._books: dict[str, RecipientBook] = {}
        self._carrying: dict[str, CarryingOver] = {}
        self.is_listed = False
        """A list of drafts was asked for: it is told again when it changes."""

    async def settled(self) -> None:
        """Wait until every save that was asked for is done."""
        async with self._in_order:
            return

    async def close(self) -> None:
        """Stop learning recipients and fetching files."""
        for carrying in self._carrying.values():
            await carrying.close()
        for book in self._books.values():
            book.close()

    # ── drafts ───────────────────────────────────────────────────────────────────────────────────

    async def begin(self, request_id: int, request: ev.BeginDraft) -> None:
        """Begin a draft, for an answer if wanted; nothing is kept before it is saved."""
        office = await self._offices.get(request.account)
        desktop = await durable(lambda: _desktop(office, request.template))
        if request.message_id:
            original = await _original(office, request.message_id)
            begun = begin_answer(request.kind, original, desktop)
        else:
            begun = begin_blank(request.kind, desktop, to=request.to)
        self._tell_begun(request_id, request.account, begun)
        self._carry(office, begun.draft)
        (await self._recipients(office)).begin()

    def _tell_begun(self, request_id: int, account: str, begun: Begun) -> None:
        opened = ev.DraftOpened(request_id, begun.draft, account, begun.remark, begun.quoted)
        self._emit(opened)

    async def open(self, request_id: int, request: ev.OpenDraft) -> None:
        """Hand out a kept draft."""
        await self.settled()
        office = await self._offices.get(request.account)
        draft = await self._homed(office, await office.draft(request.draft_id))
        head = await durable(lambda: office.drafts.head(request.draft_id))
        remark = clean_line(head.reason)
        self._emit(ev.DraftOpened(request_id, draft, request.account, remark))
        self._carry(office, draft)

    async def save(self, request_id: int, request: ev.SaveDraft) -> None:
        """Keep a draft durably; what the disk refuses is told as that, so the screen keeps it."""
        async with self._in_order:
            office = await self._offices.get(request.account)
            try:
                kept = await durable(lambda: office.drafts.save(request.draft))
            except CacheError as error:
                sentence, step = clean_line(error.sentence), clean_line(error.next_step)
                draft_id = request.draft.draft_id
                self._emit(ev.DraftNotSaved(request_id, draft_id, sentence, step))
                return
        remark = EMPTY if kept.draft_id == request.draft.draft_id else _COPY
        self._emit(ev.DraftSaved(request_id, kept.draft_id, kept.revision, remark))

    async def discard(self, request_id: int, request: ev.DiscardDraft) -> None:
        """Drop a draft, for a while."""
        await self.settled()
        office = await self._offices.get(request.account)
        await self._carrying_of(office).stop(request.draft_id)
        done = await durable(lambda: office.drafts.discard(request.draft_id))
        sentence = ui("The draft is dropped.") if done else ui("There was no such draft.")
        self._emit(ev.OutboundDone(request_id, sentence))

    async def restore(self, request_id: int, request: ev.RestoreDraft) -> None:
        """Bring a dropped draft back."""
        office = await self._offices.get(request.account)
        await durable(lambda: office.drafts.restore(request.draft_id))
        self._emit(ev.OutboundDone(request_id, ui("The draft is there again.")))

    async def list(self, request_id: int, _: ev.ListDrafts) -> None:
        """Tell all drafts."""
        self.is_listed = True
        await self.settled()
        await self.tell(request_id)

    async def tell(self, request_id: int = 0) -> None:
        """Tell the list of drafts as it is now."""
        rows: list[DraftRow] = []
        for office in await self._offices.shown():
            await office.unlock_silently()
            tag = self._offices.tag(office)
            rows += (replace(row, account=tag) for row in await durable(office.drafts.rows))
        rows.sort(key=lambda row: row.changed_at, reverse=True)
        self._emit(ev.DraftsListed(request_id, tuple(rows)))

    # ── files of a message that is sent on ───────────────────────────────────────────────────────

    async def carry(self, _: int, request: CarryFiles) -> None:
        """Fetch what is missing of a draft's carried files, remove what was taken off."""
        office = await self._offices.get(request.account)
        self._carrying_of(office).carry(request.draft_id, request.files)

    async def _homed(self, office: Office, draft: Draft) -> Draft:
        """Return a draft whose carried files are its own; one that is a copy had another's."""
        homed = self._carrying_of(office).homed(draft)
        if homed == draft or draft.state is not DraftState.EDITING:
            return draft
        return await durable(lambda: office.drafts.save(homed))

    def _carry(self, office: Office, draft: Draft) -> None:
        if any(file.origin is not None for file in draft.files):
            self._carrying_of(office).carry(draft.draft_id, draft.files)

    def _carrying_of(self, office: Office) -> CarryingOver:
        name = office.account.name
        if name not in self._carrying:
            self._carrying[name] = CarryingOver(office.carried, office.lender, self._emit)
        return self._carrying[name]

    # ── recipients ───────────────────────────────────────────────────────────────────────────────

    async def suggest(self, request_id: int, request: ev.SuggestRecipients) -> None:
        """Complete a recipient: at once from what is known, then the directory if nobody is."""
        office = await self._offices.get(request.account)
        book = await self._recipients(office)
        found = await book.suggest(request.text)
        self._emit(ev.RecipientsSuggested(request_id, request.text, found))
        if not found:
            known = await book.look_up(request.text)
            if known is not None:
                self._emit(ev.RecipientsSuggested(request_id, request.text, (known,)))

    async def _recipients(self, office: Office) -> RecipientBook:
        book = self._books.get(office.account.name)
        if book is None:
            book = self._books[office.account.name] = RecipientBook(
                office.sender.address,
                office.sender.mail_domain,
                snapshot=lambda: _snapshot(office),
                keychain=office.lender.keychain,
                written=lambda: _written(office),
            )
        return book

    async def ask_pricing(self, request_id: int, request: ev.AskPricing) -> None:
        """Tell what an agent charges."""
        office = await self._offices.get(request.account)
        prices = price_list(await office.lender.provider())
        agent = office.chain.agent_id_for(request.address) if office.chain is not None else ""
        lines = await ask_pricing(prices, request.address, office.sender.mail_domain, agent)
        self._emit(ev.PricingTold(request_id, request.address, lines))


def _desktop(office: Office, template: str) -> Desktop:
    stationery = office.stationery
    return Desktop(
        own=office.sender.address,
        now=office.now,
        signature=stationery.signature(office.account.name),
        template=stationery.template(template) if template else None,
        carried=office.carried,
    )


async def _original(office: Office, message_id: str) -> Original:
    mail = office.lender.mail
    if mail is None:
        raise UsageError("There is no mailbox at hand to answer from.")
    return await mail.original(message_id)


def _snapshot(office: Office) -> MailSnapshot | None:
    mail = office.lender.mail
    return None if mail is None else mail.snapshot


def _written(office: Office) -> Iterator[tuple[str, int]]:
    for entry in office.outbox.settled():
        if entry.state is OutboxState.SENT and not entry.is_copy:
            yield entry.to, entry.changed_at
