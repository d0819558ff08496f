"""Drafts that lie on AgentMail.to as proposals: what is taken in, and what is not."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.api.agentmail_to import drafts as drafts_api
from services.api.agentmail_to.drafts import DraftPage, ServerDraft, ServerDraftHead
from services.errors import Forbidden, Offline, UsageError
from services.outbound.approvals.input_values import given_agent_name
from services.outbound.approvals.server_draft_reading import proposal_of
from services.outbound.approvals.server_links import TABLE
from services.outbound_models import OutboxState
from services.service_config import SendProfile
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.server_draft_room import Json, Room, Server, opened
from tests.services.outbound.v0_stage import V0Stage
from tests.services.sandbox.agentmail_to.v0_control import V0Control


@pytest.fixture
async def stage(sandbox: SandboxControl, tmp_path: Path, alice: Party) -> AsyncIterator[V0Stage]:
    """Alice oversees; the directory of keys is hers as well."""
    made = V0Stage(V0Control(sandbox), tmp_path / "swarm", alice.client, alice.address)
    yield made
    sandbox.clear_faults()
    await made.close()


@pytest.fixture
def server(stage: V0Stage) -> Server:
    return Server(stage)


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


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("2026-11-01T00:30:05Z", "1 Nov 2026 01:30:05"),
        ("2026-11-01T00:30:05.123456Z", "1 Nov 2026 01:30:05.123456"),
        ("2026-11-01T02:30:05.1+02:00", "1 Nov 2026 01:30:05.1"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("2026-13-99T00:30:05Z", "2026-13-99T00:30:05Z"),
        ("v7 <b>\x1b[2J", "v7??b???2J"),
        ("", ""),
    ],
    ids=["whole", "fraction", "zone", "latest", "no date", "hostile", "none"],
)
def test_when_a_draft_was_changed_is_told_as_a_date_and_exactly(
    version: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Etc/GMT-1")
    time.tzset()
    found = ServerDraft(ServerDraftHead("d1", version), to=("ann@outside.example",), text="T")
    says = proposal_of(found, "p1").reason
    assert says == f"A draft on AgentMail.to{told and f', changed there {told}'}."


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


async def test_of_very_many_drafts_the_last_changed_are_shown_and_none_is_closed(
    room: Room, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [server.make(subject=f"Number {n}") for n in range(4)]
    await room.look()
    monkeypatch.setattr(drafts_api, "MOST_DRAFTS", 2)
    server.change(made[0], text="Changed last.")
    server.delete(made[3])
    server.make(subject="New")
    (told,) = await room.look()
    assert "There are more than 2: the last changed stand here." in told
    assert await room.look() == []
    assert len(room.rows) == 5
    monkeypatch.undo()
    assert len(await room.look()) == 1
    assert len(room.rows) == 4


async def test_looking_at_ten_thousand_known_drafts_asks_for_none_of_them(
    stage: V0Stage, room: Room, server: Server
) -> None:
    server.make(subject="The only real one")
    await room.look()
    (known,) = room.links().values()
    with room.office.store.transaction():
        for n in range(10_000):
            room.office.store.put(TABLE, f"dft_{n:05}", {**known, "draft_id": f"old{n}"})
    heads = tuple(ServerDraftHead(f"dft_{n:05}", known["version"]) for n in range(10_000))

    class FakeRemote:
        async def pages(self) -> AsyncIterator[DraftPage]:
            for at in range(0, 10_000, 100):
                yield DraftPage(heads[at : at + 100])

    async def remote() -> Any:
        return FakeRemote()

    room.kept._connect = remote
    assert await room.look() == []


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
