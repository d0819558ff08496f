"""What is asked and told about the ways out that a draft can take, and what its text can be there.

Loaded with the dialog that chooses one, never for the first frame. Closes the trap of a choice that is
refused once the mail is written: what is not to be had is told with its reason when one chooses.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.draft import BodyFormat
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
