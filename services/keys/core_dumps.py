"""No core dumps once this process deals with keys (research/crypto.md §4).

Closes the trap of a crash that writes the whole memory, open keys and decrypted mail in it, to a
file that anybody may pick up.
"""

from __future__ import annotations

import resource
from contextlib import suppress


def forbid_core_dumps() -> None:
    """Let this process and those it starts write no core dump from now on."""
    # A system that does not know the limit writes none, or asks nobody.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
