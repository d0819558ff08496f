"""Paths of operations, with ids in them that somebody else chose.

Closes the trap of ids in paths: they come from whoever sent the mail, hold `/`, `<` and `%`, and
`.`/`..` would walk to another operation. They are encoded without safe characters, and what would
still be another path (an empty one, a word that the service uses itself) is refused before anything
is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, Protocol
from urllib.parse import quote

from services.errors import UsageError

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Route(Protocol):
    """One operation of a service, as `services.api.exchange` calls it."""

    @property
    def method(self) -> Method: ...

    @property
    def request(self) -> type | None:
        """The struct that a body must fit; None for an operation without one."""
        ...

    @property
    def query(self) -> type | None: ...

    @property
    def auth(self) -> bool: ...

    def url_path(self, **ids: str | int) -> str:
        """Return the path with the ids percent-encoded; UsageError for one that cannot be."""
        ...


def parameters(path: str) -> tuple[str, ...]:
    """Return the names of the ids in a path, in order."""
    return tuple(_PARAMETER.findall(path))


def filled(
    path: str, ids: Mapping[str, str | int], taken: Mapping[str, frozenset[str]] | None = None
) -> str:
    """Return a path with its ids percent-encoded, for example `/messages/%3Ca%40b%3E/read`.

    `taken` are words that stand in an id's place with a meaning of their own. UsageError for a
    missing id and for one that cannot be a path segment.
    """
    others = taken or {}

    def segment(found: re.Match[str]) -> str:
        name = found[1]
        return _segment(name, ids.get(name), others.get(name, frozenset()))

    return _PARAMETER.sub(segment, path)


def _segment(name: str, value: str | int | None, taken: frozenset[str]) -> str:
    text = "" if value is None else str(value)
    if text in {"", ".", ".."} or text in taken or _CONTROLS.search(text):
        raise UsageError(f"This {name.replace('_', ' ')} cannot be asked for.")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError as error:
        raise UsageError(f"This {name.replace('_', ' ')} is not valid text.") from error
