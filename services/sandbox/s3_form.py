"""Reads an upload form as it streams in: the fields first, then the one file in pieces.

Closes the trap of form parsers that spool a whole upload to disk before anyone has looked at the
policy that came before it: here the file part is not taken from the wire until the fields are
known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.sandbox.presign import Refused

FIELDS_LIMIT: Final = 20 * 1024
"""Bytes that may come before the file part, S3's own figure."""


class FormReader:
    """One multipart form; call `fields`, then `file`, each once.

    Raises `Refused` for what is not a well-formed form with exactly one file part.
    """

    def __init__(self, content_type: str, chunks: AsyncIterator[bytes]) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise Refused(
                412,
                "PreconditionFailed",
                "At least one of the pre-conditions you specified did not hold",
                (("Condition", "Bucket POST must be of the enclosure-type multipart/form-data"),),
            )
        self._chunks = chunks
        self._fields: dict[str, str] = {}
        self._before_file = 0
        self._header = bytearray()
        self._header_value = bytearray()
        self._name = ""
        self._value = bytearray()
        self._pieces: deque[bytes] = deque()
        self._files = 0
        self._in_file = False
        self._ended = False
        self._parser = self._make_parser(options[b"boundary"])

    async def fields(self) -> dict[str, str]:
        """Return the fields that stand before the file part, read no further than needed."""
        while not self._files and not self._ended:
            await self._feed()
        if not self._files:
            raise _one_file()
        return self._fields

    async def file(self) -> AsyncIterator[bytes]:
        """Yield the file's bytes; S3 ignores fields behind it, but not a second file."""
        while True:
            while self._pieces:
                yield self._pieces.popleft()
            if self._ended:
                return
            await self._feed()

    async def _feed(self) -> None:
        chunk = await anext(self._chunks, None)
        if chunk is None:
            raise _malformed()
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _malformed() from None
        if self._files > 1:
            raise _one_file()

    def _make_parser(self, boundary: bytes) -> MultipartParser:
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_part_data": self._take_data,
                    "on_part_end": self._end_part,
                    "on_header_field": self._take_header,
                    "on_header_value": self._take_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise _malformed() from None

    def _begin_part(self) -> None:
        self._name = ""
        self._value = bytearray()

    def _take_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _take_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._header_value))
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._header = bytearray()
        self._header_value = bytearray()

    def _end_headers(self) -> None:
        self._in_file = self._name == "file"
        self._files += self._in_file

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._pieces.append(data[start:end])
        elif not self._files:
            self._count(end - start)
            self._value += data[start:end]

    def _count(self, size: int) -> None:
        self._before_file += size
        if self._before_file > FIELDS_LIMIT:
            raise Refused(
                400,
                "MaxPostPreDataLengthExceeded",
                "Your POST request fields preceding the upload file were too large.",
                (("MaxPostPreDataLengthExceeded", str(FIELDS_LIMIT)),),
            )

    def _end_part(self) -> None:
        if not self._files:
            self._count(len(self._name))
            self._fields[self._name] = self._value.decode("utf-8", "replace")
        self._in_file = False

    def _end(self) -> None:
        self._ended = True


def _malformed() -> Refused:
    message = "The body of your POST request is not well-formed multipart/form-data."
    return Refused(400, "MalformedPOSTRequest", message)


def _one_file() -> Refused:
    message = "POST requires exactly one file upload per request."
    return Refused(400, "InvalidArgument", message, (("ArgumentName", "file"),))
