"""Amazon SES, or what stands in its place, that answers byte by byte, or never gets its request."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.api.ses import CALL_SECONDS, SLOWEST, SesTransport
from services.errors import TimedOut
from services.outbound.outbox.outbox_views import sentence_of
from services.service_config import SesPlace
from tests.fakes.fake_provider import until
from tests.fakes.scripted_service import FakeService, Reply
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import SENT, UNCERTAIN, mail, queue, states
from tests.services.ses.ses_office import Opens, by_ses

pytest.importorskip("boto3")
DRIPPING = Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", drip=b" ")
SENDER = "bot@agents.example.com"


@pytest.fixture
async def dripping(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeService]:
    """Sends a byte of its answer now and then, and never the last one."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    async with FakeService(DRIPPING) as service:
        yield service


class Limits:
    """The limits of calls, which are over when a test says so."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._limits: list[asyncio.Timeout] = []

    def __call__(self, seconds: float) -> asyncio.Timeout:
        self.seconds.append(seconds)
        self._limits.append(asyncio.timeout(None))
        return self._limits[-1]

    def end(self) -> None:
        self._limits[-1].reschedule(asyncio.get_running_loop().time())


async def test_a_call_ends_by_the_clock_however_steadily_the_answer_drips(
    dripping: FakeService,
) -> None:
    limits = Limits()
    transport = SesTransport(SesPlace(SENDER, "eu-west-1", dripping.url), limits)
    raw = b"m" * SLOWEST * 7
    sending = asyncio.create_task(transport.send_raw(raw, to="ann@outside.example"))
    await until(lambda: bool(dripping.seen))
    limits.end()
    with pytest.raises(TimedOut, match="Amazon SES did not answer in time") as raised:
        await sending
    assert raised.value.uncertain
    assert limits.seconds == [CALL_SECONDS + 7]
    assert len(dripping.seen) == 1


async def test_a_request_that_waits_for_its_credentials_never_leaves_after_the_limit(
    dripping: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, told = tmp_path / "gate", tmp_path / "told.json"
    os.mkfifo(gate)
    told.write_text('{"Version": 1, "AccessKeyId": "key", "SecretAccessKey": "secret"}')
    program = tmp_path / "credentials"
    program.write_text(f"#!/bin/sh\nread line < {gate}\ncat {told}\n")
    program.chmod(0o700)
    config = tmp_path / "config"
    config.write_text(f"[profile slow]\nregion = eu-west-1\ncredential_process = {program}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    limits = Limits()
    place = SesPlace(SENDER, "eu-west-1", dripping.url, profile="slow")
    transport = SesTransport(place, limits)
    before = set(threading.enumerate())
    sending = asyncio.create_task(transport.send_raw(b"mail", to="ann@outside.example"))
    # Opening it for writing waits until the program reads it.
    let_go = await asyncio.to_thread(os.open, gate, os.O_WRONLY)
    [thread] = [one for one in set(threading.enumerate()) - before if one.name == "beside"]
    limits.end()
    with pytest.raises(TimedOut) as raised:
        await sending
    assert not raised.value.uncertain
    os.write(let_go, b"go\n")
    os.close(let_go)
    await asyncio.to_thread(thread.join)
    assert dripping.seen == []


async def test_the_office_closes_while_an_answer_drips_and_the_mail_is_in_doubt(
    opens: Opens, dripping: FakeService, bob: Party
) -> None:
    office = await opens(place={"endpoint": dripping.url})
    (entry,) = await queue(office, by_ses(bob.address))
    sending = asyncio.create_task(office.sending.push([entry.entry_id], 600))
    await until(lambda: bool(dripping.seen))
    await office.close(0)
    sending.cancel()
    await asyncio.wait((sending,))
    again = await opens(place={"endpoint": dripping.url})
    (after,) = await again.sending.push([entry.entry_id], 30)
    assert (after.state, after.next_try) == (UNCERTAIN, 0)
    assert "may have left" in sentence_of(after, 0)
    assert len(dripping.seen) == 1


async def test_other_mail_leaves_meanwhile(opens: Opens, dripping: FakeService, bob: Party) -> None:
    office = await opens(place={"endpoint": dripping.url})
    (slow,) = await queue(office, by_ses(bob.address))
    sending = asyncio.create_task(office.sending.push([slow.entry_id], 600))
    await until(lambda: bool(dripping.seen))
    (other,) = await queue(office, mail(bob.address, subject="Other"))
    assert states(await office.sending.push([other.entry_id], 30)) == [SENT]
    sending.cancel()
    await asyncio.wait((sending,))


PROGRAM = """
import asyncio, sys
from services.api.ses import SesTransport
from services.service_config import SesPlace

async def main():
    transport = SesTransport(SesPlace("bot@agents.example.com", "eu-west-1", sys.argv[1]))
    sending = asyncio.ensure_future(transport.send_raw(b"mail", to="ann@outside.example"))
    await asyncio.to_thread(sys.stdin.readline)
    sending.cancel()

asyncio.run(main())
"""


async def test_a_program_ends_while_an_answer_drips(dripping: FakeService) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, dripping.url, stdin=asyncio.subprocess.PIPE
    )
    assert child.stdin is not None
    await until(lambda: bool(dripping.seen))
    child.stdin.write(b"end\n")
    assert await child.wait() == 0
