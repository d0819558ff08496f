"""`list`: cached messages, newest first, archived ones included unless a mailbox is named."""

from __future__ import annotations

import argparse
import shutil
import sys
from typing import TYPE_CHECKING

from services.models import Mailbox, MailFilter
from services.sync.walk import synced_at
from tui.cli import VerbParsers
from tui.listing import iso_date, item_json, print_json, print_rows
from tui.profile import open_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.cache.snapshot import RowView
    from services.cache.store import MailStore


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("list", help="list cached messages", description=__doc__ or "")
    parser.add_argument("--mailbox", choices=[box.value for box in Mailbox], default="all")
    parser.add_argument("--label", help="only messages that carry this label")
    parser.add_argument("--limit", type=int, help="at most this many messages")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the list; exit code 0."""
    chosen = MailFilter(Mailbox(arguments.mailbox), arguments.label)
    with open_profile(arguments.profile).store(for_reading=True) as store:
        print_messages(store, chosen, limit=arguments.limit, as_json=arguments.json)
    return 0


def print_messages(
    store: MailStore, chosen: MailFilter, *, limit: int | None, as_json: bool
) -> None:
    """Print what a filter finds in the cache, as JSON or as a table."""
    snapshot = store.snapshot()
    rows = snapshot.select(chosen)
    shown = len(rows) if limit is None else min(max(limit, 0), len(rows))
    synced = synced_at(store)
    if as_json:
        print_json(
            {
                "items": list(_items(rows, shown)),
                "unread_count": snapshot.counts.unread,
                "synced_at": iso_date(synced),
            }
        )
        return
    print_rows((rows.row(at) for at in range(shown)), shutil.get_terminal_size().columns)
    if not synced:
        sys.stderr.write("Not synced yet: `agentmail-tui sync` fetches the mailbox.\n")


def _items(rows: RowView, shown: int) -> Iterator[dict[str, object]]:
    found = (rows.item(at) for at in range(shown))
    return (item_json(item) for item in found if item is not None)
