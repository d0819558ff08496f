"""A path becomes a file of a draft: looked at, named, its type guessed.

Closes the traps of a path that is no plain file, of a name that means something to a disk or a
terminal, and of an agent that attaches the program's own keys and tokens: what lies in the folders of
this program is refused.
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from services.attachments.names import safe_name
from services.draft import DraftFile
from services.errors import PolicyRefused, UsageError
from services.outbound.drafts.files import opened, place_of

ANY_TYPE: Final = "application/octet-stream"
_OF_PROGRAMS: Final = (Path("/proc"), Path("/sys"))
"""Where plain files hold the environment, and with it the tokens, of programs."""


def look_at(
    path: Path, *, name: str = "", content_type: str = "", barred: Iterable[Path] = ()
) -> DraftFile:
    """Return what a draft keeps of a file; its path without links. Touches the disk.

    UsageError when it is no plain file that can be read, PolicyRefused when it lies in one of the
    `barred` folders.
    """
    try:
        real = path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it cannot be followed"
        raise UsageError(f"The file {str(path)[:300]!a} cannot be attached: {why}.") from None
    own = tuple(barred)
    check_place(real, own)
    with opened(real, real.name) as file:
        check_place(place_of(file, real), own)
        facts = os.fstat(file.fileno())
    named = safe_name(name or path.name)
    kind = content_type or mimetypes.guess_type(named)[0] or ANY_TYPE
    return DraftFile(real, named, kind, facts.st_size, facts.st_mtime_ns)


def check_place(real: Path, barred: Iterable[Path]) -> None:
    """Raise PolicyRefused when a place without links is in one of these folders, or on no disk."""
    if any(real.is_relative_to(folder) for folder in _OF_PROGRAMS):
        raise PolicyRefused(
            f"{str(real)[:300]!a} is no file of a disk: it shows what a program holds.",
            "Save a copy of what you mean.",
        )
    if any(real.is_relative_to(folder.resolve()) for folder in barred):
        raise PolicyRefused(
            f"The file {str(real)[:300]!a} belongs to this program's own data.",
            "Keys, tokens and cached mail are not attached; save a copy of what you mean.",
        )
