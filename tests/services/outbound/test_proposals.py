"""What agents propose: the rules of research/mail_clients.md §6, over a real store and a real gate."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.draft import Draft, DraftState, Encryption
from services.errors import NotFound, PolicyRefused, UsageError
from services.outbound.approvals.approval import DecisionVoid
from services.outbound.approvals.proposals import Proposals
from services.outbound.drafts.draft_store import Drafts, RevisionConflict
from services.outbound.gate.policy import Sender
from services.outbound.gate.reviewing import review
from services.outbound.office import Office
from services.outbound_models import CheckLevel, OutboxState, ProposalRow
from services.policy_config import ApprovalRule, Policy
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import DOMAIN, Clock, Stage

AGENT = "lead-gen"
SALES = "sales@bigco.example"
OVERSIGHT = f"eve@{DOMAIN}"
POLICY = Policy(oversight=OVERSIGHT, undo_seconds=0)
DAY = 86_400


@pytest.fixture
async def stage(alice: Party) -> AsyncIterator[Stage]:
    made = Stage(alice, POLICY, clock=Clock(time.time()))
    yield made
    await made.close()


@pytest.fixture
async def office(stage: Stage) -> Office:
    return await stage.open()


def mail(to: str = SALES, **fields: Any) -> Draft:
    told = {"subject": "Intro call?", "body": "Hello,\nlet us talk.", "reason": "They asked."}
    return replace(Draft.begin(), to=(to,), **{**told, **fields})


def state(office: Office, draft: Draft) -> DraftState:
    return office.drafts.head(draft.draft_id).state


def row(office: Office, draft: Draft) -> ProposalRow:
    rows = office.proposals.rows(with_decided=True)
    return next(one for one in rows if one.draft_id == draft.draft_id)


def audited(office: Office) -> list[tuple[str, str]]:
    return [(str(one.actor), str(one.action)) for one in reversed(office.audit.rows("", 100).rows)]


# ── rule 2 and 8: a proposal waits, whoever asks ─────────────────────────────────────────────────


async def test_a_proposal_only_waits_and_no_program_can_release_it(
    office: Office, alice: Party, sandbox: SandboxControl
) -> None:
    kept = office.proposals.propose(mail(), AGENT)
    assert (kept.state, kept.agent) == (DraftState.WAITING, AGENT)
    _, plan = await office.plan(kept.draft_id)
    with pytest.raises(PolicyRefused, match=f"{SALES} is outside") as refused:
        plan.released(by_person=False)
    assert refused.value.exit_code == 7
    assert "Approvals screen" in refused.value.next_step
    assert sandbox.sent(alice.agent) == []
    assert state(office, kept) is DraftState.WAITING


@pytest.mark.parametrize(
    ("approval", "to", "waits"),
    [
        (ApprovalRule.EXTERNAL, f"bob@{DOMAIN}", False),
        (ApprovalRule.EXTERNAL, SALES, True),
        (ApprovalRule.COLD, SALES, True),
        (ApprovalRule.ALWAYS, f"bob@{DOMAIN}", True),
        (ApprovalRule.NEVER, SALES, False),
    ],
)
async def test_without_a_person_only_what_the_policy_lets_go_is_released(
    stage: Stage, approval: ApprovalRule, to: str, waits: bool
) -> None:
    stage.policy = replace(POLICY, approval=approval)
    office = await stage.open()
    kept = office.drafts.save(mail(to))
    _, plan = await office.plan(kept.draft_id)
    if waits:
        with pytest.raises(PolicyRefused, match="person has to decide"):
            plan.released(by_person=False)
    else:
        assert all(not one.by_person for one in plan.released(by_person=False))


async def test_an_approval_that_is_claimed_for_a_mail_is_judged_again_before_it_leaves(
    office: Office, alice: Party, sandbox: SandboxControl
) -> None:
    _, plan = await office.plan(office.drafts.save(mail()).draft_id)
    planned = next(one for one in plan.mails if not one.is_copy)
    gate = await office.gate()
    with pytest.raises(PolicyRefused, match="none has"):
        await gate.seal(planned, alice.spool / "x")
    assert sandbox.sent(alice.agent) == []


# ── rule 1 and 3: on the screen, by its digest ───────────────────────────────────────────────────


async def test_an_approved_proposal_is_sent_once_with_its_oversight_copy(
    office: Office, alice: Party, sandbox: SandboxControl
) -> None:
    kept = office.proposals.propose(mail(), AGENT)
    plan = await office.show(kept.draft_id)
    entries = await office.send(kept.draft_id, plan.digest)
    after = await office.sending.push([one.entry_id for one in entries], 20)
    assert {one.state for one in after} == {OutboxState.SENT}
    assert [one["to"] for one in sandbox.sent(alice.agent)] == [OVERSIGHT, SALES]
    assert str(row(office, kept).state) == "sent"
    with pytest.raises(DecisionVoid, match="left already"):
        await office.show(kept.draft_id)


async def test_a_review_shows_who_gets_what_and_what_speaks_against_it(office: Office) -> None:
    kept = office.proposals.propose(mail(body="Hi\u202e there,\npassword: hunter2!"), AGENT)
    seen = review(await office.show(kept.draft_id))
    assert [(str(one.address), str(one.role)) for one in seen.recipients] == [
        (SALES, "to"),
        (OVERSIGHT, "oversight copy"),
    ]
    assert seen.recipients[0].is_external
    assert (seen.agent, seen.agent_says) == (AGENT, "They asked.")
    assert seen.body[0] == "Hi<RLO> there,"
    assert seen.approval.startswith("You decide: ")
    levels = {str(one.name): one.level for one in seen.checks}
    assert levels["secrets"] is CheckLevel.DANGER
    assert {"external", "first_contact", "hidden_characters", "in_clear", "oversight"} <= {*levels}
    assert seen.expires_at == kept.changed_at + DAY
    assert seen.refusal == ""


# ── agents and their revisions ───────────────────────────────────────────────────────────────────


async def test_every_change_is_a_new_revision_and_the_difference_is_shown(office: Office) -> None:
    kept = office.proposals.propose(mail(), AGENT)
    assert office.proposals.compare(kept.draft_id).lines == ()
    office.proposals.revise(
        replace(kept, to=("ceo@bigco.example",), body="Hello,\nlet us meet."), AGENT
    )
    told = office.proposals.compare(kept.draft_id)
    assert (told.older, told.newer) == (1, 2)
    assert [f"{line.sign}{line.text}" for line in told.lines if line.sign in "+-"] == [
        f"-{SALES}", "+ceo@bigco.example", "-let us talk.", "+let us meet.",
    ]  # fmt: skip


async def test_an_edit_of_the_operator_is_told_from_the_agents_own(office: Office) -> None:
    kept = office.proposals.propose(mail(), AGENT)
    edited = office.drafts.save(replace(kept, body="Hello,\nlet us wait."))
    assert edited.state is DraftState.WAITING
    assert [one.author for one in office.drafts.revisions(kept.draft_id)] == [AGENT, ""]
    with pytest.raises(RevisionConflict):
        office.proposals.revise(replace(kept, body="mine"), AGENT)


async def test_an_agent_touches_nothing_but_its_own_proposals(office: Office) -> None:
    own = office.drafts.save(mail())
    other = office.proposals.propose(mail(), "other-bot")
    for draft in (own, other):
        with pytest.raises(NotFound):
            office.proposals.revise(replace(draft, body="mine now"), AGENT)
        with pytest.raises(NotFound):
            office.proposals.withdraw(draft.draft_id, AGENT)
        with pytest.raises(UsageError, match="already"):
            office.proposals.propose(replace(draft, body="mine now"), AGENT)
        assert office.drafts.get(draft.draft_id).body == mail().body


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "../x", "x" * 65, "\u202eevil"])
async def test_an_agent_has_a_plain_name(office: Office, name: str) -> None:
    with pytest.raises(UsageError):
        office.proposals.propose(mail(), name)


async def test_a_rejected_proposal_can_be_changed_and_waits_again(office: Office) -> None:
    kept = office.proposals.propose(mail(), AGENT)
    office.proposals.reject(kept.draft_id, "Too pushy.\n", revision=1, digest="d")
    assert str(row(office, kept).state) == "rejected: Too pushy."
    assert office.drafts.head(kept.draft_id).reason == "Too pushy."
    again = office.proposals.revise(replace(kept, body="Softer."), AGENT)
    assert state(office, again) is DraftState.WAITING
    assert office.drafts.head(kept.draft_id).reason == ""


async def test_a_rejection_is_of_the_revision_on_the_screen(office: Office) -> None:
    kept = office.proposals.propose(mail(), AGENT)
    office.proposals.revise(replace(kept, body="Softer."), AGENT)
    with pytest.raises(UsageError, match="in the meantime"):
        office.proposals.reject(kept.draft_id, "no", revision=1)
    assert state(office, kept) is DraftState.WAITING


# ── rule 5: only what waits can be decided ───────────────────────────────────────────────────────


async def test_what_is_decided_is_not_decided_again(office: Office) -> None:
    rejected, withdrawn, queued = (office.proposals.propose(mail(), AGENT) for _ in range(3))
    office.proposals.reject(rejected.draft_id, "no")
    office.proposals.withdraw(withdrawn.draft_id, AGENT)
    plan = await office.show(queued.draft_id)
    await office.send(queued.draft_id, plan.digest)
    for draft in (rejected, withdrawn, queued):
        with pytest.raises(DecisionVoid):
            await office.show(draft.draft_id)
        with pytest.raises(PolicyRefused):
            office.proposals.reject(draft.draft_id, "again")
        with pytest.raises(PolicyRefused):
            office.proposals.withdraw(draft.draft_id, AGENT)
    with pytest.raises(PolicyRefused, match=r"outbox|sent"):
        office.proposals.revise(replace(queued, body="more"), AGENT)


# ── rule 9: a time limit that says so ────────────────────────────────────────────────────────────


async def test_a_proposal_that_nobody_decides_expires_and_says_so(
    office: Office, stage: Stage
) -> None:
    kept = office.proposals.propose(mail(), AGENT)
    stage.clock.now += DAY - 1
    assert office.proposals.expire() == ()
    assert office.proposals.waiting() == 1
    stage.clock.now += 1
    # Even before anybody has closed it, it can no longer be approved.
    plan = await office.show(kept.draft_id)
    with pytest.raises(PolicyRefused, match="time to decide"):
        await office.send(kept.draft_id, plan.digest)
    assert office.proposals.waiting() == 0
    assert office.proposals.expire() == (kept.draft_id,)
    assert office.proposals.expire() == ()
    assert "nobody decided within 24 hours" in row(office, kept).state
    again = office.proposals.revise(kept, AGENT)
    assert (state(office, again), office.proposals.waiting()) == (DraftState.WAITING, 1)


# ── paused agents ────────────────────────────────────────────────────────────────────────────────


async def test_what_a_paused_agent_proposes_is_kept_and_cannot_be_approved(office: Office) -> None:
    kept = office.proposals.propose(mail(), AGENT)
    plan = await office.show(kept.draft_id)
    office.proposals.pause(AGENT, is_paused=True)
    with pytest.raises(DecisionVoid) as void:
        await office.send(kept.draft_id, plan.digest)
    assert "paused" in void.value.changed[0]
    again = await office.show(kept.draft_id)
    with pytest.raises(PolicyRefused, match="paused"):
        await office.send(kept.draft_id, again.digest)
    later = office.proposals.propose(mail(), AGENT)
    assert all(one.is_paused for one in office.proposals.rows())
    [agent] = office.proposals.agents({AGENT: 4})
    assert (agent.paused, agent.waiting, agent.sent_today) == (True, 2, 4)
    office.proposals.pause(AGENT, is_paused=False)
    fresh = await office.show(later.draft_id)
    assert len(await office.send(later.draft_id, fresh.digest)) == 2


async def test_a_pause_stops_what_is_in_the_outbox_already(
    office: Office, alice: Party, sandbox: SandboxControl
) -> None:
    kept = office.proposals.propose(mail(), AGENT)
    plan = await office.show(kept.draft_id)
    entries = await office.send(kept.draft_id, plan.digest)
    office.proposals.pause(AGENT, is_paused=True)
    after = await office.sending.push([one.entry_id for one in entries], 20)
    assert {one.state for one in after} == {OutboxState.REFUSED}
    assert sandbox.sent(alice.agent) == []
    assert state(office, kept) is DraftState.WAITING


# ── rule 7 and 10: seen, listed, written down ────────────────────────────────────────────────────


async def test_what_was_not_on_the_screen_is_marked_and_a_revision_is_new_again(
    office: Office,
) -> None:
    kept = office.proposals.propose(mail(), AGENT)
    assert row(office, kept).unseen
    office.proposals.see(kept.draft_id, 1)
    assert not row(office, kept).unseen
    office.proposals.revise(replace(kept, body="other"), AGENT)
    assert row(office, kept).unseen


async def test_a_row_says_what_is_risky_about_a_proposal(office: Office) -> None:
    cold = office.proposals.propose(mail(), AGENT)
    twin = office.proposals.propose(mail(f"bob@{DOMAIN.replace('l', '1')}"), AGENT)
    odd = office.proposals.propose(mail("a@b, c@d"), AGENT)
    assert [*map(str, row(office, cold).marks)] == ["external", "cold", "first contact"]
    assert "look-alike" in row(office, twin).marks
    assert "no address" in row(office, odd).marks
    assert [one.draft_id for one in office.proposals.rows()] == [
        one.draft_id for one in (cold, twin, odd)
    ]


async def test_a_sealed_proposal_shows_that_it_is_locked(
    office: Office, alice: Party, own_keys: tuple[Any, ...], stage: Stage
) -> None:
    alice.keychain.own_keys.keep(own_keys[0])
    kept = office.proposals.propose(mail(encryption=Encryption.REQUIRED), AGENT)
    alice.keychain.lock()
    seen = row(office, kept)
    assert (str(seen.subject), str(seen.to)) == ("", "")
    assert [*map(str, seen.marks)] == ["locked", "encrypted"]
    await alice.keychain.unlock(None)
    assert str(row(office, kept).subject) == "Intro call?"


async def test_everything_is_written_down_with_actor_reason_and_digest(office: Office) -> None:
    kept = office.proposals.propose(mail(), AGENT)
    office.proposals.revise(replace(kept, body="other"), AGENT)
    office.proposals.reject(kept.draft_id, "Too pushy.", digest="abc123")
    office.proposals.pause(AGENT, is_paused=True)
    gone = office.proposals.propose(mail(), AGENT)
    office.proposals.withdraw(gone.draft_id, AGENT)
    assert audited(office) == [
        (f"agent {AGENT}", "proposed"), (f"agent {AGENT}", "revised"), ("operator", "rejected"),
        ("operator", "paused"), (f"agent {AGENT}", "proposed"), (f"agent {AGENT}", "withdrawn"),
    ]  # fmt: skip
    rejected = next(one for one in office.audit.rows("", 100).rows if one.action == "rejected")
    assert (rejected.reason, rejected.digest) == ("Too pushy.", "abc123")
    assert SALES in rejected.subject
    assert office.audit.verify() is None


CHILD = """
import sys
from dataclasses import replace
from pathlib import Path
from services.draft import Draft
from services.outbound.log.audit import AuditLog
from services.outbound.drafts.draft_store import Drafts
from services.outbound.gate.policy import Sender
from services.outbound.approvals.proposals import Proposals
from services.outbound.log.store import OutboundStore

folder, agent = Path(sys.argv[1]), sys.argv[2]
store = OutboundStore.open(folder)
drafts = Drafts(store)
audit = AuditLog(folder / "audit.log", store)
proposals = Proposals(Sender("work"), store, drafts, audit)
for number in range(20):
    proposals.propose(replace(Draft.begin(), to=("a@b.example",), body=str(number)), agent)
"""


def test_two_agents_propose_at_the_same_time_and_nothing_is_lost(tmp_path: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path), name])
        for name in ("one", "two")
    ]
    assert [child.wait(60) for child in running] == [0, 0]
    from services.outbound.log.audit import AuditLog
    from services.outbound.log.store import OutboundStore

    store = OutboundStore.open(tmp_path)
    audit = AuditLog(tmp_path / "audit.log", store)
    proposals = Proposals(Sender("work"), store, Drafts(store), audit)
    assert {(one.name, one.waiting) for one in proposals.agents()} == {("one", 20), ("two", 20)}
    assert audit.verify() is None
    assert audit.rows("", 100).total == 40
    store.close()
