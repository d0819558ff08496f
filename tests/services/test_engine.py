"""The engine as the screens see it: real threads, the real service, the real cache."""

from __future__ import annotations

import asyncio
import json
import logging
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from services import events, requests
from services.api.assmbl import AssmblClient
from services.engine import Engine
from services.errors import SignedOut
from services.models import Mailbox, MailFilter, SyncPhase
from services.reading.render_process import RenderWorker
from services.sync.pace import Pace
from tests.fakes.fake_provider import QUICK, FakeProvider, FakeRenderer, items

ROOT = Path(__file__).resolve().parents[2]
BRISK = replace(
    QUICK, poll=0.05, delete_grace=30.0, first_retry=0.02, longest_retry=0.05, longest_wait=60.0
)
MAIL = "From: Ann <ann@example.com>\r\nTo: me@example.com\r\nSubject: {}\r\n\r\nHello {}\r\n"
E = TypeVar("E")


class Run:
    """One engine and the events it has told."""

    def __init__(self, folder: Path, provider: Any, pace: Pace = BRISK, **options: Any) -> None:
        self._queue: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self.told: list[events.Event] = []
        options.setdefault("renderer", FakeRenderer)
        self.engine = Engine(
            store_folder=folder,
            provider=provider,
            on_event=self._queue.put,
            pace=pace,
            **options,
        )
        self.engine.start()

    def wait(self, kind: type[E], matches: Callable[[E], object] = lambda _: True) -> E:
        """Return the next event of a kind that matches; fails after 10 seconds of silence."""
        for _ in range(5_000):
            event = self._queue.get(timeout=10)
            self.told.append(event)
            if isinstance(event, kind) and matches(event):
                return event
        raise AssertionError(f"no {kind.__name__} that matches")

    def phase(self, phase: SyncPhase) -> events.SyncStateChanged:
        return self.wait(events.SyncStateChanged, lambda event: event.state.phase is phase)

    def waiting(self, count: int) -> events.SyncStateChanged:
        return self.wait(events.SyncStateChanged, lambda event: event.state.waiting == count)

    def answer(self, request: requests.Request, kind: type[E]) -> E:
        """Ask for something and return the answer to it."""
        request_id = self.engine.request(request)
        return self.wait(kind, lambda event: getattr(event, "request_id", 0) == request_id)

    @property
    def ids(self) -> list[str]:
        snapshot = self.engine.snapshot
        assert snapshot is not None
        rows = snapshot.select(MailFilter(Mailbox.ALL))
        return [rows.message_id(n) for n in range(len(rows))]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(provider: Any, pace: Pace = BRISK, **options: Any) -> Run:
        runs.append(Run(tmp_path / "account", provider, pace, **options))
        return runs[-1]

    yield start
    for one in runs:
        one.engine.stop(10)


@pytest.fixture
def client(sandbox, agent):
    """What makes a client of the real service; the token may be another one."""
    return lambda token=agent.token: AssmblClient(sandbox.base_url, token, "agents.example.com")


# ── start ────────────────────────────────────────────────────────────────────────────────────────


def child(code: str, *arguments: str) -> Any:
    """Run code in a fresh interpreter and return the JSON that it prints."""
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}",
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)


HEAVY = ("httpx", "msgspec", "tinydb", "tenacity", "ssl", "multiprocessing", "email", "textual")


def test_importing_the_engine_imports_nothing_heavy():
    code = (
        f"import json, services.engine; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    )
    assert child(code) == []


def test_the_cached_mailbox_is_told_before_anything_of_http_is_imported(run, tmp_path):
    provider = FakeProvider(items(30))
    first = run(lambda: provider)
    first.phase(SyncPhase.SYNCED)
    first.engine.stop(10)
    code = f"""
import json, queue
from pathlib import Path
from services.engine import Engine
told = queue.SimpleQueue()
def hear(event):
    told.put((type(event).__name__, getattr(event, "counts", None) and event.counts.total,
              [m for m in {HEAVY} if m in sys.modules]))
def provider():
    told.put(("provider", None, []))
    raise SystemExit
engine = Engine(store_folder=Path(sys.argv[1]), provider=provider, renderer=None, on_event=hear)
engine.start()
print(json.dumps([told.get(timeout=20) for _ in range(4)]))
"""
    at_once, with_changes, state, provider_asked = child(code, str(tmp_path / "account"))
    assert at_once[:2] == with_changes[:2] == ["MailboxChanged", 30]
    # asyncio itself imports ssl.
    assert set(at_once[2]) <= {"tinydb", "ssl"}
    assert state[0] == "SyncStateChanged"
    assert provider_asked[0] == "provider"


def test_without_a_network_the_cached_mailbox_can_be_read_and_changed(run, sandbox, agent, client):
    first_id = sandbox.add_mail(agent, MAIL.format("one", "one"))
    other_id = sandbox.add_mail(agent, MAIL.format("two", "two"))
    one = run(client)
    one.phase(SyncPhase.SYNCED)
    one.answer(requests.OpenMessage(first_id), events.MessageOpened)
    one.engine.stop(10)

    def nowhere() -> AssmblClient:
        return AssmblClient("http://127.0.0.1:9", "token", sleep=no_wait)

    two = run(nowhere)
    assert two.wait(events.MailboxChanged).counts.total == 2
    assert two.phase(SyncPhase.OFFLINE_START).state.synced_at > 0
    state = two.phase(SyncPhase.OFFLINE).state
    assert state.sentence
    assert state.next_try >= state.since > 0
    two.answer(requests.OpenMessage(first_id), events.MessageOpened)
    failed = two.answer(requests.OpenMessage(other_id), events.RequestFailed)
    assert failed.sentence
    assert failed.message_id == other_id
    two.engine.request(requests.Archive((first_id,)))
    two.waiting(1)
    # The connection comes back (another provider stands for another network).
    two.engine.set_provider(client)
    two.waiting(0)
    two.engine.stop(10)
    assert asyncio.run(item_of(client(), first_id)).archived


async def no_wait(seconds: float) -> None:
    return


async def item_of(provider: AssmblClient, message_id: str) -> Any:
    found = await provider.get_message(message_id)
    await provider.aclose()
    return found.item


# ── at work ──────────────────────────────────────────────────────────────────────────────────────


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


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────


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


@pytest.mark.parametrize("told", ["3600", "-1", "abc", "Wed, 21 Oct 2095 07:28:00 GMT"])
def test_a_busy_service_is_waited_for_within_limits(run, sandbox, agent, told):
    sandbox.fault("status", agent, operation="list_inbox", status=429, retry_after=told, times=None)
    make = lambda: AssmblClient(sandbox.base_url, agent.token, sleep=no_wait)  # noqa: E731
    one = run(make, pace=replace(Pace(), longest_wait=600.0), clock=lambda: 5_000.0)
    state = one.phase(SyncPhase.BUSY).state
    assert 5_000 <= state.next_try <= 5_600
    one.engine.stop(10)
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
    one.engine.stop(10)
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
    one.engine.stop(10)
    two.phase(SyncPhase.SYNCED)
    two.answer(requests.Archive(("m0",)), events.Notice)
    two.waiting(0)
    assert provider.content["m0"].archived


def test_a_message_asked_for_before_the_connection_stands_is_opened_once_it_does(run):
    provider = FakeProvider(items(3))
    filled = run(lambda: provider)
    filled.phase(SyncPhase.SYNCED)
    filled.engine.stop(10)
    stands = threading.Event()

    def slow() -> FakeProvider:
        stands.wait(30)
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
    filled.engine.stop(10)

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
    one.engine.stop(10)
    assert not one.engine._thread.is_alive()
    assert provider.is_closed
    provider.fail(None)
    two = run(lambda: provider)
    assert two.wait(events.MailboxChanged).counts.archived == 50
    two.waiting(0)
    assert all(item.archived for item in provider.content.values())
