"""What the engine is asked about files on their way, and what it tells.

Loaded with the first file that moves, never for the first frame. Every request is a
`TransferRequest`, every event a `TransferEvent` (`services.events`), so that desk and bridge pass
them on without knowing them. Whoever moves files reports them to a `TransferBoard`
(`services.transfer_models`), which tells them on as `TransferMoved`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.events import TransferEvent, TransferRequest
from services.safe_text import EMPTY, SafeText
from services.transfer_models import TransferRow

# ── requests ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SaveAttachments(TransferRequest):
    """Save attachments of one message in a folder; `opens` decrypts those that are encrypted.

    `names` (one for each index) and `about` (the message) are what rows show; `transfer_ids` are
    rows that are taken up again.
    """

    message_id: str
    indexes: tuple[int, ...]
    folder: Path
    opens: bool = True
    names: tuple[SafeText, ...] = ()
    about: SafeText = EMPTY
    transfer_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CancelTransfers(TransferRequest):
    """Give up these transfers, or what these requests are saving; what is saved stays.

    Without any name: everything that is being saved. An upload that is given up takes its mail back.
    """

    request_ids: tuple[int, ...] = ()
    transfer_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RetryTransfers(TransferRequest):
    """Try these transfers again; a download goes on where it broke off."""

    transfer_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListTransfers(TransferRequest):
    """Tell all transfers since the start of the program; `TransfersListed`."""


@dataclass(frozen=True, slots=True)
class ForgetTransfers(TransferRequest):
    """Take the rows of what is over off the list; `TransfersListed`. No file is touched."""


@dataclass(frozen=True, slots=True)
class OpenSavedFile(TransferRequest):
    """Hand a saved file to the system's opener. The screen has asked before; `FileOpened`."""

    transfer_id: str


# ── events ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FileMoved(TransferEvent):
    """How far one file is; `state` is a word or two for its row, empty when there is no more."""

    request_id: int
    message_id: str
    index: int
    state: SafeText = EMPTY


@dataclass(frozen=True, slots=True)
class FilesSaved(TransferEvent):
    """A request to save is done: what lies where, and what did not work (one sentence each)."""

    request_id: int
    message_id: str
    sentence: SafeText
    paths: tuple[Path, ...] = ()
    failed: tuple[SafeText, ...] = ()


@dataclass(frozen=True, slots=True)
class SavingNeedsKey(TransferEvent):
    """Files are encrypted and the keys are locked: unlock, then send `request`, which names them.

    What could be saved without is saved, and told by `FilesSaved`.
    """

    request_id: int
    request: SaveAttachments
    sentence: SafeText


@dataclass(frozen=True, slots=True)
class TransferMoved(TransferEvent):
    """One file has come further, or is at its end; at most five times a second for each."""

    row: TransferRow


@dataclass(frozen=True, slots=True)
class TransfersListed(TransferEvent):
    """The answer to `ListTransfers` and `ForgetTransfers`: what moves first, then newest first."""

    request_id: int
    rows: tuple[TransferRow, ...]


@dataclass(frozen=True, slots=True)
class FileOpened(TransferEvent):
    """A saved file was handed to a program of the system."""

    request_id: int
    sentence: SafeText
