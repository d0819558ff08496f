"""The offices of all configured accounts: open with their mailboxes, the others when needed.

Closes two traps: a proposal that nobody sees because it came in for an account that is not open, and
an account whose keyring does not answer holding up the drafts of another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.errors import MailError, NotFound
from services.outbound.log.store import FOLDER, LOG_NAME
from services.outbound.office import Office
from services.outbound.own_lender import OwnLender
from services.service_config import AGENTMAIL_TO

if TYPE_CHECKING:
    from services.config import Account
    from services.outbound.log.lending import Lender
    from services.paths import Paths
    from services.secrets import SecretStore


@dataclass(frozen=True, slots=True)
class OfficeDoor:
    """One account's office as long as it is not open."""

    name: str
    folder: Path
    open: Callable[[], Awaitable[Office]]
    keeps_drafts: bool = False
    """Drafts may lie on its service, which somebody has to decide."""

    @property
    def is_in_use(self) -> bool:
        """Something was written or proposed for this account, or may be."""
        return self.keeps_drafts or (self.folder / FOLDER / LOG_NAME).exists()


class Offices:
    """The offices by account name, the own one first; "" is the own one.

    `shown` are the accounts whose mail is on screen; without it only the own one is.
    """

    def __init__(self, doors: Iterable[OfficeDoor], shown: Iterable[str] = ()) -> None:
        self._doors = {door.name: door for door in doors}
        self._own = next(iter(self._doors))
        self._shown = tuple(shown) or (self._own,)
        self._open: dict[str, Office] = {}
        self._opening = {name: asyncio.Lock() for name in self._doors}
        self.troubles: dict[str, MailError] = {}
        """Why the office of another account could not be opened, by its name."""

    async def get(self, account: str = "") -> Office:
        """Return the office of an account, opening it if need be; NotFound for an unknown one."""
        name = account or self._own
        door = self._doors.get(name)
        if door is None:
            raise NotFound(f'There is no account "{name}".')
        async with self._opening[name]:
            if name not in self._open:
                self._open[name] = await door.open()
        return self._open[name]

    async def all(self) -> tuple[Office, ...]:
        """The own office, and those of all accounts for which something was written or proposed."""
        return await self._found(self._doors)

    async def shown(self) -> tuple[Office, ...]:
        """The same of the accounts whose mail is on screen."""
        return await self._found(self._shown)

    def tag(self, office: Office) -> str:
        """Return the account that a row of an office names: "" where there is only one on screen."""
        return office.account.name if len(self._shown) > 1 else ""

    async def _found(self, names: Iterable[str]) -> tuple[Office, ...]:
        """Return the offices that are there; why one cannot be opened is a trouble, but the only one's."""
        found = []
        for name in names:
            is_own = name == self._own
            if not (is_own or name in self._open or self._doors[name].is_in_use):
                continue
            try:
                found.append(await self.get(name))
            except MailError as error:
                if is_own and len(self._shown) == 1:
                    raise
                self.troubles[name] = error
        return tuple(found)

    @property
    def opened(self) -> tuple[Office, ...]:
        """Those that are open now."""
        return tuple(self._open.values())

    async def close(self, seconds: float) -> None:
        """Close all of them, with so many seconds for what is on the wire."""
        await asyncio.gather(*(self._close(name, seconds) for name in self._doors))

    async def _close(self, name: str, seconds: float) -> None:
        async with self._opening[name]:
            office = self._open.get(name)
            if office is not None:
                await office.close(seconds)


def doors_of(
    accounts: Iterable[Account],
    own: Account,
    lender: Lender,
    paths: Paths,
    secrets: SecretStore,
) -> tuple[OfficeDoor, ...]:
    """Return the doors of all accounts, the own one first: it borrows, the others bring their own."""
    others = [account for account in accounts if account.name != own.name]
    return (
        _door(own, lender, paths),
        *(_door(account, OwnLender(account, paths, secrets), paths) for account in others),
    )


def doors_of_all(
    accounts: Iterable[Account], lenders: Mapping[str, Lender], paths: Paths
) -> tuple[OfficeDoor, ...]:
    """Return the doors of accounts that are all on screen: each borrows of its own session."""
    return tuple(_door(account, lenders[account.name], paths) for account in accounts)


def _door(account: Account, lender: Lender, paths: Paths) -> OfficeDoor:
    async def opening() -> Office:
        folder = await asyncio.to_thread(paths.account_dir, account.name)
        return await Office.open(
            account, folder, lender, config_folder=paths.config_dir, barred=paths.own
        )

    folder = paths.account_folder(account.name)
    return OfficeDoor(account.name, folder, opening, account.kind == AGENTMAIL_TO)
