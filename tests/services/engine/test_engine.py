"""The engine at work: mail is synced, opened, changed and searched; nothing waits for a walk."""

from __future__ import annotations

import asyncio

import pytest

from services import events, requests
from services.models import Mailbox, MailFilter, SyncPhase
from services.reading.render_process import RenderWorker
from tests.fakes.fake_provider import FakeProvider, FakeRenderer, items
from tests.services.engine.engine_stage import MAIL, item_of


def test_mail_is_synced_opened_and_read_with_its_trust_facts(run, sandbox, agent, client):
    trusted = sandbox.add_mail(agent, MAIL.format("one", "world"), verified=True)
    again = sandbox.add_mail(agent, MAIL.format("two", "again"), verified=False)
    one = run(client, renderer=RenderWorker)
    one.phase(SyncPhase.SYNCED)
    opened = one.answer(requests.OpenMessage(trusted), events.MessageOpened)
    assert "Hello world" in [line.text for line in opened.message.body]
    assert opened.trust.verified
    assert opened.trust.first_contact
    other = one.answer(requests.OpenMessage(again), events.MessageOpened)
    assert not other.trust.verified
    assert not other.trust.first_contact
    raw = one.answer(requests.ReadRaw(again), events.RawRead)
    assert "Subject: two" in raw.lines


def test_new_mail_appears_without_being_asked_for(run, sandbox, agent, client):
    one = run(client)
    one.phase(SyncPhase.SYNCED)
    sandbox.add_mail(agent, MAIL.format("new", "new"))
    assert one.wait(events.MailboxChanged, lambda event: event.counts.total == 1)


def test_changes_are_shown_sent_and_taken_back(run, sandbox, agent, client):
    message_id = sandbox.add_mail(agent, MAIL.format("one", "one"), labels=["inbox"])
    one = run(client)
    one.phase(SyncPhase.SYNCED)
    notice = one.answer(requests.ChangeLabels((message_id,), ("later",), ("inbox",)), events.Notice)
    assert notice.sentence == "Changed the labels of 1 message."
    one.waiting(0)
    assert asyncio.run(item_of(client(), message_id)).labels == ("later",)
    one.answer(requests.Delete((message_id,)), events.Notice)
    assert one.ids == []
    assert one.answer(requests.Undo(), events.Notice).sentence == "Taken back for 1 message."
    assert one.ids == [message_id]
    one.answer(requests.Undo(), events.Notice)
    one.waiting(0)
    assert asyncio.run(item_of(client(), message_id)).labels == ("inbox",)
    assert one.answer(requests.Undo(), events.Notice).sentence == "There is nothing to take back."


def test_the_services_own_search_answers_with_cached_messages(run, sandbox, agent, client):
    hit = sandbox.add_mail(agent, MAIL.format("needle", "x"))
    sandbox.add_mail(agent, MAIL.format("hay", "x"))
    one = run(client)
    one.phase(SyncPhase.SYNCED)
    answer = one.answer(requests.SearchServer("NEEDLE"), events.SearchAnswered)
    assert answer.message_ids == (hit,)
    failed = one.answer(requests.SearchServer("   "), events.RequestFailed)
    assert failed.sentence == "Type something to search for."


@pytest.mark.parametrize("full", [True, False], ids=["everything", "a small mailbox"])
def test_a_refresh_finds_what_was_deleted_elsewhere(run, sandbox, agent, client, full):
    kept = sandbox.add_mail(agent, MAIL.format("kept", "x"))
    gone = sandbox.add_mail(agent, MAIL.format("gone", "x"))
    one = run(client)
    one.phase(SyncPhase.SYNCED)

    async def delete() -> None:
        other = client()
        await other.delete_message(gone)
        await other.aclose()

    asyncio.run(delete())
    one.engine.request(requests.Refresh(full=full))
    one.wait(events.MailboxChanged, lambda event: event.counts.total == 1)
    assert one.ids == [kept]


def test_the_search_text_is_ready_when_a_screen_asks_for_it(run):
    provider = FakeProvider(items(1_200))
    one = run(lambda: provider)
    one.phase(SyncPhase.SYNCED)
    one.engine.request(requests.PrepareSearch())
    while not one.engine.snapshot.search_ready:
        one.wait(events.MailboxChanged)
    assert len(one.engine.snapshot.select(MailFilter(Mailbox.ALL, text="subject 11"))) == sum(
        "11" in str(number) for number in range(1_200)
    )


def test_opening_another_message_drops_the_one_before(run):
    renderer = FakeRenderer()
    provider = FakeProvider(items(3))
    one = run(lambda: provider, renderer=lambda: renderer)
    one.phase(SyncPhase.SYNCED)

    async def never(operation: str) -> None:
        if operation == "get_message" and provider.requests[-1][1] == "m0":
            await asyncio.Event().wait()

    provider.before = never
    stale = one.engine.request(requests.OpenMessage("m0"))
    one.answer(requests.OpenMessage("m1"), events.MessageOpened)
    one.answer(requests.OpenMessage("m2"), events.MessageOpened)
    assert all(getattr(event, "request_id", 0) != stale for event in one.told)


def test_a_walk_that_hangs_does_not_hold_up_requests(run):
    provider = FakeProvider(items(250))
    hang: list[str] = []

    async def before(operation: str) -> None:
        if operation == "list_inbox" and provider.count("list_inbox") > 1:
            hang.append(operation)
            await asyncio.Event().wait()

    provider.before = before
    one = run(lambda: provider)
    one.wait(events.MailboxChanged, lambda event: event.counts.total == 100)
    one.answer(requests.OpenMessage("m5"), events.MessageOpened)
    one.answer(requests.Archive(("m5",)), events.Notice)
    one.waiting(0)
    assert hang
    assert provider.content["m5"].archived
