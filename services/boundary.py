"""What nobody foresaw: logged where it arose, told to the operator, survived.

One of the program's two `except Exception` is here. Closes the trap of a bug in one request that ends
all others; what is caught is logged without any text of the error (it may hold mail).
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from services.errors import MailError
from services.events import Event, Notice, RequestFailed, Severity
from services.safe_text import clean_line, ui

if TYPE_CHECKING:
    import asyncio

_log = logging.getLogger("agentmail.engine")
_log.addHandler(logging.NullHandler())

_UNFORESEEN: Final = (
    ui("Something went wrong inside of agentmail-tui; the mail is safe."),
    ui("It goes on by itself. The debug log says where it was."),
)
_BROKEN: Final = (
    ui("A part of agentmail-tui cannot be loaded; the mail is safe."),
    ui("If it was updated while it runs, quit and start it again."),
)
"""Much is imported only when it is needed, and may by then belong to another version."""


class Boundary:
    """Survives errors of the work inside; `emit` is told what the operator should know."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit

    @contextmanager
    def __call__(self, request_id: int = 0) -> Iterator[None]:
        """Log where an error arose, tell the operator, go on after the block."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - one of the two boundaries of the program
            self._survive(error, request_id)

    def stray(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take an error that no task was waited for; a loop's exception handler."""
        error = context.get("exception")
        if isinstance(error, BaseException):
            self._survive(error, 0)

    def _survive(self, error: BaseException, request_id: int) -> None:
        cause = _innermost(error)
        if isinstance(cause, MailError):
            sentence, step = clean_line(cause.sentence), clean_line(cause.next_step)
        else:
            _log.error("unexpected: %s", where(cause))
            sentence, step = _BROKEN if isinstance(cause, ImportError) else _UNFORESEEN
        if request_id:
            self._emit(RequestFailed(request_id, sentence, step))
        else:
            self._emit(Notice(sentence, Severity.ERROR, next_step=step))


def where(error: BaseException) -> str:
    """Return an error's type and the places it came through, without its text or any value."""
    frames = traceback.extract_tb(error.__traceback__)
    places = (f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(error).__name__} at {' < '.join(reversed(tuple(places)))}"


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
