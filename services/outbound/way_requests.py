"""Tells the compose screen which ways out an account has, and why one of them is not to be had.

Closes two traps: an extra that is missing and found out at the last step, it is looked for here without
importing it; and a file that is attached, written about and then refused in the review.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from services.draft import VIA_SES, BodyFormat
from services.errors import MailError
from services.events import Event
from services.outbound.gate.transports import ses
from services.outbound.offices import Offices
from services.safe_text import EMPTY, SafeText, clean_line, phrase, ui
from services.way_events import AskCarriage, AskWays, CarriageTold, Way, WaysTold

if TYPE_CHECKING:
    from services.config import Account
    from services.outbound.gate.plan import Refusal

_TEXTS: Final = (
    (BodyFormat.PLAIN, ui("plain text")),
    (BodyFormat.MARKDOWN, ui("Markdown, with HTML made of it")),
    (BodyFormat.HTML, ui("HTML as you write it, with plain text made of it")),
)


class WayRequests:
    """Answers `AskWays` and `AskCarriage`."""

    def __init__(self, offices: Offices, emit: Callable[[Event], None]) -> None:
        self._offices = offices
        self._emit = emit

    async def tell(self, request_id: int, request: AskWays) -> None:
        """Tell the ways out of an account."""
        office = await self._offices.get(request.account)
        account = office.account
        self._emit(WaysTold(request_id, tuple(ways_of(account)), place_of(account)))

    async def carriage(self, request_id: int, request: AskCarriage) -> None:
        """Tell what of a draft cannot leave; without a connection the review does."""
        office = await self._offices.get(request.account)
        told: Iterable[Refusal] = ()
        with suppress(MailError):
            told = await (await office.gate()).beforehand(request.draft)
        said = tuple(
            (clean_line(one.sentence, 300), clean_line(one.next_step, 300)) for one in told
        )
        self._emit(CarriageTold(request_id, request.draft.draft_id, said))


def ways_of(account: Account) -> Iterator[Way]:
    """All ways out of an account, those that are not to be had with their reason."""
    yield Way("", BodyFormat.PLAIN, ui("The account's own service: plain text"))
    reason = _said(*ses.hindrance(account.ses, account.name))
    for format_, text in _TEXTS:
        yield Way(VIA_SES, format_, phrase("Amazon SES: {}", text), reason)


def place_of(account: Account) -> SafeText:
    """As whom and where an account sends by SES; EMPTY where that is not set up."""
    return EMPTY if account.ses is None else clean_line(ses.place_words(account.ses), 300)


def _said(sentence: str, step: str) -> SafeText:
    return clean_line(f"{sentence} {step}".strip(), 300) if sentence else EMPTY
