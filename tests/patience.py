"""How long a test waits for a fact before it fails.

Closes the trap of a test that fails because the machine is busy: only a failing test waits so long.
"""

from typing import Final

PATIENCE: Final = 60.0
"""Seconds."""
