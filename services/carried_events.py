"""What is asked and told about the files of a message that go along with its forward.

Loaded with the first draft that carries files, never for the first frame. Closes the trap of a draft
that looks complete while its files are still on their way: each of them has a state of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from services.draft import DraftFile
from services.events import OutboundEvent, OutboundRequest
from services.safe_text import EMPTY, SafeText


class CarriedState(Enum):
    """How far a carried file is."""

    QUEUED = "in line"
    """Others go first."""
    FETCHING = "fetching"
    HERE = "here"
    FAILED = "failed"
    """It can be asked for again."""


@dataclass(frozen=True, slots=True)
class CarriedFile:
    """One carried file of a draft, known by its path there.

    `size` in bytes, -1 until it is here; `percent` is None when nobody knows how much there is.
    """

    path: Path
    state: CarriedState
    size: int = -1
    percent: int | None = None
    sentence: SafeText = EMPTY
    """Why it failed, and what to do."""


@dataclass(frozen=True, slots=True)
class CarryFiles(OutboundRequest):
    """These files go with a draft now: fetch what is missing, remove what is not named any more.

    What failed is tried again. Answered by `CarriedTold`, as often as something moves.
    """

    draft_id: str
    files: tuple[DraftFile, ...] = ()
    account: str = ""


@dataclass(frozen=True, slots=True)
class CarriedTold(OutboundEvent):
    """How far the carried files of a draft are, in the order of the draft."""

    draft_id: str
    files: tuple[CarriedFile, ...]
