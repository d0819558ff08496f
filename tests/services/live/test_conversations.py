"""Threads of AgentMail.to: the conversation of a message on screen, and who has written in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.cache.conversations import thread_of
from services.cache.store import MailStore
from services.events import RequestFailed, SearchAnswered
from services.outbound.outbox.history import KnownPeople
from services.requests import FindConversation
from services.wire_values import InboxItem
from tests.fakes.no_wait_disk import FakeDisk
from tests.services.live.conftest import Run
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail

Start = Callable[..., Run]


def thread(v0: V0Control, inbox: str, subject: str, count: int) -> list[str]:
    """A mail and answers to it, as the inbox gets them."""
    first = f"<{subject.lower().replace(' ', '-')}@elsewhere.example>"
    answer = {"In_Reply_To": first, "References": first}
    mails = [mail(subject, Message_ID=first)]
    mails += [mail(f"Re: {subject} ({n})", **answer) for n in range(count - 1)]
    return [v0.receive(inbox, one)["message_id"] for one in mails]


def test_a_conversation_is_what_the_service_calls_one(v0: V0Control, org: Org, run: Start) -> None:
    plan, other = thread(v0, org.one, "Plan", 4), thread(v0, org.one, "Plan of others", 2)
    made = run()
    made.until(lambda: len(made.subjects) == 6)
    for wanted in (plan, other):
        asked = made.engine.request(FindConversation(wanted[1]))
        found = made.wait(SearchAnswered, lambda told, asked=asked: told.request_id == asked)
        assert set(found.message_ids) == set(wanted)


def test_where_no_conversation_is_named_none_is_guessed(run: Start) -> None:
    made = run()
    asked = made.engine.request(FindConversation("<nobody@x.example>"))
    told = made.wait(RequestFailed, lambda one: one.request_id == asked)
    assert "does not say" in str(told.sentence)


@pytest.mark.parametrize("extra", [None, {}, {"thread_id": 1}, {"thread_id": ["t"]}, "t"])
def test_an_odd_thread_is_none(extra: Any) -> None:
    assert thread_of(extra) == ""


# ── who has written in it ────────────────────────────────────────────────────────────────────────


def item(message_id: str, sender: str, thread_id: str = "", **fields: Any) -> InboxItem:
    extra = {"thread_id": thread_id} if thread_id else {}
    return InboxItem(message_id, sender=sender, extra=extra, **({"sender_verified": True} | fields))


@pytest.fixture
def people(tmp_path: Path) -> Any:
    store = MailStore.open(tmp_path / "account", ops=FakeDisk())
    store.put_items([
        item("m1", "Ann <ann@big.example>", "t1"),
        item("m2", "Bo <bo@big.example>", "t1"),
        item("m3", "Cy <cy@big.example>", "t1", sender_verified=False),
        item("m4", "Di <di@big.example>", "t2"),
        item("m5", "ann@big.example", "t2"),
        item("m6", "Ed <ed@big.example>"),
        item("m7", "Fay <fay@big.example>"),
    ])  # fmt: skip
    lender: Any = SimpleNamespace(mail=SimpleNamespace(snapshot=store.snapshot()))
    outbox: Any = SimpleNamespace(settled=tuple)
    yield KnownPeople(lender, outbox, None, lambda: 1)
    store.close()


@pytest.mark.parametrize(
    ("address", "answers", "expected"),
    [
        ("ann@big.example", "m1", True),
        ("bo@big.example", "m1", True),
        ("ANN@big.example", "m4", True),
        ("cy@big.example", "m1", False),
        ("di@big.example", "m1", False),
        ("bo@big.example", "m4", False),
        ("ed@big.example", "m6", True),
        ("fay@big.example", "m6", False),
        ("ann@big.example", "gone", False),
        ("nobody@big.example", "m1", False),
    ],
)
def test_who_has_written_in_a_conversation_is_not_cold(
    people: Any, address: str, answers: str, expected: bool
) -> None:
    assert people.has_written(address, answers) is expected
