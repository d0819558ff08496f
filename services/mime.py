"""The parts of a mail."""

from __future__ import annotations

import re
from typing import Final

_NO_BYTE: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def raw_bytes(raw_mime: str) -> bytes:
    """Return the bytes of a mail that the API handed over as a JSON string (api/assmbl.md §4.2).

    Bytes that were no UTF-8 arrive as lone surrogates U+DC80 to U+DCFF and become those bytes again.
    """
    return _NO_BYTE.sub("\ufffd", raw_mime).encode("utf-8", "surrogateescape")
