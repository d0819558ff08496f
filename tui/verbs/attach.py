"""`attach list|save`: the files of one message, listed or saved in a folder."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.errors import MailError, NotFound
from services.safe_text import clean_line
from services.shown_mail import INSIDE
from tui.change import mailbox_of
from tui.cli import VerbParsers
from tui.listing import print_json
from tui.passphrase import add_option, passphrase
from tui.profile import Profile, open_profile

if TYPE_CHECKING:
    from services.attachments.transfer import Fetcher, Progressed, Saved
    from services.shown_mail import AttachmentView
    from services.sync.mailbox import Mailbox


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("attach", help="list or save attachments", description=__doc__ or "")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the attachments of a message")
    saving = actions.add_parser("save", help="save attachments of a message")
    for action in (listing, saving):
        action.add_argument("id", help="the message's id, as `list` prints it")
        action.add_argument("--json", action="store_true", help="print one JSON object")
    saving.add_argument(
        "--index", type=int, action="append", metavar="N", help="only this one (from 0; repeatable)"
    )
    saving.add_argument("--to", default=".", metavar="DIR", help="the folder (default: this one)")
    saving.add_argument(
        "--decrypt", action="store_true", help="decrypt what is encrypted, under its own name"
    )
    add_option(saving)


def run(arguments: argparse.Namespace) -> int:
    """List or save; exit code 4 for an unknown message, 8 for what cannot be decrypted."""
    work = _save if arguments.action == "save" else _list
    return asyncio.run(work(open_profile(arguments.profile), arguments))


async def _list(profile: Profile, arguments: argparse.Namespace) -> int:
    with profile.store(for_reading=True) as store:
        async with mailbox_of(profile, store) as mailbox:
            files = await _files(mailbox, arguments.id)
    if arguments.json:
        print_json({"id": arguments.id, "attachments": [_file_json(file) for file in files]})
    for file in () if arguments.json else files:
        size = "size unknown" if file.size is None else f"{file.size:,} bytes"
        marks = "  encrypted" if file.encrypted else ""
        sys.stdout.write(f"({file.index}) {file.file_name}  {size}{marks}  {file.state}\n")
    return 0


async def _files(mailbox: Mailbox, message_id: str) -> tuple[AttachmentView, ...]:
    return (await mailbox.open(message_id)).message.attachments


def _file_json(file: AttachmentView) -> dict[str, Any]:
    return {
        "index": file.index,
        "file_name": file.file_name,
        "content_type": file.content_type,
        "size": file.size,
        "encrypted": file.encrypted,
        "state": file.state,
    }


async def _save(profile: Profile, arguments: argparse.Namespace) -> int:
    saved: dict[int, Saved] = {}
    failed: dict[int, MailError] = {}
    with profile.store(for_reading=True) as store:
        async with mailbox_of(profile, store) as mailbox:
            if arguments.decrypt:
                await _unlock(mailbox, arguments)
            indexes = arguments.index or await _all(mailbox, arguments)
            if not indexes:
                raise NotFound("This message has no attachments.")
            fetcher = _fetcher(mailbox)
            for index in dict.fromkeys(indexes):
                try:
                    saved[index] = await _save_one(mailbox, fetcher, arguments, index)
                except MailError as error:
                    failed[index] = error
    if arguments.json:
        await _print_json(arguments.id, saved, failed)
    else:
        _tell(saved, failed)
    return max((error.exit_code for error in failed.values()), default=0)


async def _all(mailbox: Mailbox, arguments: argparse.Namespace) -> list[int]:
    """Every file that can be saved like this: those inside of the encrypted text are decrypted."""
    files = await _files(mailbox, arguments.id)
    return [file.index for file in files if arguments.decrypt or file.index < INSIDE]


def _fetcher(mailbox: Mailbox) -> Fetcher:
    from services.attachments.desk import source_of
    from services.attachments.transfer import Fetcher
    from services.sync.saving import ARRIVING

    staging = mailbox.store.folder / ARRIVING
    return Fetcher(source_of(mailbox.provider), staging, mailbox.keychain.get)


async def _unlock(mailbox: Mailbox, arguments: argparse.Namespace) -> None:
    from services.key_models import LockState

    keychain = await mailbox.keychain.get()
    if not await keychain.ready() and keychain.lock_state is LockState.LOCKED:
        await keychain.unlock(passphrase(arguments, "Passphrase of your key"))


async def _save_one(
    mailbox: Mailbox, fetcher: Fetcher, arguments: argparse.Namespace, index: int
) -> Saved:
    from services.attachments.inside import is_inside, save_inside
    from services.attachments.transfer import Wanted
    from services.sync.saving import sender_of

    wanted = Wanted(
        arguments.id,
        index,
        Path(arguments.to),
        opens=arguments.decrypt,
        sender=sender_of(mailbox, arguments.id),
    )
    line = _ProgressLine(index)
    try:
        if is_inside(index):
            return await save_inside(mailbox.inside_file, wanted, line)
        return await fetcher.save(wanted, line)
    finally:
        line.clear()


class _ProgressLine:
    """One line on a terminal's stderr that says how far a file is; nothing anywhere else."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._shown = sys.stderr.isatty()

    def __call__(self, progressed: Progressed) -> None:
        from services.attachments.save_job import state_words

        if self._shown:
            sys.stderr.write(f"\r({self._index}) {state_words(progressed):<12}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")


def _tell(saved: dict[int, Saved], failed: dict[int, MailError]) -> None:
    for index, one in saved.items():
        sys.stdout.write(f"({index}) {clean_line(str(one.path))}{_remark(one)}\n")
    for index, error in failed.items():
        sys.stderr.write(f"agentmail-tui: ({index}) {clean_line(str(error))}\n")


def _remark(one: Saved) -> str:
    if one.was_opened:
        return "  decrypted"
    if one.was_sealed:
        return "  still encrypted"
    return "  not of the size that was announced" if one.is_other_size else ""


async def _print_json(
    message_id: str, saved: dict[int, Saved], failed: dict[int, MailError]
) -> None:
    told = [await _saved_json(index, one) for index, one in saved.items()]
    errors = [{"index": index, "error": str(error)} for index, error in failed.items()]
    print_json({"id": message_id, "saved": told, "failed": errors})


async def _saved_json(index: int, one: Saved) -> dict[str, Any]:
    from services.attachments.transfer import sha256_of

    digest = None
    with suppress(MailError):  # it was saved, and somebody else has moved it since
        digest = await sha256_of(one.path)
    return {
        "index": index,
        "path": str(one.path),
        "size": one.size,
        "sha256": digest,
        "decrypted": one.was_opened,
        "signature": one.verdict.value if one.verdict is not None else None,
    }
