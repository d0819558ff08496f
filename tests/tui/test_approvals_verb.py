"""`approvals` as a script uses it: it may stop mail, and never lets any go."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

from tests.tui.key_stage import Script

ROOT = Path(__file__).resolve().parents[2]


def propose(script: Script, subject: str = "Report", agent: str = "bot", code: int = 3) -> str:
    told = script.json(
        "me", "draft", "--from-agent", agent, "--to", "ann@x.example", "--subject", subject,
        "--body", "Line one.\nLine two.", code=code,
    )  # fmt: skip
    return str(told["id"])


def test_what_waits_is_listed_with_its_marks(script: Script) -> None:
    assert script("me", "approvals", "list") == (0, "Nothing waits for a decision.\n", "")
    draft_id = propose(script, "Sales \u202epitch")
    (row,) = script.json("me", "approvals", "list")["proposals"]
    assert (row["id"], row["agent"], row["waiting"], row["revision"], row["unseen"]) == (
        draft_id, "bot", True, 1, True,
    )  # fmt: skip
    assert {"external", "cold", "first contact"} <= set(row["marks"])
    code, out, _ = script("me", "approvals", "list")
    assert code == 0
    assert "\u202e" not in out
    assert draft_id in out


def test_a_proposal_is_shown_with_what_changed(script: Script) -> None:
    draft_id = propose(script)
    script.json(
        "me", "draft", "edit", draft_id, "--from-agent", "bot", "--body", "Line one.\nLine 2.",
        code=3,
    )  # fmt: skip
    code, out, _ = script("me", "approvals", "show", draft_id)
    assert code == 0
    assert "- Line two." in out
    assert "+ Line 2." in out
    assert "Approve it in the app" in out
    assert script("me", "approvals", "show", "unknown")[0] == 4
    mine = script.json("me", "draft", "--subject", "My own")["id"]
    assert script("me", "approvals", "show", mine)[0] == 4
    assert script("me", "approvals", "reject", mine, "--reason", "x")[0] == 4


def test_a_rejection_needs_a_reason_and_the_revision_that_was_read(script: Script) -> None:
    draft_id = propose(script)
    assert script("me", "approvals", "reject", draft_id)[0] == 2
    assert script("me", "approvals", "reject", draft_id, "--reason", " ")[0] == 2
    assert script("me", "approvals", "reject", draft_id, "--reason", "x", "--revision", "7")[0] == 2
    done = script.json("me", "approvals", "reject", draft_id, "--reason", "Too early.")
    assert done == {"id": draft_id, "state": "rejected"}
    assert script("me", "approvals", "reject", draft_id, "--reason", "again")[0] == 7
    listed = script.json("me", "approvals", "list", "--all")["proposals"]
    assert listed[0]["state"] == "rejected: Too early."
    actions = [row["action"] for row in script.json("me", "audit", "show")["rows"]]
    assert actions == ["rejected", "proposed"]


def test_nothing_is_approved_from_the_command_line(script: Script) -> None:
    draft_id = propose(script)
    code, out, err = script("me", "approvals", "approve", draft_id)
    assert (code, out) == (7, "")
    assert "Nothing is approved from the command line" in err
    told = script.json("me", "approvals", "approve", draft_id, code=7)
    assert "a person reads the whole mail" in told["error"]
    assert script.json("me", "draft", "status", draft_id, code=3)["sent"] is False


def test_pausing_needs_nobody_and_resuming_a_person_at_a_terminal(script: Script) -> None:
    draft_id = propose(script)
    assert script.json("me", "approvals", "pause", "bot") == {"agent": "bot", "state": "paused"}
    assert script.json("me", "draft", "status", draft_id, code=7)["state"] == "paused"
    assert script.json("me", "approvals", "list")["agents"] == [
        {"agent": "bot", "paused": True, "waiting": 1}
    ]
    assert "Paused: bot" in script("me", "approvals", "list")[1]
    assert script("me", "approvals", "pause", "../x")[0] == 2
    words = [sys.executable, "-m", "tui", "approvals", "resume", "bot", "--profile", "me"]
    alone = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT, timeout=60,
        env=os.environ.copy(),
    )  # fmt: skip
    assert alone.returncode == 7
    assert "needs a person at a terminal" in alone.stderr
    assert script.json("me", "draft", "status", draft_id, code=7)["state"] == "paused"
    ours, theirs = pty.openpty()
    try:
        at_terminal = subprocess.run(
            [*words, "--json"], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, cwd=ROOT,
            timeout=60, env=os.environ.copy(),
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    assert at_terminal.returncode == 0
    assert json.loads(at_terminal.stdout) == {"agent": "bot", "state": "resumed"}
    assert script.json("me", "draft", "status", draft_id, code=3)["state"] == "waiting"
