"""Folders as people type them: `~`, and the rest of a name by one key.

Closes the trap of a completion that reads a folder of a million entries, or names files where only
a folder helps. Blocks: call it in a thread.
"""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import islice, takewhile
from pathlib import Path
from typing import Final

from services.safe_text import inspect_line

USUAL: Final = "~/Downloads"
"""Where files are saved unless somebody says otherwise; made when it is missing."""
_LOOKED_AT: Final = 5_000
"""Entries of a folder that are looked at."""


def complete(typed: str) -> str:
    """Return what was typed, made longer as far as the folders there leave one choice.

    Names that cannot be shown as they are stay out.
    """
    shown, _, begun = typed.rpartition("/")
    if not shown and "/" not in typed:
        return f"{typed}/" if typed in ("~", "..") else typed
    names = _folders(f"{shown}/", begun)
    if not names:
        return typed
    if len(names) == 1:
        return f"{shown}/{names[0]}/"
    return f"{shown}/{_begin_of(min(names), max(names))}"


def _begin_of(one: str, other: str) -> str:
    """Return the letters that both begin with."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(letter for letter, _ in same)


def _folders(parent: str, begun: str) -> list[str]:
    with (
        suppress(OSError, RuntimeError, ValueError),
        os.scandir(Path(parent).expanduser()) as entries,
    ):
        return [
            entry.name
            for entry in islice(entries, _LOOKED_AT)
            if entry.name.startswith(begun)
            and (begun or not entry.name.startswith("."))
            and inspect_line(entry.name).text == entry.name
            and entry.is_dir()
        ]
    return []
