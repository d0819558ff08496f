"""What a failed attempt means, and how long to wait until the next.

Closes three traps: a refusal that is tried again for ever, a lost answer that counts as "not sent",
and a storm of retries against a service that is down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from services.errors import (
    BadAnswer,
    CacheError,
    ConfigError,
    MailError,
    Offline,
    RateLimited,
    ServerBroken,
    ServiceError,
    SignedOut,
    TimedOut,
)

_PASSING: Final = (
    Offline, TimedOut, RateLimited, ServerBroken, SignedOut, BadAnswer, CacheError, ConfigError,
)  # fmt: skip
_TO_BE_REPEATED: Final = frozenset({307, 308})
"""Redirects that ask for the same request elsewhere (RFC 9110 §15.4.8, §15.4.9): nothing is done."""


@dataclass(frozen=True, slots=True)
class RetryDelay:
    """The waits between attempts, in seconds: doubled each time, up to the longest.

    `longest_asked` is the most that a `Retry-After` of the service is obeyed.
    """

    first: float = 2.0
    longest: float = 60.0
    longest_asked: float = 900.0

    def seconds(self, failures: int, error: MailError | None = None) -> int:
        """Return the wait after the n-th failure in a row (n from 1), or what the service asked for."""
        asked = error.retry_after if isinstance(error, ServiceError) else None
        if asked is not None and math.isfinite(asked) and asked > 0:
            return math.ceil(min(asked, self.longest_asked))
        return math.ceil(min(self.first * 2.0 ** min(max(failures, 1) - 1, 20), self.longest))


def passes(error: MailError) -> bool:
    """Tell whether the same may succeed another time without anybody's doing."""
    from services.crypto.errors import Locked

    return isinstance(error, (*_PASSING, Locked))


def may_have_left(error: MailError) -> bool:
    """Tell whether a mail may have left although sending it ended with this error.

    An answer that is not understood may stand for a mail that was taken; so may a redirect to what
    came of it, as 303 is, and 301 and 302 mostly are.
    """
    if isinstance(error, ServiceError) and error.uncertain:
        return True
    return isinstance(error, BadAnswer) and error.status not in _TO_BE_REPEATED


def answer_of(error: MailError) -> str:
    """Return what the service said, for the audit log: status and error name."""
    if not isinstance(error, ServiceError) or not error.status:
        return ""
    return f"{error.status} {error.code}".rstrip()
