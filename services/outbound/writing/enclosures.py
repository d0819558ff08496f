"""Which files of a message go along when it is sent on, and what is said about those that do not.

Closes the trap of plaintext on the disk that nobody asked for: what is encrypted stays with the
message, and the draft says how it is attached. Pure: nothing is fetched here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from services.attachments.names import safe_name
from services.draft import DraftFile, FileOrigin
from services.outbound.drafts.carried_folders import CarriedFolders
from services.outbound.log.lending import Original
from services.safe_text import EMPTY, SafeText, join, phrase
from services.sealed_names import UNKNOWN_TYPE
from services.shown_mail import INSIDE, AttachmentView

CARRIED_LIMIT: Final = 100
"""Files that go along at most (api/assmbl.md §5.1 takes no more with one mail)."""
_MANIFEST: Final = "x-agentmail-attachments"
_NAMED: Final = 5
_SEALED: Final = (
    "Encrypted files are not attached by themselves ({}): save them with S, then attach them "
    "with Ctrl+T."
)
_LEFT_OUT: Final = "These files are not attached ({}): save and attach what should go along."
_ALL_LEFT_OUT: Final = (
    "The files of the message are not attached ({}): save and attach what should go along."
)


@dataclass(frozen=True, slots=True)
class Enclosures:
    """The files that a draft begins with, and what is to be said about the others."""

    files: tuple[DraftFile, ...] = ()
    remark: SafeText = EMPTY


@dataclass(frozen=True, slots=True)
class _Found:
    view: AttachmentView
    origin: FileOrigin | None


def enclosures_of(original: Original, draft_id: str, folders: CarriedFolders | None) -> Enclosures:
    """Return what goes along with a draft; without `folders` nothing does, and that is said."""
    found = tuple(_found(original))
    if folders is None:
        return Enclosures(remark=_told(_ALL_LEFT_OUT, (one.view for one in found)))
    clear = [one for one in found if not one.view.encrypted]
    taken = [one for one in clear if one.origin is not None][:CARRIED_LIMIT]
    sealed = [one.view for one in found if one.view.encrypted]
    others = [one.view for one in clear if one not in taken]
    files = tuple(
        _carried(one.view, one.origin, draft_id, folders) for one in taken if one.origin is not None
    )
    told = (_told(_SEALED, sealed), _told(_LEFT_OUT, others))
    return Enclosures(files, join(" ", [sentence for sentence in told if sentence]))


def _found(original: Original) -> Iterator[_Found]:
    """Say of each file as the reader lists it where it can be had."""
    message_id = original.item.message_id
    served = {entry.index for entry in original.served}
    announced = any(line.name.lower() == _MANIFEST for line in original.message.headers)
    for view in original.message.attachments:
        if view.index >= INSIDE:
            yield _Found(view, None)
        elif view.index in served:
            yield _Found(view, FileOrigin(message_id, view.index))
        elif served or announced:
            # Parts of a mail that a manifest speaks of are numbered by that, and lie elsewhere.
            yield _Found(view, None)
        else:
            yield _Found(view, FileOrigin(message_id, view.index, is_part=True))


def _carried(
    view: AttachmentView, origin: FileOrigin, draft_id: str, folders: CarriedFolders
) -> DraftFile:
    name = safe_name(view.file_name)
    return DraftFile(
        folders.place(draft_id, origin.index, name),
        name,
        str(view.content_type) or UNKNOWN_TYPE,
        origin=origin,
    )


def _told(words: str, files: Iterable[AttachmentView]) -> SafeText:
    names = [file.file_name for file in files]
    if not names:
        return EMPTY
    named = join(", ", names[:_NAMED])
    more = len(names) - _NAMED
    return phrase(words, phrase("{} and {} more", named, more) if more > 0 else named)
