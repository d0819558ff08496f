"""`show`: one message as safe text; fetched when it is not cached. It does not mark as read."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys

from tui.change import mailbox_of
from tui.cli import VerbParsers
from tui.listing import print_json
from tui.profile import Profile, open_profile
from tui.rendering import message_json, message_text


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("show", help="show one message", description=__doc__ or "")
    parser.add_argument("id", help="the message's id, as `list` prints it")
    parser.add_argument("--headers", action="store_true", help="show all header fields")
    parser.add_argument("--raw", action="store_true", help="show the source, made safe to print")
    parser.add_argument("--reveal", action="store_true", help="show invisible characters as marks")
    parser.add_argument("--width", type=int, help="wrap at this many cells")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the message; exit code 4 when it does not exist."""
    return asyncio.run(_show(open_profile(arguments.profile), arguments))


async def _show(profile: Profile, arguments: argparse.Namespace) -> int:
    with profile.store(for_reading=True) as store:
        async with mailbox_of(profile, store) as mailbox:
            if arguments.raw:
                for line in await mailbox.raw(arguments.id):
                    sys.stdout.write(line + "\n")
                return 0
            opened = await mailbox.open(arguments.id, reveal=arguments.reveal)
    if arguments.json:
        told = {"id": arguments.id, "verified": opened.trust.verified}
        print_json(told | message_json(opened.message))
    else:
        width = arguments.width or shutil.get_terminal_size().columns
        sys.stdout.write(message_text(opened.message, width, headers=arguments.headers) + "\n")
    return 0
