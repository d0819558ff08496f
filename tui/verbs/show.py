"""`show`: one message as safe text; fetched when it is not cached. It does not mark as read.

Closes the trap of a script that takes silence for success: with `--decrypt` a message that stays
closed is printed with the reason, told on stderr, and ends with exit code 8. Without it, keys are
not even looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from typing import TYPE_CHECKING

from services.errors import CryptoError
from tui import passphrase as asking
from tui.change import mailbox_of
from tui.cli import VerbParsers
from tui.listing import print_json
from tui.profile import Profile, open_profile
from tui.rendering import closed_sentence, message_json, message_text

if TYPE_CHECKING:
    from services.sync.mailbox import Mailbox
    from services.sync.reading import Opened


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser(
        "show",
        help="show one message",
        description="Show one message as safe text, without marking it read.",
    )
    parser.add_argument("id", help="the message's id, as `list` prints it")
    parser.add_argument("--headers", action="store_true", help="show all header fields")
    parser.add_argument("--raw", action="store_true", help="show the source, made safe to print")
    parser.add_argument("--reveal", action="store_true", help="show invisible characters as marks")
    parser.add_argument(
        "--decrypt", action="store_true", help="open an encrypted message with your keys"
    )
    asking.add_option(parser)
    parser.add_argument("--width", type=int, help="wrap at this many cells")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the message; exit code 4 when it does not exist, 8 when it cannot be decrypted."""
    return asyncio.run(_show(open_profile(arguments.profile), arguments))


async def _show(profile: Profile, arguments: argparse.Namespace) -> int:
    with profile.store(for_reading=True) as store:
        async with mailbox_of(profile, store, with_keys=arguments.decrypt) as mailbox:
            if arguments.raw:
                for line in await mailbox.raw(arguments.id):
                    sys.stdout.write(line + "\n")
                return 0
            opened = await _open(mailbox, arguments)
    if arguments.json:
        told = {"id": arguments.id, "verified": opened.trust.verified}
        print_json(told | message_json(opened.message))
    else:
        width = arguments.width or shutil.get_terminal_size().columns
        sys.stdout.write(message_text(opened.message, width, headers=arguments.headers) + "\n")
    return _told_closed(opened, arguments)


async def _open(mailbox: Mailbox, arguments: argparse.Namespace) -> Opened:
    """Open the message; asks for the passphrase only when an own key would open it."""
    opened = await mailbox.open(arguments.id, reveal=arguments.reveal)
    seal = opened.message.seal
    if not arguments.decrypt or seal is None or seal.state.value != "locked":
        return opened
    keychain = await mailbox.keychain.get()
    await keychain.unlock(asking.passphrase(arguments, "The passphrase of your key"))
    return await mailbox.open(arguments.id, reveal=arguments.reveal)


def _told_closed(opened: Opened, arguments: argparse.Namespace) -> int:
    why = closed_sentence(opened.message)
    if not why:
        return 0
    if not arguments.decrypt:
        sys.stderr.write("agentmail-tui: The message is encrypted. Use --decrypt to open it.\n")
        return 0
    sys.stderr.write(f"agentmail-tui: {why}\n")
    return CryptoError.exit_code
