"""The aws command line against the SES door: what a person would type, with its exit codes.

The command line belongs in an environment of its own (it pins what it is built of): it is found in
AGENTMAIL_TEST_AWS or on the path, and the tests are skipped without it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from services.sandbox.records import Agent
from tests.services.ses.conftest import Inbox, SesControl

# Read here: every test begins without the variables of this program.
AWS = os.environ.get("AGENTMAIL_TEST_AWS") or shutil.which("aws") or ""
_HOW = "pip install awscli into an environment of its own, and name its aws in AGENTMAIL_TEST_AWS"


@pytest.fixture(scope="module", autouse=True)
def command() -> None:
    """The command line is there and runs; a wrapper of a version manager may do neither."""
    if not AWS or subprocess.run([AWS, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"no aws command line: {_HOW}")


def aws(door: SesControl, *words: str, secret: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "AWS_PAGER": "",
        "AWS_ENDPOINT_URL": door.access.url, "AWS_DEFAULT_REGION": door.access.region,
        "AWS_REGION": door.access.region,
        "AWS_ACCESS_KEY_ID": door.access.access_key, "AWS_MAX_ATTEMPTS": "1",
        "AWS_SECRET_ACCESS_KEY": secret or door.access.secret_key,
    }  # fmt: skip
    return subprocess.run(
        [AWS, *words, "--output", "json"], env=environment, capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip


def done(answer: subprocess.CompletedProcess[str]) -> Any:
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_send_email_arrives(door: SesControl, agent: Agent, peer: Agent, inbox: Inbox) -> None:
    answer = aws(
        door, "ses", "send-email", "--from", agent.address, "--to", peer.address,
        "--subject", "From the shell", "--text", "hello", "--html", "<p>hello</p>",
    )  # fmt: skip
    message_id = done(answer)["MessageId"]
    (mail,) = inbox(peer)
    assert mail["Subject"] == "From the shell"
    assert mail["Message-ID"] == f"<{message_id}@email.amazonses.com>"
    assert mail.is_multipart()


def test_a_raw_mail_from_a_file_arrives_by_both_apis(
    door: SesControl, agent: Agent, peer: Agent, inbox: Inbox, tmp_path: Path
) -> None:
    raw = f"From: {agent.address}\nTo: {peer.address}\nSubject: raw\nX-Priority: high\n\ntext\n"
    older, newer = tmp_path / "older.json", tmp_path / "newer.json"
    older.write_text(json.dumps({"RawMessage": {"Data": raw}}))
    newer.write_text(json.dumps({"Content": {"Raw": {"Data": raw}}}))
    # Version 1 of the command line takes bytes as they are, version 2 when it is told so.
    config = Path(os.environ["HOME"], ".aws", "config")
    config.parent.mkdir()
    config.write_text("[default]\ncli_binary_format = raw-in-base64-out\n")
    done(aws(door, "ses", "send-raw-email", "--cli-input-json", f"file://{older}"))
    done(aws(door, "sesv2", "send-email", "--cli-input-json", f"file://{newer}"))
    assert [mail["X-Priority"] for mail in inbox(peer)] == ["high", "high"]


def test_what_is_refused_is_told_and_fails(door: SesControl, agent: Agent, peer: Agent) -> None:
    words = ("ses", "send-email", "--to", peer.address, "--subject", "s", "--text", "t")
    answer = aws(door, *words, "--from", "eve@elsewhere.example")
    assert answer.returncode not in (0, 2)
    assert "(MessageRejected)" in answer.stderr
    assert "eve@elsewhere.example" in answer.stderr
    answer = aws(door, *words, "--from", agent.address, secret="wrong")
    assert answer.returncode != 0
    assert "(SignatureDoesNotMatch)" in answer.stderr


def test_the_account_is_told(door: SesControl) -> None:
    door.switch(production=False, daily=200, per_second=1)
    assert done(aws(door, "ses", "get-send-quota"))["Max24HourSend"] == 200.0
    about = done(aws(door, "sesv2", "get-account"))
    assert about["ProductionAccessEnabled"] is False
    assert done(aws(door, "ses", "list-identities"))["Identities"] == ["agents.example.com"]
