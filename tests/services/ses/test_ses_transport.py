"""Mail through the SES transport into the other agent's mailbox: once, by boto3's own credentials.

The transport, boto3, HTTP, the signature and the mail store are the real ones.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.api.ses import SesTransport
from services.api.ses_html import html_of
from services.api.ses_mime import MimeMail, written
from services.crypto import messages
from services.crypto.own import OwnKey
from services.errors import (
    BadAnswer,
    ConfigError,
    Forbidden,
    MailError,
    Offline,
    RateLimited,
    Rejected,
    ServerBroken,
    SignedOut,
)
from services.outbound.gate.sealing import sealed_text
from services.sandbox.records import Agent
from services.service_config import SesPlace
from tests.fakes.openpgp_stock import StockPgpy
from tests.services.outbound.conftest import Party
from tests.services.outbound.gate_stage import read
from tests.services.ses.conftest import Inbox, SesControl

TEXT = "Grüße,\nrun the job and report back.\n"
pytest.importorskip("boto3")


Connect = Callable[..., SesTransport]


@pytest.fixture
def connect(credentials: pytest.MonkeyPatch, door: SesControl, agent: Agent) -> Connect:
    def make(**changed: str) -> SesTransport:
        place = SesPlace(agent.address, door.access.region, door.access.url)
        return SesTransport(replace(place, **changed))  # type: ignore[arg-type]

    return make


def mail_of(agent: Agent, to: str, **more: Any) -> MimeMail:
    known = {"subject": "s", "text": TEXT, "date": 1_800_000_000, "idempotency_key": "key-1"}
    return MimeMail(sender=agent.address, to=to, **{**known, **more})


async def caught(transport: SesTransport, agent: Agent, to: str = "a@b.example") -> MailError:
    with pytest.raises(MailError) as error:
        await transport.send_raw(written(mail_of(agent, to)), to=to)
    return error.value


# ── the options of the vendor's guide ────────────────────────────────────────────────────────────


async def test_a_plain_mail_arrives(
    connect: Connect, agent: Agent, peer: Agent, inbox: Inbox
) -> None:
    receipt = await connect().send_raw(written(mail_of(agent, peer.address)), to=peer.address)
    (mail,) = inbox(peer)
    assert mail.get_content().replace("\r\n", "\n") == TEXT
    assert mail["Message-ID"] == f"<{receipt.message_id}@email.amazonses.com>"
    assert receipt.request_id


async def test_text_html_own_headers_and_tracking_arrive(
    connect: Connect, agent: Agent, peer: Agent, inbox: Inbox, sandbox: Any
) -> None:
    mail = mail_of(
        agent, peer.address, html=html_of("## Order 42\n\n**done**"), correlation_id="order-1",
        headers=(("X-Workflow-Name", "order-status"), ("In-Reply-To", "<a@b.example>")),
    )  # fmt: skip
    await connect().send_raw(written(mail), to=peer.address)
    (arrived,) = inbox(peer)
    assert "<strong>done</strong>" in arrived.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert arrived["X-Workflow-Name"] == "order-status"
    assert arrived["In-Reply-To"] == "<a@b.example>"
    assert arrived["X-AgentMail-Idempotency-Key"] == "key-1"
    (item,) = sandbox.call(peer, "GET", "/inbox")["items"]
    assert item["CorrelationID"] == "order-1"


async def test_an_encrypted_mail_opens_in_the_mailbox_of_the_other_agent(
    connect: Connect, alice: Party, bob: Party
) -> None:
    armor = await sealed_text(TEXT, (await alice.keychain.peer_for(bob.address),))
    mail = mail_of(alice.agent, bob.address, text=armor, is_encrypted=True)
    await connect(identity=alice.address).send_raw(written(mail), to=bob.address)
    _, arrived = await read(bob)
    assert arrived["X-AgentMail-Encrypted"] == "body"
    assert (await bob.inbox())[-1].encrypted
    opened = messages.decrypt(arrived.get_content(), await bob.keychain.ready())
    assert opened.text == TEXT


async def test_a_mail_from_stock_pgpy_code_as_the_guide_writes_it_opens(
    v1: Any, agent: Agent, bob: Party, own_keys: tuple[OwnKey, ...]
) -> None:
    from email.message import EmailMessage

    entry = await bob.client.directory.lookup_public_agent(bob.agent.agent_id)
    with StockPgpy() as stock:
        ciphertext = stock.ask("encrypt", entry.openpgp_public_key, TEXT, False)
    mail = EmailMessage()
    mail["From"], mail["To"] = agent.address, bob.address
    mail["Subject"], mail["X-AgentMail-Encrypted"] = "Encrypted task", "body"
    mail.set_content(ciphertext, subtype="plain", charset="utf-8")
    v1.send_raw_email(
        Source=agent.address, Destinations=[bob.address], RawMessage={"Data": mail.as_bytes()}
    )
    _, arrived = await read(bob)
    opened = messages.decrypt(arrived.get_content(), await bob.keychain.ready())
    assert opened.text == TEXT


# ── once ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "arrived"),
    [
        ("drop_after", 1), ("status_after", 1), ("invalid_json", 1), ("truncated", 1),
        ("drop_before", 0), ("html", 0),
    ],
)  # fmt: skip
async def test_a_lost_answer_is_uncertain_and_nothing_is_sent_again(
    connect: Connect, agent: Agent, peer: Agent, inbox: Inbox, door: SesControl,
    kind: str, arrived: int,
) -> None:  # fmt: skip
    door.fault(kind)
    error = await caught(connect(), agent, peer.address)
    assert isinstance(error, Offline | ServerBroken | BadAnswer)
    assert error.uncertain
    assert len(door.asked()) == 1
    assert len(inbox(peer)) == arrived


async def test_a_page_of_the_network_is_no_standing(connect: Connect, door: SesControl) -> None:
    door.sandbox.fault("html", operation="ses_other")
    with pytest.raises(BadAnswer, match="not that of Amazon SES"):
        await connect().standing()


async def test_throttling_is_told_and_not_repeated(
    connect: Connect, agent: Agent, door: SesControl
) -> None:
    door.switch(per_second=0)
    error = await caught(connect(), agent)
    assert isinstance(error, RateLimited)
    assert error.sentence == "This is faster than the SES account may send."
    assert not error.uncertain
    assert error.retry_after == 1.0
    door.switch(per_second=100, daily=0)
    error = await caught(connect(), agent)
    assert isinstance(error, RateLimited)
    assert error.sentence == "The daily sending quota of the SES account is used up."
    assert len(door.asked()) == 2


# ── what is refused ──────────────────────────────────────────────────────────────────────────────


async def test_a_sender_that_is_not_verified_is_explained(connect: Connect, agent: Agent) -> None:
    transport = connect(identity="eve@elsewhere.example")
    error = await caught(transport, replace(agent, address="eve@elsewhere.example"))
    assert isinstance(error, Rejected)
    assert error.sentence == (
        "Amazon SES has not verified the sender eve@elsewhere.example in this region."
    )


async def test_sandbox_mode_is_explained(
    connect: Connect, agent: Agent, peer: Agent, door: SesControl
) -> None:
    door.switch(production=False, daily=200, per_second=1)
    error = await caught(connect(), agent, "ann@elsewhere.example")
    assert isinstance(error, Rejected)
    assert error.sentence.startswith("The SES account is in sandbox mode")
    assert "ann@elsewhere.example" in error.sentence
    standing = await connect().standing()
    assert standing.sentence == (
        "In sandbox mode: mail goes to verified addresses only; 0 of 200 today, 1 a second."
    )


async def test_a_paused_account_is_told(connect: Connect, agent: Agent, door: SesControl) -> None:
    door.switch(sending=False)
    error = await caught(connect(), agent)
    assert error.sentence == "AWS has paused sending for this account."
    assert (await connect().standing()).sentence == "AWS has paused sending for this account."


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN", "AWS does not know these credentials."),
        ("AWS_SECRET_ACCESS_KEY", "wrong", "AWS does not accept the credentials' signature."),
    ],
)
async def test_wrong_credentials_are_told_without_showing_them(
    connect: Connect, credentials: pytest.MonkeyPatch, agent: Agent,
    variable: str, value: str, sentence: str,
) -> None:  # fmt: skip
    credentials.setenv(variable, value)
    error = await caught(connect(), agent)
    assert isinstance(error, SignedOut)
    assert error.sentence == sentence
    assert value not in f"{error} {error!r} {error.__cause__!r}"


async def test_a_wrong_clock_is_told(connect: Connect, agent: Agent, door: SesControl) -> None:
    door.sandbox.settings(clock_offset=4_000)
    error = await caught(connect(), agent)
    assert error.sentence == "AWS refused the request for its time."


async def test_a_service_that_is_not_there_is_told(connect: Connect, agent: Agent) -> None:
    error = await caught(connect(endpoint="http://127.0.0.1:9"), agent)
    assert isinstance(error, Offline)
    assert not error.uncertain


async def test_missing_rights_are_told(connect: Connect, agent: Agent, door: SesControl) -> None:
    door.fault("status", status=403, error="AccessDeniedException")
    error = await caught(connect(), agent)
    assert isinstance(error, Forbidden)
    assert "ses:SendRawEmail" in error.next_step
    assert not error.uncertain


# ── credentials and places ───────────────────────────────────────────────────────────────────────


async def test_without_credentials_nothing_is_asked(
    connect: Connect, credentials: pytest.MonkeyPatch, agent: Agent, door: SesControl
) -> None:
    credentials.delenv("AWS_ACCESS_KEY_ID")
    credentials.delenv("AWS_SECRET_ACCESS_KEY")
    error = await caught(connect(), agent)
    assert isinstance(error, SignedOut)
    assert error.sentence == "AWS credentials are missing or cannot be used."
    assert door.asked() == []


async def test_a_profile_of_the_aws_configuration_is_used(
    connect: Connect, credentials: pytest.MonkeyPatch, agent: Agent, peer: Agent,
    door: SesControl, isolation: Path, inbox: Inbox,
) -> None:  # fmt: skip
    credentials.delenv("AWS_ACCESS_KEY_ID")
    credentials.delenv("AWS_SECRET_ACCESS_KEY")
    (isolation / ".aws").mkdir()
    (isolation / ".aws" / "credentials").write_text(
        f"[mail]\naws_access_key_id = {door.access.access_key}\n"
        f"aws_secret_access_key = {door.access.secret_key}\nregion = us-east-1\n"
    )
    transport = connect(profile="mail", region="")
    await transport.send_raw(written(mail_of(agent, peer.address)), to=peer.address)
    assert len(inbox(peer)) == 1
    with pytest.raises(ConfigError, match="no such AWS profile"):
        await connect(profile="other").standing()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"region": ""}, "No AWS region"),
        ({"endpoint": "http://mail.example"}, "does not use https"),
        ({"endpoint": "nonsense"}, "cannot be used"),
        ({"region": "us east"}, "cannot be used"),
        ({"identity": "Ada <ada@agents.example.com>"}, "no plain mail address"),
    ],
)
async def test_a_place_that_cannot_be_used_is_told(
    connect: Connect, change: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        await connect(**change).standing()


async def test_proxies_of_the_environment_are_not_used(
    connect: Connect, credentials: pytest.MonkeyPatch, agent: Agent, peer: Agent, inbox: Inbox
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        credentials.setenv(name, "http://127.0.0.1:9")
    await connect().send_raw(written(mail_of(agent, peer.address)), to=peer.address)
    assert len(inbox(peer)) == 1


async def test_no_logger_prints_the_mail_or_how_it_was_signed(
    connect: Connect, agent: Agent, door: SesControl, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await connect().send_raw(written(mail_of(agent, "a@b.example")), to="a@b.example")
    await caught(connect(endpoint="http://127.0.0.1:9"), agent)
    assert "report back" not in caplog.text
    assert "Signature" not in caplog.text
    assert [one for one in caplog.records if one.name.startswith(("boto", "urllib3"))] == []


# ── the thread ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_loop_runs_on_while_boto3_is_at_work(
    connect: Connect, agent: Agent, door: SesControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.api import ses

    threads: list[threading.Thread] = []
    made = ses._client
    monkeypatch.setattr(
        ses, "_client", lambda place: threads.append(threading.current_thread()) or made(place)
    )
    transport = connect()
    await asyncio.gather(transport.standing(), transport.standing())
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
