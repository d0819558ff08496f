"""Drafts on AgentMail.to through a real engine: they show up, are decided and go, by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services import outbound_events as ev
from services import posting
from services.config import Account
from services.draft import Draft
from services.engine import Engine
from services.keys.keychain import Keychain
from services.outbound import server_desk
from services.outbound.desk import OutboundDesk
from services.outbound.drafts.draft_store import Drafts
from services.outbound.log.store import OutboundStore
from services.outbound.office import Office
from services.outbound.offices import OfficeDoor, Offices
from services.outbound_models import OutboxState
from services.policy_config import Policy
from services.reading.render_process import RenderWorker
from tests.services.live.conftest import TOLD, Run
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, seg

DOMAIN = "agents.example.com"


class Writer(Run):
    """An engine with its outbound side."""

    def __init__(self, folder: Path, v0: V0Control, org: Org, client: Callable[[], Any]) -> None:
        self.account = Account(
            "swarm", "agentmail.to", v0.base_url.rstrip("/"), address=org.one,
            policy=Policy(undo_seconds=0),
        )  # fmt: skip
        self.folder = folder
        self._client = client
        super().__init__(folder, client, TOLD)

    def make_engine(self, emit: Callable[[Any], None]) -> Engine:
        folder, inbox = self.folder, self.account.address
        return Engine(
            store_folder=folder,
            provider=self._client,
            renderer=RenderWorker,
            on_event=emit,
            pace=TOLD,
            keychain=lambda: Keychain(
                key_folder=folder / "keys", account_folder=folder, address=inbox,
                mail_domain=DOMAIN,
            ),
            office=self._outgoing,
        )  # fmt: skip

    def _outgoing(self, lender: Any, emit: Any) -> OutboundDesk:
        account, folder = self.account, self.folder
        door = OfficeDoor("swarm", folder, lambda: Office.open(account, folder, lender), True)
        return OutboundDesk(Offices([door]), emit)

    def answer(self, request: Any, kind: type[Any]) -> Any:
        request_id = self.engine.request(request)
        return self.wait(kind, lambda told: told.request_id == request_id)

    @property
    def outbox_states(self) -> list[OutboxState]:
        return [one.row.state for one in self.told if isinstance(one, ev.OutboxMoved)]


@pytest.fixture
def begin(
    tmp_path: Path, v0: V0Control, org: Org, client_for: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Writer]]:
    """Start an engine that looks at the drafts at once and all the time; with a key of the inbox."""
    monkeypatch.setattr(posting, "LOOK_AFTER", 0.0)
    monkeypatch.setattr(posting, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(server_desk, "LOOK_EVERY", 0.05)
    begun: list[Writer] = []

    def call(key: str = org.key) -> Writer:
        begun.append(Writer(tmp_path / "account", v0, org, lambda: client_for(key, org.one)))
        return begun[-1]

    yield call
    for one in begun:
        one.stop()


@pytest.fixture
def writer(begin: Callable[..., Writer]) -> Writer:
    return begin()


@pytest.fixture
def drafts(v0: V0Control, org: Org) -> Iterator[Callable[..., Any]]:
    with v0.client(org.key) as client:
        path = f"inboxes/{seg(org.one)}/drafts"

        def call(method: str, draft_id: str = "", **body: Any) -> Any:
            place = f"{path}/{draft_id}" if draft_id else path
            answer = client.request(method, place, json=body or None)
            return answer.json() if answer.content and answer.status_code != 404 else None

        yield call


def proposed(writer: Writer) -> Any:
    told = writer.wait(ev.ProposalsListed, lambda one: any(row.is_waiting for row in one.rows))
    return next(row for row in told.rows if row.is_waiting)


def test_a_draft_is_counted_although_nothing_was_ever_written_here(
    writer: Writer, drafts: Any, org: Org
) -> None:
    drafts("POST", to=[org.two], subject="Found", text="By itself.")
    writer.wait(ev.OutboundCounted, lambda told: told.counts.waiting == 1)


def test_a_draft_is_approved_on_screen_sent_as_text_and_deleted_there(
    writer: Writer, drafts: Any, v0: V0Control, org: Org
) -> None:
    made = drafts("POST", to=[org.two], subject="Decide", text="The words.")
    writer.engine.request(ev.ListProposals())
    row = proposed(writer)
    review = writer.answer(ev.ReviewDraft(row.draft_id, row.account), ev.ReviewReady).review
    assert [str(line) for line in review.body] == ["The words."]
    assert str(review.agent) == "agentmail.to"
    writer.answer(ev.SendDraft(row.draft_id, review.digest, row.account), ev.SendQueued)
    # That it has left may be told before it is told that it was queued.
    writer.until(lambda: OutboxState.SENT in writer.outbox_states)
    writer.until(lambda: drafts("GET", made["draft_id"]) is None)
    assert [one["request"]["text"] for one in v0.sent(org.one)] == ["The words."]


def test_a_change_there_while_it_is_on_screen_voids_the_decision(
    writer: Writer, drafts: Any, v0: V0Control, org: Org
) -> None:
    made = drafts("POST", to=[org.two], subject="Decide", text="The words.")
    writer.engine.request(ev.ListProposals())
    row = proposed(writer)
    review = writer.answer(ev.ReviewDraft(row.draft_id, row.account), ev.ReviewReady).review
    drafts("PATCH", made["draft_id"], text="Other words.")
    void = writer.answer(ev.SendDraft(row.draft_id, review.digest, row.account), ev.DecisionVoid)
    assert [str(line) for line in void.review.body] == ["Other words."]
    assert v0.sent(org.one) == []


def test_a_refusal_on_screen_deletes_the_draft_there(writer: Writer, drafts: Any, org: Org) -> None:
    made = drafts("POST", to=[org.two], subject="Decide", text="No.")
    writer.engine.request(ev.ListProposals())
    row = proposed(writer)
    writer.answer(ev.RejectProposal(row.account, row.draft_id, "", "Not now."), ev.OutboundDone)
    writer.until(lambda: drafts("GET", made["draft_id"]) is None)


def test_the_list_is_told_again_only_when_something_of_it_is_different(
    writer: Writer, drafts: Any, org: Org
) -> None:
    drafts("POST", to=[org.two], subject="First", text="Words.")
    writer.engine.request(ev.ListProposals())
    proposed(writer)
    settled = writer.answer(ev.ListProposals(), ev.ProposalsListed)
    if settled.coming:
        # The look that found it was not over: its end is told, and is nothing new of the list.
        settled = writer.wait(ev.ProposalsListed, lambda told: not told.coming)
    baseline = len(writer.told)
    store = OutboundStore.open(writer.folder)
    Drafts(store).save(replace(Draft.begin(), to=(org.two,), subject="Ours", body="Words."))
    store.close()
    writer.wait(ev.OutboundCounted, lambda told: told.counts.drafts == 1)
    drafts("POST", to=[org.two], subject="Second", text="Words.")
    writer.wait(ev.ProposalsListed, lambda told: len(told.rows) == 2)
    since = [one for one in writer.told[baseline:] if isinstance(one, ev.ProposalsListed)]
    assert not any(one.rows == settled.rows and not one.coming for one in since)


def test_it_is_told_how_far_a_long_look_is(
    begin: Callable[..., Writer], drafts: Any, v0: V0Control, org: Org
) -> None:
    for number in range(8):
        drafts("POST", to=[org.two], subject=f"Number {number}", text="Words.")
    v0.sandbox.fault("latency", operation="v0_inbox_get_draft", skip=7, seconds=60.0)
    # All of them lie there before the first look: one that had read seven would have nothing to tell.
    writer = begin()
    writer.engine.request(ev.ListProposals())
    told = writer.wait(ev.ProposalsListed, lambda one: one.coming)
    assert str(told.coming).startswith("Reading drafts on AgentMail.to: ")


def looks(v0: V0Control) -> int:
    """How often the service was asked for its drafts."""
    return sum(one["operation"] == "v0_inbox_list_drafts" for one in v0.sandbox.requests())


def test_a_key_that_may_not_read_drafts_says_so_once(
    begin: Callable[..., Writer], v0: V0Control, org: Org
) -> None:
    writer = begin(v0.key(org, permissions={"message_read": True}))
    writer.until(lambda: any("draft_read" in one for one in writer.sentences))
    for _ in range(2):
        before = looks(v0)
        # Each time that somebody looks at the list, the service is asked again.
        writer.answer(ev.ListProposals(), ev.ProposalsListed)
        writer.until(lambda before=before: looks(v0) > before)
    writer.stop()
    writer.drain()
    assert sum("draft_read" in one for one in writer.sentences) == 1
