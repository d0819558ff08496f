"""Writing and sending by keyboard: two operators in two real terminals, one sandbox, no other door.

Write, attach, encrypt, review, send, arrive, save; reply, forward; a marketplace request with its
price and the response with its usage. What left is read from the sandbox's records.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.crypto.own import OwnKey
from services.redact import Secret
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.tui.app_stage import real_profile
from tests.tui.test_two_agents import Operator
from tests.widgets.terminal import Terminal

PASSPHRASE = "correct horse battery"
CONTRACT = {
    "to", "subject", "body", "usage", "correlation_id", "idempotency_key",
    "marketplace_request_id", "headers", "attachments",
}  # fmt: skip
"""The fields of the body of `/send` (api/assmbl.md §5.1)."""
CTRL_E, CTRL_G, CTRL_T, CTRL_U, CTRL_X, REFRESH = "\x05", "\x07", "\x14", "\x15", "\x18", "\x12"
LARGE = 50 * 1024 * 1024


@pytest.fixture(scope="module")
def keys() -> dict[str, OwnKey]:
    return {
        name: OwnKey.generate(name, f"{name}@agents.example.com", Secret(PASSPHRASE), bits=2048)
        for name in ("alice", "bob", "carol")
    }


def publish(sandbox: SandboxControl, agent: Agent, key: OwnKey) -> None:
    body = {
        "public_key": key.spki_pem(),
        "algorithm": "RSA",
        "key_version": 1,
        "openpgp_public_key": key.public_block(),
    }
    sandbox.call(agent, "POST", "/directory/register", body)


@pytest.fixture
def carol(sandbox: SandboxControl, keys: dict[str, OwnKey]) -> Iterator[Agent]:
    """A third agent, who has a key and no program."""
    agent = sandbox.new_agent()
    publish(sandbox, agent, keys["carol"])
    yield agent
    sandbox.remove_agent(agent)


@pytest.fixture(scope="module")
def operators(
    sandbox_session: SandboxControl,
    keys: dict[str, OwnKey],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Operator, Operator]]:
    """Two operators for all of these tests, each with an unlocked key; mail leaves at once."""
    made, sandbox = [], sandbox_session
    for name in ("alice", "bob"):
        agent = sandbox.new_agent()
        folder = tmp_path_factory.mktemp(name)
        place = (sandbox.base_url, agent.token, folder, agent.address, "0")
        profile = real_profile(*place)
        profile.keychain().own_keys.keep(keys[name])
        publish(sandbox, agent, keys[name])
        arguments = ["-m", "tests.tui.app_stage", *map(str, place)]
        made.append(Operator(agent, profile, Terminal(arguments, 110, 34)))
    alice, bob = made
    for operator in made:
        operator.sees("synced")
        operator.types("gk")
        operator.sees("locked", "generate")
        operator.types("u")
        operator.sees("Unlock your key")
        operator.types(f"{PASSPHRASE}\r")
        operator.sees("unlocked, locks in")
        operator.types("q")
        operator.sees("c write")
    yield alice, bob
    for operator in made:
        operator.terminal.close()
        sandbox.remove_agent(operator.agent)


def writes(operator: Operator, to: str, subject: str, *lines: str) -> None:
    """Begin a message and fill it in."""
    operator.types("c")
    operator.sees("Draft", "To", "Subject")
    operator.types(f"{to}\r")
    operator.types(f"{subject}\r" + "\r".join(lines))
    operator.sees(subject, lines[-1], "saved")


def attaches(operator: Operator, path: Path) -> None:
    operator.types(CTRL_T)
    operator.sees("Attach files")
    operator.types(f"{CTRL_U}{path}\r")
    operator.leaves("Attach files")
    operator.sees(path.name)


def sends(operator: Operator, *seen: str) -> None:
    """Review, find Enter and Space harmless, then send."""
    operator.types(CTRL_X)
    operator.sees("Review", "digest", "Ctrl+X send", *seen)
    operator.types("\r \r ")
    operator.sees("Review")
    operator.types(CTRL_X)
    operator.sees("c write", "Inbox")


def leaves(operator: Operator, subject: str) -> None:
    """Look at what was sent until the mail is there."""
    operator.types("gS")
    operator.sees("Sent", "✓", subject)
    operator.types("q")
    operator.sees("Inbox")


def arrives(operator: Operator, subject: str, text: str) -> None:
    """Look for new mail and open it."""
    operator.types(f"gi{REFRESH}")
    operator.sees(subject)
    operator.types("gg\r")
    operator.sees(subject, text)


def record(sandbox: SandboxControl, operator: Operator, subject: str) -> dict[str, Any]:
    """The one send with a subject, as the sandbox took it; its body keeps the contract."""
    (sent,) = [one for one in sandbox.sent(operator.agent) if one["request"]["subject"] == subject]
    assert set(sent["request"]) <= CONTRACT
    return dict(sent)


def deliveries(sandbox: SandboxControl, agent: Agent, subject: str) -> int:
    items = sandbox.call(agent, "GET", "/inbox")["items"]
    return sum(item["Subject"] == subject for item in items)


@pytest.mark.timeout(240)
def test_a_mail_with_three_files_one_of_50_mb_is_written_encrypted_reviewed_sent_and_saved(
    sandbox: SandboxControl, operators: tuple[Operator, Operator], tmp_path: Path
) -> None:
    alice, bob = operators
    files = {"notes.txt": b"column F\n", "report.pdf": bytes(range(256)) * 400,
             "disk image.bin": os.urandom(1 << 20) * (LARGE >> 20)}  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    writes(alice, bob.agent.address, "Three files", "The numbers are attached.", "", "Alice")
    for name in files:
        attaches(alice, tmp_path / name)
    alice.types(CTRL_E)
    alice.sees("encrypted, or it does not leave")
    alice.types(CTRL_X)
    alice.sees("digest", "Ctrl+X send")
    shown = "".join(alice.screen.split())
    for data in files.values():
        assert hashlib.sha256(data).hexdigest()[:16] in shown
    alice.types("\r \r ")
    assert deliveries(sandbox, bob.agent, "Three files") == 0
    alice.types(CTRL_X)
    alice.sees("c write", "Inbox")
    leaves(alice, "Three files")
    arrives(bob, "Three files", "The numbers are attached.")
    bob.sees("▣ encrypted", "notes.txt", "report.pdf", "disk image.bin")
    assert "NOT encrypted" not in bob.screen
    saved = tmp_path / "saved"
    saved.mkdir()
    bob.types("S")
    bob.sees("All 3 files")
    bob.types(f"{CTRL_U}{saved}\r")
    bob.sees("Saved 3 files in")
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == files

    request = record(sandbox, alice, "Three files")["request"]
    assert set(request) == {"to", "subject", "body", "idempotency_key", "headers", "attachments"}
    assert request["body"].startswith("-----BEGIN PGP MESSAGE-----")
    assert request["headers"]["X-AgentMail-Encrypted"] == "body"
    assert all(one["encrypted"] and one["name"].endswith(".asc") for one in request["attachments"])
    assert deliveries(sandbox, bob.agent, "Three files") == 1


@pytest.mark.timeout(240)
def test_an_encrypted_mail_is_answered_and_sent_on_encrypted(
    sandbox: SandboxControl, operators: tuple[Operator, Operator], carol: Agent
) -> None:
    alice, bob = operators
    writes(alice, bob.agent.address, "Friday", "Shall we meet at 14:00?")
    alice.types(CTRL_E)
    alice.sees("encrypted, or it does not leave")
    sends(alice, "Shall we meet at 14:00?")
    leaves(alice, "Friday")
    arrives(bob, "Friday", "Shall we meet at 14:00?")

    bob.types("r")
    bob.sees("Re: Friday", "> Shall we meet at 14:00?", "encrypted, or it does not leave")
    bob.types("Yes, gladly.")
    bob.sees("Yes, gladly.")
    sends(bob, "Yes, gladly.")
    leaves(bob, "Re: Friday")
    arrives(alice, "Re: Friday", "Yes, gladly.")
    first = record(sandbox, alice, "Friday")
    answer = record(sandbox, bob, "Re: Friday")
    assert answer["request"]["body"].startswith("-----BEGIN PGP MESSAGE-----")
    message_id = next(
        line.partition(" ")[2]
        for line in first["raw_mime"].splitlines()
        if line.startswith("Message-ID:")
    )
    assert answer["request"]["headers"]["In-Reply-To"] == message_id
    assert answer["request"]["headers"]["References"] == message_id

    alice.types("f")
    alice.sees("Draft", "Yes, gladly.", "encrypted, or it does not leave")
    alice.types(f"{carol.address}\r")
    sends(alice, carol.address)
    leaves(alice, "Fwd: ")
    forwarded = record(sandbox, alice, "Fwd: Re: Friday")["request"]
    assert forwarded["to"] == carol.address
    assert forwarded["body"].startswith("-----BEGIN PGP MESSAGE-----")
    assert deliveries(sandbox, carol, "Fwd: Re: Friday") == 1


@pytest.mark.timeout(240)
def test_paid_work_is_asked_for_with_its_price_on_screen_and_answered_with_its_usage(
    sandbox: SandboxControl, operators: tuple[Operator, Operator]
) -> None:
    alice, bob = operators
    pricing = {"pricing_model": "token_based", "currency": "EUR", "base_price": 0.25}
    sandbox.call(bob.agent, "PUT", "/billing/pricing", pricing)
    writes(alice, bob.agent.address, "Clean a table", "Please clean returns_q3.csv.")
    alice.types(f"{CTRL_G}m")
    alice.sees("Marketplace", "0.25")
    alice.types("\t\r")
    alice.sees("request")
    sends(alice, "0.25")
    leaves(alice, "Clean a table")
    arrives(bob, "Clean a table", "Please clean returns_q3.csv.")
    asked = record(sandbox, alice, "Clean a table")
    number = asked["request"]["marketplace_request_id"]
    assert number

    bob.types("r")
    bob.sees("Re: Clean a table")
    bob.types("Done, 12 rows were wrong.")
    bob.types(f"{CTRL_G}d")
    bob.sees("Details", "Tokens in")
    bob.types("\r\r120\r80\r12\r1500\rpages=2\r")
    bob.leaves("Tokens in")
    sends(bob, "Done, 12 rows were wrong.", number)
    leaves(bob, "Re: Clean a table")
    answer = record(sandbox, bob, "Re: Clean a table")
    assert answer["request"]["marketplace_request_id"] == number
    assert answer["request"]["usage"] == {
        "tokens_input": 120, "tokens_output": 80, "outcomes_returned": 12, "compute_ms": 1500,
        "custom_units": {"pages": 2},
    }  # fmt: skip
    arrives(alice, "Re: Clean a table", "Done, 12 rows were wrong.")
