"""The operator's own keys of one account: the current one, and the former ones for older mail.

Closes the trap of a new key that takes the old one's place: every key stays, because mail that was
written to it needs it. Which is current is the account's matter; the files are shared by all
accounts. Everything here may be slow (files, S2K, RSA): call it beside the loop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.crypto.errors import Locked, NoKey, WrongPassphrase
from services.crypto.own import OwnKey, UnlockedKey
from services.errors import CryptoError, MailError, UsageError
from services.keys.key_folder import KeyFolder, read_key_file, write_new
from services.keys.shared_file import SharedFile
from services.redact import Secret

LIST_FILE: Final = "keys.json"
_FINGERPRINT: Final = re.compile(r"[0-9A-F]{40}")


@dataclass(frozen=True, slots=True)
class HeldKey:
    """One own key as found: `key` is None when its file cannot be used, `trouble` says why."""

    fingerprint: str
    is_current: bool
    key: OwnKey | None
    trouble: MailError | None = None


class OwnKeys:
    """Key files in `folder`, the account's list of them in `account_folder`."""

    def __init__(self, folder: Path, account_folder: Path) -> None:
        self.files = KeyFolder(folder)
        self._list = SharedFile(account_folder / LIST_FILE)
        self._loaded: dict[str, tuple[tuple[int, int], OwnKey]] = {}

    # ── which keys there are ─────────────────────────────────────────────────────────────────────

    def fingerprints(self) -> tuple[str, ...]:
        """Return the account's keys: the current one first, then the others, newest first."""
        return _ordered(self._list.read())

    @property
    def current_fingerprint(self) -> str:
        """The current key, "" when there is none."""
        return _current(self._list.read())

    def held(self) -> tuple[HeldKey, ...]:
        """Return all keys in the order of `fingerprints`, with what is wrong with a file."""
        current = self.current_fingerprint
        found = []
        for name in self.fingerprints():
            try:
                found.append(HeldKey(name, name == current, self.load(name)))
            except MailError as error:
                found.append(HeldKey(name, name == current, None, error))
        return tuple(found)

    def all(self) -> tuple[OwnKey, ...]:
        """Return the keys whose files can be used, the current one first."""
        return tuple(held.key for held in self.held() if held.key is not None)

    def current(self) -> OwnKey | None:
        """Return the current key; CryptoError when its file cannot be used."""
        name = self.current_fingerprint
        return self.load(name) if name else None

    def require_current(self) -> OwnKey:
        """Return the current key; NoKey when there is none."""
        current = self.current()
        if current is None:
            raise NoKey("You have no key of your own yet.", "Generate or import one.")
        return current

    def load(self, fingerprint: str) -> OwnKey:
        """Return one key; read again only when its file has changed."""
        path = self.files.path(fingerprint)
        try:
            status = path.lstat()
        except OSError as error:
            self._loaded.pop(fingerprint, None)
            raise CryptoError(
                f"The private key file {path} is missing.", "Import the key again."
            ) from error
        seen = (status.st_mtime_ns, status.st_mode)
        known = self._loaded.get(fingerprint)
        if known is None or known[0] != seen:
            known = seen, self.files.load(fingerprint)
            self._loaded[fingerprint] = known
        return known[1]

    # ── making, taking in, giving out ────────────────────────────────────────────────────────────

    def generate(
        self, name: str, address: str, passphrase: Secret | None, *, bits: int = 4096
    ) -> OwnKey:
        """Make an RSA key, keep it and make it current. Takes seconds."""
        key = OwnKey.generate(name, address, passphrase or None, bits=bits)
        self.keep(key)
        return key

    def take_in(self, block: str | bytes, *, make_current: bool = True) -> OwnKey:
        """Keep an armored or binary private key block; raises as `OwnKey.load`."""
        key = OwnKey.load(block)
        self.keep(key, make_current=make_current)
        return key

    def take_in_file(self, file: Path, *, make_current: bool = True) -> OwnKey:
        """Keep the private key in a file of the operator's."""
        return self.take_in(read_key_file(file.expanduser()), make_current=make_current)

    def keep(self, key: OwnKey, *, make_current: bool = True) -> None:
        """Write a key's file and put it on the account's list."""
        self.files.save(key)
        with self._list.change() as document:
            names = [name for name in _names(document) if name != key.fingerprint]
            document["keys"] = [*names, key.fingerprint]
            if make_current or not _current(document):
                document["current"] = key.fingerprint

    def use(self, fingerprint: str) -> None:
        """Make one of the keys current; UsageError when the account does not have it."""
        self.known(fingerprint)
        self.load(fingerprint)
        with self._list.change() as document:
            document["current"] = fingerprint

    def known(self, fingerprint: str) -> str:
        """Return the fingerprint; UsageError when the account has no such key."""
        if fingerprint not in self.fingerprints():
            raise UsageError("There is no own key with this fingerprint.", "See: keys list")
        return fingerprint

    def export_public(self, fingerprint: str, file: Path) -> Path:
        """Write the public block to a new 0600 file."""
        block = self.load(self.known(fingerprint)).public_block()
        return write_new(file, block.encode("ascii"))

    def export_private(
        self, fingerprint: str, file: Path, *, repair_with: Secret | None = None
    ) -> Path:
        """Write the private block as it lies here to a new 0600 file.

        With `repair_with`, its passphrase, the primes of an RSA key are put in the order that gpg
        needs (research/crypto.md §3.1); WrongPassphrase. The caller has asked the operator.
        """
        key = self.load(self.known(fingerprint))
        if repair_with is not None:
            key = key.repaired(repair_with or None)
        return write_new(file, key.export_private().encode("ascii"))

    # ── unlocking ────────────────────────────────────────────────────────────────────────────────

    def unlock(self, passphrase: Secret | None) -> tuple[UnlockedKey, ...]:
        """Return the keys that a passphrase opens (None: those without one). 0.1 s a part.

        WrongPassphrase when it opens none, Locked when all of them need one and none was given,
        NoKey when there is no key.
        """
        keys = self.all()
        if not keys:
            self.require_current()
            raise next(held.trouble for held in self.held() if held.trouble is not None)
        opened: list[UnlockedKey] = []
        last: CryptoError | None = None
        for key in keys:
            if key.is_sealed and not passphrase:
                last = last or Locked()
                continue
            try:
                opened.append(key.unlock(passphrase if key.is_sealed else None))
            except CryptoError as error:
                last = error if last is None or isinstance(error, WrongPassphrase) else last
        # A key without a passphrase opens with any: that must not make a wrong one right.
        tried = [key for key in keys if key.is_sealed] if passphrase else []
        sealed = {key.fingerprint for key in tried}
        if not opened or (tried and not sealed & {key.fingerprint for key in opened}):
            raise last or WrongPassphrase()
        return tuple(opened)

    # ── what is remembered of the directory ──────────────────────────────────────────────────────

    @property
    def agent_id(self) -> str:
        """The agent id that the directory has told, "" before the first publishing."""
        return _text(self._list.read(), "agent_id")

    @property
    def published_version(self) -> int:
        """The highest version that was published from here, 0 for none."""
        version = self._list.read().get("version", 0)
        return version if isinstance(version, int) else 0

    def remember_published(self, agent_id: str, version: int) -> None:
        """Remember what the directory answered to a publication."""
        with self._list.change() as document:
            document["agent_id"], document["version"] = agent_id, version


def _ordered(document: dict[str, Any]) -> tuple[str, ...]:
    current = _current(document)
    rest = [name for name in reversed(_names(document)) if name != current]
    return (current, *rest) if current else tuple(rest)


def _names(document: dict[str, Any]) -> list[str]:
    names = document.get("keys", [])
    return [name for name in names if _is_name(name)] if isinstance(names, list) else []


def _current(document: dict[str, Any]) -> str:
    name = document.get("current", "")
    return str(name) if _is_name(name) else ""


def _is_name(name: object) -> bool:
    # It becomes a file name.
    return isinstance(name, str) and _FINGERPRINT.fullmatch(name) is not None


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key, "")
    return value if isinstance(value, str) else ""
