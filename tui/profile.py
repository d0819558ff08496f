"""Which account the program speaks for, and what belongs to it: cache folder, token, provider.

Closes the trap of each verb finding its account in its own way. Nothing here asks a person: a missing
token is a `SignedOut` that says where a token can come from.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.config import Account, load
from services.errors import CacheLocked, SignedOut
from services.paths import Paths
from services.secrets import Secret, SecretStore

if TYPE_CHECKING:
    from services.cache.store import MailStore
    from services.events import Event
    from services.keys.keychain import Keychain
    from services.outbound.desk import OutboundDesk
    from services.outbound.log.lending import Lender
    from services.outbound.office import Office
    from services.ports import Capabilities, MailProvider


@dataclass(frozen=True, slots=True)
class Profile:
    """One configured account and the folders that it uses."""

    account: Account
    paths: Paths
    secrets: SecretStore

    @property
    def folder(self) -> Path:
        """The folder of the account's cache, made if missing."""
        return self.paths.account_dir(self.account.name)

    def token(self) -> Secret:
        """Return the API token; SignedOut when none is known."""
        token = self.secrets.token(self.account)
        if token is None:
            raise SignedOut(
                f'No API token is known for the account "{self.account.name}".',
                "Start agentmail-tui to enter one, or set AGENTMAIL_TOKEN.",
            )
        return token

    def provider(self) -> MailProvider:
        """Return the mail service of this account; SignedOut when no token is known."""
        from services.api.factory import provider_for

        return provider_for(self.account, self.token())

    def offers(self) -> Capabilities:
        """Return what the account's kind of service offers; needs no token."""
        from services.api.offers import capabilities_of

        return capabilities_of(self.account.kind)

    def keychain(self) -> Keychain:
        """Return the account's keys, peers and directory; ConfigError when a file cannot be used.

        Imports OpenPGP: call it late, and never on the screen's thread.
        """
        from services.keys.keychain import open_keychain

        return open_keychain(self.account, self.paths, self.secrets)

    def outgoing(self, lender: Lender, emit: Callable[[Event], None]) -> OutboundDesk:
        """Return what writes and sends, for all accounts; this one borrows of `lender`.

        Imports much: call it late, and never on the screen's thread.
        """
        from services.outbound.desk import OutboundDesk
        from services.outbound.offices import Offices, doors_of

        accounts = load(self.paths).accounts
        doors = doors_of(accounts, self.account, lender, self.paths, self.secrets)
        return OutboundDesk(Offices(doors), emit)

    @asynccontextmanager
    async def office(self) -> AsyncIterator[Office]:
        """Open what is outbound of this account, with a connection and keys of its own, for a verb."""
        from services.outbound.offices import doors_of
        from services.outbound.own_lender import OwnLender

        lender = OwnLender(self.account, self.paths, self.secrets)
        door = doors_of((), self.account, lender, self.paths, self.secrets)[0]
        office = await door.open()
        try:
            yield office
        finally:
            await office.close()

    @contextmanager
    def store(self, *, for_reading: bool = False) -> Iterator[MailStore]:
        """Open the cache; CacheLocked when the app runs on it, unless `for_reading`."""
        from services.cache.store import MailStore

        try:
            store = MailStore.open(self.folder)
        except CacheLocked:
            if not for_reading:
                raise
            store = MailStore.open(self.folder, read_only=True)
        try:
            yield store
        finally:
            store.close()


def open_profile(name: str | None, paths: Paths | None = None) -> Profile:
    """Return the named account's profile, or the default one; ConfigError when there is none."""
    where = paths or Paths.from_environment()
    return Profile(load(where).account(name), where, SecretStore(where))
