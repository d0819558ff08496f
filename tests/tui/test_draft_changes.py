"""Agents change, withdraw and ask after their drafts, and reach nobody else's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.outbound.office import Office
from tests.conftest import SandboxControl
from tests.tui.draft_stage import BOT, DO_NOT, in_office, kept, proposed
from tests.tui.key_stage import Script


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
    assert script("me", "draft", "list", *eve)[1].startswith("No draft. ")
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
