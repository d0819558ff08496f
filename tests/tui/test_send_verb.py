"""`send` and `outbox` from scripts: what the policy lets go is sent, the rest waits for a person."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.config import load
from services.draft import Draft
from services.outbound.office import Office
from services.paths import Paths
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import Person, person
from tests.tui.key_stage import Script
from tui.profile import open_profile

ROOT = Path(__file__).resolve().parents[2]
BOT = ("--from-agent", "bot")


@pytest.fixture(scope="module")
def keys() -> dict[str, Person]:
    return {name: person(f"{name}@agents.example.com") for name in ("me", "peer")}


def mail(to: str, *words: str, subject: str = "Report") -> tuple[str, ...]:
    return ("send", "--to", to, "--subject", subject, "--body", "Done.", *words)


def policy(lines: str, account: str = "me") -> None:
    """Write a policy into the configuration, as the operator would."""
    file = Paths.from_environment().config_file
    file.write_text(f"{file.read_text()}\n[accounts.{account}.policy]\n{lines}\n")
    load(Paths.from_environment())


def sent(sandbox: SandboxControl, script: Script) -> list[Any]:
    return sandbox.sent(script.agents["me"])


def in_office(work: Any) -> Any:
    async def run() -> Any:
        async with open_profile("me").office() as office:
            return await work(office)

    return asyncio.run(run())


# ── send ─────────────────────────────────────────────────────────────────────────────────────────


def test_internal_mail_that_needs_nobody_is_sent(script: Script, sandbox: SandboxControl) -> None:
    told = script.json("me", *mail(script.address("peer"), *BOT))
    assert (told["state"], told["sent"], told["exit_code"]) == ("sent", True, 0)
    assert [one["request"]["subject"] for one in sent(sandbox, script)] == ["Report"]
    listed = script.json("me", "outbox", "list", "--sent")["mails"]
    assert [(one["state"], one["to"]) for one in listed] == [("sent", script.address("peer"))]


def test_external_mail_waits_for_a_person_and_says_so(
    script: Script, sandbox: SandboxControl
) -> None:
    policy('oversight = "boss@elsewhere.example"')
    told = script.json("me", *mail("you@outside.example", *BOT), code=3)
    assert (told["state"], told["sent"], told["saved"]) == ("waiting", False, True)
    assert "Do not send it again" in told["sentence"]
    assert "you@outside.example is outside" in told["reason"]
    assert sent(sandbox, script) == []
    again = script.json("me", "send", "--draft", told["id"], *BOT, code=3)
    assert again["state"] == "waiting"


def test_external_mail_without_oversight_address_is_refused_with_the_way_to_set_one(
    script: Script, sandbox: SandboxControl
) -> None:
    told = script.json("me", *mail("you@outside.example", *BOT), code=7)
    assert "[accounts.me.policy]" in told["reason"]
    assert "as it is, nobody can approve it" in told["sentence"]
    assert "Once the reason is gone" in told["next"]
    assert told["saved"]
    assert sent(sandbox, script) == []


def test_a_paused_agent_is_refused(script: Script, sandbox: SandboxControl) -> None:
    script("me", "approvals", "pause", "bot")
    told = script.json("me", *mail(script.address("peer"), *BOT), code=7)
    assert (told["state"], told["sent"]) == ("paused", False)
    assert sent(sandbox, script) == []


def test_without_the_recipients_key_an_encrypted_mail_is_kept_and_nothing_is_uploaded(
    script: Script, sandbox: SandboxControl, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("secret")
    words = mail(script.address("peer"), "--encrypt", "--attach", str(file), *BOT)
    told = script.json("me", *words, code=8)
    assert told["saved"]
    asked = {one["operation"] for one in sandbox.requests(script.agents["me"])}
    assert not asked & {"send_mail", "request_attachment_upload"}


def test_an_encrypted_mail_with_a_file_is_sent(
    script: Script, sandbox: SandboxControl, keys: dict[str, Person], tmp_path: Path
) -> None:
    for name, key in keys.items():
        script.take_in(name, key)
        script.json(name, "keys", "publish")
    file = tmp_path / "a.txt"
    file.write_text("secret")
    words = mail(script.address("peer"), "--encrypt", "--attach", str(file), *BOT)
    told = script.json("me", *words)
    assert told["state"] == "sent"
    (one,) = sent(sandbox, script)
    assert one["request"]["body"].startswith("-----BEGIN PGP MESSAGE-----")
    assert one["request"]["attachments"][0]["encrypted"] is True
    (entry,) = script.json("me", "outbox", "list", "--sent")["mails"]
    shown = script.json("me", "outbox", "show", entry["id"])
    assert shown["body"].strip() == "Done."


def test_the_same_key_again_sends_nothing_more(script: Script, sandbox: SandboxControl) -> None:
    words = mail(script.address("peer"), "--idempotency-key", "job-7", *BOT)
    first, second = script.json("me", *words), script.json("me", *words)
    assert (first["state"], second["state"], second["id"]) == ("sent", "sent", first["id"])
    assert len(sent(sandbox, script)) == 1


@pytest.mark.parametrize(
    ("kind", "fields", "code", "state"),
    [
        ("drop_after", {}, 1, "uncertain"),
        ("status", {"status": 429, "retry_after": "90"}, 6, "queued"),
        ("status", {"status": 401}, 5, "queued"),
        ("status", {"status": 422}, 1, "waiting"),
    ],
)
def test_what_the_service_does_is_told_as_it_is(
    script: Script,
    sandbox: SandboxControl,
    kind: str,
    fields: dict[str, Any],
    code: int,
    state: str,
) -> None:
    sandbox.fault(kind, script.agents["me"], operation="send_mail", **fields)
    told = script.json("me", *mail(script.address("peer"), *BOT), code=code)
    assert told["state"] == state
    assert told["sent"] is (None if state == "uncertain" else False)


def test_nothing_to_send_is_a_mistake_of_the_caller(script: Script) -> None:
    code, _, err = script("me", "send")
    assert code == 2
    assert "Nothing was given" in err


def test_one_s_own_draft_is_sent_by_its_id(script: Script, sandbox: SandboxControl) -> None:
    to = script.address("peer")
    kept = script.json("me", "draft", "--to", to, "--subject", "Mine", "--body", "x")
    told = script.json("me", "send", "--draft", kept["id"])
    assert told["state"] == "sent"
    assert len(sent(sandbox, script)) == 1
    code, _, err = script("me", "send", "--draft", "nothing")
    assert code == 4, err


def on_screen(script: Script) -> str:
    """The id of a draft that the operator writes in the app."""
    draft = replace(
        Draft.begin(now=int(time.time())), to=(script.address("peer"),), subject="Mine", body="x"
    )

    async def keep(office: Office) -> str:
        return office.drafts.save(draft).draft_id

    return str(in_office(keep))


def test_no_script_sends_what_the_operator_still_writes(
    script: Script, sandbox: SandboxControl
) -> None:
    draft_id = on_screen(script)
    told = script.json("me", "send", "--draft", draft_id, code=7)
    assert told["error"] == "The operator still writes on this draft: no script sends it."
    assert "in a terminal" in told["next"]
    script.json("me", "draft", "edit", draft_id, "--subject", "Theirs")
    script.json("me", "send", "--draft", draft_id, code=7)
    assert sent(sandbox, script) == []


def test_what_a_verb_made_is_not_sent_by_a_script_once_the_operator_has_written_on_it(
    script: Script, sandbox: SandboxControl
) -> None:
    to = script.address("peer")
    kept = script.json("me", "draft", "--to", to, "--subject", "Mine", "--body", "x")

    async def write(office: Office) -> None:
        office.drafts.save(replace(office.drafts.get(kept["id"]), body="not yet"))

    in_office(write)
    script.json("me", "send", "--draft", kept["id"], code=7)
    assert sent(sandbox, script) == []


def test_no_agent_sends_its_proposal_once_the_operator_has_written_on_it(
    script: Script, sandbox: SandboxControl
) -> None:
    words = ("--to", script.address("peer"), "--subject", "Report", "--body", "x")
    kept = script.json("me", "draft", *words, *BOT, code=3)

    async def write(office: Office) -> None:
        office.drafts.save(replace(office.drafts.get(kept["id"]), body="what I think of th"))

    in_office(write)
    told = script.json("me", "send", "--draft", kept["id"], *BOT, code=7)
    assert "operator" in told["error"]
    script.json("me", "send", "--draft", kept["id"], code=7)
    assert sent(sandbox, script) == []


def test_an_answer_that_was_kept_unfinished_does_not_leave_in_clear(
    script: Script, sandbox: SandboxControl
) -> None:
    words = ("--answers", "m-1", "--to", "no address", "--body", "Done.", "--no-encrypt")
    kept = script.json("me", "draft", *words, *BOT, code=2)["id"]
    script("me", "draft", "edit", kept, "--to", script.address("peer"), *BOT)
    script("me", "send", "--draft", kept, *BOT)
    assert sent(sandbox, script) == []


def test_a_person_at_a_terminal_sends_the_own_draft(
    script: Script, sandbox: SandboxControl
) -> None:
    draft_id = on_screen(script)
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tui.__main__ import main; "
    code += "raise SystemExit(main(sys.argv[1:]))"
    words = ("--profile", "me", "send", "--draft", draft_id)
    master, terminal = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *words],
        stdin=terminal, stdout=terminal, stderr=subprocess.PIPE, timeout=60, env=dict(os.environ),
    )  # fmt: skip
    os.close(terminal)
    os.close(master)
    assert done.returncode == 0, done.stderr
    assert len(sent(sandbox, script)) == 1


def test_a_process_of_its_own_sends_and_is_heard(script: Script, sandbox: SandboxControl) -> None:
    document = {"to": [script.address("peer")], "subject": "Report", "body": "Done."}
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tui.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code.replace("main()", "raise SystemExit(main(sys.argv[1:]))"),
         "--profile", "me", "send", "--from-agent", "bot", "--stdin", "--json"],
        input=json.dumps(document).encode(),
        capture_output=True,
        timeout=60,
        env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "sent"
    assert done.stderr == b""
    assert len(sent(sandbox, script)) == 1


# ── outbox ───────────────────────────────────────────────────────────────────────────────────────


def queued(script: Script) -> str:
    """The id of a mail that waits because the service asked for a pause."""
    script("me", *mail(script.address("peer"), *BOT))
    (one,) = script.json("me", "outbox", "list")["mails"]
    return str(one["id"])


def test_what_waits_is_listed_and_sent_later(script: Script, sandbox: SandboxControl) -> None:
    sandbox.fault(
        "status", script.agents["me"], operation="send_mail", status=429, retry_after="90"
    )
    entry_id = queued(script)
    code, out, _ = script("me", "outbox", "list")
    assert code == 0
    assert entry_id in out
    assert "Next try in" in out
    # People read one name for it everywhere; scripts read what they always did.
    assert f"{entry_id}  queued  " in out
    (one,) = script.json("me", "outbox", "list")["mails"]
    assert one["state"] == "pending"
    said = script("me", "draft", "status", one["draft_id"], *BOT)[1].splitlines()
    assert said[0].endswith("  queued")
    assert f"  {script.address('peer')}  queued" in "\n".join(said)
    after = script.json("me", "outbox", "send")["mails"]
    assert [(one["id"], one["state"]) for one in after] == [(entry_id, "sent")]
    assert len(sent(sandbox, script)) == 1
    code, _, err = script("me", "outbox", "list")
    assert code == 0
    assert err == "Nothing waits to leave. What has left: agentmail-tui outbox list --sent\n"


def test_what_waits_is_taken_back(script: Script, sandbox: SandboxControl) -> None:
    sandbox.fault(
        "status", script.agents["me"], operation="send_mail", status=429, retry_after="90"
    )
    entry_id = queued(script)
    (taken,) = script.json("me", "outbox", "cancel", entry_id)["cancelled"]
    assert taken["state"] == "cancelled"
    status = script.json("me", "draft", "status", taken["draft_id"], *BOT, code=3)
    assert status["state"] == "waiting"
    code, _, err = script("me", "outbox", "cancel", entry_id)
    assert code == 2
    assert "too late" in err


def test_a_script_cannot_decide_about_mail_that_may_have_left(
    script: Script, sandbox: SandboxControl
) -> None:
    sandbox.fault("drop_after", script.agents["me"], operation="send_mail")
    entry_id = queued(script)
    code, _, err = script("me", "outbox", "settle", entry_id, "resend")
    assert code == 2
    assert "person" in err
    assert len(sent(sandbox, script)) == 1


def test_hostile_text_reaches_the_terminal_cleaned(script: Script) -> None:
    async def put(office: Office) -> None:
        from dataclasses import replace

        from services.draft import Draft

        draft = replace(
            Draft.begin(), to=(script.address("peer"),), subject="a\u202eb", body="\x1b]0;x\x07y"
        )
        office.drafts.save(draft)
        _, plan = await office.plan(draft.draft_id)
        await office.enqueue(plan, by_person=True)

    in_office(put)
    code, out, _ = script("me", "outbox", "list")
    assert code == 0
    (entry,) = script.json("me", "outbox", "list")["mails"]
    code, shown, _ = script("me", "outbox", "show", entry["id"])
    assert code == 0
    assert not {"\x1b", "\u202e", "\x07"} & set(out + shown)
