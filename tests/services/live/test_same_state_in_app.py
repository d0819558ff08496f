"""The same server state then seen in the app: the SDK's calls, and what the engine shows after them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from agentmail import AgentMail

from services.models import RowFlag
from services.requests import Refresh
from tests.services.live.conftest import Run
from tests.services.sandbox.agentmail_to.sdk_check import checked
from tests.services.sandbox.agentmail_to.v0_control import (
    Org,
    V0Control,
    attachment,
    client_of,
    mail,
)

Shown = dict[str, tuple[str, bool, bool, frozenset[str], bool]]
"""By message id: subject, unread, archived, labels of people, has files."""
KEPT_BY_THE_SERVICE = {"received", "sent", "delivered", "bounced", "opened"}
FLAGS = {"unread", "read", "archived", "trash"}


@pytest.fixture
def sdk(v0: V0Control, org: Org) -> AgentMail:
    return client_of(v0, org.key)


def of_the_service(sdk: AgentMail, inbox: str) -> Shown:
    """What the official client lists as received, every page of it."""
    found: Shown = {}
    token = None
    while True:
        page = checked(
            sdk.inboxes.messages.list, inbox, labels=["received"], limit=7, page_token=token,
            include_unauthenticated=True,
        )  # fmt: skip
        for one in page.messages:
            labels = frozenset(one.labels)
            found[one.message_id] = (
                one.subject or "", "unread" in labels, "archived" in labels,
                labels - KEPT_BY_THE_SERVICE - FLAGS, bool(one.attachments),
            )  # fmt: skip
        token = page.next_page_token
        if token is None:
            return found


def of_the_app(run: Run) -> Shown:
    """What the engine shows."""
    return {
        row.message_id: (
            str(row.subject), bool(row.flags & RowFlag.UNREAD), bool(row.flags & RowFlag.ARCHIVED),
            frozenset(map(str, row.labels)), bool(row.attachments),
        )
        for row in run.rows
    }  # fmt: skip


def call_list(sdk: AgentMail, v0: V0Control, org: Org) -> None:
    """The calls of api/agentmail_to.md §14 that change something, on both inboxes."""
    ids = [v0.receive(org.one, mail(f"Number {n}"))["message_id"] for n in range(12)]
    messages, threads, drafts = sdk.inboxes.messages, sdk.inboxes.threads, sdk.inboxes.drafts
    checked(messages.update, org.one, ids[0], add_labels=["read"], remove_labels=["unread"])
    checked(messages.update, org.one, ids[1], add_labels="Later")
    checked(messages.update, org.one, ids[2], add_labels=["archived"])
    checked(messages.update, org.one, ids[3], add_labels=["trash"])
    checked(messages.update, org.one, ids[4], add_labels=["trash"])
    checked(messages.update, org.one, ids[4], remove_labels=["trash"])
    checked(messages.batch_update, org.one, message_ids=ids[5:7], add_labels=["a", "b"],
            remove_labels=["unread"])  # fmt: skip
    checked(messages.delete, org.one, ids[7])
    sent = checked(messages.send, org.one, to=org.two, subject="Sent by the SDK", text="Hello.")
    checked(messages.send, org.one, to=[org.two, "out@side.example"], subject="With a file",
            text="Hello.", attachments=[attachment()])  # fmt: skip
    arrived = next(iter(checked(messages.list, org.two, subject=["Sent by the SDK"]).messages))
    checked(messages.reply, org.two, arrived.message_id, text="An answer.")
    checked(messages.reply_all, org.two, arrived.message_id, text="To all.")
    checked(messages.forward, org.two, arrived.message_id, to=org.one, text="See below.")
    checked(threads.update, org.two, arrived.thread_id, add_labels=["whole-thread"])
    draft = checked(drafts.create, org.one, to=[org.two], subject="Drafted", text="One.")
    checked(drafts.update, org.one, draft.draft_id, text="Two.", cc=None)
    checked(drafts.send, org.one, draft.draft_id)
    kept = checked(drafts.create, org.one, to=[org.two], subject="Stays", text="One.")
    checked(drafts.delete, org.one, kept.draft_id)
    assert sent.message_id


def test_what_the_sdk_did_is_what_a_new_mailbox_shows(
    sdk: AgentMail, v0: V0Control, org: Org, run: Callable[..., Run]
) -> None:
    call_list(sdk, v0, org)
    for inbox in (org.one, org.two):
        wanted = of_the_service(sdk, inbox)
        assert wanted
        made = run(inbox=inbox, name=f"of {inbox}")
        made.until(lambda made=made, wanted=wanted: of_the_app(made) == wanted)
        snapshot = made.engine.snapshot
        assert snapshot is not None
        inbox_now = [one for one in wanted.values() if not one[2]]
        assert snapshot.counts.inbox == len(inbox_now)
        assert snapshot.counts.unread == sum(one[1] for one in inbox_now)
        assert {str(one.label): one.count for one in snapshot.counts.labels} == {
            label: sum(label in one[3] for one in inbox_now)
            for label in {label for one in inbox_now for label in one[3]}
        }


def test_what_the_sdk_does_is_what_an_open_mailbox_shows_while_it_happens(
    sdk: AgentMail, v0: V0Control, org: Org, run: Callable[..., Run]
) -> None:
    runs = {inbox: run(inbox=inbox, name=f"of {inbox}") for inbox in (org.one, org.two)}
    for made in runs.values():
        made.until(lambda made=made: made.engine.snapshot is not None)
    call_list(sdk, v0, org)
    for inbox, made in runs.items():
        wanted = of_the_service(sdk, inbox)
        # What was deleted for good stands in no log: only a walk over everything finds it.
        made.engine.request(Refresh(full=True))
        made.until(lambda made=made, wanted=wanted: of_the_app(made) == wanted)


@pytest.fixture(autouse=True)
def nothing_is_left(v0: V0Control) -> Iterator[None]:
    yield
    v0.sandbox.clear_faults()


def test_the_threads_of_the_service_are_the_threads_of_the_app(
    sdk: AgentMail, v0: V0Control, org: Org, run: Callable[..., Run]
) -> None:
    call_list(sdk, v0, org)
    made = run(inbox=org.two)
    made.until(lambda: of_the_app(made) == of_the_service(sdk, org.two))
    told: dict[str, Any] = {}
    for one in checked(sdk.inboxes.messages.list, org.two, labels=["received"]).messages:
        told[one.message_id] = one.thread_id
    assert told
