"""`label`: add and remove labels, atomically per message."""

from __future__ import annotations

import argparse

from services.errors import UsageError
from services.sync.edits import Edit, EditKind
from tui.change import run_edit
from tui.cli import VerbParsers


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("label", help="change labels", description=__doc__ or "")
    parser.add_argument("id", nargs="+", help="message ids, as `list` prints them")
    parser.add_argument("--add", action="append", default=[], metavar="LABEL")
    parser.add_argument("--remove", action="append", default=[], metavar="LABEL")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Change the labels; exit code 2 for labels that cannot be, 4 for unknown messages."""
    if not arguments.add and not arguments.remove:
        raise UsageError("Nothing to change.", "Give --add LABEL or --remove LABEL.")
    both = set(arguments.add) & set(arguments.remove)
    if both:
        raise UsageError(f"{both.pop()!a} is both added and removed.", "Name it once.")
    for label in (*arguments.add, *arguments.remove):
        if not label.strip() or len(label) > 64:
            raise UsageError("A label has 1 to 64 characters and is not blank.")
    edit = Edit(EditKind.LABELS, add=tuple(arguments.add), remove=tuple(arguments.remove))
    return run_edit(arguments, edit)
