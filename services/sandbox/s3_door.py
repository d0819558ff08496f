"""The object store's door: takes presigned forms and serves presigned links, on a port of its own.

Closes the trap of a client that hands its API token to the storage host: a request that carries an
Authorization header is refused, as S3 refuses two ways of signing at once. Everything else is
judged as S3 judges it (research/sandbox.md §1), with S3's XML errors and status codes.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol
from urllib.parse import quote, unquote_to_bytes
from xml.sax.saxutils import escape

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from services.sandbox.presign import Refused, Signer, UploadTerms
from services.sandbox.s3_form import FormReader

FORM_LIMIT: Final = 64 * 2**20
"""Bytes of a whole form; a longer Content-Length is refused before anything is read."""
_DRAIN_LIMIT: Final = 64 * 2**20
_PIECE: Final = 256 * 1024
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Blobs(Protocol):
    """What the door needs of the store: objects by key, written whole or not at all.

    `open` and `content_type` raise KeyError for a key that is not there.
    """

    async def put_stream(
        self, key: str, chunks: AsyncIterator[bytes], content_type: str = ""
    ) -> int: ...

    def open(self, key: str) -> BinaryIO: ...

    def content_type(self, key: str) -> str: ...


@dataclass(frozen=True, slots=True)
class S3Door:
    """An ASGI application that answers like one S3 bucket behind presigned requests."""

    blobs: Blobs
    signer: Signer
    form_limit: int = FORM_LIMIT

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; what the client cannot have caused is S3's 503."""
        intake = _Intake(receive)
        request = Request(scope, intake.receive)
        try:
            response = await self._answer(request)
        except Refused as refused:
            if "expect" not in request.headers:
                await intake.drain()
            response = _error(refused, request)
        except ClientDisconnect:
            return
        except (OSError, sqlite3.Error):
            response = _error(
                Refused(503, "ServiceUnavailable", "Reduce your request rate."), request
            )
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if "authorization" in request.headers:
            raise Refused(
                400,
                "InvalidArgument",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
                "Signature query string parameter or the Authorization header should be specified",
                (("ArgumentName", "Authorization"),),
            )
        bucket, key = _place(request)
        if request.method == "POST":
            return await self._upload(request, bucket, key)
        if request.method not in ("GET", "HEAD"):
            raise _method_not_allowed(request.method)
        query = request.scope["query_string"]
        self.signer.check_link(request.method, _raw_path(request), query, request.headers)
        if bucket != self.signer.bucket:
            raise _no_such_bucket(bucket)
        return self._download(request, key)

    async def _upload(self, request: Request, bucket: str, key: str) -> Response:
        if bucket != self.signer.bucket:
            raise _no_such_bucket(bucket)
        if key:
            raise _method_not_allowed("POST")
        self._check_length(request)
        form = FormReader(request.headers.get("content-type", ""), aiter(request.stream()))
        fields = await form.fields()
        terms = self.signer.check_form(fields)
        pieces = _within(terms, form.file())
        await self.blobs.put_stream(terms.key, pieces, terms.content_type)
        return self._stored(terms.key, fields)

    def _check_length(self, request: Request) -> None:
        length = request.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:20]) > self.form_limit:
            raise _too_large(length[:20], self.form_limit)

    def _stored(self, key: str, fields: dict[str, str]) -> Response:
        wanted = {name.lower(): value for name, value in fields.items()}
        status = {"200": 200, "201": 201}.get(wanted.get("success_action_status", ""), 204)
        where = f"{self.signer.base_url}/{self.signer.bucket}/{quote(key, safe='/-_.~')}"
        headers = {"Location": where, "ETag": self._etag(key), **_own_headers()}
        if status != 201:
            return Response(status_code=status, headers=headers)
        parts = (("Location", where), ("Bucket", self.signer.bucket), ("Key", key))
        body = _xml("PostResponse", (*parts, ("ETag", headers["ETag"])))
        return Response(body, 201, headers, "application/xml")

    def _etag(self, key: str) -> str:
        with self.blobs.open(key) as stored:
            return _etag(os.fstat(stored.fileno()))

    def _download(self, request: Request, key: str) -> Response:
        try:
            stored = self.blobs.open(key)
        except KeyError:
            details = (("Key", key),)
            raise Refused(404, "NoSuchKey", "The specified key does not exist.", details) from None
        facts = os.fstat(stored.fileno())
        headers = self._object_headers(request, key, facts)
        try:
            wanted = _wanted_range(request, facts.st_size, headers["ETag"])
        except Refused:
            stored.close()
            raise
        start, end = wanted or (0, facts.st_size)
        headers["Content-Length"] = str(end - start)
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{facts.st_size}"
        status = 206 if wanted else 200
        if request.method == "HEAD":
            stored.close()
            return Response(status_code=status, headers=headers)
        return StreamingResponse(_pieces(stored, start, end), status, headers)

    def _object_headers(self, request: Request, key: str, facts: os.stat_result) -> dict[str, str]:
        query = request.query_params
        stored_type = self.blobs.content_type(key) or "binary/octet-stream"
        headers = {
            "Accept-Ranges": "bytes",
            "ETag": _etag(facts),
            "Content-Type": _one_line(query.get("response-content-type") or stored_type),
            **_own_headers(),
        }
        if shown := query.get("response-content-disposition"):
            headers["Content-Disposition"] = _one_line(shown)
        return headers


# ── requests ─────────────────────────────────────────────────────────────────────────────────────


def _raw_path(request: Request) -> bytes:
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    return bytes(raw).partition(b"?")[0]


def _place(request: Request) -> tuple[str, str]:
    try:
        path = unquote_to_bytes(_raw_path(request)).decode()
    except UnicodeDecodeError:
        raise Refused(400, "InvalidURI", "Couldn't parse the specified URI.") from None
    bucket, _, key = path.removeprefix("/").partition("/")
    return bucket, key


async def _within(terms: UploadTerms, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > terms.max_bytes:
            raise _too_large(str(size), terms.max_bytes)
        yield piece
    if size < terms.min_bytes:
        message = "Your proposed upload is smaller than the minimum allowed size"
        details = (("ProposedSize", str(size)), ("MinSizeAllowed", str(terms.min_bytes)))
        raise Refused(400, "EntityTooSmall", message, details)


class _Intake:
    """The body as it arrives; remembers whether it has ended, since asking again would hang."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    async def receive(self) -> Message:
        message = await self._receive()
        self._more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Take what is still being sent and keep nothing, so that the client reads the answer."""
        taken = 0
        while self._more and taken < _DRAIN_LIMIT:
            taken += len((await self.receive()).get("body", b""))


def _wanted_range(request: Request, size: int, etag: str) -> tuple[int, int] | None:
    """Return start and end of what is asked for; None means all of it, as for odd ranges."""
    text = request.headers.get("range", "").replace(" ", "")
    match = _RANGE.fullmatch(text)
    if not match or not any(match.groups()) or request.headers.get("if-range", etag) != etag:
        return None
    first, last = match.groups()
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    if start >= size:
        details = (("RangeRequested", text), ("ActualObjectSize", str(size)))
        raise Refused(416, "InvalidRange", "The requested range is not satisfiable", details)
    return start, min(size, int(last) + 1) if first and last else size


async def _pieces(stored: BinaryIO, start: int, end: int) -> AsyncIterator[bytes]:
    with stored:
        stored.seek(start)
        left = end - start
        while left and (piece := stored.read(min(_PIECE, left))):
            left -= len(piece)
            yield piece


# ── answers ──────────────────────────────────────────────────────────────────────────────────────


def _error(refused: Refused, request: Request) -> Response:
    headers = _own_headers()
    if refused.status == 405:
        headers["Allow"] = "GET, HEAD, POST"
    if request.method == "HEAD":
        return Response(status_code=refused.status, headers=headers)
    parts = (("Code", refused.code), ("Message", refused.message), *refused.details)
    body = _xml("Error", (*parts, ("RequestId", headers["x-amz-request-id"])))
    return Response(body, refused.status, headers, "application/xml")


def _xml(root: str, parts: tuple[tuple[str, str], ...]) -> str:
    inside = "".join(f"<{tag}>{escape(_NOT_XML.sub('?', text))}</{tag}>" for tag, text in parts)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{inside}</{root}>'


def _own_headers() -> dict[str, str]:
    return {"x-amz-request-id": secrets.token_hex(8).upper(), "Server": "AmazonS3"}


def _etag(facts: os.stat_result) -> str:
    seed = f"{facts.st_ino} {facts.st_mtime_ns} {facts.st_size}"
    return f'"{hashlib.blake2b(seed.encode(), digest_size=16).hexdigest()}"'


def _one_line(value: str) -> str:
    return "".join(char if " " <= char <= "~" else "_" for char in value)


def _too_large(proposed: str, allowed: int) -> Refused:
    details = (("ProposedSize", proposed), ("MaxSizeAllowed", str(allowed)))
    message = "Your proposed upload exceeds the maximum allowed size"
    return Refused(400, "EntityTooLarge", message, details)


def _method_not_allowed(method: str) -> Refused:
    message = "The specified method is not allowed against this resource."
    return Refused(405, "MethodNotAllowed", message, (("Method", method),))


def _no_such_bucket(bucket: str) -> Refused:
    details = (("BucketName", bucket),)
    return Refused(404, "NoSuchBucket", "The specified bucket does not exist", details)
