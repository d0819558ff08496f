"""What the engine is asked about files on their way, and what it tells.

Loaded with the first file that is saved, never for the first frame. Every request is a
`TransferRequest`, every event a `TransferEvent` (`services.events`), so that desk and bridge pass
them on without knowing them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.events import TransferEvent, TransferRequest
from services.safe_text import EMPTY, SafeText

# ── requests ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SaveAttachments(TransferRequest):
    """Save attachments of one message in a folder; `opens` decrypts those that are encrypted."""

    message_id: str
    indexes: tuple[int, ...]
    folder: Path
    opens: bool = True


@dataclass(frozen=True, slots=True)
class CancelTransfers(TransferRequest):
    """Give up what these requests are saving now (empty: everything); what is saved stays."""

    request_ids: tuple[int, ...] = ()


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
