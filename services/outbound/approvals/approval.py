"""Decisions of a person: bound to the digest that was on the screen, used once, and judged again.

Closes the traps of research/mail_clients.md §6: a decision about something that was never shown, a
decision that is used twice (a double tap, two screens), one that comes when the mail has changed
since, and one that lies around for days. Whatever is not exactly what was shown is void, and says
what is different.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from services.draft import DraftState
from services.errors import MailError
from services.outbound.gate.plan import Plan
from services.outbound.gate.policy import HOUR
from services.outbound.gate.reviewing import changed
from services.progress import in_thread
from services.safe_text import SafeText, clean_line, ui

if TYPE_CHECKING:
    from services.outbound.drafts.draft_store import Drafts
    from services.outbound.gate.gate import Gate

_SHOWN_AT_MOST: Final = 64
"""Reviews that are remembered; deciding on an older one shows it again."""
_OPEN: Final = (DraftState.EDITING, DraftState.WAITING)
_AGAIN: Final = "Look at it again, then decide."


class DecisionVoid(MailError):
    """What was decided on is not what would be sent now; `plan` is that, `changed` what differs.

    `plan` is None when there is nothing to decide any more.
    """

    def __init__(
        self, sentence: str, plan: Plan | None = None, changed: tuple[SafeText, ...] = ()
    ) -> None:
        super().__init__(sentence, _AGAIN if plan is not None else "")
        self.plan = plan
        self.changed = changed


class Decisions:
    """Shows plans and takes decisions about them, for one account.

    `gate` gives the gate of now and may raise MailError; `hours` is how long a review that was
    shown can be decided. Not for several threads: call it on the engine's loop.
    """

    def __init__(
        self,
        drafts: Drafts,
        gate: Callable[[], Awaitable[Gate]],
        *,
        hours: int = 24,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._drafts = drafts
        self._gate = gate
        self._seconds = hours * HOUR
        self._clock = clock
        self._shown: OrderedDict[str, tuple[Plan, float]] = OrderedDict()

    async def show(self, draft_id: str) -> Plan:
        """Make the plan of a kept draft for the screen; from now on it can be decided.

        Raises NotFound, Locked, CacheError; what speaks against sending is in the plan.
        """
        plan = await self._plan(draft_id)
        self._remember(plan)
        return plan

    async def decide(self, draft_id: str, digest: str) -> Plan:
        """Take the decision to send what was shown with this digest; return the plan of now.

        The digest is used up, whatever comes of it. Raises DecisionVoid, what `show` raises, and
        what `Plan.require` raises: then nothing has happened, and the draft is as it was.
        """
        shown, at = self._shown.pop(digest, (None, 0.0))
        plan = await self._plan(draft_id)
        if shown is None or shown.draft_id != draft_id:
            raise self._void("This review was decided already, or was never shown.", plan)
        if not at <= self._clock() < at + self._seconds:
            raise self._void("This review is too old to be decided.", plan)
        if plan.digest != digest:
            different = await in_thread(lambda _: changed(shown, plan))
            raise self._void("What would be sent is not what was shown any more.", plan, different)
        plan.require()
        return plan

    def shown(self, digest: str) -> Plan | None:
        """Return the plan that was shown with a digest and is not decided."""
        return self._shown.get(digest, (None, 0.0))[0]

    def require_current(self, plan: Plan) -> None:
        """Look once more, inside the transaction that queues: DecisionVoid when somebody was faster.

        Raises NotFound as well.
        """
        head = self._drafts.head(plan.draft_id)
        if head.discarded_at or head.is_settled or head.state not in _OPEN:
            raise DecisionVoid(_gone(head.state, is_settled=head.is_settled))
        if head.revision != plan.revision:
            raise DecisionVoid(
                "The draft was changed in the meantime.", plan, (ui("There is a newer revision."),)
            )

    async def _plan(self, draft_id: str) -> Plan:
        head = await in_thread(lambda _: self._drafts.head(draft_id))
        if head.is_settled or head.state not in _OPEN:
            raise DecisionVoid(_gone(head.state, is_settled=head.is_settled))
        draft = await in_thread(lambda _: self._drafts.get(draft_id))
        gate = await self._gate()
        return await gate.plan(draft)

    def _void(
        self, sentence: str, plan: Plan, different: tuple[SafeText, ...] = ()
    ) -> DecisionVoid:
        """The new plan is shown with the sentence, so it can be decided next."""
        self._remember(plan)
        return DecisionVoid(clean_line(sentence), plan, different)

    def _remember(self, plan: Plan) -> None:
        self._shown[plan.digest] = plan, self._clock()
        self._shown.move_to_end(plan.digest)
        while len(self._shown) > _SHOWN_AT_MOST:
            self._shown.popitem(last=False)


def _gone(state: DraftState, *, is_settled: bool) -> str:
    if is_settled:
        return "This mail has left already."
    match state:
        case DraftState.QUEUED:
            return "This mail is in the outbox already."
        case DraftState.REJECTED:
            return "This proposal was rejected."
        case DraftState.EXPIRED:
            return "This proposal has expired; its agent has to propose it again."
        case DraftState.CANCELLED:
            return "This proposal was withdrawn."
        case _:
            return "There is nothing to decide about this draft any more."
