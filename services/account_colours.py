"""The colours that accounts are told apart by, as words that every theme has a shade for.

A leaf. Closes the trap of a colour that cannot be read: the configuration names a colour, the theme
decides which shade of it stands on its ground. Colour is never the only mark of an account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from zlib import crc32

from services.errors import ConfigError

COLOURS: Final = ("blue", "green", "purple", "orange", "cyan", "pink")


def read_colour(table: Mapping[str, Any], where: str) -> str:
    """Read `colour` of an account, "" without one; ConfigError for a word that is none."""
    said = table.get("colour", "")
    if said == "" or said in COLOURS:
        return str(said)
    raise ConfigError(f"{where}: colour must be one of {', '.join(COLOURS)}.")


def colours_of(accounts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Give each account, of which the name and the wished colour ("" for none) are told, its colour.

    The same account keeps its colour when others are added behind it; two share one only when
    they wish to, or when there are more accounts than colours.
    """
    told = tuple(accounts)
    taken = [wished for _, wished in told if wished]
    found: dict[str, str] = {}
    for name, wished in told:
        found[name] = wished or _free(name, taken)
        if not wished:
            taken.append(found[name])
    return found


def _free(name: str, taken: list[str]) -> str:
    """The colour that a name asks for, or the next that fewer accounts have."""
    first = crc32(name.encode("utf-8", "surrogatepass")) % len(COLOURS)
    ring = (*COLOURS[first:], *COLOURS[:first])
    return min(ring, key=taken.count)
