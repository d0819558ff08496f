"""Damaged files kept beside the one that goes on, each under a number of its own.

Closes the trap of the second damage that writes over what was kept of the first.
"""

from __future__ import annotations

from pathlib import Path

from services.cache.files import cache_error, tighten


def place_aside(path: Path) -> Path:
    """Return a name beside a file that nothing has yet: `NAME.damaged-1` and so on."""
    taken = {other.name for other in path.parent.glob(f"{path.name}.damaged-*")}
    names = (f"{path.name}.damaged-{number}" for number in range(1, len(taken) + 2))
    return path.with_name(next(name for name in names if name not in taken))


def copy_aside(path: Path, doing: str) -> Path:
    """Keep a copy of a damaged file (0600), whole or not at all; CacheError when there is no room."""
    import shutil

    aside = place_aside(path)
    try:
        shutil.copyfile(path, aside)
        tighten(aside)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise cache_error(error, doing) from error
    return aside
