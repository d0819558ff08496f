"""Writing and sending through a real engine: late, kept over stops, over all accounts."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from services import events
from services import outbound_events as ev
from services.audit_events import AuditListed, ListAudit
from services.draft import Draft, DraftKind
from services.models import SyncPhase
from services.outbound.log.store import OutboundStore
from services.outbound.offices import OfficeDoor
from services.outbound_models import OutboxState
from services.policy_config import Policy, Repeats
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.services.outbound.posting_stage import OtherLender


def states(folder: Path) -> list[str]:
    """The states in an outbox, read as another process would."""
    store = OutboundStore.open(folder)
    found = [document["state"] for name in ("outbox", "settled") for _, document in store.all(name)]
    store.close()
    return found


def sends(sandbox: SandboxControl, agent: Agent) -> int:
    return sum(one["operation"] == "send_mail" for one in sandbox.requests(agent))


def test_written_reviewed_sent_and_read_again(
    mailer: Any, sandbox: SandboxControl, agent: Agent, other: Agent
) -> None:
    one = mailer()
    one.connected()
    queued = one.sent(other.address)
    one.reaches(OutboxState.SENT)
    assert [sent["to"] for sent in sandbox.sent(agent)] == [other.address]
    (row,) = one.answer(ev.ListOutbox(sent=True), ev.OutboxListed).rows
    assert (row.entry_id, row.subject) == (queued.entry_ids[0], "Numbers")
    opened = one.answer(ev.ReadSent(row.entry_id), ev.SentOpened)
    assert opened.body == ("text",)
    assert one.answer(ev.ListDrafts(), ev.DraftsListed).rows == ()
    page = one.answer(ListAudit(), AuditListed)
    assert [line.action for line in page.rows] == ["sent", "queued"]
    assert page.trouble == ""


def test_an_answer_is_begun_from_the_mail_that_is_open(
    mailer: Any, sandbox: SandboxControl, agent: Agent
) -> None:
    raw = (
        "From: Ann <ann@agents.example.com>\r\nTo: me@example.com\r\nSubject: Hello\r\n"
        "Message-ID: <a1@example.com>\r\n\r\nHow are you?\r\n"
    )
    message_id = sandbox.add_mail(agent, raw, verified=True)
    one = mailer()
    one.connected()
    opened = one.answer(ev.BeginDraft(DraftKind.REPLY, message_id), ev.DraftOpened)
    assert opened.draft.subject == "Re: Hello"
    assert opened.draft.in_reply_to == "<a1@example.com>"
    assert "> How are you?" in opened.draft.body
    # The book learns who has written while it is asked.
    while not (
        found := one.answer(ev.SuggestRecipients("ann"), ev.RecipientsSuggested)
    ).suggestions:
        pass
    assert [person.address for person in found.suggestions] == ["ann@agents.example.com"]


def test_it_is_taken_back_within_the_delay(
    mailer: Any, sandbox: SandboxControl, agent: Agent, other: Agent
) -> None:
    one = mailer(policy=Policy(undo_seconds=60))
    one.connected()
    queued = one.sent(other.address)
    one.answer(ev.CancelSend(queued.entry_ids), ev.SendCancelled)
    (row,) = one.answer(ev.ListDrafts(), ev.DraftsListed).rows
    assert row.draft_id == queued.draft_id
    assert sends(sandbox, agent) == 0


def test_a_decision_on_something_else_is_void_and_shows_what_would_be_sent(
    mailer: Any, sandbox: SandboxControl, agent: Agent, other: Agent
) -> None:
    one = mailer()
    one.connected()
    ready = one.written(other.address)
    draft = one.answer(ev.OpenDraft(ready.review.draft_id), ev.DraftOpened).draft
    one.answer(ev.SaveDraft(replace(draft, body="another text")), ev.DraftSaved)
    decided = ev.SendDraft(ready.review.draft_id, ready.review.digest)
    void = one.answer(decided, ev.DecisionVoid)
    assert void.review.body == ("another text",)
    assert void.changed
    assert sends(sandbox, agent) == 0


def test_a_decision_given_five_times_is_one_mail(
    mailer: Any, sandbox: SandboxControl, agent: Agent, other: Agent
) -> None:
    one = mailer()
    one.connected()
    ready = one.written(other.address)
    decided = ev.SendDraft(ready.review.draft_id, ready.review.digest)
    asked = {one.engine.request(decided) for _ in range(5)}
    is_sent = False
    while asked or not is_sent:
        told = one.wait(object)
        if isinstance(told, ev.SendQueued):
            asked.remove(told.request_id)
        is_sent |= isinstance(told, ev.OutboxMoved) and told.row.state is OutboxState.SENT
    assert len(sandbox.sent(agent)) == 1
    assert sends(sandbox, agent) == 1


def test_what_was_typed_last_is_kept_although_the_program_stops(mailer: Any, other: Agent) -> None:
    one = mailer()
    one.connected()
    draft = replace(Draft.begin(), subject="Typed", body="last words")
    one.engine.request(ev.SaveDraft(draft))
    one.ended()
    two = mailer()
    (row,) = two.answer(ev.ListDrafts(), ev.DraftsListed).rows
    assert (row.draft_id, row.subject) == (draft.draft_id, "Typed")


def test_saves_that_overtake_each_other_keep_the_last_text_once(mailer: Any) -> None:
    one = mailer()
    one.connected()
    draft = Draft.begin()
    last = 0
    for number in range(20):
        last = one.engine.request(ev.SaveDraft(replace(draft, body=f"text {number}")))
    saved = one.wait(ev.DraftSaved, lambda event: event.request_id == last)
    assert saved.draft_id == draft.draft_id
    assert len(one.answer(ev.ListDrafts(), ev.DraftsListed).rows) == 1
    assert one.answer(ev.OpenDraft(draft.draft_id), ev.DraftOpened).draft.body == "text 19"


def test_send_then_quit_records_what_the_service_answered(
    mailer: Any, sandbox: SandboxControl, agent: Agent, other: Agent
) -> None:
    one = mailer()
    one.connected()
    sandbox.fault("latency", agent, operation="send_mail", seconds=0.3)
    one.sent(other.address)
    one.reaches(OutboxState.CLAIMED)
    one.ended()
    assert states(one.folder) == ["sent"]
    assert sends(sandbox, agent) == 1


def test_send_then_hang_up_leaves_a_known_state_and_the_next_start_ends_it(
    mailer: Any, sandbox: SandboxControl, agent: Agent, other: Agent
) -> None:
    one = mailer(repeats=Repeats.SUPPRESSED)
    one.connected()
    sandbox.fault("latency", agent, operation="send_mail", seconds=600)
    one.sent(other.address)
    sandbox.hit()
    one.ended(1.2)
    assert states(one.folder) == ["uncertain"]
    two = mailer(repeats=Repeats.SUPPRESSED)
    two.reaches(OutboxState.SENT)
    assert len(sandbox.sent(agent)) == 1


def test_what_waited_for_the_next_start_is_sent_without_being_asked(
    mailer: Any, sandbox: SandboxControl, agent: Agent, other: Agent
) -> None:
    waits = Policy(undo_seconds=60)
    one = mailer(policy=waits)
    one.connected()
    one.sent(other.address)
    one.ended()
    assert states(one.folder) == ["pending"]
    two = mailer(policy=waits, clock=lambda: time.time() + 60)
    two.reaches(OutboxState.SENT)
    assert len(sandbox.sent(agent)) == 1


def test_two_programs_on_one_account_write_and_send_and_see_each_other(
    mailer: Any, sandbox: SandboxControl, agent: Agent, other: Agent
) -> None:
    one = mailer()
    one.connected()
    two = mailer()
    two.wait(events.SyncStateChanged, lambda told: told.state.phase is SyncPhase.READ_ONLY)
    two.answer(ev.ListOutbox(sent=True), ev.OutboxListed)
    one.sent(other.address)
    listed = two.wait(ev.OutboxListed, lambda told: told.sent and told.rows)
    assert [row.state for row in listed.rows] == [OutboxState.SENT]
    two.sent(other.address, "From the other one")
    # Whichever of the two carries it, both see it among what was sent.
    for program in (one, two):
        program.engine.request(ev.ListOutbox(sent=True))
        listed = program.wait(ev.OutboxListed, lambda told: told.sent and len(told.rows) == 2)
        assert {row.state for row in listed.rows} == {OutboxState.SENT}
    assert len(sandbox.sent(agent)) == 2


def test_the_proposal_of_another_account_is_approved_here_and_sent_from_there(
    mailer: Any, sandbox: SandboxControl, agent: Agent, other: Agent
) -> None:
    one = mailer(others=(("second", other),))
    one.connected()
    door = one.door(
        "second", other, one.folder.parent / "second", OtherLender(one, other, "second")
    )
    propose(door, replace(Draft.begin(), to=(agent.address,), subject="May I?", body="text"))
    listed = one.answer(ev.ListProposals(), ev.ProposalsListed)
    (row,) = listed.rows
    assert (row.account, row.agent, row.subject, row.is_waiting) == (
        "second",
        "bot",
        "May I?",
        True,
    )
    ready = one.answer(ev.ReviewDraft(row.draft_id, row.account), ev.ReviewReady)
    decided = ev.SendDraft(row.draft_id, ready.review.digest, row.account)
    assert one.answer(decided, ev.SendQueued).account == "second"
    one.reaches(OutboxState.SENT)
    assert [sent["to"] for sent in sandbox.sent(other)] == [agent.address]
    assert sandbox.sent(agent) == []


def propose(door: OfficeDoor, draft: Draft) -> None:
    """Hand a proposal in, as a verb in another process does."""
    import asyncio

    async def run() -> None:
        office = await door.open()
        office.proposals.propose(draft, "bot")
        await office.close()

    asyncio.run(run())


def test_a_proposal_that_comes_in_is_counted_and_told_by_itself(mailer: Any, other: Agent) -> None:
    one = mailer(others=(("second", other),))
    one.connected()
    one.answer(ev.ListProposals(), ev.ProposalsListed)
    door = one.door(
        "second", other, one.folder.parent / "second", OtherLender(one, other, "second")
    )
    propose(door, replace(Draft.begin(), to=("x@agents.example.com",), subject="Now?", body="text"))
    one.wait(ev.OutboundCounted, lambda told: told.counts.waiting == 1)
    listed = one.wait(ev.ProposalsListed, lambda told: told.rows)
    one.answer(ev.RejectProposal("second", listed.rows[0].draft_id, "", "not now"), ev.OutboundDone)
    one.wait(ev.OutboundCounted, lambda told: told.counts.waiting == 0)


def test_who_only_reads_has_no_outbox_on_the_disk(mailer: Any) -> None:
    one = mailer()
    one.connected()
    one.ended()
    assert not (one.folder / "outbound").exists()
