"""`send --via ses`, `draft --via`, `--format` and `doctor`: from the command line to the other agent."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from services.paths import Paths
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import Person, person
from tests.fakes.openpgp_packets import armor
from tests.fakes.openpgp_stock import StockPgpy
from tests.services.ses.conftest import SesControl, credentials, door, v1  # noqa: F401 - fixtures
from tests.tui.key_stage import Script, set_up
from tui.__main__ import main

pytest.importorskip("boto3")
INSTALL = "Sending through Amazon SES needs an extra: pip install 'agentmail-tui[ses]'."


@pytest.fixture(scope="module")
def keys() -> dict[str, Person]:
    return {name: person(f"{name}@agents.example.com") for name in ("me", "peer")}


@pytest.fixture
def script(
    sandbox: SandboxControl,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    credentials: pytest.MonkeyPatch,  # noqa: F811
) -> Iterator[Script]:
    made = set_up(sandbox, capsys, tmp_path)
    ses(made, f'identity = "{made.address("me")}"', f'endpoint = "{sandbox.ses.url}"')
    yield made
    for agent in made.agents.values():
        sandbox.remove_agent(agent)


def ses(script: Script, *lines: str) -> None:
    """Write the table of SES, as the operator would."""
    file = Paths.from_environment().config_file
    kept = file.read_text().partition("\n[accounts.me.ses]")[0]
    told = "\n".join(('region = "us-east-1"', *lines))
    file.write_text(f"{kept}\n[accounts.me.ses]\n{told}\n")


def by_ses(script: Script, *words: str, body: str = "Done.") -> tuple[str, ...]:
    to = script.address("peer")
    return ("send", "--via", "ses", "--to", to, "--subject", "Report", "--body", body, *words)


def newest(script: Script, sandbox: SandboxControl) -> EmailMessage:
    agent = script.agents["peer"]
    item = sandbox.call(agent, "GET", "/inbox")["items"][0]
    raw = sandbox.call(agent, "GET", f"/messages/{item['MessageID']}")["raw_mime"]
    return message_from_string(raw, policy=policy.default)  # type: ignore[return-value]


def read(script: Script) -> Any:
    """The newest mail as the other agent's `show --decrypt` tells it."""
    script("peer", "sync")
    mail = script.json("peer", "list")["items"][0]
    return script.json("peer", "show", mail["id"], "--decrypt")


# ── send ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_plain_mail_is_sent_by_ses(
    script: Script, sandbox: SandboxControl, door: SesControl  # noqa: F811
) -> None:  # fmt: skip
    told = script.json("me", *by_ses(script))
    assert (told["state"], told["sent"]) == ("sent", True)
    assert sandbox.sent(script.agents["me"]) == []
    (one,) = door.sent()
    assert (one["source"], one["recipients"]) == (script.address("me"), [script.address("peer")])
    (listed,) = script.json("me", "outbox", "list", "--sent")["mails"]
    code, out, _ = script("me", "outbox", "show", listed["id"])
    assert code == 0
    assert f"Amazon SES as {script.address('me')}" in out


def test_markdown_leaves_as_text_and_html_with_the_headers_that_were_asked_for(
    script: Script, sandbox: SandboxControl
) -> None:
    words = ("--format", "markdown", "--header", "X-Workflow-Name: order-status")
    told = script.json("me", *by_ses(script, *words, "--correlation-id", "order-42", body="**42**"))
    assert told["state"] == "sent"
    mail = newest(script, sandbox)
    assert mail.get_body(("plain",)).get_content().strip() == "**42**"  # type: ignore[union-attr]
    assert "<strong>42</strong>" in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert mail["X-Workflow-Name"] == "order-status"
    assert mail["X-AgentMail-Correlation-Id"] == "order-42"
    assert mail["X-AgentMail-Idempotency-Key"]


def test_html_of_a_file_leaves_with_text_made_of_it(
    script: Script, sandbox: SandboxControl, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text('<h2>Order 42</h2><p><a href="https://example.com/42">Open</a></p>')
    to = script.address("peer")
    words = ("--subject", "s", "--format", "html", "--body-file", str(page))
    assert script.json("me", "send", "--via", "ses", "--to", to, *words)["state"] == "sent"
    mail = newest(script, sandbox)
    assert mail.get_body(("html",)).get_content().strip() == page.read_text()  # type: ignore[union-attr]
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Order 42" in text
    assert "[1] https://example.com/42" in text


def test_an_encrypted_mail_by_ses_opens_in_the_other_agents_mailbox(
    script: Script, keys: dict[str, Person], tmp_path: Path
) -> None:
    report = tmp_path / "report.pdf"
    report.write_bytes(b"%PDF of numbers" * 2_000)
    for name, key in keys.items():
        script.take_in(name, key)
        script.json(name, "keys", "publish")
    words = ("--encrypt", "--attach", str(report))
    told = script.json("me", *by_ses(script, *words, body="Run the job."))
    assert told["state"] == "sent"
    opened = read(script)
    assert opened["encryption"]["state"] == "opened"
    assert opened["body"].strip() == "Run the job."
    (file,) = opened["attachments"]
    assert (file["file_name"], file["encrypted"]) == ("report.pdf", True)
    saved = tmp_path / "saved"
    saved.mkdir()
    words = ("attach", "save", opened["id"], "--to", str(saved), "--decrypt")
    assert main(["--profile", "peer", *words]) == 0
    assert (saved / "report.pdf").read_bytes() == report.read_bytes()


def test_a_mail_of_the_vendors_code_opens_in_the_other_agents_mailbox(
    script: Script, keys: dict[str, Person], v1: Any  # noqa: F811
) -> None:  # fmt: skip
    script.take_in("peer", keys["peer"])
    script.json("peer", "keys", "publish")
    with StockPgpy() as stock:
        block = armor(keys["peer"].block, "PUBLIC KEY BLOCK").decode()
        text = stock.ask("encrypt", block, "Run the job.", False)
    made = EmailMessage()
    made["From"], made["To"] = script.address("me"), script.address("peer")
    made["Subject"], made["X-AgentMail-Encrypted"] = "Encrypted task", "body"
    made.set_content(text, subtype="plain", charset="utf-8")
    v1.send_raw_email(
        Source=made["From"], Destinations=[made["To"]], RawMessage={"Data": made.as_bytes()}
    )
    opened = read(script)
    assert opened["encryption"]["state"] == "opened"
    assert opened["body"].strip() == "Run the job."


def test_without_the_recipients_key_nothing_leaves(
    script: Script, door: SesControl  # noqa: F811
) -> None:  # fmt: skip
    told = script.json("me", *by_ses(script, "--encrypt"), code=8)
    assert told["saved"]
    assert door.asked() == []


def test_without_the_extra_the_way_is_told_and_the_draft_kept(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.outbound.gate.transports.ses.is_installed", lambda: False)
    told = script.json("me", *by_ses(script), code=7)
    assert INSTALL in told["reason"]
    assert told["saved"]
    plain = ("send", "--to", script.address("peer"), "--subject", "s", "--body", "b")
    assert script.json("me", *plain)["state"] == "sent"


def test_what_ses_does_not_take_is_told_in_the_outbox(
    script: Script, door: SesControl  # noqa: F811
) -> None:  # fmt: skip
    door.switch(daily=0)
    told = script.json("me", *by_ses(script), code=6)
    assert told["state"] == "queued"
    (waiting,) = script.json("me", "outbox", "list")["mails"]
    assert "The daily sending quota of the SES account is used up." in waiting["sentence"]


def test_a_lost_answer_is_told_and_not_sent_again(
    script: Script, door: SesControl  # noqa: F811
) -> None:  # fmt: skip
    door.fault("drop_after")
    told = script.json("me", *by_ses(script), code=1)
    assert (told["state"], told["sent"]) == ("uncertain", None)
    script("me", "outbox", "send")
    assert len(door.sent()) == 1


# ── what is wrong is told at once ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("verb", ["send", "draft"])
def test_html_without_ses_is_a_mistake(script: Script, verb: str) -> None:
    words = (verb, "--to", script.address("peer"), "--subject", "s", "--body", "b")
    code, _, err = script("me", *words, "--format", "html")
    assert code == 2
    assert "Only mail that leaves by Amazon SES carries HTML" in err


def test_ses_where_it_is_not_set_up_is_a_mistake_that_names_the_table(script: Script) -> None:
    words = ("--via", "ses", "--to", script.address("me"), "--subject", "s", "--body", "b")
    for verb in ("send", "draft"):
        code, _, err = script("peer", verb, *words)
        assert code == 2
        assert "[accounts.peer.ses]" in err


def test_a_draft_tells_its_way_out_and_changes_it(script: Script) -> None:
    words = ("--via", "ses", "--format", "html", "--to", script.address("peer"))
    kept = script.json("me", "draft", *words, "--subject", "s", "--body", "<p>b</p>")["id"]
    told = script.json("me", "draft", "show", kept)
    assert (told["via"], told["format"]) == ("ses", "html")
    code, _, err = script("me", "draft", "edit", kept, "--via", "service")
    assert code == 2
    assert "give `via` as ses" in err
    script.json("me", "draft", "edit", kept, "--via", "service", "--format", "plain")
    told = script.json("me", "draft", "show", kept)
    assert (told["via"], told["format"]) == ("service", "plain")


# ── doctor ───────────────────────────────────────────────────────────────────────────────────────


def line_of(script: Script, code: int = 0) -> Any:
    checks = script.json("me", "doctor", code=code)["checks"]
    (line,) = [check for check in checks if check["name"] == "ses"]
    return line


def test_the_doctor_asks_ses_how_the_account_stands(
    script: Script, door: SesControl, credentials: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    line = line_of(script)
    assert line["state"] == "ok"
    assert f"Amazon SES as {script.address('me')}, us-east-1. Ready to send" in line["sentence"]
    door.switch(production=False, daily=200, per_second=1)
    assert "In sandbox mode" in line_of(script)["sentence"]
    door.switch(sending=False)
    assert "paused" in line_of(script, 1)["sentence"]
    credentials.delenv("AWS_ACCESS_KEY_ID")
    credentials.delenv("AWS_SECRET_ACCESS_KEY")
    line = line_of(script, 1)
    assert line["state"] == "broken"
    assert "Set AWS credentials" in line["next_step"]


def test_trying_an_account_tells_a_ready_way_by_ses_from_one_without_credentials(
    script: Script, door: SesControl, credentials: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    ready = script.json("me", "accounts", "test")[0]
    assert ready["ses"]["ok"]
    assert not any("SES" in note for note in ready["notes"])
    assert "\nok      me: Amazon SES as" in script("me", "accounts", "test")[1]
    credentials.delenv("AWS_ACCESS_KEY_ID")
    credentials.delenv("AWS_SECRET_ACCESS_KEY")
    assert not script.json("me", "accounts", "test")[0]["ses"]["ok"]
    assert "\nBROKEN  " in script("me", "accounts", "test")[1]


def test_the_doctor_says_how_to_install_the_extra(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.outbound.gate.transports.ses.is_installed", lambda: False)
    line = line_of(script)
    assert (line["state"], line["sentence"]) == ("note", INSTALL)
