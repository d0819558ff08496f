"""Files that are waited for, cut off, cancelled, or find no room: told, and nothing half stays."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

import pytest

from services.api.assmbl import AssmblClient
from services.api.presigned import LARGEST_FILE, Downloaded, Progress
from services.attachments import landing
from services.attachments.transfer import (
    POLL_LIMIT,
    AttachmentSource,
    Fetcher,
    Progressed,
    Stage,
    sha256_of,
)
from services.errors import (
    BadAnswer,
    DiskFull,
    MailError,
    NotFound,
    ServiceError,
    TimedOut,
    UsageError,
)
from services.sandbox.records import Agent
from tests.conftest import Deliver, SandboxControl
from tests.services.attachments.conftest import Ticks
from tests.services.attachments.saving import PDF, leftovers, mode, size, wanted

# ── waiting ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_file_that_is_prepared_is_waited_for(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, sandbox: SandboxControl, agent: Agent,
    ticks: Ticks,
) -> None:  # fmt: skip
    sandbox.fault("pending_attachments", agent, times=3)
    told: list[Progressed] = []
    saved = await fetcher.save(wanted(deliver(PDF), downloads), told.append)
    assert saved.path.exists()
    assert [t.stage for t in told[:3]] == [Stage.WAITING] * 3
    assert ticks.naps == [1.0, 1.5, 2.25]


async def test_waiting_ends(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, sandbox: SandboxControl, agent: Agent,
    ticks: Ticks,
) -> None:  # fmt: skip
    sandbox.fault("pending_attachments", agent, times=None)
    with pytest.raises(TimedOut, match="still preparing"):
        await fetcher.save(wanted(deliver(PDF), downloads))
    assert sum(ticks.naps) <= POLL_LIMIT
    assert leftovers(downloads) == []


async def test_a_file_that_failed_on_the_service_is_not_asked_for_again(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, sandbox: SandboxControl, agent: Agent,
    ticks: Ticks,
) -> None:  # fmt: skip
    sandbox.fault("failed_attachments", agent)
    with pytest.raises(NotFound, match="could not prepare"):
        await fetcher.save(wanted(deliver(PDF), downloads))
    assert ticks.naps == []


# ── breaking ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_broken_download_goes_on_where_it_stood_when_asked_again(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, staging: Path, sandbox: SandboxControl
) -> None:
    message_id = deliver(PDF)
    sandbox.fault("truncated", operation="s3_download", times=None, size=1_000)
    with pytest.raises(ServiceError):
        await fetcher.save(wanted(message_id, downloads))
    [part] = leftovers(staging)
    held = size(part)
    assert 1_000 <= held < len(PDF[1])
    assert mode(Path(part)) == 0o600
    assert leftovers(downloads) == []
    sandbox.clear_faults()
    told: list[Progressed] = []
    saved = await fetcher.save(wanted(message_id, downloads), told.append)
    assert saved.path.read_bytes() == PDF[1]
    assert await sha256_of(saved.path) == sha256(PDF[1]).hexdigest()
    assert told[0].done > held
    assert leftovers(staging) == []


async def test_an_expired_link_is_asked_for_again(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, sandbox: SandboxControl
) -> None:
    sandbox.fault("status", operation="s3_download", status=403)
    assert (await fetcher.save(wanted(deliver(PDF), downloads))).path.exists()


async def test_a_file_above_the_cap_is_not_fetched(
    client: AssmblClient, deliver: Deliver, downloads: Path, staging: Path, sandbox: SandboxControl
) -> None:
    fetcher = Fetcher(client.attachments, staging, largest=1_000)
    with pytest.raises(BadAnswer, match="larger than"):
        await fetcher.save(wanted(deliver(PDF), downloads))
    assert [r for r in sandbox.requests() if r["door"] == "s3"] == []


async def test_a_gone_message_is_not_found(fetcher: Fetcher, downloads: Path) -> None:
    with pytest.raises(NotFound):
        await fetcher.save(wanted("no-such-message", downloads))


async def test_a_cancelled_download_leaves_nothing(
    fetcher: Fetcher, deliver: Deliver, downloads: Path, staging: Path, sandbox: SandboxControl
) -> None:
    sandbox.fault("slow_drip", operation="s3_download", seconds=600.0, size=1_000)
    moving = asyncio.Event()

    def tell(progressed: Progressed) -> None:
        if progressed.done:
            moving.set()

    task = asyncio.ensure_future(fetcher.save(wanted(deliver(PDF), downloads), tell))
    await moving.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert leftovers(downloads, staging) == []


class HeldSource:
    """The files of a service, of which none goes on before `go`; `reached` tells of the first."""

    def __init__(self, files: AttachmentSource) -> None:
        self._files = files
        self.get_inbound_attachment_status = files.get_inbound_attachment_status
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    async def download_file(
        self, message_id: str, index: int, descriptor: int, *, resume: bool = False,
        largest: int = LARGEST_FILE, on_progress: Progress | None = None,
    ) -> Downloaded | None:  # fmt: skip
        self.reached.set()
        await self.go.wait()
        return await self._files.download_file(
            message_id, index, descriptor, resume=resume, largest=largest, on_progress=on_progress
        )


async def test_the_same_file_is_not_saved_by_two_at_once(
    client: AssmblClient, deliver: Deliver, downloads: Path, staging: Path
) -> None:
    source, one = HeldSource(client.attachments), wanted(deliver(PDF), downloads)
    fetcher = Fetcher(source, staging)
    first = asyncio.ensure_future(fetcher.save(one))
    await source.reached.wait()
    with pytest.raises(UsageError):
        await fetcher.save(one)
    source.go.set()
    await first
    assert leftovers(downloads) == [str(downloads / "report.pdf")]


# ── folders and disks ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["missing", "file", "nul", "dangling"])
async def test_a_folder_that_is_none_is_refused_before_anything_is_asked(
    fetcher: Fetcher, tmp_path: Path, kind: str
) -> None:
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("x")
    elif kind == "dangling":
        place.symlink_to(tmp_path / "nowhere")
    elif kind == "nul":
        place = tmp_path / "a\0b"
    with pytest.raises(UsageError):
        await fetcher.save(wanted("any", place))


def test_the_downloads_folder_is_made_when_it_is_missing(isolation: Path) -> None:
    assert landing.target_folder(Path("~/Downloads")) == isolation / "Downloads"
    assert mode(isolation / "Downloads") == 0o700


def test_a_file_from_another_disk_is_copied_and_lands_whole(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    with landing.unfinished(other) as arrived:
        arrived.write_bytes(b"across")
        path = landing.land(arrived, tmp_path, "x.bin")
        assert not arrived.exists()
    assert path.read_bytes() == b"across"
    assert leftovers(tmp_path) == [str(path)]


def test_on_a_disk_without_links_a_name_is_taken_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(landing.os, "link", no_links)
    (tmp_path / "x.bin").write_bytes(b"mine")
    with landing.unfinished(tmp_path) as arrived:
        arrived.write_bytes(b"new")
        path = landing.land(arrived, tmp_path, "x.bin")
    assert path.name == "x (2).bin"
    assert path.read_bytes() == b"new"
    assert (tmp_path / "x.bin").read_bytes() == b"mine"


def test_a_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(landing.os, "fsync", full)
    with pytest.raises(DiskFull), landing.unfinished(tmp_path) as arrived:
        landing.land(arrived, tmp_path, "x.bin")
    assert leftovers(tmp_path) == []


def test_a_file_that_cannot_fit_is_refused_before_it_is_fetched(tmp_path: Path) -> None:
    landing.room_for(tmp_path, None)
    landing.room_for(tmp_path, 1)
    with pytest.raises(DiskFull):
        landing.room_for(tmp_path, 2**62)


def test_parts_that_nobody_came_back_for_are_forgotten(tmp_path: Path) -> None:
    staging = landing.Staging(tmp_path / "arriving")
    with staging.part("m", 0) as part:
        pass
    staging.tidy()
    assert part.path.exists()
    staging.tidy(part.path.stat().st_mtime + 25 * 3600)
    assert not part.path.exists()


def test_errors_of_the_disk_are_sentences() -> None:
    with pytest.raises(MailError, match="cannot be written: Input"), landing.disk_errors():
        raise OSError(5, "Input/output error")
