"""A peer's key out of the directory, checked against itself and against the book.

Closes the trap of a key that is taken because the directory says so: the order of checks of
research/crypto.md §5.2, 1 to 6, is here and nowhere else. Where a service has no directory the book
alone is the source: what the operator has put there, and never a key that came with a mail or from
another account's directory. And one more: a mail to an address of the
service's own domain cannot be encrypted to somebody else's entry, whatever agent id comes with it.
"""

from __future__ import annotations

from collections.abc import Callable

from services.crypto.certs import PeerKey
from services.crypto.errors import KeyChanged, NoKey
from services.daemon_call import in_daemon
from services.errors import CryptoError, UsageError
from services.keys.directory import Directory, read_entry
from services.keys.peer_book import PeerBook
from services.keys.peers import address_of
from services.keys.service import Entry


class PeerKeys:
    """Looks peers up for one account; `mail_domain` is the service's own, lower case."""

    def __init__(
        self,
        book: PeerBook,
        directory: Directory,
        mail_domain: str,
        clock: Callable[[], float],
    ) -> None:
        self._book = book
        self._directory = directory
        self._mail_domain = mail_domain
        self._clock = clock

    def named(self, text: str) -> str:
        """Return an address as the book names it; a bare agent id is of the mail domain."""
        return address_of(text, self._mail_domain)

    def agent_id_for(self, address: str) -> str:
        """Return a peer's name in the directory, "" when it is not known (api/assmbl.md §7.7)."""
        local, _, domain = address.strip().rpartition("@")
        if domain.lower() == self._mail_domain and self._mail_domain:
            return local
        return self._book.peer(address.strip()).agent_id

    async def to_encrypt(self, address: str, *, fresh: bool, agent_id: str) -> PeerKey:
        """Return the key to encrypt to, pinned if it is the first.

        `fresh` looks the directory up again, as every sending must; `agent_id` names the peer there
        when its address is of another domain.
        """
        known = await self._checked(address, fresh=fresh, agent_id=agent_id)
        known.require()
        return known

    async def look_up(self, address: str, *, agent_id: str) -> PeerKey:
        """Return the key as the directory shows it now, an unusable one with its `why`."""
        known = await self._checked(address, fresh=True, agent_id=agent_id)
        if agent_id:
            self._book.name_agent(self.named(address), agent_id)
        return known

    def signer(self, address: str) -> PeerKey | None:
        """Return the pinned key, None when there is none, another is offered, or it is damaged."""
        peer = self._book.peer(address.strip())
        try:
            return peer.pin.key() if peer.pin and not peer.offered else None
        except CryptoError:
            return None

    async def _checked(self, address: str, *, fresh: bool, agent_id: str) -> PeerKey:
        named = self.named(address)
        if self._directory.is_none:
            return await in_daemon(lambda: self._kept(named))
        wanted = self._agent_id(address if "@" in address else named, agent_id)
        entry = await self._directory.look_up(wanted, fresh=fresh)
        if not entry.block:
            self._book.note_missing(named)
            raise _no_key(entry)
        # In a thread: judging a key and writing the book take longer than a frame.
        return await in_daemon(lambda: self._pin(named, read_entry(entry, self._now)))

    def _kept(self, named: str) -> PeerKey:
        """Return the key of the book as its file is now, judged now; NoKey says how to import one."""
        pin = self._book.settled(named)
        if pin is None:
            raise NoKey(
                "This mail service has no key directory, and no key was imported for this recipient.",
                "Import the recipient's key: agentmail-tui peers import FILE, or I on the Keys screen.",
            )
        return pin.key(self._now)

    def _agent_id(self, address: str, given: str) -> str:
        known = self.agent_id_for(address)
        domain = address.strip().rpartition("@")[2].lower()
        if given and domain == self._mail_domain and given.lower() != known.lower():
            raise UsageError(
                "An address of this mail service has its own entry in the directory.",
                "Leave the agent id out.",
            )
        if not (given or known):
            raise NoKey(
                "The address is not one of this mail service, so its name in the directory is not "
                "known.",
                "Name its agent id when you look it up.",
            )
        return known if domain == self._mail_domain else given or known

    def _pin(self, named: str, key: PeerKey) -> PeerKey:
        """Check a key against the book, and return it with what the book knows besides."""
        pin = self._book.pinned(named)
        if pin is None or pin.fingerprint != key.fingerprint:
            # What cannot be used is neither pinned nor offered: it would block the key that can.
            key.require()
        self._book.check(named, key)
        pin = self._book.pinned(named)
        if pin is None or pin.fingerprint != key.fingerprint:
            raise KeyChanged(pin.fingerprint if pin else "", key.fingerprint)
        return pin.key(self._now)

    @property
    def _now(self) -> int:
        return int(self._clock())


def _no_key(entry: Entry) -> NoKey:
    return NoKey(
        "The recipient has taken the key out of the directory."
        if entry.revoked
        else "The directory has no OpenPGP key for this recipient.",
        "Ask the recipient to publish one. Nothing is sent in clear in its place.",
    )
