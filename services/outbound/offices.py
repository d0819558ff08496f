"""The offices of all configured accounts: one is open with the mailbox, the others when needed.

Closes the trap of a proposal that nobody sees because it came in for an account that is not open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.errors import MailError, NotFound
from services.outbound.log.store import FOLDER, LOG_NAME
from services.outbound.office import Office
from services.outbound.own_lender import OwnLender

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

    @property
    def is_in_use(self) -> bool:
        """Something was written or proposed for this account."""
        return (self.folder / FOLDER / LOG_NAME).exists()


class Offices:
    """The offices by account name, the own one first; "" is the own one."""

    def __init__(self, doors: Iterable[OfficeDoor]) -> None:
        self._doors = {door.name: door for door in doors}
        self._own = next(iter(self._doors))
        self._open: dict[str, Office] = {}
        self._opening = asyncio.Lock()
        self.troubles: dict[str, MailError] = {}
        """Why the office of another account could not be opened, by its name."""

    async def get(self, account: str = "") -> Office:
        """Return the office of an account, opening it if need be; NotFound for an unknown one."""
        name = account or self._own
        door = self._doors.get(name)
        if door is None:
            raise NotFound(f'There is no account "{name}".')
        async with self._opening:
            if name not in self._open:
                self._open[name] = await door.open()
        return self._open[name]

    async def all(self) -> tuple[Office, ...]:
        """The own office, and those of all accounts for which something was written or proposed."""
        found = [await self.get()]
        for name, door in self._doors.items():
            if name == self._own or not (name in self._open or door.is_in_use):
                continue
            try:
                found.append(await self.get(name))
            except MailError as error:
                self.troubles[name] = error
        return tuple(found)

    @property
    def opened(self) -> tuple[Office, ...]:
        """Those that are open now."""
        return tuple(self._open.values())

    async def close(self, seconds: float) -> None:
        """Close all of them, with so many seconds for what is on the wire."""
        async with self._opening:
            await asyncio.gather(*(office.close(seconds) for office in self.opened))


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


def _door(account: Account, lender: Lender, paths: Paths) -> OfficeDoor:
    async def opening() -> Office:
        folder = await asyncio.to_thread(paths.account_dir, account.name)
        return await Office.open(
            account, folder, lender, config_folder=paths.config_dir, barred=paths.own
        )

    return OfficeDoor(account.name, paths.account_folder(account.name), opening)
