"""The parent's side of the render worker: starts it, times it, replaces it.

Closes the trap of a mail that hangs or kills its reader: a request has two seconds of the worker's
own time (`services.reading.allowance`), the worker is killed and started again after any failure, and the caller gets a placeholder that offers the raw
view, never an exception. Only text comes back (`services.reading.parsed_mail`); SafeText is made here. The
pipe is waited for without polling, so an idle worker costs nothing.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from services.errors import RenderError
from services.limits import (
    ANSWER_HEAD,
    ANSWER_LIMIT,
    ENTITY,
    EXTRACT,
    OPENED,
    OUT_OF_MEMORY,
    RAW_LIMIT,
    REQUEST_HEAD,
    REVEAL,
)
from services.reading.allowance import Allowance, TooSlow, own_seconds
from services.reading.parsed_mail import ParsedLine, ParsedMail, file_from_wire, from_wire
from services.reading.render import placeholder, present
from services.reading.sealed import Opener, Plaintext, hopeless
from services.shown_mail import RenderedMessage
from services.wire_values import InboundAttachment

Read = TypeVar("Read")

TIME_LIMIT: Final = 2.0
"""Seconds of its own time that a worker may take over one mail, its start not counted."""
START_LIMIT: Final = 20.0
"""The same for a new worker until it can be asked."""
_BUSY: Final = 10
"""So many times as long by the wall clock, on a machine that is busy with other things."""
_CHUNK: Final = 1 << 16
_HOME: Final = str(Path(__file__).resolve().parent.parent.parent)
_BOOT: Final = "import sys; sys.path[:] = sys.argv[1:]; from services.reading.render_worker import serve; serve()"


class WorkerChild:
    """One child process, replaced after each failure. Not for two threads at once."""

    def __init__(self, seconds: float = TIME_LIMIT) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False

    @property
    def pid(self) -> int | None:
        """Process id of the running child, for tests and measurements."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the child unless it runs; returns before it is ready."""
        if self._process is not None and self._process.poll() is None:
            return
        self._drop()
        paths = dict.fromkeys([_HOME, *(path for path in sys.path if Path(path).is_absolute())])
        try:
            # -I and -S: neither the environment nor a .pth file has a say in what the child imports.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _BOOT, *paths],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={"LC_ALL": "C.UTF-8"},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise RenderError("The part that reads mail could not be started.") from error
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)

    def ask(self, raw: bytes, true_size: int = 0, *, reveal: bool = False) -> ParsedMail:
        """Have one mail read; `true_size` is its size when `raw` is only its beginning.

        Raises RenderError when the child died, took too long or needed too much memory; the next
        call finds a new child.
        """
        size, flags = max(len(raw), true_size), REVEAL if reveal else 0
        return self._exchange(raw, size, flags, 1, from_wire)

    def ask_opened(
        self, plaintext: Plaintext, first_link: int, *, reveal: bool = False
    ) -> ParsedMail:
        """Have decrypted bytes read; raises as `ask`."""
        flags = OPENED | (ENTITY if plaintext.is_entity else 0) | (REVEAL if reveal else 0)
        return self._exchange(plaintext.data, len(plaintext.data), flags, first_link, from_wire)

    def ask_file(self, plaintext: Plaintext, number: int) -> tuple[str, bytes] | None:
        """Have one file taken out of decrypted bytes; raises as `ask`."""
        data = plaintext.data
        return self._exchange(data, len(data), OPENED | EXTRACT, number, file_from_wire)

    def _exchange(
        self,
        raw: bytes,
        size: int,
        flags: int,
        number: int,
        read: Callable[[bytes], Read],
    ) -> Read:
        self.start()
        process = self._process
        if process is None:
            raise RenderError("The part that reads mail has been closed.")
        try:
            if not self._ready:
                _receive(process, _allowed(process, START_LIMIT))
                self._ready = True
            allowance = _allowed(process, self._seconds)
            cut = raw[:RAW_LIMIT]
            head = REQUEST_HEAD.pack(len(cut), size, flags, number)
            _send(process, head + cut, allowance)
            return read(_receive(process, allowance))
        except (TooSlow, _Gone, OSError, RenderError) as error:
            raise RenderError(_why(error, self._drop()), _RAW_VIEW) from error

    def close(self) -> None:
        """End the child at once."""
        self._drop()

    def kill(self) -> None:
        """Kill the child from any thread; an exchange under way ends as a failure."""
        process = self._process
        if process is not None:
            process.kill()

    def _drop(self) -> int:
        """Kill and reap the child; returns its exit status."""
        process, self._process, self._ready = self._process, None, False
        if process is None:
            return 0
        process.kill()
        status = process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        return status


class RenderWorker:
    """Reads mail in a child process; implements `ports.MailRenderer`.

    `render` is for an event loop, `render_sync` for the command line; both keep one child for many
    mails and never raise for what is in a mail.
    """

    def __init__(self, *, seconds: float = TIME_LIMIT) -> None:
        self._child = WorkerChild(seconds)
        self._one_at_a_time = threading.Lock()
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="render")

    @property
    def pid(self) -> int | None:
        """Process id of the running child, for tests and measurements."""
        return self._child.pid

    def start(self) -> None:
        """Start the child ahead of the first mail, without waiting for it."""
        with self._one_at_a_time:
            self._child.start()

    async def render(
        self,
        raw: bytes,
        *,
        attachments: tuple[InboundAttachment, ...] = (),
        reveal: bool = False,
        opener: Opener | None = None,
    ) -> RenderedMessage:
        """Return the message as safe text; a placeholder when it cannot be read within limits.

        `opener` is called on this worker's thread when the mail is encrypted.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._thread,
            lambda: self.render_sync(raw, attachments=attachments, reveal=reveal, opener=opener),
        )

    def render_sync(
        self,
        raw: bytes,
        *,
        attachments: tuple[InboundAttachment, ...] = (),
        reveal: bool = False,
        true_size: int = 0,
        opener: Opener | None = None,
    ) -> RenderedMessage:
        """`render` for callers without an event loop; `true_size` as in `WorkerChild.ask`."""
        answer = self._ask(lambda: self._child.ask(raw, true_size, reveal=reveal))
        return self._shown(answer, attachments, opener, reveal=reveal)

    def render_many(
        self,
        mails: Iterable[tuple[bytes, int]],
        *,
        reveal: bool = False,
        opener: Opener | None = None,
    ) -> Iterator[RenderedMessage]:
        """Render mails (bytes, true size) in order; the child reads the next one meanwhile."""
        ahead: Future[ParsedMail | RenderError] | None = None
        for raw, true_size in mails:
            read = partial(self._child.ask, raw, true_size, reveal=reveal)
            following = self._thread.submit(self._ask, read)
            if ahead is not None:
                yield self._shown(ahead.result(), (), opener, reveal=reveal)
            ahead = following
        if ahead is not None:
            yield self._shown(ahead.result(), (), opener, reveal=reveal)

    async def file_in(self, plaintext: Plaintext, number: int) -> tuple[str, bytes] | None:
        """Return name (raw) and content of a file inside of decrypted bytes; None if there is none.

        RenderError when it cannot be read within limits.
        """
        loop = asyncio.get_running_loop()
        read = partial(self._child.ask_file, plaintext, number)
        found = await loop.run_in_executor(self._thread, self._ask, read)
        if isinstance(found, RenderError):
            raise found
        return found

    def _ask(self, read: Callable[[], Read]) -> Read | RenderError:
        with self._one_at_a_time:
            if self._closed:
                return RenderError("The part that reads mail has been closed.")
            try:
                return read()
            except RenderError as error:
                return error

    def _shown(
        self,
        answer: ParsedMail | RenderError,
        attachments: tuple[InboundAttachment, ...],
        opener: Opener | None,
        *,
        reveal: bool,
    ) -> RenderedMessage:
        if isinstance(answer, RenderError):
            return placeholder(answer, attachments=attachments)
        if opener is None or not answer.encrypted or hopeless(answer):
            return present(answer, attachments=attachments, reveal=reveal)
        unsealed = opener(answer)
        inner = self._read_opened(unsealed.plaintext, len(answer.links) + 1, reveal=reveal)
        facts = unsealed.facts
        return present(answer, attachments=attachments, reveal=reveal, facts=facts, inner=inner)

    def _read_opened(
        self, plaintext: Plaintext | None, first_link: int, *, reveal: bool
    ) -> ParsedMail | None:
        if plaintext is None:
            return None
        read = self._ask(lambda: self._child.ask_opened(plaintext, first_link, reveal=reveal))
        if isinstance(read, RenderError):
            return ParsedMail(lines=(ParsedLine(read.sentence, 0, "notice"),))
        return read

    async def aclose(self) -> None:
        """End the child; a render under way becomes a placeholder."""
        self.close()

    def close(self) -> None:
        """`aclose` for callers without an event loop."""
        self._closed = True
        self._child.kill()
        with self._one_at_a_time:
            self._child.close()
        self._thread.shutdown(wait=False)


class _Gone(Exception):
    """The child ended in the middle of an exchange."""


_RAW_VIEW: Final = "The raw view shows it as it came."


def _why(error: Exception, status: int) -> str:
    if isinstance(error, TooSlow):
        return "This message took too long to read and cannot be shown as text."
    if status == OUT_OF_MEMORY:
        return "This message needs too much memory and cannot be shown as text."
    return "This message could not be read and cannot be shown as text."


def _allowed(process: subprocess.Popen[bytes], seconds: float) -> Allowance:
    return Allowance(seconds, seconds * _BUSY, partial(own_seconds, process.pid))


def _send(process: subprocess.Popen[bytes], data: bytes, allowance: Allowance) -> None:
    assert process.stdin is not None
    pipe = process.stdin.fileno()
    rest = memoryview(data)
    while rest:
        _wait(pipe, selectors.EVENT_WRITE, allowance)
        rest = rest[os.write(pipe, rest[:_CHUNK]) :]


def _receive(process: subprocess.Popen[bytes], allowance: Allowance) -> bytes:
    """Read one length-prefixed answer; the limit on its length is ANSWER_LIMIT."""
    (size,) = ANSWER_HEAD.unpack(_read(process, ANSWER_HEAD.size, allowance))
    if size > ANSWER_LIMIT:
        raise _Gone
    return _read(process, size, allowance)


def _read(process: subprocess.Popen[bytes], size: int, allowance: Allowance) -> bytes:
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    chunks = bytearray()
    while len(chunks) < size:
        _wait(pipe, selectors.EVENT_READ, allowance)
        chunk = os.read(pipe, min(_CHUNK, size - len(chunks)))
        if not chunk:
            raise _Gone
        chunks += chunk
    return bytes(chunks)


def _wait(pipe: int, event: int, allowance: Allowance) -> None:
    """Sleep until the pipe is ready; raises TooSlow when the time is used up before."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, event)
        ready = selector.select(0)
        while not ready:
            ready = selector.select(allowance.left())
