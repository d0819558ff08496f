"""`delete`: delete messages on the service, for good. Asks on a terminal, else needs --yes."""

from __future__ import annotations

import argparse
import sys

from services.errors import UsageError
from services.sync.edits import Edit, EditKind
from tui.change import run_edit
from tui.cli import VerbParsers


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("delete", help="delete messages for good", description=__doc__ or "")
    parser.add_argument("id", nargs="+", help="message ids, as `list` prints them")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Delete the messages; exit code 1 when the answer is no, 4 for unknown messages."""
    if not arguments.yes and not _agreed(len(arguments.id)):
        sys.stderr.write("Nothing was deleted.\n")
        return 1
    return run_edit(arguments, Edit(EditKind.DELETE))


def _agreed(count: int) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("Deleting cannot be undone.", "Add --yes when no one can be asked.")
    sys.stderr.write(f"Delete {count} message{'s' if count > 1 else ''} for good? Type yes: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "yes"
