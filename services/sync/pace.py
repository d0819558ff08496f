"""Every time constant of sync in one value, and how long to wait after a failure.

Closes two traps: a storm of retries against a service that is down, and a `Retry-After` that parks
the client for an hour or is no number at all.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from services.errors import MailError, ServiceError


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast things are done; all in seconds."""

    poll: float = 60.0
    """Between two looks for new mail."""
    full: float = 900.0
    """Between two walks over the whole mailbox; a long walk makes it longer."""
    full_gap: float = 0.02
    """Between two pages of a walk in the background."""
    first_retry: float = 2.0
    longest_retry: float = 300.0
    longest_wait: float = 900.0
    """The most that a `Retry-After` of the service is obeyed."""
    delete_grace: float = 5.0
    """Between a deletion and its sending, in which it can be taken back."""
    publish: float = 0.25
    """Between two snapshots or progress reports."""
    writer_look: float = 5.0
    """Between two looks whether the instance that writes is gone."""
    push_gap: float = 1.0
    """Between two looks for new mail that the service itself gave a reason for."""
    push_steady: float = 60.0
    """How long a connection has to hold so that its end is no sign of trouble."""
    push_refused: float = 3600.0
    """Until push is tried again where it was refused; mail is looked for meanwhile."""
    shelves: float = 600.0
    """Between two counts of what lies beside the mailbox, when nothing gives a reason."""
    shelves_gap: float = 30.0
    """Between two of them otherwise."""
    sleep_look: float = 5.0
    """Between two looks whether the machine has slept."""

    def poll_delay(self) -> float:
        """Return the time to the next look, spread by a tenth so that clients do not march in step."""
        return self.poll * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, guards nothing

    def retry_delay(self, failures: int, error: MailError | None = None) -> float:
        """Return the wait after the n-th failure in a row (n from 1), or what the service asked for."""
        asked = error.retry_after if isinstance(error, ServiceError) else None
        if asked is not None and math.isfinite(asked) and asked > 0:
            return min(max(asked, self.first_retry), self.longest_wait)
        doubled = self.first_retry * 2.0 ** min(failures - 1, 20)
        return min(doubled, self.longest_retry) * random.uniform(0.8, 1.0)  # noqa: S311
