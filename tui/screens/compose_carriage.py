"""What cannot leave of the draft on the screen, asked for as soon as it is put there.

Closes the trap of a file that is attached, written about and only then, in the review, found not to go
along from this account: it is said at once, with what can be done, and stays beside the draft.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.draft import BodyFormat, Encryption
from services.events import Severity
from services.way_events import AskCarriage, CarriageTold

if TYPE_CHECKING:
    from services.draft import Draft
    from tui.open_draft import OpenDraft
    from tui.screens.compose import ComposeScreen


class Carriage:
    """The questions of one compose screen about what its drafts can carry."""

    def __init__(self, screen: ComposeScreen) -> None:
        self._screen = screen
        self._seen: object = None

    def look(self, draft: OpenDraft) -> None:
        """Ask when something was put to a draft, or taken off, that not every way out carries."""
        value = draft.value
        seen = (draft.draft_id, draft.account, _asked_about(value))
        if seen == self._seen:
            return
        self._seen = seen
        if _is_plain(value):
            draft.hindrances = ()
        else:
            self._screen.ask(AskCarriage(value, draft.account))

    def heard(self, event: CarriageTold) -> None:
        """Show what was told, and say what is new of it."""
        draft = self._screen.draft
        if draft is None or draft.draft_id != event.draft_id:
            return
        new = [one for one in event.hindrances if one not in draft.hindrances]
        draft.hindrances = event.hindrances
        self._screen.show_facts()
        if new:
            sentence, step = new[0]
            self._screen.notices.tell(sentence, Severity.WARNING, step)


def _asked_about(draft: Draft) -> object:
    is_sealed = draft.encryption.value
    files = tuple((file.path, file.size) for file in draft.files)
    people = draft.recipients if not _is_plain(draft) else ()
    return files, draft.headers, draft.format, draft.via, is_sealed, people, draft.usage


def _is_plain(draft: Draft) -> bool:
    """It is a text to people and nothing else, which every account sends."""
    goes_along = draft.files or draft.headers or draft.usage or draft.marketplace_request_id
    is_sealed = draft.encryption is Encryption.REQUIRED
    return not (goes_along or is_sealed or draft.via or draft.format is not BodyFormat.PLAIN)
