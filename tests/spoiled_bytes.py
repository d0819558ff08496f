"""Sound bytes made wrong, as a seed says: for tests of whatever reads an answer from outside."""

from __future__ import annotations

import random
from collections.abc import Sequence


def spoiled(data: bytes, chance: random.Random, pieces: Sequence[bytes]) -> bytes:
    """Return the bytes with a few places changed, put in, left out, doubled or cut off.

    `pieces` are put in whole: what the format that is read gives a meaning to.
    """
    made = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(made) + 1)
        match chance.randrange(5):
            case 0:
                made[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                made[at:at] = chance.choice(pieces)
            case 2:
                del made[at : at + chance.randint(1, 8)]
            case 3:
                made[at:at] = made[at : at + chance.randint(1, 40)]
            case _:
                del made[at:]
    return bytes(made)
