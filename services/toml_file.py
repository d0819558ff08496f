"""A TOML file that people edit by hand: read whole, and its values taken with their kinds checked.

Closes the trap of a mistake far from its cause: whatever is no table, no text or no list where one
belongs is told with the file and the key. A pipe or a device in the file's place is not waited for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from services.errors import ConfigError
from services.paths import write_private

_LARGEST: Final = 1 << 20
"""Bytes of the file that are read; more is no configuration."""


def read_toml(file: Path) -> dict[str, Any]:
    """Return what the file says, nothing without one; ConfigError when it cannot be read."""
    try:
        data = _bytes_of(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror}.", "Check who owns it."
        ) from error
    # Here, because most have no such file, and reading none should not cost what reading one does.
    import tomllib

    try:
        return tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        place = f" ({error})" if isinstance(error, tomllib.TOMLDecodeError) else ""
        raise ConfigError(
            f"{file} is not a TOML file{place}.", "Correct it, or move it away."
        ) from error


def write_toml(file: Path, document: Mapping[str, Any]) -> None:
    """Replace the file in one step, 0600; ConfigError when the disk refuses."""
    import tomli_w

    write_private(file, tomli_w.dumps(document).encode("utf-8"))


def table_of(document: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    """The table under a key, empty without one; `where` it stands is named in the ConfigError."""
    value = document.get(key, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: {key} must be a table.", f"Write it as [{key}].")
    return value


def text_of(table: Mapping[str, Any], key: str, where: str) -> str:
    """The text under a key, "" without one; ConfigError."""
    value = table.get(key, "")
    if not isinstance(value, str):
        raise ConfigError(f"{where}: {key} must be text in quotes.")
    return value


def texts_of(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    """The texts under a key, none without it; ConfigError."""
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise ConfigError(f"{where}: {key} must be a list of texts.")
    return tuple(value)


def _bytes_of(file: Path) -> bytes:
    """Read the file if it is a plain one; a pipe would hold the program, a device never ends."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ConfigError(f"{file} is not a plain file.", "Move it away.")
        return opened.read(_LARGEST)
