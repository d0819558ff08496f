"""The one object that is asked about keys: one's own, the peers', and the directory, of one account.

Engine, command line, reading and sending all ask here, so there is one order of checks before a key
is used (research/crypto.md §5.2): fresh lookup, size and form, PEM and hash, validity, encryption
part, pin. Closes the trap of a second place that encrypts after fewer of them.

Runs on one event loop; what is slow goes to a thread. No secret is ever part of an error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.crypto.certs import PeerKey
from services.crypto.errors import Locked
from services.crypto.own import OwnKey, UnlockedKey
from services.daemon_call import in_daemon
from services.errors import CryptoError, SecretStoreError
from services.key_models import LockState
from services.keys.core_dumps import forbid_core_dumps
from services.keys.directory import Directory
from services.keys.own_entry import OwnEntry
from services.keys.own_keys import OwnKeys
from services.keys.peer_book import BOOK_FILE, PeerBook
from services.keys.peer_keys import PeerKeys
from services.keys.peers import Pin
from services.keys.remembered import NO_KEEPER, PassphraseKeeper
from services.keys.service import KeyService
from services.keys.trusted import TrustedSenders
from services.keys.unlocked_keys import IDLE_SECONDS, UnlockedKeys
from services.redact import Secret

if TYPE_CHECKING:
    from services.config import Account
    from services.paths import Paths
    from services.secrets import SecretStore

MARKER_FILE: Final = "keys.unlocked"
_TICK: Final = 1.0
"""Seconds between two looks whether the open keys are to be locked."""


class Keychain:
    """Own keys, peers and directory of one account.

    `key_folder` holds the private key files of all accounts, `account_folder` what belongs to this
    one. `address` is the account's own ("" when unknown), `agent_id` its name in the directory.
    """

    def __init__(
        self,
        *,
        key_folder: Path,
        account_folder: Path,
        address: str = "",
        mail_domain: str = "",
        keeper: PassphraseKeeper = NO_KEEPER,
        idle_seconds: float = IDLE_SECONDS,
        keep_decrypted: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        forbid_core_dumps()
        self.keep_decrypted = keep_decrypted
        """The operator wants decrypted text kept on the disk, sealed to the own key."""
        self.address = address.strip().lower()
        self._agent = address.strip().partition("@")[0]
        self._mail_domain = mail_domain.lower() or self.address.partition("@")[2]
        self._clock = clock
        self.keeper = keeper
        self.own_keys = OwnKeys(key_folder, account_folder)
        self.book = PeerBook(account_folder / BOOK_FILE, clock)
        self.directory = Directory()
        self._peers = PeerKeys(self.book, self.directory, self._mail_domain, clock)
        self.entry = OwnEntry(self.own_keys, self.directory, self._own_agent_id, clock)
        self.trusted = TrustedSenders()
        self.marker = account_folder / MARKER_FILE
        self._open = UnlockedKeys(self.marker, idle_seconds=idle_seconds, clock=clock)
        self._on_lock: list[Callable[[], None]] = []
        self._watch: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()
        self._may_open_silently = True

    def connect(self, provider: object | None) -> None:
        """Ask this mail provider's directory from now on; None while there is no connection."""
        service = provider if isinstance(provider, KeyService) else None
        is_none = provider is not None and service is None
        self.directory.connect(service.directory if service else None, is_none=is_none)
        self.trusted.connect(service.admin if service else None)

    def close(self) -> None:
        """Lock, for good."""
        self.lock()

    @property
    def has_directory(self) -> bool:
        """Whether keys come from a directory; False where the own book is their only source."""
        return not self.directory.is_none

    @property
    def now(self) -> int:
        """The moment by which keys are judged, seconds since the epoch."""
        return int(self._clock())

    @property
    def own_address(self) -> str:
        """The account's address, lower case; "" when it is not known."""
        agent_id = self._own_agent_id()
        if self.address or not (agent_id and self._mail_domain):
            return self.address
        return f"{agent_id}@{self._mail_domain}".lower()

    def named(self, text: str) -> str:
        """Return an address as the peer book names it; a bare agent id is of the mail domain."""
        return self._peers.named(text)

    # ── own keys ─────────────────────────────────────────────────────────────────────────────────

    @property
    def own(self) -> OwnKey | None:
        """The current own key; CryptoError when its file cannot be used."""
        return self.own_keys.current()

    def own_public(self) -> PeerKey | None:
        """Return the public half of the current key, to encrypt to oneself as well."""
        own = self.own
        return own.public if own is not None else None

    @property
    def lock_state(self) -> LockState:
        """Whether encrypted mail can be read now: NO_KEY, LOCKED, UNLOCKED (any own key open)."""
        if self.is_unlocked:
            return LockState.UNLOCKED
        return LockState.LOCKED if self.own_keys.fingerprints() else LockState.NO_KEY

    @property
    def is_unlocked(self) -> bool:
        """Whether any own key is open; asking does not count as use. Safe from any thread."""
        return bool(self._open.locks_at) and not self._open.is_due

    @property
    def locks_at(self) -> int:
        """When the open keys lock by themselves, seconds since the epoch; 0 when locked."""
        return self._open.locks_at

    def is_open(self, fingerprint: str) -> bool:
        """Tell whether one own key is open."""
        return self._open.has(fingerprint)

    def opened(self, fingerprint: str) -> UnlockedKey | None:
        """Return one own key if it is open, without counting that as use."""
        return self._open.get(fingerprint)

    def unlocked(self) -> tuple[UnlockedKey, ...]:
        """Return the open keys, () when locked. Counts as use: locking when idle is put off.

        Safe from any thread, as what it returns is.
        """
        return () if self._open.is_due else self._open.use()

    def opening(self) -> tuple[UnlockedKey, ...]:
        """Return the open keys; Locked when none is open, NoKey when there is none."""
        keys = self.unlocked()
        if not keys:
            if self.own_keys.fingerprints():
                raise Locked
            self.own_keys.require_current()
        return keys

    async def ready(self) -> tuple[UnlockedKey, ...]:
        """Return the open keys, after opening in silence what needs no asking.

        That is a key without a passphrase, or the passphrase that the keyring keeps; both once a
        session and not after a lock. () when the operator has to be asked.
        """
        if not self._open.locks_at:
            async with self._opening:
                if self._may_open_silently:
                    self._may_open_silently = False
                    await self._open_silently()
        return self.unlocked()

    async def unlock(self, passphrase: Secret | None, *, remember: bool = False) -> str:
        """Open the own keys that a passphrase opens; WrongPassphrase when it opens none.

        An empty one stands for the remembered passphrase. With `remember` it is put into the
        keyring; returns the sentence why it could not be kept, "" when all is well.
        """
        given = passphrase or await in_daemon(self.keeper.get)
        opened = await in_daemon(lambda: self.own_keys.unlock(given or None))
        self._hold(opened)
        if not remember or given is None:
            return ""
        try:
            await in_daemon(lambda: self.keeper.put(given))
        except SecretStoreError as error:
            return f"The passphrase is not kept: {error}"
        return ""

    def lock(self) -> bool:
        """Forget the open keys and tell everybody who holds decrypted text; True if any was open."""
        if not self._open.close():
            return False
        self._may_open_silently = False
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        for tell in tuple(self._on_lock):
            tell()
        return True

    def lock_if_due(self) -> bool:
        """Lock when idle for too long or asked to by `keys lock`; True if that happened now."""
        return self._open.is_due and self.lock()

    def on_lock(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Call `tell` after every lock, on the loop's thread; returns what ends that."""
        self._on_lock.append(tell)
        return lambda: self._on_lock.remove(tell) if tell in self._on_lock else None

    async def generate(
        self, name: str, address: str, passphrase: Secret | None, *, bits: int = 4096
    ) -> OwnKey:
        """Make an RSA key, keep it, make it current and open it. Takes seconds, in a thread."""

        def make() -> tuple[OwnKey, UnlockedKey]:
            key = self.own_keys.generate(name, address, passphrase, bits=bits)
            return key, key.unlock(passphrase or None)

        key, opened = await in_daemon(make)
        self._hold((opened,))
        return key

    # ── peers ────────────────────────────────────────────────────────────────────────────────────

    async def peer_for(
        self, address: str, *, fresh: bool = True, agent_id: str | None = None
    ) -> PeerKey:
        """Return the key to encrypt to, after all checks (`PeerKeys.to_encrypt`); own for oneself.

        Raises NoKey, TooLarge, Damaged, Unsupported, KeyMismatch, KeyUnusable, KeyChanged, or
        ServiceError: then nothing may be sent.
        """
        own = self._own_key_for(self.named(address))
        if own is not None:
            own.require()
            return own
        return await self._peers.to_encrypt(address, fresh=fresh, agent_id=agent_id or "")

    async def look_up(self, address: str, *, agent_id: str = "") -> PeerKey:
        """Return a peer's key as the directory shows it now, pinned if it is the first.

        An unusable key comes back with its `why`; KeyChanged and the rest as `peer_for`.
        """
        return await self._peers.look_up(address, agent_id=agent_id)

    def pinned(self, address: str) -> Pin | None:
        """Return the pin of an address; `Pin.key()` is the key that signatures are judged by."""
        return self.book.pinned(address.strip())

    def signer(self, address: str) -> PeerKey | None:
        """Return the key that signatures of an address are judged by: the own one, or the pinned.

        None when no key is pinned, another one is offered, or the pin cannot be read.
        """
        own = self._own_key_for(address.strip().lower())
        return own if own is not None else self._peers.signer(address)

    def requires_encryption(self, address: str) -> bool:
        """Tell whether mail to an address must be encrypted."""
        return self.book.requires_encryption(address.strip())

    def agent_id_for(self, address: str) -> str:
        """Return a peer's name in the directory, "" when it is not known (api/assmbl.md §7.7)."""
        return self._peers.agent_id_for(address)

    def _own_key_for(self, named: str) -> PeerKey | None:
        own = self.own if named and named == self.own_address else None
        return own.public if own is not None else None

    def _own_agent_id(self) -> str:
        """Return the account's name in the directory: as configured, as told by the directory, or
        as the current key has it; "" when none of them is known."""
        if self._agent or self.own_keys.agent_id:
            return self._agent or self.own_keys.agent_id
        own = self.own
        for user_id in own.public.user_ids if own is not None else ():
            local, _, domain = user_id.rpartition("<")[2].rstrip(">").partition("@")
            if domain and domain.lower() == self._mail_domain:
                return local
        return ""

    # ── opening and locking ──────────────────────────────────────────────────────────────────────

    def _hold(self, opened: tuple[UnlockedKey, ...]) -> None:
        for key in opened:
            self._open.add(key)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.get_running_loop().create_task(self._watch_idle())

    async def _open_silently(self) -> None:
        keys = self.own_keys.all()
        try:
            if any(not key.is_sealed for key in keys):
                self._hold(await in_daemon(lambda: self.own_keys.unlock(None)))
            if any(key.is_sealed for key in keys):
                kept = await in_daemon(self.keeper.get)
                if kept:
                    self._hold(await in_daemon(lambda: self.own_keys.unlock(kept)))
        except (CryptoError, SecretStoreError):
            # The operator is asked instead, and hears there what is wrong.
            return

    async def _watch_idle(self) -> None:
        while self._open.locks_at:
            await asyncio.sleep(_TICK)
            if self._open.is_due:
                self._watch = None
                self.lock()


def open_keychain(account: Account, paths: Paths, secrets: SecretStore) -> Keychain:
    """Return the keychain of a configured account; ConfigError when the configuration is broken."""
    from services.config import load
    from services.keys.remembered import KeyringPassphrase

    config = load(paths)
    return Keychain(
        key_folder=paths.data_dir / "keys",
        account_folder=paths.account_dir(account.name),
        address=account.address,
        mail_domain=account.mail_domain,
        keeper=KeyringPassphrase(account, secrets),
        idle_seconds=config.idle_lock_minutes * 60,
        keep_decrypted=config.keep_decrypted,
    )
