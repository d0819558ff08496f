"""`search`: messages that match a query, from the cache, or with --server from the service."""

from __future__ import annotations

import argparse
import asyncio
import shutil

from services.errors import UsageError
from services.models import Mailbox, MailFilter
from tui.change import mailbox_of
from tui.cli import VerbParsers
from tui.listing import item_json, print_json, print_rows
from tui.profile import Profile, open_profile
from tui.verbs.list import print_messages


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("search", help="search messages", description=__doc__ or "")
    parser.add_argument("query", nargs="+", help="words, from:NAME, label:NAME, is:unread, …")
    parser.add_argument("--server", action="store_true", help="ask the service's own search")
    parser.add_argument("--limit", type=int, help="at most this many messages")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print what is found; exit code 0 also when nothing is."""
    query = " ".join(arguments.query).strip()
    if not query:
        raise UsageError("A search needs at least one word.")
    profile = open_profile(arguments.profile)
    if arguments.server:
        return asyncio.run(_ask_service(profile, query, arguments))
    with profile.store(for_reading=True) as store:
        store.build_search_text()
        chosen = MailFilter(Mailbox.ALL, text=query)
        print_messages(store, chosen, limit=arguments.limit, as_json=arguments.json)
    return 0


async def _ask_service(profile: Profile, query: str, arguments: argparse.Namespace) -> int:
    with profile.store(for_reading=True) as store:
        async with mailbox_of(profile, store) as mailbox:
            found = await mailbox.search_server(query)
        newest = found[::-1][: arguments.limit]
        items = [item for key in newest if (item := store.item(key))]
        rows = [row for key in newest if (row := store.snapshot().row_of(key))]
    if arguments.json:
        print_json({"items": [item_json(item) for item in items]})
    else:
        print_rows(rows, shutil.get_terminal_size().columns)
    return 0
