"""Tells changes that the service refused, a handful of them in one sentence.

Closes the trap of a notice a message: who archives 300 messages while a token may not, reads one
sentence, not the last of 300.
"""

from __future__ import annotations

from services.events import Severity
from services.sync import wording
from services.sync.report import Reporter, Throttle
from services.sync.sender import Refusal


class RefusedChanges:
    """Collects refusals for a moment (`pause` seconds) and tells them through `report`."""

    def __init__(self, report: Reporter, pause: float) -> None:
        self._report = report
        self._waiting: list[tuple[Refusal, str]] = []
        self._notices = Throttle(self._tell, pause)

    def add(self, refusal: Refusal, subject: str) -> None:
        """Tell it soon; `subject` is the message's, raw."""
        self._waiting.append((refusal, subject))
        self._notices.soon()

    def flush(self) -> None:
        """Tell now what waits."""
        self._notices.flush()

    def _tell(self) -> None:
        told, self._waiting = self._waiting, []
        sentence, step = wording.refused([refusal for refusal, _ in told], told[0][1])
        self._report.notice(sentence, Severity.WARNING, next_step=step)
