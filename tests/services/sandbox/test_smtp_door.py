"""The mail door takes mail for its agents from real senders and refuses the rest properly.

The sandbox runs as its own process; what was delivered is read back over its API.
"""

from __future__ import annotations

import asyncio
import shutil
import smtplib
import socket
import subprocess
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.sandbox.records import Agent
from services.sandbox.smtp_door import SIZE_LIMIT, open_smtp_door
from services.sandbox.store import Store


@dataclass(frozen=True, slots=True)
class _Box:
    """A fresh agent in a running sandbox."""

    host: str
    port: int
    address: str
    token: str
    base_url: str

    def items(self) -> list[dict[str, object]]:
        answer = httpx.get(f"{self.base_url}/inbox", headers=self._auth, trust_env=False)
        return list(answer.json()["items"])

    def only(self) -> dict[str, object]:
        (item,) = self.items()
        url = f"{self.base_url}/messages/{item['MessageID']}"
        return dict(httpx.get(url, headers=self._auth, trust_env=False).json())

    @property
    def _auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def smtp(self) -> smtplib.SMTP:
        return smtplib.SMTP(self.host, self.port, local_hostname="test.example", timeout=30)


@pytest.fixture
def box(sandbox: Any, agent: Agent) -> _Box:
    host, _, port = sandbox.smtp.partition(":")
    return _Box(host, int(port), agent.address, agent.token, sandbox.base_url)


def _mail(to: str, subject: str = "Hello", body: str = "Plain text.\n") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Somebody <somebody@elsewhere.example>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Message-ID"] = "<1@elsewhere.example>"
    mail.set_content(body)
    return mail


def test_smtplib_delivers_a_mail_that_is_unverified(box: _Box) -> None:
    mail = _mail(box.address, "Grüße aus Köln", "Täglich neu.\n")
    mail["X-AgentMail-Correlation-Id"] = "corr-1"
    with box.smtp() as smtp:
        assert smtp.send_message(mail) == {}
    (item,) = box.items()
    assert item["SenderVerified"] is False
    assert (item["Subject"], item["Sender"]) == (
        "Grüße aus Köln",
        "Somebody <somebody@elsewhere.example>",
    )
    assert (item["BodyPreview"], item["IsRead"]) == ("Täglich neu.", False)
    assert item["CorrelationID"] == "corr-1"


def test_the_bytes_arrive_as_sent_behind_a_trace(box: _Box) -> None:
    sent = (
        b"Subject: raw\r\nFrom: a@b.example\r\n\r\n.dot first\r\ncaf\xc3\xa9 \xf0\x9f\x90\x9f\r\n"
    )
    with box.smtp() as smtp:
        smtp.sendmail("a@b.example", [box.address], sent, ["BODY=8BITMIME"])
    raw = box.only()["raw_mime"]
    assert isinstance(raw, str)
    trace, _, rest = raw.partition("Subject: raw")
    assert ("Subject: raw" + rest).encode() == sent
    assert trace.startswith(
        "Return-Path: <a@b.example>\r\nReceived: from test.example ([127.0.0.1])"
    )


@pytest.mark.skipif(not shutil.which("swaks"), reason="swaks is not installed")
def test_swaks_delivers_with_a_file_and_an_own_header(box: _Box, tmp_path: Path) -> None:
    (tmp_path / "report.csv").write_text("a,b\n1,2\n")
    argv = ["swaks", "--server", f"{box.host}:{box.port}", "--to", box.address]
    argv += ["--from", "swaks@elsewhere.example", "--header", "Subject: from swaks", "--body", "hi"]
    argv += ["--add-header", "X-AgentMail-Marketplace-Request-Id: mr-1"]
    argv += ["--attach-type", "text/csv", "--attach-name", "report.csv"]
    argv += ["--attach", f"@{tmp_path / 'report.csv'}"]
    done = subprocess.run(argv, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout
    message = box.only()
    assert (message["Subject"], message["MarketplaceRequestID"]) == ("from swaks", "mr-1")
    files = message["attachments"]
    assert isinstance(files, list)
    assert [(f["file_name"], f["content_type"], f["size"]) for f in files] == [
        ("report.csv", "text/csv", 8)
    ]


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_delivers_too(box: _Box, tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(b"Subject: from curl\r\n\r\nhi\r\n")
    argv = ["curl", "-sS", f"smtp://{box.host}:{box.port}", "--mail-from", "c@elsewhere.example"]
    argv += ["--mail-rcpt", box.address, "-T", str(tmp_path / "mail.eml")]
    assert subprocess.run(argv, capture_output=True, timeout=60).returncode == 0
    assert box.only()["Subject"] == "from curl"


@pytest.mark.parametrize(
    ("recipient", "code", "status"),
    [
        ("nobody@agents.example.com", 550, b"5.1.1"),
        ("ops-bot@other.example", 550, b"5.7.1"),
        ("ops-bot@agents.example.com.evil.example", 550, b"5.7.1"),
        ("ops-bot", 550, b"5.7.1"),
        ("ops-bot%other.example@agents.example.com", 550, b"5.1.1"),
        ('"a b"@agents.example.com', 550, b"5.1.1"),
    ],
)
def test_a_recipient_who_is_not_here_is_refused(
    box: _Box, recipient: str, code: int, status: bytes
) -> None:
    with box.smtp() as smtp:
        smtp.ehlo()
        smtp.mail("a@b.example")
        answer = smtp.rcpt(recipient)
    assert (answer[0], answer[1].split()[0]) == (code, status)


def test_each_local_recipient_gets_one_copy_and_the_others_are_named(
    box: _Box, sandbox: Any
) -> None:
    to = [
        box.address,
        sandbox.accounts[2].address,
        "nobody@agents.example.com",
        box.address.upper(),
    ]
    with box.smtp() as smtp:
        refused = smtp.sendmail("a@b.example", to, b"Subject: several\r\n\r\nhi\r\n")
    assert list(refused) == ["nobody@agents.example.com"]
    assert [item["Subject"] for item in box.items()] == ["several"]


def test_a_bounce_with_an_empty_sender_is_taken(box: _Box) -> None:
    with box.smtp() as smtp:
        smtp.sendmail("", [box.address], b"Subject: bounce\r\n\r\nfailed\r\n")
    raw = box.only()["raw_mime"]
    assert isinstance(raw, str)
    assert raw.startswith("Return-Path: <>\r\n")


def test_a_mail_that_is_announced_too_large_is_refused_at_once(box: _Box) -> None:
    with box.smtp() as smtp:
        smtp.ehlo()
        assert smtp.esmtp_features["size"] == str(SIZE_LIMIT)
        code, _ = smtp.mail("a@b.example", [f"SIZE={SIZE_LIMIT + 1}"])
    assert code == 552


def test_a_mail_that_turns_out_too_large_is_refused(box: _Box) -> None:
    line = b"x" * 998 + b"\r\n"
    with box.smtp() as smtp:
        smtp.ehlo()
        smtp.mail("a@b.example")
        smtp.rcpt(box.address)
        code, _ = smtp.data(line * (SIZE_LIMIT // 1000 + 2))
    assert code == 552
    assert box.items() == []


@pytest.mark.parametrize("body", [b"bare\nfeeds\r\n", b"smuggled\n.\r\nMAIL FROM:<x@y>\r\n"])
def test_bare_line_feeds_are_refused(box: _Box, body: bytes) -> None:
    with socket.create_connection((box.host, box.port), timeout=10) as wire:
        reader = wire.makefile("rb")
        talk = [
            b"",
            b"HELO x\r\n",
            b"MAIL FROM:<a@b.example>\r\n",
            f"RCPT TO:<{box.address}>\r\n".encode(),
        ]
        for line in [*talk, b"DATA\r\n"]:
            wire.sendall(line)
            reader.readline()
        wire.sendall(b"Subject: s\r\n\r\n" + body + b".\r\n")
        assert reader.readline().startswith(b"554 5.6.0")
    assert box.items() == []


def test_an_overlong_line_is_refused_and_the_session_lives_on(box: _Box) -> None:
    with box.smtp() as smtp:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            smtp.sendmail(
                "a@b.example", [box.address], b"Subject: x\r\n\r\n" + b"y" * 5_000 + b"\r\n"
            )
        assert refused.value.smtp_code == 500
        smtp.sendmail("a@b.example", [box.address], b"Subject: after\r\n\r\nhi\r\n")
    assert [item["Subject"] for item in box.items()] == ["after"]


@pytest.mark.parametrize(
    "line",
    [
        b"MAIL FROM:<\xff@x>",
        b"MAIL FROM:<a@b> SIZE=x",
        b"RCPT TO:",
        b"DATA",
        b"AUTH PLAIN AA==",
        b"\x00" * 40,
        b"VRFY x" * 200,
    ],
)
def test_an_odd_command_gets_an_answer_and_the_session_lives_on(box: _Box, line: bytes) -> None:
    with socket.create_connection((box.host, box.port), timeout=10) as wire:
        reader = wire.makefile("rb")
        reader.readline()
        for sent in (b"HELO x", line, b"NOOP"):
            wire.sendall(sent + b"\r\n")
        answers = [reader.readline() for _ in range(3)]
    assert answers[1][:1] in (b"5", b"2"), answers
    assert answers[2].startswith(b"250")


async def test_stopping_does_not_wait_for_a_silent_client(tmp_path: Path) -> None:
    store = Store(tmp_path, durable=False)
    store.add_agent("ops-bot")
    door = await open_smtp_door(store, store.mail_domain)
    reader, writer = await asyncio.open_connection(door.host, door.port)
    assert (await reader.readline()).startswith(b"220 agents.example.com")
    await asyncio.wait_for(door.stop(), 5)
    assert await reader.read() == b""
    writer.close()
    store.close()


async def test_a_mail_that_cannot_be_stored_is_to_be_sent_again(tmp_path: Path) -> None:
    store = Store(tmp_path, durable=False)
    agent = store.add_agent("ops-bot")
    door = await open_smtp_door(store, store.mail_domain)
    store.database.connection.execute("PRAGMA query_only = 1")

    def send() -> int:
        with smtplib.SMTP(door.host, door.port, timeout=10) as smtp:
            smtp.ehlo()
            smtp.mail("a@b.example")
            smtp.rcpt(agent.address)
            return smtp.data(b"Subject: x\r\n\r\nhi\r\n")[0]

    assert await asyncio.to_thread(send) == 452
    await door.stop()
    store.close()
