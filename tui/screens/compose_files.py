"""The files of another message that go along with a draft: how they are told, and asked for.

Closes the trap of a forward that leaves without a file which was still on its way: what is missing is
said before the review, with what can be done about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.carried_events import CarriedFile, CarriedState, CarryFiles
from services.safe_text import EMPTY, SafeText, clean_line, phrase, ui

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.requests import Request
    from tui.open_draft import OpenDraft


def carried_words(file: CarriedFile | None) -> tuple[SafeText, SafeText]:
    """What is wrong with a carried file, and how far it is; both empty once it is here."""
    if file is None or file.state is CarriedState.HERE:
        return EMPTY, EMPTY
    if file.state is CarriedState.FAILED:
        return ui("not fetched"), EMPTY
    if file.state is CarriedState.QUEUED:
        return EMPTY, ui("in line")
    if file.percent is None:
        return EMPTY, ui("fetching")
    return EMPTY, phrase("fetching {} %", file.percent)


def missing_words(draft: OpenDraft) -> SafeText:
    """Why a draft cannot be reviewed yet, EMPTY when all of its files are here."""
    if failed := failed_words(draft):
        return failed
    moving = _first(draft, CarriedState.FETCHING) or _first(draft, CarriedState.QUEUED)
    if not moving:
        return EMPTY
    return phrase("{} is still being fetched: wait for it, or take it off with Delete.", moving)


def failed_words(draft: OpenDraft) -> SafeText:
    """Which file did not come, why, and what can be done; EMPTY when none has failed."""
    for file in draft.base.files:
        carried = draft.carried.get(file.path)
        if carried is not None and carried.state is CarriedState.FAILED:
            words = "{} was not fetched: {} On its row, r fetches it again, Delete takes it off."
            return phrase(words, clean_line(file.name, 60), carried.sentence)
    return EMPTY


def has_failed(draft: OpenDraft, place: int) -> bool:
    """Whether the file at a place did not come."""
    file = draft.carried.get(draft.base.files[place].path)
    return file is not None and file.state is CarriedState.FAILED


def carry(draft: OpenDraft, ask: Callable[[Request], int]) -> None:
    """Say which files go along now: what is missing is fetched, what is gone is removed."""
    ask(CarryFiles(draft.draft_id, draft.base.files, draft.account))


def let_go(draft: OpenDraft, ask: Callable[[Request], int]) -> None:
    """Say that nothing goes along any more: nobody keeps this draft."""
    if any(file.origin is not None for file in draft.base.files):
        ask(CarryFiles(draft.draft_id, (), draft.account))


def _first(draft: OpenDraft, state: CarriedState) -> SafeText:
    """The name of the first file that stands like this."""
    for file in draft.base.files:
        carried = draft.carried.get(file.path)
        if carried is not None and carried.state is state:
            return clean_line(file.name, 60)
    return EMPTY
