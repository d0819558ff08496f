"""The child process that reads mail: no files, no network, bounded memory, one mail at a time.

Closes the trap of hostile bytes meeting C code inside the program that holds the token: whatever a
mail does to the parsers happens here. Before the first mail the process gives up the right to open
any file or socket, and takes a limit on its memory; a mail that raises ends the process, and the
parent starts a new one. What was decrypted comes in the same way, with a flag; no key ever does.
A file inside of it is answered as a name and bytes.
Protocol: a request is a head (`limits.REQUEST_HEAD`) and the mail; an answer is a 4-byte length and the JSON of `services.reading.parsed_mail`; an empty answer, sent once, says
that the process is ready.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import Final

from services.limits import (
    ANSWER_HEAD,
    ENTITY,
    EXTRACT,
    LAST_RESORT_SECONDS,
    MEMORY_LIMIT,
    OPENED,
    OUT_OF_MEMORY,
    REQUEST_HEAD,
    REVEAL,
)
from services.reading.attachment_manifest import load_header_parser
from services.reading.charsets import load_codecs
from services.reading.html_text import load_parser
from services.reading.opened import extract, parse_opened
from services.reading.parsed_mail import ParsedMail, file_to_wire, to_wire
from services.reading.render import parse_mail

_STANDARD_STREAMS: Final = 3


def serve() -> None:
    """Answer requests on standard input until it ends."""
    load_codecs()
    load_parser()
    load_header_parser()
    seal()
    _write(ANSWER_HEAD.pack(0))
    while (head := _read(REQUEST_HEAD.size)) is not None:
        size, true_size, flags, first_link = REQUEST_HEAD.unpack(head)
        raw = _read(size)
        if raw is None:
            return
        signal.setitimer(signal.ITIMER_REAL, LAST_RESORT_SECONDS)
        try:
            answer = _answer(raw, true_size, flags, first_link)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        signal.setitimer(signal.ITIMER_REAL, 0)
        del raw
        _write(ANSWER_HEAD.pack(len(answer)) + answer)
        del answer


def _answer(raw: bytes, true_size: int, flags: int, number: int) -> bytes:
    if flags & EXTRACT:
        return file_to_wire(extract(raw, number))
    return to_wire(_parse(raw, true_size, flags, number))


def _parse(raw: bytes, true_size: int, flags: int, first_link: int) -> ParsedMail:
    reveal = bool(flags & REVEAL)
    if flags & OPENED:
        is_entity = bool(flags & ENTITY)
        return parse_opened(raw, is_entity=is_entity, first_link=first_link, reveal=reveal)
    return parse_mail(raw, true_size=true_size, reveal=reveal)


def seal() -> None:
    """Give up new files and sockets, and bound the memory, for the rest of this process."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "darwin":  # macOS knows the limit but refuses to set it
        _lower(resource.RLIMIT_AS, MEMORY_LIMIT)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _STANDARD_STREAMS)


def _lower(kind: int, wanted: int) -> None:
    """Set a limit for good, at most as high as the one that holds already."""
    _, hard = resource.getrlimit(kind)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (limit, limit))


def _read(size: int) -> bytes | None:
    """Read exactly `size` bytes, or None at the end of input."""
    chunks: list[bytes] = []
    while size > 0:
        chunk = os.read(0, min(size, 1 << 20))
        if not chunk:
            return None
        chunks.append(chunk)
        size -= len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _write(data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(1, rest) :]
