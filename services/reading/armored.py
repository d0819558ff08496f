"""OpenPGP messages inside readable text: which lines are a block, and which stand around it.

Closes two traps. Patterns: a search for armor by pattern can hang for ever on 200 bytes
(research/reliability.md TH6), so lines are compared, once each. And blocks that swallow text: what
stands between a first line and another first line belongs to no block and is shown as text; a block
in a quote is somebody else's and is never opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.limits import SEALED_LIMIT
from services.reading.parsed_mail import SealedBlock

BEGIN: Final = "-----BEGIN PGP MESSAGE-----"
_END: Final = "-----END PGP MESSAGE-----"
_BLANKS: Final = " \t\r\n\xa0\ufeff"
_BINARY: Final = frozenset((*range(0x84, 0x88), *range(0x8C, 0x90), 0xC1, 0xC3))
"""First octets of an encrypted message in packets: an envelope for a key or for a passphrase."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Where blocks stand in a list of lines: first line and the line behind the last one.

    `cut_at` is the first line of a block that has no end.
    """

    spans: tuple[tuple[int, int], ...] = ()
    cut_at: int | None = None

    def __bool__(self) -> bool:
        return bool(self.spans) or self.cut_at is not None

    def outside(self, total: int) -> list[tuple[int, int]]:
        """Return the runs of lines that belong to no block."""
        runs, at = [], 0
        for start, end in self.spans:
            runs.append((at, start))
            at = end
        runs.append((at, total if self.cut_at is None else self.cut_at))
        return [(start, end) for start, end in runs if start < end]


def find_blocks(lines: Sequence[str]) -> Blocks:
    """Find the blocks in lines of text; a block begins at the last first line before its end."""
    spans: list[tuple[int, int]] = []
    opened: int | None = None
    for number, line in enumerate(lines):
        if "-----" not in line:
            continue
        bare = line.strip(_BLANKS)
        if bare == BEGIN:
            opened = number
        elif bare == _END and opened is not None:
            spans.append((opened, number + 1))
            opened = None
    return Blocks(tuple(spans), opened)


def block_of(lines: Sequence[str]) -> SealedBlock | None:
    """Return the lines of a block as armor; None when it is larger than SEALED_LIMIT."""
    if sum(map(len, lines)) > SEALED_LIMIT:
        return None
    armor = "\n".join(line.strip(_BLANKS) for line in lines) + "\n"
    return SealedBlock(armor.encode("utf-8", "replace"))


def block_of_part(content: bytes) -> SealedBlock | None:
    """Return the second part of a PGP/MIME message (RFC 3156 §4); None when it is too large.

    Some writers send the packets without armor; whatever it is, only decryption decides.
    """
    if len(content) > SEALED_LIMIT:
        return None
    if content[:1] and content[0] in _BINARY:
        return SealedBlock(content, is_entity=True)
    lines = content.decode("latin-1").split("\n")
    blocks = find_blocks(lines)
    start, end = blocks.spans[0] if len(blocks.spans) == 1 else (0, len(lines))
    armor = "\n".join(line.strip(_BLANKS) for line in lines[start:end]) + "\n"
    return SealedBlock(armor.encode("latin-1"), is_entity=True)
