"""`accounts remove`: takes an account out, and says what of it stays on the disk.

Closes the trap of a draft or an unsent mail that goes with its account and that nobody was asked about:
without `--purge` nothing on the disk is touched, and with it such things are named and agreed to first.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.config import Account, load, remove_account
from services.errors import CacheLocked, ConfigError, PolicyRefused
from services.paths import Paths
from services.safe_text import clean_line
from services.secrets import SecretStore
from tui import passphrase as asking
from tui.listing import print_json
from tui.profile import Profile


@dataclass(frozen=True, slots=True)
class Left:
    """What of an account lies on the disk."""

    folder: Path
    exists: bool
    drafts: int = 0
    unsent: int = 0

    @property
    def is_only_here(self) -> bool:
        """Something of it is on no service."""
        return bool(self.drafts or self.unsent)

    def sentence(self) -> str:
        """What there is."""
        if not self.exists:
            return "Nothing of it lies on this disk."
        told = []
        if self.drafts:
            told.append(f"{self.drafts:,} {'draft' if self.drafts == 1 else 'drafts'}")
        if self.unsent:
            told.append(f"{self.unsent:,} unsent {'mail' if self.unsent == 1 else 'mails'}")
        only = f", with {' and '.join(told)} that are nowhere else" if told else ""
        return f"Its mail lies in {self.folder}{only}."


def remove(arguments: argparse.Namespace) -> int:
    """Take an account out; 1 for a no, 7 where drafts or unsent mail would go unasked."""
    paths = Paths.from_environment()
    account = load(paths, environ={}).account(arguments.name)
    secrets = SecretStore(paths)
    left = what_is_left(Profile(account, paths, secrets))
    if arguments.purge:
        _require_unused(left.folder)
    if not _is_agreed(arguments, account, left):
        sys.stderr.write("Nothing was removed.\n")
        return 1
    remove_account(paths, account.name)
    secrets.forget_token(account)
    if arguments.purge and left.exists:
        shutil.rmtree(left.folder)
    _tell(arguments, account, left)
    return 0


def what_is_left(profile: Profile) -> Left:
    """Look at what lies on the disk of an account, without making anything."""
    from services.outbound.log.store import FOLDER, LOG_NAME

    folder = profile.paths.account_folder(profile.account.name)
    if not (folder / FOLDER / LOG_NAME).exists():
        return Left(folder, folder.is_dir())
    drafts, unsent = asyncio.run(_counted(profile))
    return Left(folder, True, drafts, unsent)


async def _counted(profile: Profile) -> tuple[int, int]:
    from services.draft import DraftState

    async with profile.office() as office:
        drafts = office.drafts.heads(DraftState.EDITING, DraftState.WAITING)
        return len(drafts), len(office.outbox.open())


def _require_unused(folder: Path) -> None:
    from services.cache.files import WriterLock

    lock = folder / "mail.lock"
    if not lock.exists():
        return
    try:
        WriterLock(lock).release()
    except CacheLocked as error:
        raise ConfigError(
            "A running agentmail-tui uses this account.", "Quit it, then remove the account."
        ) from error


def _is_agreed(arguments: argparse.Namespace, account: Account, left: Left) -> bool:
    goes = arguments.purge and left.is_only_here
    if goes and not arguments.drafts_too and (arguments.yes or not sys.stdin.isatty()):
        raise PolicyRefused(
            f"{left.sentence()} Nothing was removed.",
            "Send or discard them first, or add --drafts-too.",
        )
    what = "deleted" if arguments.purge else "kept"
    shown = clean_line(f"{account.name}: {left.sentence()}")
    question = f"{shown} It is {what}. Its token is forgotten.\nRemove the account?"
    word = account.name if goes else "yes"
    return asking.confirmed(question, word.lower(), is_agreed=arguments.yes)


def _tell(arguments: argparse.Namespace, account: Account, left: Left) -> None:
    stays = left.exists and not arguments.purge
    told: dict[str, Any] = {
        "name": account.name,
        "purged": bool(arguments.purge and left.exists),
        "folder": str(left.folder) if stays else None,
        "drafts": left.drafts,
        "unsent": left.unsent,
    }
    if arguments.json:
        print_json(told)
        return
    sys.stdout.write(f"{account.name} is removed.\n")
    if stays:
        sys.stdout.write(f"{clean_line(left.sentence())}\n")
        again = "An account of the same name finds it again; --purge deletes it."
        sys.stdout.write(f"{again}\n")
    if left.unsent and stays:
        sys.stdout.write("What was not sent stays unsent until then.\n")
