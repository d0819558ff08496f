"""`show --decrypt` and `render --key FILE --decrypt`: what a script gets, and with which exit code."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from services.crypto.own import OwnKey
from services.redact import Secret
from tests.conftest import SandboxControl
from tests.fakes.openpgp_stock import StockPgpy
from tests.fakes.sealed_mail import SENDER, armor, mail
from tui.__main__ import main
from tui.profile import open_profile

PASSPHRASE = "Grüße aus der Mühle"
SECRET = "meet at the old mill"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def key() -> OwnKey:
    return OwnKey.generate("Me", "me@agents.example.com", Secret(PASSPHRASE), bits=2048)


@pytest.fixture(scope="module")
def other() -> OwnKey:
    return OwnKey.generate("Other", "other@agents.example.com", None, bits=2048)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the program in this process; `passphrase` goes through a descriptor."""

    def run(*arguments: str, passphrase: str | None = None) -> tuple[int, str, str]:
        words = list(arguments)
        if passphrase is not None:
            reading, writing = os.pipe()
            os.write(writing, passphrase.encode() + b"\n")
            os.close(writing)
            words += ["--passphrase-fd", str(reading)]
        code = main(words)
        if passphrase is not None:
            os.close(reading)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def account(sandbox, agent, monkeypatch, key):  # type: ignore[no-untyped-def]
    """A mailbox of the sandbox whose operator has a sealed key."""
    monkeypatch.setenv("AGENTMAIL_API_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("AGENTMAIL_TOKEN", agent.token)
    monkeypatch.setenv("MAIL_DOMAIN", "agents.example.com")
    open_profile(None).keychain().own_keys.keep(key)
    return agent


def test_show_opens_a_message_with_the_passphrase_from_a_descriptor(
    run: Run, sandbox: SandboxControl, account, key: OwnKey
) -> None:
    raw = mail(armor(SECRET, key.public) + "\nfooter in clear\n")
    message_id = sandbox.add_mail(account, raw, message_id="sealed-1")
    code, out, _ = run("show", message_id, "--decrypt", "--json", passphrase=PASSPHRASE)
    told = json.loads(out)
    assert code == 0
    assert told["body"] == SECRET
    assert "footer in clear" in told["unencrypted_text"]
    assert told["encryption"]["state"] == "opened"
    assert told["encryption"]["signature"] == "none"
    assert told["encryption"]["to_key"] == key.fingerprint


def test_text_of_a_terminal_marks_what_was_not_encrypted(
    run: Run, sandbox: SandboxControl, account, key: OwnKey
) -> None:
    raw = mail(armor(SECRET, key.public) + "\npay at https://files.example/x\n")
    message_id = sandbox.add_mail(account, raw)
    code, out, _ = run("show", message_id, "--decrypt", "--width", "80", passphrase=PASSPHRASE)
    lines = out.splitlines()
    assert code == 0
    assert SECRET in lines
    assert any(line.startswith("| pay at") for line in lines)
    assert "[1] https://files.example/x  (not encrypted)" in lines
    assert any(line.startswith("Encrypted, opened with your key") for line in lines)


def test_without_decrypt_it_stays_closed_and_keys_are_not_asked_for(
    run: Run, sandbox: SandboxControl, account, key: OwnKey
) -> None:
    message_id = sandbox.add_mail(account, mail(armor(SECRET, key.public)))
    code, out, err = run("show", message_id, "--json")
    assert code == 0
    assert json.loads(out)["encryption"]["state"] == "locked"
    assert "--decrypt" in err
    assert SECRET not in out


def test_a_wrong_passphrase_ends_with_exit_code_8(
    run: Run, sandbox: SandboxControl, account, key: OwnKey
) -> None:
    message_id = sandbox.add_mail(account, mail(armor(SECRET, key.public)))
    code, out, err = run("show", message_id, "--decrypt", passphrase="wrong")
    assert code == 8
    assert "passphrase does not open" in err
    assert SECRET not in out + err


def test_a_message_for_somebody_else_is_told_without_asking_for_a_passphrase(
    run: Run, sandbox: SandboxControl, account, key: OwnKey, other: OwnKey
) -> None:
    message_id = sandbox.add_mail(account, mail(armor(SECRET, other.public)))
    code, out, err = run("show", message_id, "--decrypt", "--json")
    told = json.loads(out)["encryption"]
    assert code == 8
    assert told["state"] == "not for me"
    assert told["own_keys"] == [key.fingerprint]
    assert "not encrypted to your key" in err


def test_a_mail_in_clear_needs_no_key(run: Run, sandbox: SandboxControl, account) -> None:
    message_id = sandbox.add_mail(account, f"From: {SENDER}\r\nSubject: t\r\n\r\nhello\r\n")
    code, out, _ = run("show", message_id, "--decrypt", "--json")
    assert code == 0
    assert json.loads(out)["encryption"] == {"state": "clear"}


def test_a_mail_of_stock_pgpy_code_opens(
    run: Run, sandbox: SandboxControl, account, key: OwnKey
) -> None:
    """As the platform's own example writes it (reference 000, option 2)."""
    from email.message import EmailMessage

    with StockPgpy() as stock:
        ciphertext = stock.ask("encrypt", key.public_block(), "Run the job and report back.", False)
    msg = EmailMessage()
    msg["From"] = "my-agent@agents.example.com"
    msg["To"] = "other-agent@agents.example.com"
    msg["Subject"] = "Encrypted task"
    msg["X-AgentMail-Encrypted"] = "body"
    msg.set_content(ciphertext, subtype="plain", charset="utf-8")
    message_id = sandbox.add_mail(account, msg.as_bytes())
    code, out, _ = run("show", message_id, "--decrypt", "--json", passphrase=PASSPHRASE)
    assert code == 0
    assert json.loads(out)["body"] == "Run the job and report back."


# ── render ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def key_file(tmp_path: Path, key: OwnKey) -> str:
    file = tmp_path / "key.asc"
    file.write_text(key.export_private())
    return str(file)


def test_render_opens_mail_files_with_a_key_file(
    run: Run, tmp_path: Path, key: OwnKey, key_file: str
) -> None:
    files = []
    for number in range(3):
        file = tmp_path / f"{number}.eml"
        file.write_bytes(mail(armor(f"{SECRET} {number}", key.public)))
        files.append(str(file))
    code, out, _ = run(
        "render", "--key", key_file, "--decrypt", "--json", *files, passphrase=PASSPHRASE
    )
    assert code == 0
    assert [json.loads(line)["body"] for line in out.splitlines()] == [
        f"{SECRET} {number}" for number in range(3)
    ]


def test_render_prints_every_file_and_ends_with_8_when_one_stays_closed(
    run: Run, tmp_path: Path, key: OwnKey, other: OwnKey, key_file: str
) -> None:
    mine, theirs = tmp_path / "mine.eml", tmp_path / "theirs.eml"
    mine.write_bytes(mail(armor(SECRET, key.public)))
    theirs.write_bytes(mail(armor(SECRET, other.public)))
    code, out, err = run(
        "render", "--key", key_file, "--decrypt", "--json", str(theirs), str(mine),
        passphrase=PASSPHRASE,
    )  # fmt: skip
    states = [json.loads(line)["encryption"]["state"] for line in out.splitlines()]
    assert (code, states) == (8, ["not for me", "opened"])
    assert "theirs.eml" in err


@pytest.mark.parametrize("arguments", [("--decrypt",), ("--key", "x.asc")])
def test_render_wants_key_and_decrypt_together(
    run: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    code, out, err = run("render", *arguments, str(tmp_path / "a.eml"))
    assert (code, out) == (2, "")
    assert "go together" in err


def test_render_with_a_file_that_is_no_key_ends_with_8(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "no.asc"
    file.write_text("nothing")
    code, _, err = run("render", "--key", str(file), "--decrypt", str(file))
    assert code == 8
    assert "Traceback" not in err
