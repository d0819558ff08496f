"""What is asked and told about the ways out that a draft can take, and what its text can be there.

Loaded with the first draft, never for the first frame. Closes the trap of a choice that is refused once
the mail is written: what is not to be had is told with its reason when one chooses, and what cannot go
along as soon as it is put to the draft.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from services.draft import BodyFormat, Draft
from services.events import OutboundEvent, OutboundRequest
from services.safe_text import EMPTY, SafeText


@dataclass(frozen=True, slots=True)
class Way:
    """One way out for one kind of text; `via` and `format` are those of a `Draft`."""

    via: str
    format: BodyFormat
    words: SafeText
    hindrance: SafeText = EMPTY
    """Why it cannot be taken, with the next step; EMPTY when it can."""


@dataclass(frozen=True, slots=True)
class AskWays(OutboundRequest):
    """Tell the ways out of an account; `WaysTold`."""

    account: str = ""


@dataclass(frozen=True, slots=True)
class WaysTold(OutboundEvent):
    """The answer to `AskWays`, the account's own service first."""

    request_id: int
    ways: tuple[Way, ...]
    place: SafeText = EMPTY
    """As whom and where Amazon SES sends; EMPTY where it is not set up."""


@dataclass(frozen=True, slots=True)
class AskCarriage(OutboundRequest):
    """Tell what of a draft cannot leave by its way as it stands; `CarriageTold`."""

    latest_only: ClassVar[bool] = True
    draft: Draft
    account: str = ""


@dataclass(frozen=True, slots=True)
class CarriageTold(OutboundEvent):
    """The answer to `AskCarriage`: sentences, each with its next step; none when nothing is known."""

    request_id: int
    draft_id: str
    hindrances: tuple[tuple[SafeText, SafeText], ...] = ()
