"""Completion as the desk asks for it: answers at once, learns in the background.

Closes the trap of a first letter that waits for the whole history: the index grows slice by slice on
another thread while what is known already is suggested. The directory is asked last and only for a
name that nobody knows, since each question is a request that tells the service who is meant.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from services.errors import MailError
from services.outbound.writing.recipients import SUGGESTIONS, RecipientIndex, suggestion
from services.outbound_models import RecipientSuggestion
from services.safe_text import ui

if TYPE_CHECKING:
    from services.cache.snapshot import MailSnapshot
    from services.keys.keychain import Keychain

FIRST_WAIT: Final = 0.03
"""Seconds that the very first answer waits for the first slice."""
_PAUSE: Final = 0.005
_AGENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{2,63}")
_DIRECTORY: Final = ui("directory")


def _nobody() -> Iterable[tuple[str, int]]:
    return ()


class RecipientBook:
    """The completion of one account.

    `snapshot` gives the latest picture of the cache, `written` whom mail was sent to (address and
    time; called on a thread), `keychain` the keys, late.
    """

    def __init__(
        self,
        own: str,
        mail_domain: str,
        *,
        snapshot: Callable[[], MailSnapshot | None],
        keychain: Callable[[], Awaitable[Keychain]],
        written: Callable[[], Iterable[tuple[str, int]]] = _nobody,
    ) -> None:
        self.index = RecipientIndex(own)
        self._mail_domain = mail_domain.lower()
        self._snapshot = snapshot
        self._keychain = keychain
        self._written = written
        self._learning: asyncio.Task[None] | None = None
        self._learnt = -1

    async def suggest(
        self, text: str, *, limit: int = SUGGESTIONS
    ) -> tuple[RecipientSuggestion, ...]:
        """Complete what stands in a recipient field from what is known now; best first."""
        learning = self.prepare()
        if learning is not None and not len(self.index):
            await asyncio.wait((learning,), timeout=FIRST_WAIT)
        return self.index.suggest(text, limit=limit)

    async def look_up(self, text: str) -> RecipientSuggestion | None:
        """Ask the directory for a name of the own mail domain; None when it has no key for it.

        Never raises: a directory that does not answer completes nothing.
        """
        name = text.replace(";", ",").rpartition(",")[2].strip()
        local, at, domain = name.partition("@")
        if not self._mail_domain or (at and domain.lower() != self._mail_domain):
            return None
        if _AGENT.fullmatch(local) is None:
            return None
        with suppress(MailError):
            keychain = await self._keychain()
            entry = await keychain.directory.look_up(local, fresh=False)
            if not entry.is_empty and not entry.revoked:
                return suggestion(f"{local}@{self._mail_domain}", _DIRECTORY, has_key=True)
        return None

    def begin(self) -> asyncio.Task[None] | None:
        """A draft is begun: learn what was sent, and whose keys came, though no mail came since."""
        self._learnt = -1
        return self.prepare()

    def prepare(self) -> asyncio.Task[None] | None:
        """Begin to learn what mail is new; None when nothing is."""
        snapshot = self._snapshot()
        version = -1 if snapshot is None else snapshot.version
        if self._learning is not None and not self._learning.done():
            return self._learning
        if snapshot is None or version == self._learnt:
            return None
        self._learning = asyncio.get_running_loop().create_task(self._learn(snapshot))
        return self._learning

    def close(self) -> None:
        """Stop learning."""
        if self._learning is not None:
            self._learning.cancel()

    async def _learn(self, snapshot: MailSnapshot) -> None:
        # What cannot be read completes nothing; whoever needs it for sending says what is wrong.
        with suppress(MailError):
            await self._learn_own()
        is_done = False
        while not is_done:
            is_done = await asyncio.to_thread(self.index.learn_messages, snapshot)
            await asyncio.sleep(_PAUSE)
        self._learnt = snapshot.version

    async def _learn_own(self) -> None:
        await asyncio.to_thread(lambda: self.index.learn_written(self._written()))
        keychain = await self._keychain()
        peers = await asyncio.to_thread(keychain.book.peers)
        await asyncio.to_thread(self.index.learn_peers, peers)
