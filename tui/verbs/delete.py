"""`delete`: delete messages on the service: into its trash where it has one, else for good.

Asks on a terminal, else needs --yes.
"""

from __future__ import annotations

import argparse
import sys

from services.errors import UsageError
from services.sync.edits import Edit, EditKind
from tui.change import run_edit
from tui.cli import VerbParsers
from tui.profile import open_profile


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("delete", help="delete messages", description=__doc__ or "")
    parser.add_argument("id", nargs="+", help="message ids, as `list` prints them")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Delete the messages; exit code 1 when the answer is no, 4 for unknown messages."""
    if not arguments.yes:
        has_trash = open_profile(arguments.profile).offers().trash
        if not _agreed(len(arguments.id), has_trash=has_trash):
            sys.stderr.write("Nothing was deleted.\n")
            return 1
    return run_edit(arguments, Edit(EditKind.DELETE))


def _agreed(count: int, *, has_trash: bool) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(
            "Deleting asks first." if has_trash else "Deleting cannot be undone.",
            "Add --yes when no one can be asked.",
        )
    messages = f"{count} message{'s' if count > 1 else ''}"
    question = f"Move {messages} to the trash?" if has_trash else f"Delete {messages} for good?"
    sys.stderr.write(f"{question} Type yes: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "yes"
