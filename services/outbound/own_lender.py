"""A connection and keys of one's own: for verbs, and for accounts whose mailbox is not open.

Closes the trap of a verb that needs the app: what the app lends its office, this makes, late, and
closes again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.errors import SignedOut

if TYPE_CHECKING:
    from services.config import Account
    from services.keys.keychain import Keychain
    from services.outbound.log.lending import Correspondence
    from services.paths import Paths
    from services.ports import MailProvider
    from services.secrets import SecretStore
    from services.transfer_models import TransferBoard


class OwnLender:
    """Makes the provider and the keychain of one configured account when they are asked for.

    `mail` and `board` are the caller's, if it has them.
    """

    def __init__(
        self,
        account: Account,
        paths: Paths,
        secrets: SecretStore,
        mail: Correspondence | None = None,
        board: TransferBoard | None = None,
    ) -> None:
        self._account = account
        self._paths = paths
        self._secrets = secrets
        self.mail = mail
        self.board = board
        self._making = asyncio.Lock()
        self._provider: MailProvider | None = None
        self._keychain: Keychain | None = None

    async def provider(self) -> MailProvider:
        """Return the account's mail service; SignedOut when no token is known."""
        async with self._making:
            if self._provider is None:
                self._provider = await asyncio.to_thread(self._connect)
                if self._keychain is not None:
                    self._keychain.connect(self._provider)
        return self._provider

    async def keychain(self) -> Keychain:
        """Return the account's keys; ConfigError when a file of them cannot be used."""
        from services.keys.keychain import open_keychain

        async with self._making:
            if self._keychain is None:
                account, paths, secrets = self._account, self._paths, self._secrets
                made = await asyncio.to_thread(lambda: open_keychain(account, paths, secrets))
                made.connect(self._provider)
                self._keychain = made
        return self._keychain

    async def close(self) -> None:
        """Lock the keys and close the connections."""
        if self._keychain is not None:
            self._keychain.close()
        if self._provider is not None:
            await self._provider.aclose()

    def _connect(self) -> MailProvider:
        from services.api.factory import provider_for

        token = self._secrets.token(self._account)
        if token is None:
            raise SignedOut(
                f'No API token is known for the account "{self._account.name}".',
                "Start agentmail-tui to enter one, or set AGENTMAIL_TOKEN.",
            )
        return provider_for(self._account, token)
