"""`draft` as agents use it: strict, twice is once, nothing is lost, nothing is ever sent by it."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.draft import Draft, DraftState, Encryption
from services.outbound.approvals.agent_door import UNFINISHED_LIMIT, WAITING_LIMIT
from services.outbound.office import Office
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import person
from tests.tui.key_stage import Script, descriptor, set_up
from tui.drafting import door_of
from tui.profile import open_profile

ROOT = Path(__file__).resolve().parents[2]
BOT = ("--from-agent", "bot")
DO_NOT = "Do not send it again."


@pytest.fixture
def script(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Script]:
    made = set_up(sandbox, capsys, tmp_path)
    yield made
    for agent in made.agents.values():
        sandbox.remove_agent(agent)


@pytest.fixture
def give(script: Script, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Hand a document in as an agent; returns exit code and the JSON object that came out."""

    def give(document: Any, *words: str, agent: str = "bot") -> tuple[int, dict[str, Any]]:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        name = ("--from-agent", agent) if agent else ()
        code, out, err = script("me", "draft", *name, "--stdin", "--json", *words)
        assert not err, err
        return code, json.loads(out)

    return give


def in_office(work: Any) -> Any:
    """Do something as the app would, on the same files."""

    async def run() -> Any:
        async with open_profile("me").office() as office:
            return await work(office)

    return asyncio.run(run())


def kept(draft_id: str) -> Any:
    """A draft as it is kept."""

    async def get(office: Office) -> Any:
        return await office.draft(draft_id)

    return in_office(get)


def proposed(script: Script, *words: str, subject: str = "Report") -> str:
    """The id of a proposal."""
    to = script.address("peer")
    told = script.json(
        "me", "draft", *BOT, "--to", to, "--subject", subject, "--body", "Done.", *words, code=3
    )
    return str(told["id"])


# ── handing in ───────────────────────────────────────────────────────────────────────────────────


def test_a_proposal_is_saved_not_sent_and_the_agent_is_told_so(
    script: Script, give: Any, tmp_path: Path, sandbox: SandboxControl
) -> None:
    file = tmp_path / "report.csv"
    file.write_text("1;2\n")
    document = {
        "to": [f"Peer <{script.address('peer')}>"], "subject": "Report", "body": "Done.",
        "files": [str(file)], "headers": {"X-Ticket": "4"}, "correlation_id": "wf-1",
        "usage": {"tokens_input": 3},
        "reason": "It is due.",
    }  # fmt: skip
    code, told = give(document)
    assert (code, told["state"], told["saved"], told["sent"]) == (3, "waiting", True, False)
    assert told["sentence"] == f"Saved, not sent; a person has to approve it. {DO_NOT}"
    assert told["expires_at"] > told["made_at"]
    draft = kept(told["id"])
    assert (draft.state, draft.agent, draft.reason) == (DraftState.WAITING, "bot", "It is due.")
    assert draft.to == (f"Peer <{script.address('peer')}>",)
    assert (draft.files[0].path, draft.files[0].name, draft.files[0].size) == (
        file,
        "report.csv",
        4,
    )
    assert draft.headers == (("X-Ticket", "4"),)
    assert sandbox.sent(script.agents["me"]) == []


def test_flags_say_the_same_as_the_document(script: Script, give: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x")
    to = script.address("peer")
    code, told = give({
        "to": [to, "b@x.example"], "cc": ["c@x.example"], "subject": "S", "body": "B",
        "files": [str(file)], "headers": {"X-A": "1"}, "usage": {"compute_ms": 5, "custom_units": {"p": 2}},
        "encrypt": False, "correlation_id": "w",
    })  # fmt: skip
    assert code == 3
    again = script.json(
        "me", "draft", *BOT, "--to", to, "--to", "b@x.example", "--cc", "c@x.example", "--subject",
        "S", "--body", "B", "--attach", str(file), "--header", "X-A: 1", "--usage", "compute_ms=5",
        "--usage", "p=2", "--no-encrypt", "--correlation-id", "w", code=3,
    )  # fmt: skip
    assert (again["id"], again["new"]) == (told["id"], False)


def test_the_text_may_come_from_a_file_or_from_standard_input(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "text"
    file.write_text("From a file.\n")
    told = script.json("me", "draft", "--subject", "s", "--body-file", str(file))
    assert kept(told["id"]).body == "From a file.\n"
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO("Grüße".encode())))
    told = script.json("me", "draft", "--subject", "s", "--body-file", "-")
    assert kept(told["id"]).body == "Grüße\n"


def test_the_same_mail_again_is_no_second_proposal(script: Script, give: Any) -> None:
    document = {"to": script.address("peer"), "subject": "Report", "body": "Done."}
    first, second = give(document), give({**document, "reason": "other words"})
    assert (second[0], second[1]["id"], second[1]["new"]) == (3, first[1]["id"], False)
    assert "nothing was saved a second time" in second[1]["remark"]
    assert give(document, agent="eve")[1]["id"] != first[1]["id"]
    assert give({**document, "body": "Other."})[1]["id"] != first[1]["id"]


def test_an_agents_own_key_names_one_mail_for_ever(script: Script, give: Any) -> None:
    document = {"to": script.address("peer"), "subject": "Report", "idempotency_key": "job-1"}
    _, first = give(document)
    assert give(document)[1]["id"] == first["id"]
    script.json("me", "approvals", "reject", first["id"], "--reason", "no")
    code, told = give(document)
    assert (code, told["id"], told["state"], told["reason"]) == (7, first["id"], "rejected", "no")
    code, other = give({**document, "subject": "Another"})
    assert (code, other["sent"]) == (2, False)
    assert first["id"] in other["error"]
    assert other["saved"]
    assert other["id"] in other["next"]
    assert give(document, agent="eve")[1]["id"] != first["id"]


def test_mistakes_are_all_named_and_what_could_be_read_is_kept(script: Script, give: Any) -> None:
    document = {"to": ["bob"], "subject": "Long work", "body": "A text of hours.", "bodyy": 1}
    code, told = give(document)
    assert (code, told["saved"], told["sent"], told["state"]) == (2, True, False, "unfinished")
    assert [entry["place"] for entry in told["problems"]] == ["to[0]", "bodyy"]
    assert told["not_taken"] == {"to": ["bob"], "bodyy": 1}
    assert "proposed to nobody" in told["sentence"]
    assert give(document)[1]["id"] == told["id"]
    status = script.json("me", "draft", "status", told["id"], *BOT, code=2)
    assert (status["state"], status["sent"]) == ("unfinished", False)
    assert "'bob' is not a mail address" in status["reason"]
    assert script.json("me", "approvals", "list")["proposals"] == []
    done = script.json(
        "me", "draft", "edit", told["id"], *BOT, "--to", script.address("peer"), code=3
    )
    assert (done["id"], done["state"]) == (told["id"], "waiting")
    draft = kept(told["id"])
    assert (draft.body, draft.subject, draft.reason) == ("A text of hours.", "Long work", "")


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"subject": "s", "body": "b"}, "to"),
        ({"to": "a@b.example"}, "body"),
        ({"to": "a@b.example", "body": "b", "files": ["/nowhere/x"]}, "files[0].path"),
        ({"to": "a@b.example", "body": "b", "template": "none"}, "template"),
        ({"to": "a@b.example", "body": "b", "send_at": 5}, "send_at"),
    ],
    ids=["nobody", "nothing", "file", "template", "past"],
)
def test_what_cannot_be_proposed_is_told_with_its_place(
    give: Any, document: dict[str, Any], place: str
) -> None:
    code, told = give(document)
    assert (code, told["sent"]) == (2, False)
    assert [entry["place"] for entry in told["problems"]] == [place]
    assert told["saved"]


@pytest.mark.parametrize(
    ("data", "told"),
    [(b"", "standard input is empty"), (b"{", "This is no JSON"), (b'{"to": 1, "to": 2}', "twice")],
    ids=["empty", "cut", "twice"],
)
def test_what_is_no_document_is_refused_with_its_place(give: Any, data: bytes, told: str) -> None:
    code, answer = give(data)
    assert (code, answer["saved"], answer["sent"]) == (2, False, False)
    assert told in answer["problems"][0]["problem"]


def test_two_ways_to_say_the_same_are_one_too_many(
    script: Script, give: Any, tmp_path: Path
) -> None:
    code, told = give({"subject": "a"}, "--subject", "b")
    assert (code, told["error"]) == (2, "Given both as a flag and in the JSON: subject.")
    assert script("me", "draft", "--body", "a", "--body-file", "x")[0] == 2
    assert script("me", "draft")[0] == 2
    assert script("me", "draft", *BOT)[0] == 2
    assert script("me", "draft", "--from-agent", "a b", "--subject", "s")[0] == 2
    assert script("me", "draft", "--header", "nothing")[0] == 2
    assert script("me", "draft", "--usage", "tokens_input=many")[0] == 2
    assert script("me", "draft", "--body-file", str(tmp_path / "none"))[0] == 2


def test_the_programs_own_files_do_not_go_along(script: Script, give: Any) -> None:
    config = open_profile("me").paths.config_file
    code, told = give({"to": "a@b.example", "body": "b", "files": [str(config)]})
    assert (code, told["sent"]) == (7, False)
    assert "own data" in told["error"]
    assert "kept as" in told["next"]


def test_a_flood_is_stopped_and_says_so(script: Script, give: Any) -> None:
    async def fill(office: Office) -> None:
        with office.store.transaction():
            for number in range(WAITING_LIMIT):
                draft = Draft.begin()
                office.drafts.save(
                    replace(draft, state=DraftState.WAITING, agent="bot", subject=str(number)),
                    author="bot",
                )

    in_office(fill)
    code, told = give({"to": "a@b.example", "subject": "one more"})
    assert (code, told["sent"]) == (7, False)
    assert f"{WAITING_LIMIT} mails of this agent wait" in told["error"]
    assert give({"to": "a@b.example", "subject": "x"}, agent="eve")[0] == 3


def test_only_so_many_unfinished_drafts_of_an_agent_are_kept(give: Any, script: Script) -> None:
    async def fill(office: Office) -> None:
        for number in range(UNFINISHED_LIMIT):
            draft = replace(Draft.begin(), subject=str(number))
            door_of(office).keep_unfinished(draft, "bot", "no recipient")

    in_office(fill)
    code, told = give({"subject": "one more", "body": "x"})
    assert (code, told["saved"], told["id"]) == (2, False, None)
    assert "Nothing was saved" in told["sentence"]


def test_what_the_operator_rejected_leaves_room_for_what_is_unfinished(give: Any) -> None:
    async def fill(office: Office) -> None:
        with office.store.transaction():
            for number in range(UNFINISHED_LIMIT + 1):
                draft = replace(Draft.begin(), state=DraftState.REJECTED, agent="bot")
                office.drafts.save(replace(draft, subject=str(number)), author="bot")

    in_office(fill)
    assert give({"subject": "no recipient", "body": "x"})[1]["saved"]


def test_a_full_disk_is_told_and_nothing_is_said_to_be_saved(
    script: Script, give: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    proposed(script)
    monkeypatch.setattr("services.cache.files.FileOps.write", full)
    code, told = give({"to": script.address("peer"), "subject": "More", "body": "x"})
    assert (code, told["saved"], told["sent"]) == (1, False, False)
    assert "The disk is full" in told["error"]


# ── answering ────────────────────────────────────────────────────────────────────────────────────


def mail_for(script: Script, sandbox: SandboxControl, body: str = "How far are you?") -> str:
    raw = (
        f"From: Ann <ann@x.example>\nTo: {script.address('me')}, bob@x.example\n"
        f"Subject: work\nMessage-ID: <1@x.example>\nX-AgentMail-Correlation-Id: wf-9\n\n{body}\n"
    )
    message_id = sandbox.add_mail(script.agents["me"], raw)
    script.json("me", "sync")
    return message_id


def test_an_answer_stands_in_its_thread_and_goes_to_the_sender(
    script: Script, give: Any, sandbox: SandboxControl
) -> None:
    message_id = mail_for(script, sandbox)
    code, told = give({"answers": message_id, "body": "Nearly done.", "quote": True})
    assert code == 3
    assert told["remark"] == "The sender of the message is not verified."
    draft = kept(told["id"])
    assert (draft.to, draft.subject, draft.in_reply_to, draft.correlation_id) == (
        ("Ann <ann@x.example>",), "Re: work", "<1@x.example>", "wf-9",
    )  # fmt: skip
    assert draft.body.startswith("Nearly done.\n\nOn ")
    assert draft.body.endswith(", Ann <ann@x.example> wrote:\n> How far are you?\n")
    code, told = give({"answers": message_id, "kind": "reply_all", "body": "Done."})
    draft = kept(told["id"])
    assert (draft.cc, draft.body) == (("bob@x.example",), "Done.\n")
    code, told = give({"answers": message_id, "kind": "forward", "to": "c@x.example"})
    draft = kept(told["id"])
    assert (draft.subject, draft.to) == ("Fwd: work", ("c@x.example",))
    assert "How far are you?" in draft.body


def test_an_answer_to_an_unknown_message_is_kept_and_told(script: Script, give: Any) -> None:
    code, told = give({"answers": "<nobody@nowhere>", "body": "Hours of work."})
    assert (code, told["sent"]) == (4, False)
    assert (told["saved"], told["id"] in told["next"]) == (True, True)
    assert script.json("me", "draft", "show", told["id"], *BOT)["body"] == "Hours of work."


def test_an_answer_to_an_encrypted_mail_is_encrypted_and_quotes_nothing(
    script: Script, give: Any, sandbox: SandboxControl
) -> None:
    from services.crypto import messages
    from tests.fakes.operators import own_key

    key = own_key(person("Me <me@agents.example.com>"), "")
    armor = messages.encrypt(b"the secret", [key.public]).decode()
    message_id = mail_for(script, sandbox, armor)
    code, told = give({"answers": message_id, "body": "Yes.", "quote": True})
    assert code == 3
    assert "none of its text is quoted" in told["remark"]
    draft = kept(told["id"])
    assert (draft.encryption, draft.answers_encrypted) == (Encryption.REQUIRED, True)
    assert draft.body == "Yes.\n"
    code, told = give({"answers": message_id, "body": "In clear.", "encrypt": False})
    assert (code, told["problems"][0]["place"]) == (2, "encrypt")
    again = script.json("me", "draft", "edit", draft.draft_id, *BOT, "--no-encrypt", code=2)
    assert again["problems"][0]["place"] == "encrypt"


def test_a_sealed_proposal_is_read_with_the_key_only(script: Script, give: Any) -> None:
    script.take_in("me", person("Me <me@agents.example.com>"), "correct horse")
    code, told = give(
        {"to": script.address("peer"), "subject": "Secret", "body": "hushed", "encrypt": True}
    )
    assert code == 3
    listed = script.json("me", "draft", "list")["drafts"][0]
    assert (listed["encrypted"], listed["subject"], listed["to"]) == (True, None, None)
    folder = open_profile("me").folder
    assert b"hushed" not in (folder / "outbound" / "outbound.log").read_bytes()
    assert script("me", "draft", "show", told["id"], *BOT)[0] == 8
    assert script.json("me", "draft", "edit", told["id"], *BOT, "--subject", "x", code=8)["error"]
    assert script.json("me", "draft", "status", told["id"], *BOT, code=3)["state"] == "waiting"
    with descriptor("correct horse\n") as number:
        shown = script.json("me", "draft", "show", told["id"], "--passphrase-fd", number)
    assert shown["subject"] == "Secret"


# ── changing, withdrawing, asking ────────────────────────────────────────────────────────────────


def test_an_edit_is_a_new_revision_and_keeps_the_rest(script: Script) -> None:
    draft_id = proposed(script)
    done = script.json("me", "draft", "edit", draft_id, *BOT, "--subject", "Other", code=3)
    assert (done["revision"], done["state"]) == (2, "waiting")
    draft = kept(draft_id)
    assert (draft.subject, draft.body) == ("Other", "Done.\n")
    shown = script.json("me", "approvals", "show", draft_id)
    assert shown["compared"] == {"older": 1, "newer": 2}
    assert "+Other" in shown["changes"]
    for words in (("--idempotency-key", "x"), ("--answers", "m1"), ()):
        assert script("me", "draft", "edit", draft_id, *BOT, *words)[0] == 2


def test_an_agent_reaches_its_own_drafts_only(script: Script) -> None:
    draft_id = proposed(script)
    mine = script.json("me", "draft", "--subject", "My own")["id"]
    eve = ("--from-agent", "eve")
    for words in (("status",), ("show",), ("cancel",), ("edit", "--subject", "x")):
        assert script("me", "draft", words[0], draft_id, *eve, *words[1:])[0] == 4
        assert script("me", "draft", words[0], mine, *BOT, *words[1:])[0] == 4
    assert [d["id"] for d in script.json("me", "draft", "list", *BOT)["drafts"]] == [draft_id]
    assert script.json("me", "draft", "list", *eve)["drafts"] == []
    assert script("me", "draft", "edit", draft_id, "--subject", "x")[0] == 7
    assert script("me", "draft", "cancel", draft_id)[0] == 7
    assert kept(draft_id).subject == "Report"


def test_the_name_of_the_agent_may_stand_before_the_act(script: Script) -> None:
    draft_id = proposed(script)
    assert script("me", "draft", "--from-agent", "eve", "status", draft_id)[0] == 4
    assert script("me", "draft", *BOT, "status", "unknown")[0] == 4
    assert script("me", "draft", *BOT, "status", draft_id, "--wait", "0")[0] == 3
    done = script.json("me", "draft", *BOT, "--subject", "Early", "edit", draft_id, code=3)
    assert done["revision"] == 2
    assert kept(draft_id).subject == "Early"


def test_what_the_operator_has_edited_is_not_changed_by_the_agent(script: Script) -> None:
    draft_id = proposed(script)

    async def edit(office: Office) -> None:
        office.drafts.save(replace(await office.draft(draft_id), body="The operator's words."))

    in_office(edit)
    code, _, err = script("me", "draft", "edit", draft_id, *BOT, "--body", "Mine again.")
    assert code == 7
    assert "The operator has edited this proposal" in err
    assert kept(draft_id).body == "The operator's words."


def test_a_rejected_proposal_waits_again_when_it_was_changed(script: Script) -> None:
    draft_id = proposed(script)
    script.json("me", "approvals", "reject", draft_id, "--reason", "Too long.\x1b[31m")
    told = script.json("me", "draft", "status", draft_id, *BOT, code=7)
    assert (told["state"], told["reason"], told["sent"]) == ("rejected", "Too long.\x1b[31m", False)
    code, out, _ = script("me", "draft", "status", draft_id, *BOT)
    assert code == 7
    assert "Reason: Too long.␛[31m" in out
    script.json("me", "draft", "edit", draft_id, *BOT, "--body", "Short.", code=3)
    assert script.json("me", "draft", "status", draft_id, code=3)["reason"] == ""


def test_a_proposal_is_withdrawn_once(script: Script) -> None:
    draft_id = proposed(script)
    assert script.json("me", "draft", "cancel", draft_id, *BOT)["state"] == "withdrawn"
    assert script("me", "draft", "cancel", draft_id, *BOT)[0] == 0
    assert script.json("me", "draft", "status", draft_id, code=1)["state"] == "withdrawn"
    assert script("me", "draft", "edit", draft_id, *BOT, "--subject", "x")[0] == 7
    assert script.json("me", "approvals", "list")["proposals"] == []
    mine = script.json("me", "draft", "--subject", "My own")["id"]
    script.json("me", "draft", "edit", mine, "--body", "More.")
    assert kept(mine).body == "More."
    script.json("me", "draft", "cancel", mine)
    assert script("me", "draft", "status", mine)[0] == 4


def test_a_paused_agent_is_kept_and_told(script: Script, give: Any) -> None:
    script.json("me", "approvals", "pause", "bot")
    code, told = give({"to": script.address("peer"), "subject": "Report"})
    assert (code, told["state"], told["saved"], told["sent"]) == (7, "paused", True, False)
    assert told["sentence"] == f"Saved, not sent; the operator has paused this agent. {DO_NOT}"


def test_an_approved_proposal_is_sent_and_says_so(script: Script, sandbox: SandboxControl) -> None:
    draft_id = proposed(script)

    async def approve(office: Office) -> tuple[str, ...]:
        plan = await office.show(draft_id)
        entries = await office.enqueue(plan, by_person=True, undo=False)
        return tuple(entry.entry_id for entry in entries)

    async def push(office: Office, entry_ids: tuple[str, ...]) -> None:
        await office.sending.push(entry_ids, 20)

    entry_ids = in_office(approve)
    told = script.json("me", "draft", "status", draft_id, *BOT)
    assert (told["state"], told["sent"], told["final"]) == ("queued", False, False)
    assert DO_NOT in told["sentence"]
    assert script("me", "draft", "edit", draft_id, *BOT, "--body", "Late.")[0] in (4, 7)
    assert script("me", "draft", "cancel", draft_id, *BOT)[0] == 7
    in_office(lambda office: push(office, entry_ids))
    told = script.json("me", "draft", "status", draft_id, *BOT)
    assert (told["state"], told["sent"], told["final"]) == ("sent", True, True)
    assert (told["mails"][0]["to"], told["mails"][0]["state"]) == (script.address("peer"), "sent")
    assert told["mails"][0]["server_id"]
    assert len(sandbox.sent(script.agents["me"])) == 1
    listed = script.json("me", "draft", "list", "--all", *BOT)["drafts"]
    assert [entry["state"] for entry in listed] == ["sent"]


def test_the_schema_is_printed_without_an_account(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from tui.__main__ import main

    assert main(["draft", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["additionalProperties"] is False


# ── as a program of its own ──────────────────────────────────────────────────────────────────────


def run(script: Script, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui", "draft", *words, "--profile", "me"],
        input=text, capture_output=True, text=True, cwd=ROOT, timeout=60, env=os.environ.copy(),
    )  # fmt: skip


@pytest.mark.parametrize("key", ["job-1", None], ids=["with-key", "without"])
def test_two_processes_that_hand_in_the_same_mail_make_one_proposal(
    script: Script, key: str | None
) -> None:
    document = {"to": [script.address("peer")], "subject": "Report", "idempotency_key": key}
    words = [sys.executable, "-m", "tui", "draft", *BOT, "--stdin", "--json", "--profile", "me"]
    running = [
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env=os.environ.copy(),
        )
        for _ in range(2)
    ]  # fmt: skip
    told = [json.loads(one.communicate(json.dumps(document), timeout=60)[0]) for one in running]
    assert [one.returncode for one in running] == [3, 3]
    assert len({one["id"] for one in told}) == 1
    assert sorted(one["new"] for one in told) == [False, True]
    assert len(script.json("me", "approvals", "list")["proposals"]) == 1


def test_an_agent_hands_in_waits_and_learns_why_not(script: Script) -> None:
    document = json.dumps({"to": [script.address("peer")], "subject": "Report", "body": "Done."})
    handed = run(script, *BOT, "--stdin", "--json", text=document)
    assert (handed.returncode, handed.stderr) == (3, "")
    draft_id = json.loads(handed.stdout)["id"]
    waiting = subprocess.Popen(
        [sys.executable, "-m", "tui", "draft", "status", draft_id, *BOT, "--json", "--wait", "60",
         "--profile", "me"],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ.copy(),
    )  # fmt: skip
    script.json("me", "approvals", "reject", draft_id, "--reason", "Not to them.")
    out, _ = waiting.communicate(timeout=60)
    told = json.loads(out)
    assert (waiting.returncode, told["state"], told["reason"]) == (7, "rejected", "Not to them.")
    wrong = run(script, *BOT, "--stdin", text='{"to": "nobody"}')
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "to: 'nobody' is not a mail address." in wrong.stderr
