"""Pays what is owed: asks a service what it has made of a sent mail, now or at a later start.

Closes two traps: a verdict that is lost because the service did not answer at that moment, and a
question that is asked for ever. It ends after so many attempts, or so much time, as a verdict too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from services.errors import MailError, PolicyRefused
from services.outbound.outbox.outbox_contents import durable, recorded
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound.outbox.retry_delay import RetryDelay, passes
from services.outbound.outbox.verdicts import Look, Verdicts

if TYPE_CHECKING:
    from services.outbound.gate.transport import SentMail

MOST_TRIES: Final = 20
"""Answers that told nothing, after which it is given up."""
LONGEST: Final = 7 * 86_400
"""Seconds after which the next answer that tells nothing is the last."""
LONGEST_OFFLINE: Final = 30 * 86_400
"""Seconds after which it is given up although the service could not be asked at all."""
_FIRST: Final = 15
_DOUBLED: Final = 8
_NOT_SEEN: Final = "Who got it could not be looked at"


class Viewer(Protocol):
    """What looking needs of the gate (`services.outbound.gate.gate.Gate`)."""

    async def verify(self, sent: SentMail) -> str: ...


def _unheard(_error: MailError) -> None:
    """Nobody listens."""


class Looks:
    """Takes the looks that are owed for one account; `gate` raises MailError without a connection."""

    def __init__(
        self,
        verdicts: Verdicts,
        gate: Callable[[], Awaitable[Viewer]],
        clock: Callable[[], float],
        delay: RetryDelay,
    ) -> None:
        self._verdicts = verdicts
        self._gate = gate
        self._clock = clock
        self._delay = delay
        self.alarm: Callable[[MailError], None] = _unheard
        """Told of mail that left otherwise than it was approved."""

    async def take(self, entry_id: str) -> OutboxEntry | None:
        """Look at one mail whose work lock is held; None when nothing is owed or it must wait.

        Raises CacheError when the disk refuses to tell what is owed.
        """
        look = await durable(lambda: self._verdicts.owed_for(entry_id))
        if look is None:
            return None
        try:
            gate = await self._gate()
        except MailError as error:
            return await self._not_asked(look, error)
        try:
            fault = await gate.verify(look.sent)
        except MailError as error:
            return await self._not_told(look, error)
        if not fault:
            return await recorded(lambda: self._verdicts.right(entry_id))
        self.alarm(PolicyRefused(fault, "Tell whoever oversees this account; send no more by it."))
        return await recorded(lambda: self._verdicts.wrong(entry_id, fault))

    async def _not_asked(self, look: Look, error: MailError) -> OutboxEntry | None:
        """There is no connection: that is no attempt, but it does not go on for ever."""
        if self._age(look) < LONGEST_OFFLINE:
            return None
        return await self._given_up(look, error)

    async def _not_told(self, look: Look, error: MailError) -> OutboxEntry | None:
        tries = look.tries + 1
        if tries >= MOST_TRIES or self._age(look) >= LONGEST or not passes(error):
            return await self._given_up(look, error)
        again = max(_FIRST * 2 ** min(look.tries, _DOUBLED), self._delay.seconds(1, error))
        later = replace(look, tries=tries, next_try=int(self._clock()) + again)
        reason = f"{_NOT_SEEN} yet: {error.sentence}"
        return await recorded(lambda: self._verdicts.put_off(later, reason))

    async def _given_up(self, look: Look, error: MailError) -> OutboxEntry | None:
        reason = f"{_NOT_SEEN}: {error.sentence}"
        return await recorded(lambda: self._verdicts.unknown(look.entry_id, reason))

    def _age(self, look: Look) -> float:
        return self._clock() - look.since
