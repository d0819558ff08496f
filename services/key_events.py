"""What the engine is asked about keys and peers, and what it tells.

Loaded with the first key request, never for the first frame: screens import it inside the functions
that ask. Every request is a `KeyRequest`, every event a `KeyEvent` (`services.events`), so that desk
and bridge pass them on without knowing them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from services.events import KeyEvent, KeyRequest
from services.key_models import DirectoryView, FingerprintView, KeysView
from services.redact import Secret
from services.safe_text import EMPTY, SafeText

# ── requests ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ReadKeys(KeyRequest):
    """Tell everything about the keys; `ask_directory` looks the own entry up again."""

    ask_directory: bool = False


@dataclass(frozen=True, slots=True)
class UnlockKeys(KeyRequest):
    """Unlock the own keys that this passphrase opens; `remember` keeps it in the keyring."""

    passphrase: Secret
    remember: bool = False


@dataclass(frozen=True, slots=True)
class LockKeys(KeyRequest):
    """Forget the unlocked keys and every decrypted text now."""


@dataclass(frozen=True, slots=True)
class ReadAhead(KeyRequest):
    """Open these encrypted messages in advance, while the keys are unlocked; nearest first.

    Cheap and without an answer; a later one takes the place of an earlier one. Messages in clear
    are passed over, so the ids around the cursor can be named as they are.
    """

    latest_only: ClassVar[bool] = True
    message_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GenerateKey(KeyRequest):
    """Make an RSA-4096 key and use it from now on; `passphrase` None leaves the file unsealed."""

    name: str
    address: str
    passphrase: Secret | None


@dataclass(frozen=True, slots=True)
class ImportKey(KeyRequest):
    """Take in an armored private key, pasted or from a file (exactly one of the two)."""

    block: Secret | None = None
    file: Path | None = None
    make_current: bool = True


@dataclass(frozen=True, slots=True)
class UseKey(KeyRequest):
    """Make one of the own keys the current one."""

    fingerprint: str


@dataclass(frozen=True, slots=True)
class ExportKey(KeyRequest):
    """Write a key to a new 0600 file; `private` only after the screen has asked."""

    fingerprint: str
    file: Path
    private: bool = False


@dataclass(frozen=True, slots=True)
class PublishKey(KeyRequest):
    """Put the current key into the directory, or rotate the entry to it.

    `expected_version` is the version that the operator has seen (0: no entry); None asks first.
    """

    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class RevokeKey(KeyRequest):
    """Take the own entry out of the directory. The screen has asked, typed."""


@dataclass(frozen=True, slots=True)
class LookUpPeer(KeyRequest):
    """Ask the directory for a peer's key and pin it when it is the first.

    `agent_id` names the peer in the directory when the address is of another domain.
    """

    address: str
    agent_id: str = ""


@dataclass(frozen=True, slots=True)
class AcceptPeerKey(KeyRequest):
    """Take the key that was offered in place of the pinned one; the fingerprint was compared."""

    address: str
    fingerprint: str
    verified_how: str = ""


@dataclass(frozen=True, slots=True)
class VerifyPeer(KeyRequest):
    """Mark the pinned key as compared over another channel; `how` in the operator's words."""

    address: str
    fingerprint: str
    how: str


@dataclass(frozen=True, slots=True)
class ForgetPeer(KeyRequest):
    """Drop a peer's pin."""

    address: str


@dataclass(frozen=True, slots=True)
class RequireEncryption(KeyRequest):
    """Require encryption to an address (`name@host`) or a whole domain (`host`), or stop to."""

    subject: str
    required: bool


@dataclass(frozen=True, slots=True)
class ExportPeers(KeyRequest):
    """Write all pins to a new 0600 file."""

    file: Path


@dataclass(frozen=True, slots=True)
class ImportPeers(KeyRequest):
    """Take in pins, or one key; what contradicts ours becomes a changed key, never silently ours.

    `owner` is the address that a single key belongs to, "" for the one that it names.
    """

    file: Path
    owner: str = ""


@dataclass(frozen=True, slots=True)
class TrustSender(KeyRequest):
    """Put a sender on the service's allow-list; `rate_limit_per_minute` None is no cap."""

    peer_agent_id: str
    enabled: bool = True
    rate_limit_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class DistrustSender(KeyRequest):
    """Take a sender off the service's allow-list."""

    peer_agent_id: str


# ── events ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class KeysChanged(KeyEvent):
    """The state of keys, peers and directory; answers `ReadKeys` and follows every change."""

    request_id: int
    keys: KeysView
    account: str = ""
    """Whose keys; "" where there is only one account."""


@dataclass(frozen=True, slots=True)
class KeyWork(KeyEvent):
    """Something that takes a while is under way (key generation, unlocking)."""

    request_id: int
    sentence: SafeText
    fraction: float | None = None
    account: str = ""


@dataclass(frozen=True, slots=True)
class KeyWorkDone(KeyEvent):
    """A request was carried out; `sentence` tells what was done."""

    request_id: int
    sentence: SafeText
    warnings: tuple[SafeText, ...] = ()
    account: str = ""


@dataclass(frozen=True, slots=True)
class WrongPassphrase(KeyEvent):
    """No key opened; ask again."""

    request_id: int
    sentence: SafeText
    account: str = ""


@dataclass(frozen=True, slots=True)
class DirectoryConflict(KeyEvent):
    """The directory has another version than the operator saw: both, and a choice to make."""

    request_id: int
    expected_version: int
    found: DirectoryView
    mine: FingerprintView
    next_step: SafeText = EMPTY
    account: str = ""
