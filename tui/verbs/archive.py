"""`archive`: take messages out of the inbox, or bring them back with --unarchive."""

from __future__ import annotations

import argparse

from services.sync.edits import Edit, EditKind
from tui.change import run_edit
from tui.cli import VerbParsers


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("archive", help="archive messages", description=__doc__ or "")
    parser.add_argument("id", nargs="+", help="message ids, as `list` prints them")
    parser.add_argument("--unarchive", action="store_true", help="bring them back instead")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Archive the messages; exit code 4 for unknown ones."""
    return run_edit(arguments, Edit(EditKind.ARCHIVE, value=not arguments.unarchive))
