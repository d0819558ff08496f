"""Pages and their tokens: `limit`, `page_token`, `next_page_token` (api/agentmail_to.md §2).

Closes the trap of tokens that can be invented: they are signed and name the list they belong to,
so another list's token is a 400 and never a jump into the data.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.sandbox.agentmail_to.failures import invalid
from services.sandbox.agentmail_to.shapes import Json
from services.sandbox.faults import Fault
from services.sandbox.store import Store

PLAIN_LIMIT: Final = 20
SEARCH_LIMIT: Final = 100
_LARGEST: Final = 500
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_SEAL: Final = 12

Place = list[Any]
"""Where a page ended: what the list sorts by, of its last item."""


@dataclass(frozen=True, slots=True)
class Paging:
    """What a caller asked for: how many, and behind which place."""

    name: str
    """The list with all that it depends on: a token of another one is refused."""
    limit: int
    place: Place | None
    store: Store
    faults: Mapping[str, Fault]

    def page(self, plural: str, items: Sequence[Json], places: Sequence[Place]) -> Json:
        """Return a page of up to `limit` items; one more item than that says that more follow."""
        limit = self.limit
        if fault := self.faults.get("short_page"):
            limit = min(limit, fault.size)
        if "empty_page" in self.faults:
            return self._answer(plural, [], self._token(self.place))
        more = len(items) > limit
        token = self._token(places[limit - 1] if limit else self.place) if more else None
        if token and self.place is not None and "repeated_cursor" in self.faults:
            token = self._token(self.place)
        return self._answer(plural, items[:limit], token)

    def cut(
        self,
        plural: str,
        rows: Sequence[Any],
        shown: Callable[[Any], Json],
        place: Callable[[Any], Place],
    ) -> Json:
        """Return a page of rows that are in order already; `place` tells one from another."""
        start = 0
        if self.place is not None:
            known = [place(row) for row in rows]
            start = known.index(self.place) + 1 if self.place in known else len(rows)
        wanted = rows[start : start + self.limit + 1]
        return self.page(plural, [shown(row) for row in wanted], [place(row) for row in wanted])

    def _answer(self, plural: str, items: Sequence[Json], token: str | None) -> Json:
        answer: Json = {"count": len(items), "limit": self.limit, plural: list(items)}
        if token is not None:
            answer["next_page_token"] = token
        return answer

    def _token(self, place: Place | None) -> str:
        data = json.dumps(place).encode()
        return base64.urlsafe_b64encode(_seal(self.store, self.name, data) + data).decode()


def paging(
    store: Store,
    name: str,
    query: Mapping[str, str],
    faults: Mapping[str, Fault],
    largest: int = _LARGEST,
) -> Paging:
    """Read `limit` and `page_token`; raises 400."""
    limit = _limit(query.get("limit"), largest)
    token = query.get("page_token")
    if token is not None and "expired_cursor" in faults:
        raise invalid("Invalid page token", "page_token")
    place = None if token is None else _place(store, name, token)
    return Paging(name, limit, place, store, faults)


def _limit(text: str | None, largest: int) -> int:
    if text is None:
        return min(PLAIN_LIMIT, largest)
    limit = int(text) if _NUMBER.fullmatch(text) else 0
    if not 1 <= limit <= largest:
        raise invalid(f"Number must be from 1 to {largest}", "limit")
    return limit


def _place(store: Store, name: str, token: str) -> Place | None:
    try:
        data = base64.b64decode(token, altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        data = b""
    if not hmac.compare_digest(data[:_SEAL], _seal(store, name, data[_SEAL:])):
        raise invalid("Invalid page token", "page_token")
    place: Place | None = json.loads(data[_SEAL:])
    return place


def _seal(store: Store, name: str, data: bytes) -> bytes:
    covered = hashlib.sha256(name.encode("utf-8", "replace")).digest() + data
    return hmac.digest(_secret(store), covered, hashlib.sha256)[:_SEAL]


def _secret(store: Store) -> bytes:
    db = store.database.connection
    row = db.execute("SELECT value FROM meta WHERE name = 'v0 token secret'").fetchone()
    if row is None:
        row = (secrets.token_bytes(32),)
        db.execute("INSERT INTO meta VALUES ('v0 token secret', ?)", row)
    return bytes(row[0])
