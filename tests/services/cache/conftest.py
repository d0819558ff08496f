"""A folder for tests that write a lot: what they prove does not depend on a slow disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_MEMORY_DISK = Path("/dev/shm")


@pytest.fixture
def disk() -> Iterator[Path]:
    """A fresh folder, in memory where the system offers that."""
    fast = _MEMORY_DISK.is_dir() and os.access(_MEMORY_DISK, os.W_OK)
    with tempfile.TemporaryDirectory(dir=_MEMORY_DISK if fast else None) as folder:
        yield Path(folder)
