"""The mail corpora beside the project: found, never copied; absent ones skip with a reason."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "corpora"


def corpora() -> Path:
    """The folder of the corpora; skips the test when this machine has none."""
    folder = Path(os.environ.get("MAIL_CORPORA") or _BESIDE)
    if not folder.is_dir():
        pytest.skip(f"no mail corpora: neither $MAIL_CORPORA nor {_BESIDE} is a folder")
    return folder


@cache
def all_mails() -> tuple[Path, ...]:
    """Every mail file of the corpora."""
    found = []
    for path in sorted(corpora().rglob("*")):
        is_reply = "standard_replies" in path.parts or "emails" in path.parts
        if path.is_file() and (path.suffix in (".eml", ".msg") or is_reply):
            found.append(path)
    return tuple(found)


def generate_hostile_mails(folder: Path) -> list[Path]:
    """Write the generated hostile mails into a folder and return them."""
    script = corpora() / "generated" / "gen.py"
    subprocess.run(
        [sys.executable, str(script), str(folder)], check=True, stdout=subprocess.DEVNULL
    )
    return sorted(folder.glob("*.eml"))
