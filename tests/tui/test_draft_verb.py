"""`draft` as agents use it: strict, twice is once, nothing is lost, nothing is ever sent by it."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.draft import Draft, DraftState
from services.outbound.approvals.agent_door import UNFINISHED_LIMIT, WAITING_LIMIT
from services.outbound.office import Office
from tests.conftest import SandboxControl
from tests.tui.draft_stage import BOT, DO_NOT, in_office, kept, proposed
from tests.tui.key_stage import Script
from tui.drafting import door_of
from tui.profile import open_profile

ROOT = Path(__file__).resolve().parents[2]


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


# ── changing, withdrawing, asking ────────────────────────────────────────────────────────────────


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
