"""A download that goes on: links that expire are asked for again, broken transfers resume.

Closes the trap of a transfer that is given up where it only had to be taken up again, and of one that
is tried for ever: a few times, and a few times more as long as it gets on. What breaks at the storage
host is tried again there: the service is not asked for another link each time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from services.api.failures import CutAnswer
from services.api.file_sink import Sink
from services.api.presigned import (
    LARGEST_FILE,
    Downloaded,
    DownloadLink,
    LinkExpired,
    Progress,
    StorageDoor,
)
from services.api.retry import Retrier
from services.errors import Offline, TimedOut

_RESUMED: Final = 4
"""Times that a download which gets on is taken up again, beyond the attempts of one call."""

AskLink = Callable[[], Awaitable[DownloadLink | None]]
"""Asks the service for a fresh link; None while it still prepares the file."""


async def fetch(
    storage: StorageDoor,
    retrier: Retrier,
    ask: AskLink,
    sink: Sink,
    *,
    largest: int = LARGEST_FILE,
    on_progress: Progress | None = None,
) -> Downloaded | None:
    """Fetch a file into `sink`, from where it stands; None while the service still prepares it.

    A transfer that breaks resumes a few times, and a few times more as long as it gets on; an
    expired link is replaced, twice in a row only when the first replacement got on.
    """
    expired = False
    for last in (*(False,) * _RESUMED, True):
        link = await ask()
        if link is None:
            return None
        held = sink.size
        download = partial(storage.download, link, sink, largest=largest, on_progress=on_progress)
        try:
            return await retrier.run(download, safe=True)
        except LinkExpired as error:
            if error.status == 416:
                sink.restart()
            if last or (expired and sink.size <= held):
                raise
            expired = True
        except (Offline, TimedOut, CutAnswer):
            if last or sink.size <= held:
                raise
    return None
