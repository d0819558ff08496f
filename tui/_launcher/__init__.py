"""The installed program's front door: finds the three packages and starts them.

In a wheel they lie in `agentmail_tui/_bundle/`; in a checkout (editable install) at the repository's
root. Putting that one folder first on the path keeps a hostile `services/` or `tui/` in the current
folder, or another wheel's, from being imported instead of ours.
"""

from __future__ import annotations

import sys
from pathlib import Path


def _home_of_packages() -> Path:
    here = Path(__file__).resolve().parent
    bundle = here / "_bundle"
    return bundle if bundle.is_dir() else here.parent.parent


def main() -> int:
    """Start the program; returns its exit code."""
    sys.path.insert(0, str(_home_of_packages()))
    from tui.__main__ import main as start

    return start()
