"""`render`: mail files as safe text; needs no account.

Closes the trap of a tool that stops at the first bad file: whatever a mail holds, its line is
printed, in the order of the arguments. A file that cannot be read is told on stderr, the others are
still rendered, and the exit code is 4; it is 8 when an encrypted mail stays closed in spite of
`--decrypt`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from services.errors import CryptoError, UsageError
from services.limits import RAW_LIMIT
from services.safe_text import clean_line
from services.shown_mail import RenderedMessage
from tui import passphrase as asking
from tui.cli import VerbParsers
from tui.listing import print_json
from tui.rendering import closed_sentence, message_json, message_text

if TYPE_CHECKING:
    from services.reading.sealed import Opener

UNREADABLE = 4
"""Exit code when at least one file could not be read."""


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser(
        "render",
        help="show mail files as safe text; needs no account",
        description="Show mail files as safe text: body, links, attachments and what looks wrong.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a mail as it was received")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--width", type=_width, default=0, metavar="N", help="wrap at this column")
    parser.add_argument("--reveal", action="store_true", help="show invisible characters as marks")
    parser.add_argument(
        "--key", action="append", type=Path, metavar="FILE", help="a private key to open mail with"
    )
    parser.add_argument(
        "--decrypt", action="store_true", help="open encrypted mail with the keys given by --key"
    )
    asking.add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Render the files in order; 4 when one of them could not be read, 8 when one stays closed."""
    from services.reading.render_process import RenderWorker

    opener = _opener(arguments)
    closed = 0
    worker = RenderWorker()
    names: list[str] = []
    try:
        mails = _mails(arguments.files, names)
        rendered = worker.render_many(mails, reveal=arguments.reveal, opener=opener)
        for number, message in enumerate(rendered):
            _show(names[number], message, arguments, first=number == 0)
            why = closed_sentence(message)
            if why and opener is None:
                # A script reads the state; a person needs the way on.
                why = (
                    "" if arguments.json else "It is encrypted. Open it with --key FILE --decrypt."
                )
            elif why:
                closed += 1
            if why:
                sys.stderr.write(f"agentmail-tui: {clean_line(names[number])}: {why}\n")
    finally:
        worker.close()
    if closed:
        return CryptoError.exit_code
    return 0 if len(names) == len(arguments.files) else UNREADABLE


def _opener(arguments: argparse.Namespace) -> Opener | None:
    """Open the keys that were named; asks for one passphrase when any of them needs one."""
    if bool(arguments.key) != arguments.decrypt:
        raise UsageError("--key and --decrypt go together.", "Give --key FILE and --decrypt.")
    if not arguments.decrypt:
        return None
    from services.crypto.own import OwnKey
    from services.keys.core_dumps import forbid_core_dumps
    from services.keys.key_folder import read_key_file
    from services.sync.unsealing import KeysAtHand, Unsealer

    forbid_core_dumps()
    own = tuple(OwnKey.load(read_key_file(path)) for path in arguments.key)
    secret = None
    if any(key.is_sealed for key in own):
        secret = asking.passphrase(arguments, "The passphrase of the key")
    unlocked = tuple(key.unlock(secret if key.is_sealed else None) for key in own)
    return Unsealer(KeysAtHand(tuple(key.public for key in own), unlocked, lambda _: None))


def _mails(files: Sequence[str], names: list[str]) -> Iterator[tuple[bytes, int]]:
    """Yield what can be read, and note the name of each."""
    for name in files:
        read = _read(name)
        if read is not None:
            names.append(name)
            yield read


def _show(
    name: str, message: RenderedMessage, arguments: argparse.Namespace, *, first: bool
) -> None:
    if arguments.json:
        print_json({"file": _speakable(name), **message_json(message, arguments.width)})
        return
    if len(arguments.files) > 1:
        sys.stdout.write(("" if first else "\n") + f"==> {clean_line(name)} <==\n")
    sys.stdout.write(message_text(message, arguments.width or shutil.get_terminal_size().columns))


def _width(text: str) -> int:
    width = int(text) if text.isascii() and text.isdigit() else 0
    if not 20 <= width <= 1_000:
        raise argparse.ArgumentTypeError("the width must be a number from 20 to 1000")
    return width


def _read(name: str) -> tuple[bytes, int] | None:
    """Return what will be read of a file and its true size; None after telling why not."""
    try:
        with open(name, "rb", opener=_without_waiting) as file:
            os.set_blocking(file.fileno(), True)
            raw = file.read(RAW_LIMIT + 1)
            return raw, max(len(raw), os.fstat(file.fileno()).st_size)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "a bad name"
        sys.stderr.write(f"agentmail-tui: {clean_line(name)} cannot be read: {why}.\n")
        return None


def _without_waiting(name: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to counts as empty instead of holding us for ever."""
    return os.open(name, flags | os.O_NONBLOCK)


def _speakable(name: str) -> str:
    """Return a file name without the lone surrogates of bytes that are no UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")
