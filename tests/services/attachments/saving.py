"""What tests save, and how they look at what lies in the folders afterwards."""

from __future__ import annotations

import stat
from pathlib import Path

from services.attachments.transfer import Wanted

PDF = ("report.pdf", b"%PDF-1.7 " + bytes(range(256)) * 400, "application/pdf")
SEALED_TYPE = "application/pgp-encrypted"


def wanted(message_id: str, folder: Path, index: int = 0, *, opens: bool = True) -> Wanted:
    return Wanted(message_id, index, folder, opens)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def size(path: str) -> int:
    return Path(path).stat().st_size


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def leftovers(*folders: Path) -> list[str]:
    return sorted(str(f) for folder in folders if folder.exists() for f in folder.rglob("*"))
