"""Files and services that mean harm or talk nonsense (research/reliability.md A01, A03, A06, S02)."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from services.api.assmbl import AssmblClient
from services.api.presigned import Downloaded, Progress
from services.attachments.transfer import Fetcher, Progressed, Stage, Wanted
from services.errors import BadAnswer, PolicyRefused, ServiceError, TimedOut
from services.sandbox.records import Agent
from services.wire_values import InboundAttachment
from tests.conftest import Deliver, SandboxControl
from tests.fakes.scripted_service import FakeService, FakeSleep, Reply, Seen, answer
from tests.services.attachments.conftest import Ticks
from tests.services.mail_corpora import corpora

STRINGS = json.loads((corpora() / "generated/strings.json").read_text())


class FakeSource:
    """Hands out files under any name; `statuses` are told one after another, then "ready"."""

    def __init__(
        self, names: Sequence[str], *, data: bytes = b"data", statuses: Sequence[str] = (),
        size: int | None = None, not_yet: int = 0,
    ) -> None:  # fmt: skip
        self._names = names
        self._data = data
        self._statuses = list(statuses)
        self._size = size
        self._not_yet = not_yet

    async def get_inbound_attachment_status(self, message_id: str, index: int) -> InboundAttachment:
        status = self._statuses.pop(0) if self._statuses else "ready"
        return InboundAttachment(index, self._names[index], "text/plain", self._size, status, False)

    async def download_file(
        self, message_id: str, index: int, descriptor: int, *, resume: bool = False,
        largest: int = 0, on_progress: Progress | None = None,
    ) -> Downloaded | None:  # fmt: skip
        if self._not_yet:
            self._not_yet -= 1
            return None
        os.pwrite(descriptor, self._data, 0)
        return Downloaded(len(self._data))


def saved_by(source: FakeSource, folder: Path, staging: Path, ticks: Ticks) -> Fetcher:
    return Fetcher(source, staging, sleep=ticks.sleep, monotonic=ticks)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]


async def test_every_hostile_name_lands_twice_in_the_folder_and_nowhere_else(
    downloads: Path, staging: Path, tmp_path: Path, ticks: Ticks
) -> None:
    names: list[str] = STRINGS["filenames"]
    assert len(names) == 35
    (downloads / "authorized_keys").symlink_to(tmp_path / "elsewhere")
    fetcher = saved_by(FakeSource(names), downloads, staging, ticks)
    umask = os.umask(0)
    try:
        found = [
            (await fetcher.save(Wanted(f"m{turn}", index, downloads))).path
            for turn in range(2)
            for index in range(len(names))
        ]
    finally:
        os.umask(umask)
    assert len(set(found)) == 70
    assert {path.parent for path in found} == {downloads}
    assert sorted(files(tmp_path)) == sorted({*found, downloads / "authorized_keys"})
    for path in found:
        assert stat.S_ISREG(path.lstat().st_mode)
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600


async def test_a_folder_that_becomes_a_link_under_way_takes_nothing_elsewhere(
    downloads: Path, staging: Path, tmp_path: Path, ticks: Ticks
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    link = tmp_path / "link"
    link.symlink_to(downloads, target_is_directory=True)

    class Swapping(FakeSource):
        async def download_file(self, *told: object, **named: object) -> Downloaded | None:
            link.unlink()
            link.symlink_to(other, target_is_directory=True)
            return await super().download_file(*told, **named)  # type: ignore[arg-type]

    fetcher = saved_by(Swapping(["a.txt"]), downloads, staging, ticks)
    saved = await fetcher.save(Wanted("m", 0, link))
    assert saved.path == downloads / "a.txt"
    assert files(other) == []


# ── waiting (A06) ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ["processing", "PENDING", "", "Quarantined?"])
async def test_a_state_that_nobody_knows_is_waited_out_and_shown(
    downloads: Path, staging: Path, ticks: Ticks, status: str
) -> None:
    told: list[Progressed] = []
    source = FakeSource(["a.txt"], statuses=[status, status])
    saved = await saved_by(source, downloads, staging, ticks).save(
        Wanted("m", 0, downloads), told.append
    )
    assert saved.path.name == "a.txt"
    assert [one.stage for one in told] == [Stage.WAITING] * 2
    assert ticks.naps == [1.0, 1.5]


async def test_a_file_that_is_ready_and_then_not_yet_is_waited_for_till_the_deadline(
    downloads: Path, staging: Path, ticks: Ticks
) -> None:
    fetcher = saved_by(FakeSource(["a.txt"], not_yet=2), downloads, staging, ticks)
    assert (await fetcher.save(Wanted("m", 0, downloads))).path.exists()
    assert ticks.naps == [1.0, 1.5]
    fetcher = saved_by(FakeSource(["a.txt"], not_yet=1_000), downloads, staging, ticks)
    with pytest.raises(TimedOut, match="still preparing"):
        await fetcher.save(Wanted("m", 0, downloads))
    assert sum(ticks.naps) < 40


@pytest.mark.parametrize("status", [409, 202])
async def test_not_ready_in_each_of_the_services_ways_is_the_same(
    downloads: Path, staging: Path, ticks: Ticks, status: int
) -> None:
    turns = iter(range(100))

    def script(seen: Seen) -> Reply:
        if seen.target.startswith("/file"):
            return answer(200, b"here it is")
        if seen.target.endswith("/download-request"):
            if next(turns) < 2:
                return answer(status, {"error": "attachment_not_ready"})
            return answer(200, {"url": f"http://127.0.0.1:{storage.port}/file?s=1"})
        return answer(200, {"index": 0, "file_name": "a.txt", "content_type": "text/plain",
                            "size": 10, "status": "ready", "encrypted": False})  # fmt: skip

    async with FakeService(script=script) as api, FakeService(script=script) as storage:
        client = AssmblClient(api.url, "token", "agents.example.com", sleep=FakeSleep())
        fetcher = Fetcher(client.attachments, staging, sleep=ticks.sleep, monotonic=ticks)
        saved = await fetcher.save(Wanted("m", 0, downloads))
        assert saved.path.read_bytes() == b"here it is"
        assert ticks.naps == [1.0, 1.5]
        assert "authorization" in api.seen[0].headers
        assert not any("authorization" in one.headers for one in storage.seen)
        await client.aclose()


async def test_waiting_is_given_up_at_once(downloads: Path, staging: Path) -> None:
    source = FakeSource(["a.txt"], statuses=["pending"] * 1_000)
    waits = asyncio.Event()
    fetcher = Fetcher(source, staging)
    task = asyncio.ensure_future(fetcher.save(Wanted("m", 0, downloads), lambda _: waits.set()))
    await waits.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert files(downloads) == []


# ── links and sizes (A03) ────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def lying(request: pytest.FixtureRequest) -> AsyncIterator[tuple[AssmblClient, FakeService]]:
    """A service whose download link is what the test says."""

    def script(seen: Seen) -> Reply:
        if seen.target.endswith("/download-request"):
            return answer(200, {"url": request.param})
        return answer(200, {"index": 0, "file_name": "a.txt", "content_type": "text/plain",
                            "size": 10, "status": "ready", "encrypted": False})  # fmt: skip

    async with FakeService(script=script) as service:
        client = AssmblClient(service.url, "token", "agents.example.com", sleep=FakeSleep())
        yield client, service
        await client.aclose()


PRIVATE = ["https://10.0.0.1/x", "https://192.168.1.1/x", "https://[fd00::1]/x",
           "https://169.254.169.254/latest/meta-data/", "https://metadata.google.internal/",
           "http://10.0.0.1/x"]  # fmt: skip
ODD_LINKS = [one for one in STRINGS["urls"] if one and "127.0.0.1" not in one
             and "[::1]" not in one and "localhost" not in one] + PRIVATE  # fmt: skip


@pytest.mark.parametrize("lying", ODD_LINKS, indirect=True, ids=range(len(ODD_LINKS)))
async def test_a_link_to_another_scheme_or_host_is_refused_before_anything_connects(
    lying: tuple[AssmblClient, FakeService], downloads: Path, staging: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    client, service = lying
    loop = asyncio.get_running_loop()
    own, connect = service.port, loop.create_connection

    async def only_ours(factory: object, host: str, port: int, **named: object) -> object:
        assert (host, port) == ("127.0.0.1", own), "it knocked at another door"
        return await connect(factory, host, port, **named)  # type: ignore[arg-type,call-overload]

    monkeypatch.setattr(loop, "create_connection", only_ours)
    with pytest.raises((PolicyRefused, BadAnswer)) as refused:
        await Fetcher(client.attachments, staging).save(Wanted("m", 0, downloads))
    assert isinstance(refused.value, PolicyRefused)
    assert files(downloads) == files(staging) == []


@pytest.mark.parametrize(("told", "came"), [(10, 4), (2, 4_000), (None, 4)])
async def test_another_size_than_announced_is_told_not_hidden(
    downloads: Path, staging: Path, ticks: Ticks, told: int | None, came: int
) -> None:
    source = FakeSource(["a.txt"], data=b"x" * came, size=told)
    saved = await saved_by(source, downloads, staging, ticks).save(Wanted("m", 0, downloads))
    assert saved.size == came
    assert saved.is_other_size is (told is not None)


async def test_a_file_that_goes_on_beyond_the_cap_is_broken_off_and_gone(
    downloads: Path, staging: Path
) -> None:
    def script(seen: Seen) -> Reply:
        if seen.target.startswith("/file"):
            return Reply(b"HTTP/1.1 200 OK\r\n\r\n", drip=b"x" * 10_000)
        if seen.target.endswith("/download-request"):
            return answer(200, {"url": f"http://127.0.0.1:{storage.port}/file"})
        return answer(200, {"index": 0, "file_name": "a", "content_type": "a/b", "size": 1,
                            "status": "ready", "encrypted": False})  # fmt: skip

    async with FakeService(script=script) as api, FakeService(script=script) as storage:
        client = AssmblClient(api.url, "token", "agents.example.com", sleep=FakeSleep())
        fetcher = Fetcher(client.attachments, staging, largest=50_000)
        with pytest.raises(BadAnswer, match="larger than"):
            await fetcher.save(Wanted("m", 0, downloads))
        await client.aclose()
    assert files(downloads) == files(staging) == []


# ── secrets (S02) ────────────────────────────────────────────────────────────────────────────────


async def test_no_signature_and_no_token_reaches_a_log_a_file_or_an_error(
    fetcher: Fetcher, client: AssmblClient, deliver: Deliver, downloads: Path, tmp_path: Path,
    sandbox: SandboxControl, agent: Agent, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    errors: list[str] = []
    message_id = deliver(("a.bin", b"x" * 50_000, "application/octet-stream"))
    for fault in ({}, {"kind": "truncated", "size": 100}, {"kind": "status", "status": 403},
                  {"kind": "drop_before"}, {"kind": "html"}):  # fmt: skip
        if fault:
            for operation in ("s3_download", "s3_upload"):
                sandbox.fault(operation=operation, times=None, **fault)
        try:
            await fetcher.save(Wanted(message_id, 0, downloads))
            with (tmp_path / "up.bin").open("w+b") as file:
                file.write(b"y" * 1_000)
                file.flush()
                await client.attachments.upload_file(file, file_name="u", content_type="a/b")
        except ServiceError as error:
            errors.append(f"{error!r} {error} {error.__cause__} {error.__context__}")
        sandbox.clear_faults()
    assert len(errors) >= 3
    said = "\n".join([*errors, caplog.text, *(str(record.args) for record in caplog.records)])
    on_disk = b"".join(path.read_bytes() for path in files(tmp_path))
    for secret in (agent.token, "X-Amz-Signature", "x-amz-signature"):
        assert secret not in said
        assert secret.encode() not in on_disk
