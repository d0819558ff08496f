"""Every way to send, over every service, to every kind of recipient: only what may leave does.

960 cases against one running sandbox, which tells what really left. What may leave is decided by
`policy_oracle`, which is written from the documents and knows nothing of the program's own rules.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from services.draft import VIA_SES, Draft, DraftFile, DraftKind, DraftState
from services.errors import PolicyRefused, UsageError
from services.outbound.approvals.approval import DecisionVoid
from services.outbound.office import Office
from services.outbound.writing.replying import Desktop, begin_answer
from tests.services.outbound.policy_oracle import CASES, WIDE, Case, allowed, check_form, exit_code
from tests.services.outbound.policy_world import World, new_world, use_home
from tui.__main__ import main

LATER: Final = 3_600


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Everything of this module."""
    with new_world() as made:
        yield made


@pytest.fixture(autouse=True)
def at_home(
    world: World,
    isolation: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The operator of all cases is the same one."""
    use_home(monkeypatch, world.home)


# ── the ways to send ─────────────────────────────────────────────────────────────────────────────

_ANSWERS: Final = {
    "reply": DraftKind.REPLY,
    "reply-all": DraftKind.REPLY_ALL,
    "forward": DraftKind.FORWARD,
}


def written(
    case: Case, office: Office, named: tuple[str, ...], subject: str, world: World
) -> Draft:
    """The draft of a case, begun like the program begins it."""
    draft = replace(Draft.begin(), body="All is well.")
    if case.path in _ANSWERS:
        desktop = Desktop(office.account.address, now=office.now)
        draft = begin_answer(_ANSWERS[case.path], world.question(case, subject), desktop).draft
        draft = replace(draft, body=f"All is well.\n{draft.body}", cc=())
    if case.path == "scheduled":
        draft = replace(draft, send_at=office.now + LATER)
    if case.service == WIDE:
        file = DraftFile(world.note, "note.txt")
        draft = replace(draft, files=(file,), headers=(("X-Case", "1"),))
    via = VIA_SES if case.service == "ses" else ""
    first = 1 if case.path == "reply-all" else len(named)
    told = f"Re: {subject}" if case.is_answer else subject
    return replace(draft, subject=told, via=via, to=named[:first], cc=named[first:])


async def send(case: Case, office: Office, draft: Draft, world: World) -> None:
    """Try to send it, with the approval of the case."""
    by_agent = case.path in ("draft-send", "cli")
    kept = office.proposals.propose(draft, "bot") if by_agent else office.drafts.save(draft)
    if case.approval == "not approved":
        _, plan = await office.plan(kept.draft_id)
        queued = await office.enqueue(plan, by_person=False)
    else:
        digest = (await office.show(kept.draft_id)).digest
        if case.approval == "stale approval":
            later = replace(await office.draft(kept.draft_id), body="All is lost.")
            _ = office.proposals.revise(later, "bot") if by_agent else office.drafts.save(later)
        queued = await office.send(kept.draft_id, digest)
    if case.path != "cli":
        await carry(case, office, [entry.entry_id for entry in queued], draft.subject, world)


async def carry(case: Case, office: Office, ids: list[str], subject: str, world: World) -> None:
    """Send what is queued, at its time."""
    await office.sending.push(ids, 30)
    if case.path.startswith("scheduled"):
        assert not world.left(case, subject)
        world.clock.now += LATER
        office.sending.nudge()
        await office.sending.push(ids, 30)


def on_the_command_line(case: Case, draft: Draft, account: str) -> int:
    """`send` what nobody has approved; what a person approved, or tried to, `outbox send` carries."""
    if case.approval != "not approved":
        return main(["outbox", "send", "--profile", account, "--json"])
    way = ["--via", draft.via] if draft.via else []
    named = [word for one in draft.to for word in ("--to", one)]
    named += [word for file in draft.files for word in ("--attach", str(file.path))]
    named += [word for name, value in draft.headers for word in ("--header", f"{name}:{value}")]
    text = ["--subject", draft.subject, "--body", draft.body]
    return main(["send", *named, *text, *way, "--profile", account, "--json"])


# ── drafts that lie on the service ───────────────────────────────────────────────────────────────


def put_there(case: Case, named: tuple[str, ...], subject: str, world: World) -> str:
    """Somebody with a key puts a draft on the service."""
    fields = {"to": list(named[:1]), "cc": list(named[1:]), "subject": subject, "text": "All well."}
    if case.path.startswith("scheduled"):
        at = datetime.fromtimestamp(world.clock.now + LATER, UTC)
        return world.put_draft(case, **fields, send_at=at.isoformat())
    return world.put_draft(case, **fields)


async def taken_in(case: Case, office: Office, subject: str, world: World) -> str:
    """Look at the drafts of the service; return the id of the proposal that came of it."""
    await world.kept(case).look()
    (found,) = [row for row in office.proposals.rows() if str(row.subject) == subject]
    return found.draft_id


async def send_from_there(
    case: Case, office: Office, server_id: str, subject: str, world: World
) -> None:
    """Try to send a draft of the service, with the approval of the case."""
    draft_id = await taken_in(case, office, subject, world)
    if case.approval == "not approved":
        _, plan = await office.plan(draft_id)
        queued = await office.enqueue(plan, by_person=False)
    else:
        digest = (await office.show(draft_id)).digest
        if case.approval == "stale approval":
            world.change_draft(case, server_id, text="All is lost.")
        await world.kept(case).hold(draft_id)
        queued = await office.send(draft_id, digest)
    await carry(case, office, [entry.entry_id for entry in queued], subject, world)


def check_there(case: Case, office: Office, server_id: str, subject: str, world: World) -> None:
    """What was sent lies there no more; what was not waits there and here, and no script sends it."""
    world.runner.run(world.kept(case).look())
    lies = world.there(case, server_id)
    if allowed(case, world.named(case)):
        assert lies is None
        return
    assert lies is not None
    (row,) = [row for row in office.proposals.rows() if str(row.subject) == subject]
    assert office.drafts.head(row.draft_id).state is DraftState.WAITING
    if case.approval == "not approved":
        assert ("send_at" in lies) is case.path.startswith("scheduled")
        script = ["send", "--draft", row.draft_id, "--profile", office.account.name, "--json"]
        assert main(script) == exit_code(case)


# ── each case ────────────────────────────────────────────────────────────────────────────────────

NUMBERS: Final = itertools.count(1)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_exactly_what_may_leave_leaves(case: Case, world: World) -> None:
    if case.service == "ses":
        pytest.importorskip("boto3")
    world.clock.now = float(int(time.time()))
    office, named = world.office(case), world.named(case)
    subject = told = f"case {next(NUMBERS):04} of all"
    refused, is_alone = False, case.path == "cli" and case.approval == "not approved"
    try:
        if case.is_on_server:
            server_id = put_there(case, named, subject, world)
            world.runner.run(send_from_there(case, office, server_id, subject, world))
        else:
            draft = written(case, office, named, subject, world)
            told = draft.subject
            if not is_alone:
                world.runner.run(send(case, office, draft, world))
    except (PolicyRefused, UsageError, DecisionVoid):
        refused = True
    if case.is_on_server:
        check_there(case, office, server_id, subject, world)
    if case.path == "cli":
        code = on_the_command_line(case, draft, office.account.name)
        assert code == (exit_code(case) if is_alone else 0)

    expected, found = allowed(case, named), world.left(case, subject)
    assert sorted(str(one.left) for one in found) == sorted(map(str, expected))
    for one in found:
        check_form(case, one, told)
    assert refused is not (bool(expected) or is_alone)
    office.look()
    assert not office.outbox.open()
