"""The offices of all configured accounts: one is open with the mailbox, the others when needed.

Closes the trap of a proposal that nobody sees because it came in for an account that is not open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from services.errors import NotFound
from services.outbound.office import Office

OpenOffice = Callable[[], Office]
OWN: Final = ""
"""How requests name the account that is open."""


class Offices:
    """One account's own office, and how the others are opened (account name to opener)."""

    def __init__(self, own: Office, others: Mapping[str, OpenOffice]) -> None:
        self.own = own
        self._others = others
        self._open: dict[str, Office] = {own.account.name: own}

    def get(self, account: str) -> Office:
        """Return the office of an account, opening it if need be; NotFound for an unknown one."""
        name = account or self.own.account.name
        if name not in self._open:
            make = self._others.get(name)
            if make is None:
                raise NotFound(f'There is no account "{name}".')
            self._open[name] = make()
        return self._open[name]

    def all(self) -> tuple[Office, ...]:
        """The offices of all accounts, the own one first."""
        return tuple(self.get(name) for name in (OWN, *self._others))

    @property
    def opened(self) -> tuple[Office, ...]:
        """Those that are open now."""
        return tuple(self._open.values())

    async def close(self) -> None:
        """Close all of them."""
        for office in self.opened:
            await office.close()
