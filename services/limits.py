"""How much of a mail is read, and the frames that parent and worker exchange.

Closes the trap of a limit that one side of the pipe knows and the other does not. Whatever is cut
is told to the reader by a note; nothing is dropped in silence.
"""

from __future__ import annotations

import struct
from typing import Final

RAW_LIMIT: Final = 25_000_000
"""Bytes of a mail that are read."""
HEADER_LIMIT: Final = 65_536
"""Bytes of one header field."""
HEADERS_LIMIT: Final = 2_000
"""Header fields of one block."""
DEPTH_LIMIT: Final = 50
"""Levels of parts within parts."""
PARTS_LIMIT: Final = 1_000
HTML_LIMIT: Final = 1_000_000
"""Characters of one HTML part."""
TEXT_LIMIT: Final = 2_000_000
"""Characters shown of one mail."""
LINES_LIMIT: Final = 20_000
"""Lines shown of one mail."""
LINKS_LIMIT: Final = 2_000
SEALED_LIMIT: Final = 20_000_000
"""Bytes of one encrypted block that are handed over for decryption."""

MEMORY_LIMIT: Final = 512 * 1024 * 1024
"""Bytes of address space of the worker."""
LAST_RESORT_SECONDS: Final = 5
"""The parent kills after its own, shorter limit; this ends a worker whose parent is gone."""
OUT_OF_MEMORY: Final = 70
"""Exit status of a worker that met its memory limit."""

REQUEST_HEAD: Final = struct.Struct(">IQBI")
"""Bytes that follow, bytes that the whole mail has, flags, number of the first link."""
REVEAL: Final = 1
"""Flag: hidden text is to be shown."""
OPENED: Final = 2
"""Flag: what follows was decrypted, as text unless it is a MIME entity."""
ENTITY: Final = 4
"""Flag, with OPENED: it is a MIME entity."""
EXTRACT: Final = 8
"""Flag, with OPENED: one file inside is wanted; its number stands in the place of the first link."""
ANSWER_HEAD: Final = struct.Struct(">I")
"""Bytes that follow."""
ANSWER_LIMIT: Final = 64_000_000
