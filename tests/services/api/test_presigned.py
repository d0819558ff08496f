"""Transfers with storage hosts that misbehave (A03, A05, research/reliability.md TH8)."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import BinaryIO

import pytest

from services import origins
from services.api.failures import CutAnswer
from services.api.file_sink import FileSink
from services.api.presigned import DownloadLink, LinkExpired, StorageDoor, UploadForm
from services.errors import (
    BadAnswer,
    DiskFull,
    MailError,
    NotFound,
    PolicyRefused,
    Rejected,
    ServerBroken,
    ServiceError,
)
from tests.fakes.scripted_service import FakeService, Reply, Seen, answer

API = origins.origin_of("http://127.0.0.1:1")
WHOLE = bytes(range(256)) * 40


@asynccontextmanager
async def storage(
    *replies: Reply, script: object = None
) -> AsyncIterator[tuple[StorageDoor, FakeService]]:
    async with FakeService(*replies, script=script) as service:  # type: ignore[arg-type]
        door = StorageDoor(API)
        yield door, service
        await door.aclose()


@pytest.fixture
def arrived() -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        yield file


def content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def ranged(seen: Seen) -> Reply:
    """An honest host: the part asked for, or all."""
    start = int(seen.headers.get("range", "bytes=0-")[6:-1])
    if not start:
        return answer(200, WHOLE)
    span = f"bytes {start}-{len(WHOLE) - 1}/{len(WHOLE)}"
    return answer(206, WHOLE[start:], headers={"Content-Range": span})


async def test_a_cut_download_keeps_what_came_and_goes_on_there(arrived: BinaryIO) -> None:
    cut = Reply(answer(200, WHOLE).data[:-5_000], close=True)
    async with storage(cut) as (door, service):
        sink = FileSink(arrived.fileno())
        with pytest.raises(CutAnswer):
            await door.download(DownloadLink(service.url), sink)
        assert 0 < sink.size <= len(WHOLE) - 5_000
    async with storage(script=ranged) as (door, service):
        kept = sink.size
        await door.download(DownloadLink(service.url), sink)
        assert service.seen[0].headers["range"] == f"bytes={kept}-"
    assert content(arrived) == WHOLE


async def test_a_host_that_ignores_the_range_starts_the_file_anew(arrived: BinaryIO) -> None:
    arrived.write(b"old half")
    arrived.flush()
    async with storage(answer(200, WHOLE)) as (door, service):
        await door.download(DownloadLink(service.url), FileSink(arrived.fileno(), resume=True))
    assert content(arrived) == WHOLE


@pytest.mark.parametrize(
    "span", ["bytes 0-9/10", "bytes 9-19/20", "bytes */20", "", "lines 8-9/10", "bytes 8-x/10"]
)
async def test_another_part_than_asked_for_is_never_glued_on(arrived: BinaryIO, span: str) -> None:
    arrived.write(b"old half")
    arrived.flush()
    sink = FileSink(arrived.fileno(), resume=True)
    async with storage(answer(206, b"zz", headers={"Content-Range": span})) as (door, service):
        with pytest.raises(CutAnswer, match="another part"):
            await door.download(DownloadLink(service.url), sink)
    assert content(arrived) == b""


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, LinkExpired), (404, NotFound), (416, LinkExpired), (500, ServerBroken),
        (429, ServerBroken), (301, BadAnswer), (307, BadAnswer), (400, Rejected), (304, BadAnswer),
    ],
)  # fmt: skip
async def test_a_refused_download_is_its_error_and_writes_nothing(
    arrived: BinaryIO, status: int, kind: type[ServiceError]
) -> None:
    async with storage(answer(status, b"<Error>AccessDenied</Error>")) as (door, service):
        with pytest.raises(kind) as error:
            await door.download(DownloadLink(service.url), FileSink(arrived.fileno()))
    assert "AccessDenied" not in str(error.value)
    assert content(arrived) == b""


async def test_no_redirect_is_followed_in_either_direction(arrived: BinaryIO) -> None:
    async with FakeService(answer(200, WHOLE)) as elsewhere:
        away = answer(307, b"", headers={"Location": elsewhere.url})
        async with storage(away) as (door, service):
            with pytest.raises(BadAnswer, match="redirect"):
                await door.download(DownloadLink(service.url), FileSink(arrived.fileno()))
            form = UploadForm("k", service.url, {})
            with pytest.raises(BadAnswer, match="redirect"):
                await door.upload(form, arrived, content_type="a/b")
        assert elsewhere.connections == 0


async def test_odd_links_are_refused_before_anything_connects(arrived: BinaryIO) -> None:
    async with FakeService(answer(200, b"")) as service:
        door = StorageDoor(origins.origin_of("https://api.example.com"))
        with pytest.raises(PolicyRefused):
            await door.download(DownloadLink(service.url), FileSink(arrived.fileno()))
        with pytest.raises(PolicyRefused):
            await door.upload(UploadForm("k", service.url, {}), arrived, content_type="a/b")
        assert service.connections == 0


async def test_the_form_travels_whole_with_the_file_last(arrived: BinaryIO) -> None:
    arrived.write(WHOLE)
    fields = {"key": "uploads/a/b", "policy": "cG9s", "x-amz-signature": 'q"\r\nX: 1'}
    async with storage(Reply(b"HTTP/1.1 204 No Content\r\n\r\n")) as (door, service):
        await door.upload(UploadForm("k", service.url, fields), arrived, content_type="text/x")
    seen = service.seen[0]
    assert seen.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert "authorization" not in seen.headers
    assert seen.body.index(b'name="policy"') < seen.body.index(b'name="file"')
    assert seen.body.rpartition(b"\r\n\r\n")[2].startswith(WHOLE[:100])
    assert WHOLE in seen.body


async def test_a_compressed_or_oversized_download_is_stopped(arrived: BinaryIO) -> None:
    packed = answer(200, b"x", headers={"Content-Encoding": "gzip"})
    async with storage(packed) as (door, service):
        with pytest.raises(BadAnswer, match="compressed"):
            await door.download(DownloadLink(service.url), FileSink(arrived.fileno()))
    lying = Reply(b"HTTP/1.1 200 OK\r\n\r\n", drip=b"x" * 1_000)
    async with storage(lying) as (door, service):
        with pytest.raises(BadAnswer, match="larger than"):
            await door.download(
                DownloadLink(service.url), FileSink(arrived.fileno()), largest=10_000
            )
    assert len(content(arrived)) <= 10_000


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, MailError)]
)
async def test_a_full_disk_is_told_as_such(
    arrived: BinaryIO, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[MailError]
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    async with storage(answer(200, WHOLE)) as (door, service):
        sink = FileSink(arrived.fileno())
        monkeypatch.setattr(os, "pwrite", refuse)
        with pytest.raises(kind) as error:
            await door.download(DownloadLink(service.url), sink)
    assert not isinstance(error.value, ServiceError)
