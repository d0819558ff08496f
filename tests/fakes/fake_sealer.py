"""A sealer without keys: what it seals is unreadable to a search, and `open` obeys `is_open`."""

from __future__ import annotations

import base64

from services.crypto.errors import Locked, NoKey


class FakeSealer:
    """Base64 with a mark; `hindrance` and `is_open` are set by the test, `opens` counts."""

    def __init__(self) -> None:
        self.hindrance = ""
        self.is_open = True
        self.opens = 0

    def seal(self, data: bytes, /) -> bytes:
        if self.hindrance:
            raise NoKey(self.hindrance)
        return b"FAKE " + base64.b64encode(data)

    def open(self, data: bytes, /, *, quietly: bool = False) -> bytes:
        if not self.is_open:
            raise Locked
        self.opens += 1
        assert data.startswith(b"FAKE ")
        return base64.b64decode(data[5:])
