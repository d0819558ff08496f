"""The engine in trouble: a sentence for every answer of the service, and no change is lost."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from dataclasses import replace

import pytest

from services import events, requests
from services.api.assmbl import AssmblClient
from services.errors import SignedOut
from services.models import SyncPhase
from services.sync.pace import Pace
from tests.fakes.fake_provider import FakeProvider, items
from tests.patience import PATIENCE
from tests.services.engine.engine_stage import MAIL, item_of, no_wait


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        (401, SyncPhase.SIGNED_OUT),
        (403, SyncPhase.FAILED),
        (404, SyncPhase.FAILED),
        (500, SyncPhase.BUSY),
        (503, SyncPhase.BUSY),
    ],
)
def test_every_answer_of_the_service_becomes_a_phase_with_a_sentence(
    run, sandbox, agent, status, phase
):
    sandbox.fault("status", agent, operation="list_inbox", status=status, times=None)
    one = run(lambda: AssmblClient(sandbox.base_url, agent.token, sleep=no_wait))
    state = one.phase(phase).state
    assert state.sentence
    sandbox.clear_faults()
    if phase is SyncPhase.SIGNED_OUT:
        one.engine.request(requests.Refresh())
    one.phase(SyncPhase.SYNCED)


def test_a_look_that_was_asked_for_is_told_until_it_is_answered_and_the_trouble_keeps_its_time(
    run, sandbox, agent
):
    times = iter(range(5_000, 9_000))
    pace = replace(Pace(), first_retry=60.0, longest_retry=60.0)
    make = lambda: AssmblClient(sandbox.base_url, agent.token, sleep=no_wait)  # noqa: E731
    one = run(make, pace=pace, clock=lambda: next(times))
    one.phase(SyncPhase.SYNCED)
    sandbox.fault("status", agent, operation="list_inbox", status=503, times=None)
    one.engine.request(requests.Refresh())
    busy = one.phase(SyncPhase.BUSY).state
    one.engine.request(requests.Refresh())
    looking = one.wait(events.SyncStateChanged, lambda event: event.state.looking).state
    assert (looking.phase, looking.since) == (SyncPhase.BUSY, busy.since)
    still = one.wait(events.SyncStateChanged, lambda event: not event.state.looking).state
    assert (still.phase, still.since) == (SyncPhase.BUSY, busy.since)
    sandbox.clear_faults()
    one.engine.request(requests.Refresh())
    one.wait(events.SyncStateChanged, lambda event: event.state.looking)
    assert not one.phase(SyncPhase.SYNCED).state.looking


@pytest.mark.parametrize("told", ["3600", "-1", "abc", "Wed, 21 Oct 2095 07:28:00 GMT"])
def test_a_busy_service_is_waited_for_within_limits(run, sandbox, agent, told):
    sandbox.fault("status", agent, operation="list_inbox", status=429, retry_after=told, times=None)
    make = lambda: AssmblClient(sandbox.base_url, agent.token, sleep=no_wait)  # noqa: E731
    one = run(make, pace=replace(Pace(), longest_wait=600.0), clock=lambda: 5_000.0)
    state = one.phase(SyncPhase.BUSY).state
    assert 5_000 <= state.next_try <= 5_600
    one.stop()
    assert not one.engine._thread.is_alive()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html"},
        {"kind": "invalid_json"},
        {"kind": "truncated", "size": 40},
        {"kind": "answer", "body": "[]"},
        {"kind": "answer", "body": '{"items": 7}'},
        {"kind": "answer", "body": '{"items": [], "next_cursor": 7}'},
    ],
)
def test_nonsense_from_the_service_is_a_sentence_and_no_loss(run, sandbox, agent, client, fault):
    sandbox.add_mail(agent, MAIL.format("one", "one"))
    one = run(client)
    one.phase(SyncPhase.SYNCED)
    one.stop()
    sandbox.fault(agent=agent, operation="list_inbox", times=None, **fault)
    two = run(lambda: AssmblClient(sandbox.base_url, agent.token, sleep=no_wait))
    assert two.phase(SyncPhase.FAILED).state.sentence
    assert len(two.ids) == 1
    sandbox.clear_faults()
    two.phase(SyncPhase.SYNCED)
    assert len(two.ids) == 1


def test_entries_that_cannot_be_read_are_skipped_and_unknown_keys_are_kept(
    run, sandbox, agent, client
):
    body = {"items": [{"MessageID": "ok", "New": 1}, {"Subject": "no id"}, 7], "next_cursor": None}
    sandbox.fault("answer", agent, operation="list_inbox", body=json.dumps(body), times=1)
    one = run(client, pace=Pace())
    one.phase(SyncPhase.SYNCED)
    assert one.ids == ["ok"]


@pytest.mark.parametrize("kind", ["repeated_cursor", "empty_page", "short_page"])
def test_odd_pages_of_the_real_service_end_well(run, sandbox, agent, client, kind):
    sandbox.fill(agent, 250)
    sandbox.fault(kind, agent, operation="list_inbox", size=3, times=4)
    one = run(client)
    one.wait(events.MailboxChanged, lambda event: event.counts.total == 250)
    one.phase(SyncPhase.SYNCED)
    assert len(set(one.ids)) == len(one.ids) == 250


def test_an_expired_cursor_of_the_real_service_starts_again(run, sandbox, agent, client):
    sandbox.fill(agent, 250)
    sandbox.fault("expired_cursor", agent, operation="list_inbox", skip=1, times=1)
    one = run(client)
    one.phase(SyncPhase.SYNCED)
    assert len(one.ids) == 250


def test_a_new_token_after_401_sends_what_waits(run, sandbox, agent, client):
    message_id = sandbox.add_mail(agent, MAIL.format("one", "one"))
    one = run(client)
    one.phase(SyncPhase.SYNCED)
    one.engine.set_provider(lambda: client("wrong-token"))
    assert one.phase(SyncPhase.SIGNED_OUT).state.sentence
    one.engine.request(requests.MarkRead((message_id,), True))
    one.waiting(1)
    one.engine.set_provider(client)
    one.waiting(0)
    assert asyncio.run(item_of(client(), message_id)).is_read


def test_the_second_engine_reads_and_takes_over_when_the_first_is_gone(run):
    provider = FakeProvider(items(5))
    one = run(lambda: provider)
    one.phase(SyncPhase.SYNCED)
    two = run(lambda: provider)
    assert two.wait(events.MailboxChanged).counts.total == 5
    assert two.phase(SyncPhase.READ_ONLY).state.sentence
    refused = two.answer(requests.Archive(("m0",)), events.RequestFailed)
    assert "only reads" in refused.sentence
    two.answer(requests.OpenMessage("m1"), events.MessageOpened)
    provider.arrive(items(1, start=5))
    two.wait(events.MailboxChanged, lambda event: event.counts.total == 6)
    one.stop()
    two.phase(SyncPhase.SYNCED)
    two.answer(requests.Archive(("m0",)), events.Notice)
    two.waiting(0)
    assert provider.content["m0"].archived


def test_a_message_asked_for_before_the_connection_stands_is_opened_once_it_does(run):
    provider = FakeProvider(items(3))
    filled = run(lambda: provider)
    filled.phase(SyncPhase.SYNCED)
    filled.stop()
    stands = threading.Event()

    def slow() -> FakeProvider:
        stands.wait(PATIENCE)
        return provider

    one = run(slow)
    asked = one.engine.request(requests.OpenMessage("m1"))
    one.answer(requests.Archive(("m0",)), events.Notice)
    assert not any(getattr(event, "request_id", 0) == asked for event in one.told)
    stands.set()
    assert one.wait(events.MessageOpened).request_id == asked


def test_a_message_asked_for_while_no_connection_can_be_made_is_refused_with_its_reason(run):
    filled = run(lambda: FakeProvider(items(3)))
    filled.phase(SyncPhase.SYNCED)
    filled.stop()

    def none() -> FakeProvider:
        raise SignedOut("No token is known.", "Enter one.")

    one = run(none)
    assert one.answer(requests.OpenMessage("m1"), events.RequestFailed).sentence


def test_a_bug_in_one_request_ends_nothing_and_leaves_no_text_in_the_log(run, caplog):
    provider = FakeProvider(items(2))
    one = run(lambda: provider)
    one.phase(SyncPhase.SYNCED)

    async def broken(operation: str) -> None:
        if operation == "get_message":
            raise ValueError("text of a mail")

    provider.before = broken
    with caplog.at_level(logging.DEBUG, logger="agentmail"):
        failed = one.answer(requests.OpenMessage("m0"), events.RequestFailed)
    assert "agentmail-tui" in failed.sentence
    assert "ValueError at" in caplog.text
    assert "text of a mail" not in caplog.text
    provider.fail(None)
    one.answer(requests.OpenMessage("m0"), events.MessageOpened)


def test_a_store_that_cannot_be_opened_is_told_to_every_request(tmp_path, run):
    (tmp_path / "account").write_text("a file where a folder should be")
    one = run(lambda: FakeProvider())
    assert one.phase(SyncPhase.FAILED).state.sentence
    assert one.answer(requests.OpenMessage("m0"), events.RequestFailed).sentence


def test_stopping_in_the_middle_of_everything_loses_no_change(run):
    provider = FakeProvider(items(50))
    one = run(lambda: provider)
    one.phase(SyncPhase.SYNCED)

    async def never(operation: str) -> None:
        await asyncio.Event().wait()

    provider.before = never
    one.answer(requests.Archive(tuple(f"m{n}" for n in range(50))), events.Notice)
    one.engine.request(requests.OpenMessage("m0"))
    one.stop()
    assert not one.engine._thread.is_alive()
    assert provider.is_closed
    provider.fail(None)
    two = run(lambda: provider)
    assert two.wait(events.MailboxChanged).counts.archived == 50
    two.waiting(0)
    assert all(item.archived for item in provider.content.values())
