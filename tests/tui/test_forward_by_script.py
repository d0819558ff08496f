"""A forward from the command line takes the files of its message along, or says which and why not."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from services.outbound.office import Office
from tests.conftest import SandboxControl
from tests.tui.key_stage import Script
from tui.profile import open_profile

BOT = ("--from-agent", "bot")
DATA = bytes(range(256)) * 40


@pytest.fixture
def message_id(script: Script, sandbox: SandboxControl) -> str:
    """A mail with two files, as it lies in the mailbox of `me`."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "Ann <ann@x.example>", script.address("me")
    mail["Subject"] = "files"
    mail.set_content("See the files.")
    mail.add_attachment(DATA, "application", "octet-stream", filename="disk image.bin")
    mail.add_attachment(b"a;b\n", "text", "csv", filename="rows.csv")
    found = sandbox.add_mail(script.agents["me"], mail.as_bytes())
    script.json("me", "sync")
    return found


def forward(script: Script, message_id: str, *words: str, **fields: Any) -> Any:
    to = script.address("peer")
    given = ("--kind", "forward", "--answers", message_id, "--to", to, *words)
    return script.json("me", "draft", *given, *BOT, **{"code": 3, **fields})


def files_of(script: Script, draft_id: str) -> dict[str, bytes]:
    shown = script.json("me", "draft", "show", draft_id, *BOT)
    return {file["name"]: Path(file["path"]).read_bytes() for file in shown["files"]}


def folders() -> list[Path]:
    return list(open_profile("me").folder.glob("outbound/carried/*"))


def test_the_files_are_there_when_the_draft_is(script: Script, message_id: str) -> None:
    told = forward(script, message_id)
    assert files_of(script, told["id"]) == {"disk image.bin": DATA, "rows.csv": b"a;b\n"}
    assert "not attached" not in told["remark"]


def test_files_of_ones_own_go_along_besides(
    script: Script, message_id: str, tmp_path: Path
) -> None:
    own = tmp_path / "note.txt"
    own.write_text("mine")
    told = forward(script, message_id, "--attach", str(own))
    assert list(files_of(script, told["id"])) == ["disk image.bin", "rows.csv", "note.txt"]


def test_what_cannot_be_fetched_is_named_with_the_reason(
    script: Script, message_id: str, sandbox: SandboxControl
) -> None:
    sandbox.fault("status", operation="s3_download", status=404, times=None)
    told = forward(script, message_id)
    assert "disk image.bin is not attached: " in told["remark"]
    assert files_of(script, told["id"]) == {}


@pytest.mark.parametrize("key", [(), ("--idempotency-key", "k1")], ids=["no key", "a key"])
def test_twice_is_once_and_leaves_no_files_behind(
    script: Script, message_id: str, key: tuple[str, ...]
) -> None:
    first = forward(script, message_id, *key)
    again = forward(script, message_id, *key)
    assert (again["id"], again["new"]) == (first["id"], False)
    assert [folder.name for folder in folders()] == [first["id"]]
    assert len(files_of(script, first["id"])) == 2


def test_an_agents_forward_arrives_with_its_files_once_it_is_approved(
    script: Script, message_id: str, sandbox: SandboxControl
) -> None:
    draft_id = forward(script, message_id)["id"]

    async def approve(office: Office) -> None:
        plan = await office.show(draft_id)
        queued = await office.enqueue(plan, by_person=True, undo=False)
        await office.sending.push([entry.entry_id for entry in queued], 30)

    async def run() -> None:
        async with open_profile("me").office() as office:
            await approve(office)

    asyncio.run(run())
    (sent,) = sandbox.sent(script.agents["me"])
    assert [one["name"] for one in sent["request"]["attachments"]] == ["disk image.bin", "rows.csv"]
    assert folders() == []


def test_send_tells_what_it_left_out_on_the_error_stream(
    script: Script, message_id: str, sandbox: SandboxControl
) -> None:
    sandbox.fault("status", operation="s3_download", status=404, times=None)
    to = script.address("peer")
    given = ("send", "--kind", "forward", "--answers", message_id, "--to", to, "--json")
    code, _, told = script("me", *given)
    assert code == 0
    assert "rows.csv is not attached: " in told
