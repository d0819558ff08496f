"""The sentences that sync says to the operator about local changes.

One place, so that the same thing is never called by two names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.safe_text import SafeText, clean_line, phrase, ui
from services.sync.changes import Undone
from services.sync.edits import Edit, EditKind
from services.sync.sender import Refusal

TITLE_LENGTH: Final = 60


def title(subject: str) -> SafeText:
    """Return a subject as it is named inside a sentence."""
    return clean_line(subject, TITLE_LENGTH) if subject.strip() else ui("(no subject)")


def messages(count: int) -> SafeText:
    """Return "1 message", "2 messages"."""
    return phrase("{} message" if count == 1 else "{} messages", count)


def done(edit: Edit, count: int, grace: float, *, trash: bool = False) -> SafeText:
    """Say what a change did; `trash` says where what is deleted goes."""
    match edit.kind, edit.value:
        case EditKind.READ, read:
            return phrase("Marked {} as {}.", messages(count), ui("read" if read else "unread"))
        case EditKind.ARCHIVE, True:
            return phrase("Archived {}.", messages(count))
        case EditKind.ARCHIVE, False:
            return phrase("Brought {} back from the archive.", messages(count))
        case EditKind.LABELS, _:
            return phrase("Changed the labels of {}.", messages(count))
        case _ if trash:
            return phrase("Moving {} to the trash in {} s.", messages(count), round(grace))
        case _:
            return phrase("Deleting {} for good in {} s.", messages(count), round(grace))


def undone(result: Undone | None) -> SafeText:
    """Say what an undo did."""
    if result is None:
        return ui("There is nothing to take back.")
    if result.too_late and not result.restored:
        return ui("A deletion that the service has carried out cannot be taken back.")
    if result.too_late:
        return phrase(
            "Brought {} back; {} had been deleted by the service already.",
            messages(result.restored),
            messages(result.too_late),
        )
    if result.uncertain:
        return phrase(
            "Brought {} back, but the service may have deleted it before.",
            messages(result.restored),
        )
    if not result.restored:
        return ui("The last change had been overtaken: there is nothing of it to take back.")
    return phrase("Taken back for {}.", messages(result.restored))


def refused(refusals: Sequence[Refusal], subject: str) -> tuple[SafeText, SafeText]:
    """Say what the service refused, with a next step; `subject` is that of the first message."""
    first = refusals[0]
    reason, step = clean_line(first.error.sentence), clean_line(first.error.next_step)
    if len(refusals) > 1:
        sentence = phrase("{} changes were not made: {}", len(refusals), reason)
        return sentence, step or ui("The messages are shown as the service has them.")
    if first.gone:
        return phrase("“{}” was deleted elsewhere.", title(subject)), ui(
            "It is gone from the list."
        )
    sentence = phrase("{} “{}” was refused: {}", _doing(first.edit), title(subject), reason)
    return sentence, step or ui("The message is shown as the service has it.")


def _doing(edit: Edit) -> SafeText:
    match edit.kind, edit.value:
        case EditKind.READ, True:
            return ui("Marking as read")
        case EditKind.READ, False:
            return ui("Marking as unread")
        case EditKind.ARCHIVE, True:
            return ui("Archiving")
        case EditKind.ARCHIVE, False:
            return ui("Bringing back from the archive")
        case EditKind.LABELS, _:
            return ui("Labelling")
        case _:
            return ui("Deleting")
