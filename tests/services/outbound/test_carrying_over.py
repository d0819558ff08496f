"""A forward carries the files of its message: fetched by a real engine, sent over a real sandbox."""

from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services import outbound_events as ev
from services.api.assmbl import AssmblClient
from services.attachments.transfer import Fetcher, Wanted
from services.carried_events import CarriedFile, CarriedState, CarriedTold, CarryFiles
from services.draft import Draft, DraftKind, FileOrigin
from services.outbound_models import OutboxState
from services.sandbox.records import Agent
from services.sealed_names import SEALED_TYPE
from tests.conftest import Deliver, SandboxControl
from tests.services.outbound.conftest import DOMAIN
from tests.services.outbound.posting_stage import Mailer

ONE = ("one.txt", b"first\x00line", "text/plain")
TWO = ("report.pdf", bytes(range(256)) * 900, "application/pdf")
ROOT = Path(__file__).resolve().parents[3]
FORWARDS = (DraftKind.FORWARD, DraftKind.EDIT_AS_NEW)


def begun(one: Mailer, message_id: str, kind: DraftKind = DraftKind.FORWARD) -> ev.DraftOpened:
    return one.answer(ev.BeginDraft(kind, message_id), ev.DraftOpened)


def arrived(one: Mailer, *states: CarriedState) -> tuple[CarriedFile, ...]:
    """Wait until nothing moves any more; all are here unless other states are named."""

    def is_over(told: CarriedTold) -> bool:
        return all(f.state in (CarriedState.HERE, CarriedState.FAILED) for f in told.files)

    files = one.wait(CarriedTold, is_over).files
    assert [file.state for file in files] == (list(states) or [CarriedState.HERE] * len(files))
    return files


def addressed(one: Mailer, draft: Draft, to: str) -> ev.ReviewReady:
    kept = one.answer(ev.SaveDraft(replace(draft, to=(to,))), ev.DraftSaved)
    return one.answer(ev.ReviewDraft(kept.draft_id), ev.ReviewReady)


def leaves(one: Mailer, ready: ev.ReviewReady) -> None:
    one.answer(ev.SendDraft(ready.review.draft_id, ready.review.digest), ev.SendQueued)
    one.reaches(OutboxState.SENT)


def received(sandbox: SandboxControl, agent: Agent, folder: Path) -> dict[str, bytes]:
    """Fetch all files of the one mail of an agent."""

    async def fetch() -> None:
        client = AssmblClient(sandbox.base_url, agent.token, DOMAIN)
        (item,) = (await client.list_inbox()).items
        fetcher = Fetcher(client.attachments, folder.parent / "staging")
        for entry in (await client.get_message(item.message_id)).attachments:
            await fetcher.save(Wanted(item.message_id, entry.index, folder))
        await client.aclose()

    folder.mkdir()
    asyncio.run(fetch())
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def folder_of(tmp_path: Path, draft: Draft) -> Path:
    return tmp_path / "work" / "outbound" / "carried" / draft.draft_id


@pytest.mark.parametrize("kind", FORWARDS, ids=lambda kind: kind.name)
def test_both_files_of_a_message_that_is_sent_on_arrive_byte_for_byte(
    mailer: Any, sandbox: SandboxControl, other: Agent, deliver: Deliver,
    tmp_path: Path, kind: DraftKind,
) -> None:  # fmt: skip
    message_id = deliver(ONE, TWO)
    one = mailer()
    one.connected()
    opened = begun(one, message_id, kind)
    assert [file.name for file in opened.draft.files] == ["one.txt", "report.pdf"]
    assert opened.remark == ""
    assert [file.size for file in arrived(one)] == [len(ONE[1]), len(TWO[1])]
    folder = folder_of(tmp_path, opened.draft)
    paths = [file.path for file in opened.draft.files]
    assert {mode(path) for path in paths} == {0o600}
    assert {mode(path) for path in (folder, folder.parent, *(p.parent for p in paths))} == {0o700}
    leaves(one, addressed(one, opened.draft, other.address))
    found = received(sandbox, other, tmp_path / "theirs")
    assert found == {name: data for name, data, _ in (ONE, TWO)}
    assert not folder.exists()


def test_a_part_of_the_raw_mail_that_the_service_does_not_hand_out_goes_along_too(
    mailer: Any, sandbox: SandboxControl, agent: Agent, other: Agent, tmp_path: Path
) -> None:
    raw = (
        "From: Ann <ann@agents.example.com>\r\nSubject: table\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        "Look.\r\n--b\r\nContent-Type: text/csv\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        "YSxiCjEsMgo=\r\n--b--\r\n"
    )
    message_id = sandbox.add_mail(agent, raw)
    one = mailer()
    one.connected()
    opened = begun(one, message_id)
    (file,) = opened.draft.files
    assert file.origin == FileOrigin(message_id, 0, is_part=True)
    arrived(one)
    leaves(one, addressed(one, opened.draft, other.address))
    assert received(sandbox, other, tmp_path / "theirs") == {file.name: b"a,b\n1,2\n"}


def test_encrypted_files_are_not_written_to_the_disk_and_the_draft_says_what_to_do(
    mailer: Any, deliver: Deliver, tmp_path: Path
) -> None:  # fmt: skip
    message_id = deliver(ONE, ("plan.pdf.asc", b"-----BEGIN PGP MESSAGE-----", SEALED_TYPE))
    one = mailer()
    one.connected()
    opened = begun(one, message_id)
    assert [file.name for file in opened.draft.files] == ["one.txt"]
    assert opened.remark == (
        "Encrypted files are not attached by themselves (plan.pdf): save them with S, then "
        "attach them with Ctrl+T."
    )
    arrived(one)
    one.ended()
    found = folder_of(tmp_path, opened.draft).rglob("*")
    assert {path.name for path in found if path.is_file()} == {".in-use", "one.txt"}


HOSTILE = (
    "../../x.txt",
    "/etc/passwd",
    "a\u202etxt.exe",
    "x" * 300 + ".txt",
    "CON.txt",
    "..",
    "-rf",
)


def test_hostile_names_stay_in_their_folder_and_arrive_harmless(
    mailer: Any, sandbox: SandboxControl, other: Agent, deliver: Deliver, tmp_path: Path
) -> None:  # fmt: skip
    message_id = deliver(*((name, name.encode(), "text/plain") for name in HOSTILE))
    one = mailer()
    one.connected()
    opened = begun(one, message_id)
    arrived(one)
    root = folder_of(tmp_path, opened.draft).resolve()
    assert len({file.path for file in opened.draft.files}) == len(HOSTILE)
    for file in opened.draft.files:
        assert file.path.resolve().parent.parent == root
        assert file.path.read_bytes() in {name.encode() for name in HOSTILE}
        assert len(file.name.encode()) <= 200
        assert not set(file.name) & set("/\\\u202e")
    leaves(one, addressed(one, opened.draft, other.address))
    found = received(sandbox, other, tmp_path / "theirs")
    assert sorted(found.values()) == sorted(name.encode() for name in HOSTILE)


def test_a_draft_is_written_and_kept_while_its_files_come_and_reviewed_once_they_are_here(
    mailer: Any, sandbox: SandboxControl, other: Agent, deliver: Deliver
) -> None:  # fmt: skip
    message_id = deliver(TWO)
    one = mailer()
    one.connected()
    sandbox.fault("slow_drip", operation="s3_download", seconds=600, size=20_000, times=None)
    opened = begun(one, message_id)
    told = one.wait(CarriedTold, lambda told: told.files[0].percent)
    assert told.files[0].state is CarriedState.FETCHING
    ready = addressed(one, opened.draft, other.address)
    assert ready.review.refusal == "report.pdf of the original message has not been fetched yet."
    assert "take it off" in ready.review.next_step
    without = replace(opened.draft, revision=1, to=(other.address,), files=())
    one.engine.request(CarryFiles(without.draft_id))
    assert addressed(one, without, other.address).review.refusal == ""


def test_a_cut_download_is_told_and_goes_on_where_it_broke_off_when_it_is_asked_for_again(
    mailer: Any, sandbox: SandboxControl, deliver: Deliver
) -> None:  # fmt: skip
    message_id = deliver(ONE, TWO)
    one = mailer()
    one.connected()
    sandbox.fault("truncated", operation="s3_download", times=None, size=10_000)
    opened = begun(one, message_id)
    files = arrived(one, CarriedState.HERE, CarriedState.FAILED)
    assert files[1].sentence
    assert not files[1].path.exists()
    sandbox.reset()
    one.engine.request(CarryFiles(opened.draft.draft_id, opened.draft.files))
    arrived(one)
    assert files[1].path.read_bytes() == TWO[1]
    (asked,) = [one for one in sandbox.requests() if one["operation"] == "s3_download"]
    assert asked["status"] == 206


def test_files_that_are_taken_off_or_never_saved_leave_nothing(
    mailer: Any, deliver: Deliver, tmp_path: Path
) -> None:  # fmt: skip
    message_id = deliver(ONE, TWO)
    one = mailer()
    one.connected()
    draft = begun(one, message_id).draft
    arrived(one)
    one.engine.request(CarryFiles(draft.draft_id, draft.files[1:]))
    assert [file.path.name for file in arrived(one)] == ["report.pdf"]
    one.engine.request(CarryFiles(draft.draft_id))
    one.wait(CarriedTold, lambda told: not told.files)
    one.ended()
    assert not folder_of(tmp_path, draft).exists()


def test_a_discarded_draft_keeps_its_files_until_it_is_gone_for_good(
    mailer: Any, deliver: Deliver, tmp_path: Path, agent: Agent
) -> None:  # fmt: skip
    message_id = deliver(ONE)
    one = mailer()
    one.connected()
    draft = begun(one, message_id).draft
    arrived(one)
    one.answer(ev.SaveDraft(replace(draft, subject="s")), ev.DraftSaved)
    one.answer(ev.DiscardDraft(draft.draft_id), ev.OutboundDone)
    one.answer(ev.RestoreDraft(draft.draft_id), ev.OutboundDone)
    again = one.answer(ev.OpenDraft(draft.draft_id), ev.DraftOpened).draft
    assert arrived(one)[0].size == len(ONE[1])
    assert again.files == draft.files


def test_what_a_stopped_program_had_begun_is_finished_when_the_draft_is_opened_again(
    mailer: Any, sandbox: SandboxControl, deliver: Deliver, tmp_path: Path
) -> None:  # fmt: skip
    message_id = deliver(TWO)
    one = mailer()
    one.connected()
    sandbox.fault("slow_drip", operation="s3_download", seconds=600, size=20_000, times=None)
    draft = begun(one, message_id).draft
    one.wait(CarriedTold, lambda told: told.files[0].percent)
    one.answer(ev.SaveDraft(draft), ev.DraftSaved)
    one.ended()
    assert not draft.files[0].path.exists()
    sandbox.reset()
    two = mailer()
    two.connected()
    opened = two.answer(ev.OpenDraft(draft.draft_id), ev.DraftOpened).draft
    assert opened.files == draft.files
    arrived(two)
    assert draft.files[0].path.read_bytes() == TWO[1]


def killed(sandbox: SandboxControl, agent: Agent, tmp_path: Path, message_id: str, how: str) -> str:
    """Kill a program that forwards a message while its file comes; return the draft's id."""
    words = (sandbox.base_url, agent.agent_id, agent.address, agent.token)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.services.outbound.carrying_child", *words,
         str(tmp_path / "work"), message_id, how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        draft_id = child.stdout.readline().decode().strip()
        child.kill()
    assert draft_id
    return draft_id


@pytest.mark.parametrize("how", ["begun", "saved"])
def test_a_killed_program_leaves_nothing_but_what_its_kept_draft_goes_on_with(
    mailer: Any, sandbox: SandboxControl, agent: Agent, deliver: Deliver, tmp_path: Path, how: str
) -> None:
    message_id = deliver(TWO)
    sandbox.fault("slow_drip", operation="s3_download", seconds=600, size=20_000, times=None)
    draft_id = killed(sandbox, agent, tmp_path, message_id, how)
    folder = tmp_path / "work" / "outbound" / "carried" / draft_id
    assert [path.suffix for path in (folder / "arriving").iterdir()] == [".part"]
    sandbox.reset()
    one = mailer()
    one.connected()
    one.answer(ev.ListDrafts(), ev.DraftsListed)
    assert folder.exists() == (how == "saved")
    if how == "saved":
        (file,) = one.answer(ev.OpenDraft(draft_id), ev.DraftOpened).draft.files
        arrived(one)
        assert file.path.read_bytes() == TWO[1]
        asked = [one["status"] for one in sandbox.requests() if one["operation"] == "s3_download"]
        assert asked == [206]
