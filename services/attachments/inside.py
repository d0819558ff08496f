"""Files inside of an encrypted mail (PGP/MIME), saved like those that lie beside it.

Closes two traps: a file that can be read of but not had, and plaintext that lies about: it goes
from memory straight into a nameless beginning in the chosen folder, and is gone when that fails.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.attachments import landing
from services.attachments.names import safe_name
from services.attachments.transfer import Progressed, Saved, Stage, Wanted
from services.errors import UsageError
from services.progress import in_thread
from services.shown_mail import INSIDE

if TYPE_CHECKING:
    from services.crypto.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class InsideFile:
    """A file out of an encrypted mail, decrypted; `name` is its sender's, `verdict` the mail's."""

    name: str
    data: bytes = field(repr=False)
    verdict: Verdict


InsideFiles = Callable[[str, int], Awaitable[InsideFile]]
"""Opens a message and gives the file with this number inside of it; Locked, NotFound, MailError."""


def is_inside(index: int) -> bool:
    """Whether an attachment's index is that of a file inside of the encrypted part."""
    return index >= INSIDE


async def save_inside(
    files: InsideFiles, wanted: Wanted, tell: Callable[[Progressed], None]
) -> Saved:
    """Put a file from inside of an encrypted mail into a folder.

    Raises as `InsideFiles` do, UsageError (folder, or it is to stay encrypted), DiskFull.
    """
    if not wanted.opens:
        raise UsageError(
            "This file is a part of the encrypted text and cannot be saved without decrypting it.",
            "Save it decrypted.",
        )
    folder = landing.target_folder(wanted.folder)
    tell(Progressed(Stage.OPENING))
    found = await files(wanted.message_id, wanted.index - INSIDE)
    landing.room_for(folder, len(found.data))

    def work(_: object) -> Saved:
        with landing.unfinished(folder) as arrived, landing.disk_errors():
            arrived.write_bytes(found.data)
            path = landing.land(arrived, folder, safe_name(found.name))
        return Saved(path, len(found.data), True, True, verdict=found.verdict)

    return await in_thread(work)
