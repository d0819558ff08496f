"""Agents' answers by `draft`: in their thread, to whom it is owed, sealed as what they answer."""

from __future__ import annotations

from typing import Any

from services.draft import Encryption
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import person
from tests.tui.draft_stage import BOT, kept
from tests.tui.key_stage import Script, descriptor
from tui.profile import open_profile


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
