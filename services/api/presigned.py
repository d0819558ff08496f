"""Bytes to and from storage hosts, through links that the service handed out.

Closes the traps of presigned addresses (research/reliability.md TH8, A03, A05): the link is checked
before anything connects, the client has no token, no redirect is followed, sizes are capped, and a
link is itself a secret: it is kept out of every `repr` and error. A transfer that breaks goes on
where it stood when the host allows it, and never behind half of another file.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import httpx

from services import origins
from services.api import connection_failures, failures, http
from services.api.connection_failures import HttpRoute
from services.api.failures import CutAnswer
from services.api.file_sink import Sink
from services.errors import (
    BadAnswer,
    Forbidden,
    NotFound,
    Rejected,
    ServerBroken,
    ServiceError,
)
from services.origins import Origin

LARGEST_FILE: Final = 100 * 1024 * 1024
SLOWEST: Final = 16 * 1024
"""Bytes a second that a transfer must have reached whenever it is looked at, after the grace."""
GRACE_SECONDS: Final = 60.0

_RANGE: Final = re.compile(r"bytes (\d{1,15})-\d{1,15}/(\d{1,15}|\*)")
_VERSION: Final = re.compile(r'"[\x21\x23-\x7e]{1,200}"')
"""A strong ETag (RFC 9110 §8.8.3): only such a one may stand in If-Range."""

Progress = Callable[[int], None]
"""Told how many bytes have passed so far; called on the loop's thread."""


class LinkExpired(Forbidden):
    """The storage host no longer accepts the link or form (403); a new one may work."""


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A presigned form: post `fields`, then the file, to `url` (api/assmbl.md §6.1)."""

    object_key: str
    url: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DownloadLink:
    """A presigned address to fetch a file from."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What arrived: bytes in the file."""

    size: int


class StorageDoor:
    """Requests to storage hosts. The connection is made when the first file moves."""

    def __init__(self, api: Origin, proxy: str = "", hosts: tuple[str, ...] = ()) -> None:
        self._api = api
        self._proxy = http.proxy_to(api, proxy)
        self._hosts = hosts
        self._client: httpx.AsyncClient | None = None

    def check(self, url: str) -> str:
        """Return a link that may be used; PolicyRefused for an odd one."""
        return origins.storage_url(url, api=self._api, hosts=self._hosts)

    async def upload(
        self,
        form: UploadForm,
        file: BinaryIO,
        *,
        content_type: str,
        on_progress: Progress | None = None,
    ) -> None:
        """Post a file from its beginning; LinkExpired when the form is no longer accepted.

        `file` must be a real file. Its name on this machine is not told.
        """
        await http.bare(self._upload(form, file, content_type, on_progress or _quiet))

    async def _upload(
        self, form: UploadForm, file: BinaryIO, content_type: str, told: Progress
    ) -> None:
        url = self.check(form.url)
        file.seek(0)
        size = os.fstat(file.fileno()).st_size
        counted = _Counted(file, told)
        request = self._opened().build_request(
            "POST",
            url,
            data=dict(form.fields),
            files={"file": ("file", counted, content_type)},  # type: ignore[dict-item]
            headers={"Accept": "*/*"},
        )
        way = HttpRoute.to(url, self._proxy)

        async def send() -> None:
            async with http.answering(self._opened(), request, way) as response:
                _raise_for(response.status_code, upload=True)

        await http.within(_deadline(size), way.place, send())

    async def download(
        self,
        link: DownloadLink,
        sink: Sink,
        *,
        largest: int = LARGEST_FILE,
        on_progress: Progress | None = None,
    ) -> Downloaded:
        """Fetch into `sink`, from where it stands; BadAnswer above `largest` bytes.

        CutAnswer, Offline and TimedOut leave what has arrived: call again with a fresh link.
        """
        await http.bare(self._download(link, sink, largest, on_progress or _quiet))
        return Downloaded(sink.size)

    async def _download(self, link: DownloadLink, sink: Sink, largest: int, told: Progress) -> None:
        url = self.check(link.url)
        headers = {"Accept": "*/*"}
        if sink.size:
            headers["Range"] = f"bytes={sink.size}-"
            if sink.version:
                headers["If-Range"] = sink.version
        request = self._opened().build_request("GET", url, headers=headers)
        way = HttpRoute.to(url, self._proxy)

        try:
            async with asyncio.timeout(GRACE_SECONDS) as limit:
                async with http.answering(self._opened(), request, way) as response:
                    _raise_for(response.status_code, upload=False)
                    await _taken(response, sink, largest, told, limit)
        except TimeoutError:
            raise connection_failures.timed_out(way.place) from None

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = http.storage_client(self._api, self._proxy)
        return self._client


class _Counted:
    """A file that tells how much of it has been read."""

    def __init__(self, file: BinaryIO, told: Progress) -> None:
        self._file = file
        self._told = told
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self._read += len(piece)
        if piece:
            self._told(self._read)
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        self._read = 0
        return self._file.seek(offset, whence)

    def fileno(self) -> int:
        return self._file.fileno()


async def _taken(
    response: httpx.Response, sink: Sink, largest: int, told: Progress, limit: asyncio.Timeout
) -> None:
    """Put what comes into the file; the deadline moves on with it, so that a drip ends early."""
    whole = _place_of(response, sink)
    if _length(response) + sink.size > largest:
        raise _too_large(largest)
    began, held = asyncio.get_running_loop().time(), sink.size
    async for piece in http.pieces(response):
        if sink.size + len(piece) > largest:
            raise _too_large(largest)
        sink.write(piece)
        told(sink.size)
        limit.reschedule(began + _deadline(sink.size - held))
    if whole is not None and sink.size != whole:
        if sink.size > whole:
            sink.restart()
        raise CutAnswer("The storage host sent less or more of the file than it has.")


def _quiet(_: int) -> None:
    return None


def _deadline(size: int) -> float:
    return GRACE_SECONDS + size / SLOWEST


def _length(response: httpx.Response) -> int:
    text = response.headers.get("content-length", "")
    return int(text) if re.fullmatch(r"\d{1,15}", text) else 0


def _place_of(response: httpx.Response, sink: Sink) -> int | None:
    """Empty the file when the host sends all of it; check where a part begins.

    Returns the size of the whole file when the host tells it with a part.
    """
    if response.status_code != 206:
        if sink.size:
            sink.restart()
        told = response.headers.get("etag", "")
        sink.version = told if _VERSION.fullmatch(told) else ""
        return None
    found = _RANGE.fullmatch(response.headers.get("content-range", "").strip())
    if not found or int(found[1]) != sink.size:
        sink.restart()
        raise CutAnswer("The storage host sent another part of the file than asked for.")
    return None if found[2] == "*" else int(found[2])


def _too_large(largest: int) -> BadAnswer:
    return BadAnswer(f"The file is larger than {largest // 1024 // 1024} MB.")


def _raise_for(status: int, *, upload: bool) -> None:
    """Raise the error that a storage host's status stands for; its XML body is not read."""
    if 200 <= status < 300:
        return
    what = "form" if upload else "link"
    if status == 403:
        raise LinkExpired(
            f"The storage host does not accept the {what} any more.", "Try again.", status=status
        )
    if status == 404:
        raise NotFound("The file is not in the storage any more.", status=status)
    if status == 416:
        raise LinkExpired("The file in the storage has changed.", "Start again.", status=status)
    if status == 429 or status >= 500:
        raise ServerBroken(f"The storage host has a fault of its own (status {status}).")
    if status in (400, 413) and upload:
        raise Rejected(
            "The storage host refused the file.", "It may be larger than allowed.", status=status
        )
    raise _odd(status)


def _odd(status: int) -> ServiceError:
    redirect = failures.of_answer(failures.Answer(status, {}, b""))
    return redirect or BadAnswer("The storage host sent an odd answer.", status=status)
