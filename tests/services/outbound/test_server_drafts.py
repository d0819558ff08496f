"""Drafts that lie on AgentMail.to, decided on the Approvals screen: over the sandbox's own door."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.draft import DraftState
from services.errors import Forbidden, NotFound, Offline, PolicyRefused, UsageError
from services.outbound.approvals.approval import DecisionVoid
from services.outbound.approvals.input_values import given_agent_name
from services.outbound.approvals.server_drafts import ServerDrafts
from services.outbound.approvals.server_links import TABLE
from services.outbound.office import Office
from services.outbound.server_desk import server_drafts_of
from services.outbound_models import OutboxState, ProposalRow
from services.policy_config import RefusedDrafts
from services.service_config import SendProfile
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.v0_stage import V0Stage
from tests.services.sandbox.agentmail_to.v0_control import V0Control, seg

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[3]
CHILD = Path(__file__).with_name("server_draft_child.py")


@pytest.fixture
async def stage(sandbox: SandboxControl, tmp_path: Path, alice: Party) -> AsyncIterator[V0Stage]:
    """Alice oversees; the directory of keys is hers as well."""
    made = V0Stage(V0Control(sandbox), tmp_path / "swarm", alice.client, alice.address)
    yield made
    sandbox.clear_faults()
    await made.close()


class Server:
    """The drafts of the stage's inbox as somebody else with a key handles them."""

    def __init__(self, stage: V0Stage) -> None:
        self.stage = stage
        self.path = f"inboxes/{seg(stage.address)}/drafts"
        self.client = stage.v0.client(stage.org.key)

    def make(self, **fields: Any) -> Json:
        body = {"to": [self.stage.sister], "subject": "Plan", "text": "First words."} | fields
        return self._done(self.client.post(self.path, json=body))

    def change(self, draft: Json, **fields: Any) -> Json:
        return self._done(self.client.patch(f"{self.path}/{draft['draft_id']}", json=fields))

    def delete(self, draft: Json) -> None:
        assert self.client.delete(f"{self.path}/{draft['draft_id']}").is_success

    def send(self, draft: Json) -> None:
        self._done(self.client.post(f"{self.path}/{draft['draft_id']}/send", json={}))

    def state(self, draft: Json, send_status: str) -> None:
        self.stage.v0.control("PUT", f"drafts/{draft['draft_id']}", {"send_status": send_status})

    def get(self, draft: Json) -> Json | None:
        answer = self.client.get(f"{self.path}/{draft['draft_id']}")
        return None if answer.status_code == 404 else answer.json()

    @property
    def ids(self) -> set[str]:
        listed = self._done(self.client.get(self.path, params={"limit": 100}))["drafts"]
        return {one["draft_id"] for one in listed}

    @staticmethod
    def _done(answer: httpx.Response) -> Json:
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found


@pytest.fixture
def server(stage: V0Stage) -> Server:
    return Server(stage)


class Room:
    """An office and what keeps it in step with the service."""

    def __init__(self, office: Office, kept: ServerDrafts) -> None:
        self.office = office
        self.kept = kept

    async def look(self) -> list[str]:
        return [str(sentence) for sentence in await self.kept.look()]

    @property
    def rows(self) -> tuple[ProposalRow, ...]:
        return self.office.proposals.rows()

    @property
    def only(self) -> ProposalRow:
        (row,) = self.rows
        return row

    def state(self, draft_id: str) -> DraftState:
        return self.office.drafts.head(draft_id).state

    async def approve(self, draft_id: str = "") -> list[OutboxState]:
        """Show it, decide on what was shown, and send it, as the screens do."""
        draft_id = draft_id or self.only.draft_id
        plan = await self.office.show(draft_id)
        return await self.decide(draft_id, plan.digest)

    async def decide(self, draft_id: str, digest: str) -> list[OutboxState]:
        await self.kept.hold(draft_id)
        entries = await self.office.send(draft_id, digest)
        sent = await self.office.sending.push([one.entry_id for one in entries], 30)
        return [one.state for one in sent]

    def links(self) -> dict[str, Json]:
        return dict(self.office.store.all(TABLE))


async def opened(stage: V0Stage, profile: SendProfile = SendProfile.STRICT, **policy: Any) -> Room:
    office = await stage.open(profile, **policy)
    return Room(office, server_drafts_of(office))


@pytest.fixture
async def room(stage: V0Stage) -> Room:
    return await opened(stage)


# ── in ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_draft_of_the_service_waits_as_a_proposal(room: Room, server: Server) -> None:
    server.make(subject="Quarterly plan", text="Shall we?")
    assert await room.look() == []
    row = room.only
    assert (str(row.agent), str(row.subject), row.is_waiting) == (
        "agentmail.to",
        "Quarterly plan",
        True,
    )
    plan = await room.office.show(row.draft_id)
    assert (plan.body, plan.subject) == ("Shall we?", "Quarterly plan")
    assert "A draft on AgentMail.to" in plan.agent_says


async def test_looking_again_changes_nothing(room: Room, server: Server) -> None:
    server.make()
    await room.look()
    version = room.office.store.version
    for _ in range(3):
        assert await room.look() == []
    assert room.office.store.version == version


async def test_two_windows_take_a_draft_in_once(stage: V0Stage, server: Server) -> None:
    one, two = await opened(stage), await opened(stage)
    server.make()
    await asyncio.gather(one.look(), two.look())
    await one.look()
    one.office.look()
    assert len(one.rows) == 1


async def test_html_is_read_as_text_and_never_sent(
    stage: V0Stage, room: Room, server: Server
) -> None:
    html = (
        "<p>Dear <b>all</b>,</p><script>alert(1)</script>"
        '<p>see <a href="https://a.example/x">this</a><span style="display:none">psst</span></p>'
    )
    server.make(text=None, html=html)
    await room.look()
    plan = await room.office.show(room.only.draft_id)
    assert plan.body == "Dear all,\n\nsee this [1]\n\n[1] https://a.example/x\n"
    assert "Its HTML is not sent" in plan.agent_says
    assert "hides" in plan.agent_says
    assert await room.approve() == [OutboxState.SENT]
    assert [set(body) for body in stage.bodies()] == [{"to", "subject", "text"}]


async def test_the_text_of_a_draft_goes_before_its_html(room: Room, server: Server) -> None:
    server.make(text="The words.", html="<p>Other words.</p>")
    await room.look()
    assert (await room.office.show(room.only.draft_id)).body == "The words."


async def test_a_blank_draft_is_nothing_to_decide_until_somebody_writes(
    room: Room, server: Server
) -> None:
    blank = server.make(to=[], subject=None, text=None)
    assert await room.look() == []
    assert room.rows == ()
    server.change(blank, text="Now.", to=["somebody@elsewhere.example"])
    await room.look()
    assert [str(mark) for mark in room.only.marks][:2] == ["external", "cold"]


HOSTILE = {
    "escapes": {"subject": "a\x1b[2Jb\r\nBcc: x@y.example", "text": "t\x1b]0;x\x07\x00u"},
    "bidi": {"subject": "\u202egpj.exe", "text": "\u2066x\u2069"},
    "surrogates": {"subject": "\ud800", "text": "\udfff"},
    "no address": {"to": ["not an address", "<>", "group: a@b.example;"]},
    "odd references": {"subject": "x" * 998, "text": "y" * 300_000},
}


@pytest.mark.parametrize("fields", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_texts_are_proposed_in_bounds(
    room: Room, server: Server, fields: Json
) -> None:
    made = server.make()
    body = json.dumps({**(server.get(made) or {}), **fields})
    server.stage.v0.sandbox.fault("answer", operation="v0_inbox_get_draft", status=200, body=body)
    await room.look()
    shown = room.only
    draft = room.office.drafts.get(shown.draft_id)
    for text in (draft.subject, *draft.to):
        assert all(char >= " " and char not in "\x7f\u2028" for char in text)
    assert "\x1b" not in draft.body + str(shown.subject)
    draft.body.encode()


@pytest.mark.parametrize(
    "fields",
    [{"subject": "x" * 999}, {"text": "x" * 1_000_001},
     {"html": "<p>" * 400_000, "text": None},
     {"to": [f"a{n}@b.example" for n in range(51)]}],
    ids=["subject", "text", "html", "people"],
)  # fmt: skip
async def test_a_draft_that_is_too_much_is_not_cut_but_told(
    room: Room, server: Server, fields: Json
) -> None:
    made = server.make()
    full = {**(server.get(made) or {}), **fields}
    body = json.dumps(full)
    server.stage.v0.sandbox.fault("answer", operation="v0_inbox_get_draft", status=200, body=body)
    (told,) = await room.look()
    assert told.startswith("A draft on AgentMail.to is not shown.")
    assert room.rows == ()
    assert await room.look() == []


async def test_one_odd_draft_keeps_no_other_away(room: Room, server: Server) -> None:
    server.make(subject="Fine")
    server.make(subject="Odd")
    server.stage.v0.sandbox.fault("answer", operation="v0_inbox_get_draft", status=200, body="[]")
    assert len(await room.look()) == 1
    assert [str(row.subject) for row in room.rows] == ["Fine"]


@pytest.mark.parametrize("fault", ["short_page", "empty_page", "unknown_fields"])
async def test_pages_are_read_to_their_end(room: Room, server: Server, fault: str) -> None:
    for n in range(3):
        server.make(subject=f"Number {n}")
    server.stage.v0.sandbox.fault(fault, operation="v0_inbox_list_drafts")
    await room.look()
    assert len(room.rows) == 3


async def test_a_service_in_trouble_closes_no_proposal(room: Room, server: Server) -> None:
    server.make()
    await room.look()
    server.stage.v0.sandbox.fault("drop_before", operation="v0_inbox_list_drafts", times=None)
    with pytest.raises(Offline):
        await room.look()
    server.stage.v0.sandbox.clear_faults()
    listed = '{"count":0,"drafts":[]}'
    server.stage.v0.sandbox.fault(
        "answer", operation="v0_inbox_list_drafts", status=200, body=listed
    )
    assert await room.look() == []
    assert room.only.is_waiting


# ── changed, gone ────────────────────────────────────────────────────────────────────────────────


async def test_a_change_on_the_service_is_a_new_revision_with_its_difference(
    room: Room, server: Server
) -> None:
    made = server.make(text="First words.")
    await room.look()
    server.change(made, text="Other words.")
    await room.look()
    assert room.only.revision == 2
    found = room.office.proposals.compare(room.only.draft_id)
    told = {(line.sign, str(line.text)) for line in found.lines}
    assert {("-", "First words."), ("+", "Other words.")} <= told


async def test_a_change_between_showing_and_deciding_voids_the_decision(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make()
    await room.look()
    draft_id = room.only.draft_id
    plan = await room.office.show(draft_id)
    server.change(made, text="Something else.")
    with pytest.raises(DecisionVoid) as void:
        await room.decide(draft_id, plan.digest)
    assert void.value.plan is not None
    assert void.value.plan.body == "Something else."
    assert stage.sent() == []


async def test_a_change_that_leaves_the_words_voids_the_decision_too(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make()
    await room.look()
    draft_id = room.only.draft_id
    plan = await room.office.show(draft_id)
    server.change(made, add_labels=["seen-by-somebody"])
    with pytest.raises(DecisionVoid):
        await room.decide(draft_id, plan.digest)
    assert stage.sent() == []


@pytest.mark.parametrize("how", ["send", "delete"])
async def test_a_draft_that_is_gone_takes_its_proposal_along_with_a_sentence(
    room: Room, server: Server, how: str
) -> None:
    made = server.make(subject="Gone soon")
    await room.look()
    draft_id = room.only.draft_id
    getattr(server, how)(made)
    (told,) = await room.look()
    assert "sent or deleted on AgentMail.to" in told
    assert "Gone soon" in told
    assert room.rows == ()
    assert room.state(draft_id) is DraftState.CANCELLED
    assert room.links() == {}


@pytest.mark.parametrize("how", ["send", "delete"])
async def test_what_is_gone_cannot_be_approved_any_more(
    stage: V0Stage, room: Room, server: Server, how: str
) -> None:
    made = server.make()
    await room.look()
    draft_id = room.only.draft_id
    plan = await room.office.show(draft_id)
    getattr(server, how)(made)
    before = len(stage.sent())
    with pytest.raises(NotFound):
        await room.decide(draft_id, plan.digest)
    assert len(stage.sent()) == before
    assert room.state(draft_id) is DraftState.CANCELLED


async def test_what_the_service_sends_at_this_moment_is_not_sent_too(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make()
    await room.look()
    plan = await room.office.show(room.only.draft_id)
    server.state(made, "sending")
    with pytest.raises(PolicyRefused):
        await room.decide(room.only.draft_id, plan.digest)
    assert stage.sent() == []


async def test_without_an_answer_nothing_is_decided(
    stage: V0Stage, room: Room, server: Server
) -> None:
    server.make()
    await room.look()
    plan = await room.office.show(room.only.draft_id)
    stage.v0.sandbox.fault("drop_before", operation="v0_inbox_get_draft", times=None)
    with pytest.raises(Offline):
        await room.decide(room.only.draft_id, plan.digest)
    assert room.only.is_waiting
    assert stage.sent() == []


async def test_queued_mail_is_taken_back_when_its_draft_was_sent_elsewhere(
    stage: V0Stage, server: Server
) -> None:
    room = await opened(stage, undo_seconds=60)
    made = server.make()
    await room.look()
    draft_id = room.only.draft_id
    assert await room.approve(draft_id) == [OutboxState.PENDING]
    server.send(made)
    assert any("sent or deleted" in one for one in await room.look())
    assert room.state(draft_id) is DraftState.CANCELLED
    assert [one.state for one in room.office.outbox.of_draft(draft_id)] == [OutboxState.CANCELLED]
    assert len(stage.sent()) == 1


# ── decided ──────────────────────────────────────────────────────────────────────────────────────


async def test_an_approved_draft_is_sent_as_text_and_deleted_once(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make(text="Approved words.")
    await room.look()
    assert await room.approve() == [OutboxState.SENT]
    assert server.get(made) is not None
    await room.look()
    assert server.get(made) is None
    assert [one["request"]["text"] for one in stage.sent()] == ["Approved words."]
    assert {one["operation"] for one in stage.sent()} == {"v0_send_message"}
    assert await room.look() == []
    assert room.links() == {}
    deletes = [
        one for one in stage.v0.sandbox.requests()
        if one["operation"] == "v0_delete_draft" and made["draft_id"] in one["path"]
    ]  # fmt: skip
    assert len(deletes) == 1
    assert ("deleted on the service after sending", "") in stage.audited(room.office)


async def test_an_edited_proposal_is_sent_as_edited_and_its_draft_goes(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make(text="Theirs.")
    await room.look()
    draft = room.office.drafts.get(room.only.draft_id)
    room.office.drafts.save(replace(draft, body="Ours."))
    assert await room.approve() == [OutboxState.SENT]
    await room.look()
    assert [one["request"]["text"] for one in stage.sent()] == ["Ours."]
    assert server.get(made) is None


async def test_a_draft_changed_after_it_was_sent_from_here_stays_and_waits_anew(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make(text="First.")
    await room.look()
    first = room.only.draft_id
    await room.approve()
    server.change(made, text="A second thought.")
    await room.look()
    assert server.get(made) is not None
    assert room.only.draft_id != first
    assert room.office.drafts.get(room.only.draft_id).body == "A second thought."
    assert len(stage.sent()) == 1


async def test_a_program_that_died_before_deleting_deletes_later_and_sends_nothing_twice(
    stage: V0Stage, server: Server
) -> None:
    made = server.make()
    first = await opened(stage)
    await first.look()
    assert await first.approve() == [OutboxState.SENT]
    # The program ends here, without another look; another one takes up.
    await first.office.close()
    second = await opened(stage)
    assert server.get(made) is not None
    await second.look()
    await second.office.sending.push([], 1)
    assert server.get(made) is None
    assert len(stage.sent()) == 1
    assert second.rows == ()


async def test_a_deletion_whose_answer_was_lost_is_done_once(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make()
    await room.look()
    await room.approve()
    stage.v0.sandbox.fault("drop_after", operation="v0_delete_draft")
    await room.look()
    assert server.get(made) is None
    assert await room.look() == []
    assert room.links() == {}


async def test_a_scheduled_draft_says_that_it_leaves_by_itself_and_is_held_when_decided(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make(send_at="2027-02-01T10:00:00Z")
    await room.look()
    draft_id = room.only.draft_id
    plan = await room.office.show(draft_id)
    assert "by itself" in plan.agent_says
    assert plan.send_at == 1_801_476_000
    assert await room.approve(draft_id) == [OutboxState.PENDING]
    held = server.get(made)
    assert held is not None
    assert "send_at" not in held
    await room.look()
    assert server.get(made) is not None
    stage.clock.now = 1_801_476_001.0
    room.office.sending.nudge()
    entries = room.office.outbox.of_draft(draft_id)
    sent = await room.office.sending.push([one.entry_id for one in entries], 30)
    assert [one.state for one in sent] == [OutboxState.SENT]
    await room.look()
    assert server.get(made) is None
    assert len(stage.sent()) == 1


async def test_a_refused_draft_is_deleted_on_the_service_with_its_reason_here(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make()
    await room.look()
    draft_id = room.only.draft_id
    room.office.proposals.reject(draft_id, "Not like this.")
    await room.look()
    assert server.get(made) is None
    assert ("rejected", "Not like this.") in stage.audited(room.office)
    assert room.state(draft_id) is DraftState.REJECTED
    assert await room.look() == []


async def test_a_refused_draft_may_be_left_there_unscheduled_and_labelled(
    stage: V0Stage, server: Server
) -> None:
    room = await opened(stage, refused_drafts=RefusedDrafts.LEAVE)
    made = server.make(send_at="2027-02-01T10:00:00Z")
    await room.look()
    draft_id = room.only.draft_id
    room.office.proposals.reject(draft_id, "No.")
    await room.look()
    left = server.get(made)
    assert left is not None
    assert "send_at" not in left
    assert "refused" in left["labels"]
    assert await room.look() == []
    assert room.rows == ()
    server.change(made, text="Better words.")
    await room.look()
    assert room.only.draft_id == draft_id
    assert room.only.is_waiting


async def test_a_refusal_without_connection_is_carried_out_later(
    room: Room, server: Server
) -> None:
    made = server.make()
    await room.look()
    room.office.proposals.reject(room.only.draft_id, "No.")
    server.stage.v0.sandbox.fault("drop_before", operation="v0_delete_draft", times=4)
    with pytest.raises(Offline):
        await room.look()
    await room.look()
    assert server.get(made) is None


async def test_a_draft_changed_after_the_refusal_waits_again(room: Room, server: Server) -> None:
    made = server.make()
    await room.look()
    room.office.proposals.reject(room.only.draft_id, "Too long.")
    server.change(made, text="Short.")
    await room.look()
    assert server.get(made) is not None
    assert room.office.drafts.get(room.only.draft_id).body == "Short."


# ── what cannot be sent as it is ─────────────────────────────────────────────────────────────────


def enclosed(name: str = "note.txt", data: bytes = b"enclosed") -> Json:
    content = base64.b64encode(data).decode()
    return {"filename": name, "content_type": "text/plain", "content": content}


async def test_files_of_a_draft_are_fetched_and_refused_in_the_strict_profile(
    room: Room, server: Server
) -> None:
    server.make(attachments=[enclosed()])
    await room.look()
    plan = await room.office.show(room.only.draft_id)
    assert plan.is_refused
    (file,) = room.office.drafts.get(room.only.draft_id).files
    assert file.path.read_bytes() == b"enclosed"
    assert file.path.stat().st_mode & 0o077 == 0


async def test_files_of_a_draft_go_along_in_the_wide_profile(
    stage: V0Stage, server: Server
) -> None:
    room = await opened(stage, SendProfile.WIDE)
    server.make(attachments=[enclosed("../../etc/pass wd", b"one"), enclosed("two.txt", b"two")])
    await room.look()
    assert await room.approve() == [OutboxState.SENT]
    (sent,) = stage.bodies()
    contents = [base64.b64decode(file["content"]) for file in sent["attachments"]]
    assert contents == [b"one", b"two"]
    assert "/" not in sent["attachments"][0]["filename"]


async def test_a_file_that_cannot_be_fetched_keeps_the_draft_away_and_says_so(
    room: Room, server: Server
) -> None:
    server.make(attachments=[enclosed()])
    server.stage.v0.sandbox.fault("answer", operation="v0_inbox_get_draft_attachment", status=200,
                                  body='{"download_url":"http://10.0.0.1/x"}')  # fmt: skip
    (told,) = await room.look()
    assert told.startswith("A draft on AgentMail.to is not shown.")
    assert room.rows == ()


async def test_a_reply_to_elsewhere_is_refused_in_the_strict_profile(
    room: Room, server: Server
) -> None:
    server.make(reply_to=["other@elsewhere.example"])
    await room.look()
    assert (await room.office.show(room.only.draft_id)).is_refused


async def test_a_key_that_may_not_read_drafts_is_told_once_and_breaks_nothing(
    stage: V0Stage, server: Server
) -> None:
    room = await opened(stage)
    stage.v0.sandbox.fault(
        "status", operation="v0_inbox_list_drafts", status=403, error="forbidden"
    )
    with pytest.raises(Forbidden):
        await room.look()


@pytest.mark.parametrize("name", ["agentmail.to", "AgentMail.To", "AGENTMAIL.TO"])
def test_no_program_passes_for_the_service(name: str) -> None:
    with pytest.raises(UsageError):
        given_agent_name(name)
    assert given_agent_name("agentmail") == "agentmail"


# ── killed ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_program_killed_while_it_deletes_sent_once_and_the_draft_goes_later(
    stage: V0Stage, server: Server, moment: str
) -> None:
    made = server.make(text="Once.")
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), str(ROOT), stage.v0.base_url, stage.org.key, stage.address,
        str(stage.folder), stage.overseer, moment,
    )  # fmt: skip
    assert await asyncio.wait_for(child.wait(), 60) == -signal.SIGKILL
    assert len(stage.sent()) == 1
    assert (server.get(made) is None) is (moment == "after")
    room = await opened(stage)
    await room.look()
    await room.office.sending.push([], 1)
    assert server.get(made) is None
    assert len(stage.sent()) == 1
    assert room.rows == ()
    assert room.links() == {}
