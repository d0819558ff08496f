"""`sync`: fetch what is new into the cache and send the changes that wait; resumable at any point."""

from __future__ import annotations

import argparse
import asyncio

from services.models import MailboxCounts
from tui.change import mailbox_of
from tui.cli import VerbParsers
from tui.listing import print_json
from tui.profile import Profile, open_profile


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("sync", help="fetch new mail", description=__doc__ or "")
    parser.add_argument("--full", action="store_true", help="walk and reconcile the whole mailbox")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Sync and print the counts; exit codes 5 and 6 tell a refused token and a lost connection."""
    counts = asyncio.run(_sync(open_profile(arguments.profile), full=arguments.full))
    if arguments.json:
        print_json(
            {
                "total": counts.total,
                "inbox": counts.inbox,
                "unread_count": counts.unread,
                "archived": counts.archived,
            }
        )
    else:
        print(f"{counts.total:,} messages, {counts.unread:,} unread, {counts.archived:,} archived")
    return 0


async def _sync(profile: Profile, *, full: bool) -> MailboxCounts:
    with profile.store() as store:
        async with mailbox_of(profile, store) as mailbox:
            await mailbox.sync(full=full)
            await mailbox.flush()
        return store.snapshot().counts
