"""`read`: mark messages read, or unread with --unread."""

from __future__ import annotations

import argparse

from services.sync.edits import Edit, EditKind
from tui.change import run_edit
from tui.cli import VerbParsers


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("read", help="mark read or unread", description=__doc__ or "")
    parser.add_argument("id", nargs="+", help="message ids, as `list` prints them")
    parser.add_argument("--unread", action="store_true", help="mark unread instead")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Mark the messages; exit code 4 for unknown ones."""
    return run_edit(arguments, Edit(EditKind.READ, value=not arguments.unread))
