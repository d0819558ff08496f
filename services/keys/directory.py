"""The key directory as one account uses it: looking up, publishing, rotating, revoking.

Closes three traps of api/assmbl.md §8: a rotation that overwrites one made elsewhere (every
publication names the version it stands on), an entry that looks like ours and is not (PEM, hash and
block must be one key), and a publication whose answer was lost (it is looked up, never repeated).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.crypto.certs import PeerKey, spki_pem, spki_sha256
from services.crypto.errors import NoKey
from services.errors import BadAnswer, Conflict, CryptoError, NotFound, Offline, ServiceError
from services.key_models import DirectoryStatus
from services.keys.service import Entry, KeyDirectory, entry_of

_ALGORITHMS: Final = {"RSA": "RSA", "Ed25519": "Ed25519", "P-256": "ECDSA_P256"}
"""The directory's names for the primary's algorithm; `RSA` as api/assmbl.md §7.2 shows it."""


class VersionConflict(Conflict):
    """The directory has another version than the one that was expected; `found` is its entry."""

    def __init__(self, expected: int, found: Entry) -> None:
        super().__init__(
            f"The directory has version {found.version}, and version {expected} was expected.",
            "Look at the directory's key, then decide.",
            status=409,
            code="version_conflict",
        )
        self.expected = expected
        self.found = found


@dataclass(frozen=True, slots=True)
class Standing:
    """How an entry stands to one's own keys; `fingerprint` is of its OpenPGP block, "" if none."""

    status: DirectoryStatus
    sentence: str
    fingerprint: str = ""


class Directory:
    """One service's directory; `connect` says which."""

    def __init__(self) -> None:
        self._service: KeyDirectory | None = None
        self._is_none = False

    def connect(self, service: KeyDirectory | None, *, is_none: bool = False) -> None:
        """Ask this directory from now on; None while there is no connection, or there `is_none`."""
        self._service = service
        self._is_none = is_none

    @property
    def is_none(self) -> bool:
        """Whether the connected service has no directory; False while there is no connection."""
        return self._is_none

    async def look_up(self, agent_id: str, *, fresh: bool) -> Entry:
        """Return an agent's entry, empty for an unknown agent; not `fresh` may be remembered."""
        try:
            answer = await self._connected().lookup_public_agent_cached(agent_id, refresh=fresh)
        except NotFound:
            return Entry(agent_id)
        return entry_of(answer)

    async def publish(self, key: PeerKey, *, stands_on: int, agent_id: str) -> tuple[str, int]:
        """Put a key into the directory on top of a version (0: none); its agent id and version.

        VersionConflict when the directory has moved on, CryptoError for a key that it cannot hold.
        """
        pem, version = spki_pem(key.components[0]), stands_on + 1
        try:
            receipt = await self._connected().register_directory_key(
                public_key=pem,
                algorithm=_algorithm(key),
                key_version=version,
                if_match_version=stands_on,
                openpgp_public_key=key.armored(),
            )
        except Conflict as error:
            raise VersionConflict(stands_on, await self._found(agent_id)) from error
        except ServiceError as error:
            if not (error.uncertain and await self._has_arrived(agent_id, version, pem)):
                raise
            return agent_id, version
        if receipt.key_fingerprint_sha256.lower() != spki_sha256(pem):
            raise BadAnswer(
                "The directory answered with another key than was published.",
                "Look at the directory's key, and ask the operator of the service.",
            )
        return receipt.agent_id, receipt.key_version

    async def revoke(self) -> None:
        """Take the own key out of the directory; may be repeated."""
        await self._connected().revoke_directory_key()

    async def _found(self, agent_id: str) -> Entry:
        return await self.look_up(agent_id, fresh=True) if agent_id else Entry("")

    async def _has_arrived(self, agent_id: str, version: int, pem: str) -> bool:
        """Tell whether a publication whose answer was lost was carried out."""
        try:
            found = await self._found(agent_id)
        except ServiceError:
            return False
        return found.version == version and found.pem.split() == pem.split()

    def _connected(self) -> KeyDirectory:
        if self._is_none:
            raise NoKey(
                "This mail service has no key directory: no key is looked up or published there.",
                "Give your key out as a file: agentmail-tui keys export",
            )
        if self._service is None:
            raise Offline(
                "There is no connection to the key directory.", "Try again when the mail syncs."
            )
        return self._service


def read_entry(entry: Entry, now: int | None = None) -> PeerKey:
    """Return the key of an entry, checked against its PEM and hash (research/crypto.md §5.2, 2-3).

    CryptoError when there is none that can be used or its parts contradict each other.
    """
    return PeerKey.parse(entry.block, pem=entry.pem, pem_sha256=entry.pem_sha256, now=now)


def standing_of(entry: Entry, own: Sequence[PeerKey], current: PeerKey | None) -> Standing:
    """Compare the own entry with one's own keys."""
    if entry.is_empty:
        return _empty(entry)
    if not entry.block:
        return _without_block(entry, own)
    try:
        found = read_entry(entry)
    except CryptoError as error:
        sentence = f"The directory's key cannot be used: {error.sentence}"
        return Standing(DirectoryStatus.FOREIGN, sentence)
    if current is not None and found.fingerprint == current.fingerprint:
        return _same_primary(found, current)
    if found.fingerprint in {key.fingerprint for key in own}:
        sentence = "The directory still has a former key of yours: publish the current one."
        return Standing(DirectoryStatus.OLDER, sentence, found.fingerprint)
    sentence = "The directory has a key under your name that is none of yours."
    return Standing(DirectoryStatus.FOREIGN, sentence, found.fingerprint)


def _empty(entry: Entry) -> Standing:
    if entry.revoked:
        sentence = "Your key was revoked: nobody can encrypt to you until you publish one."
        return Standing(DirectoryStatus.REVOKED, sentence)
    return Standing(DirectoryStatus.ABSENT, "The directory has no key of yours: publish it.")


def _without_block(entry: Entry, own: Sequence[PeerKey]) -> Standing:
    hashes = {spki_sha256(spki_pem(key.components[0])) for key in own if not _is_unused(key)}
    if entry.pem_sha256.lower() in hashes:
        sentence = "The directory lacks the OpenPGP form of your key: publish it again."
        return Standing(DirectoryStatus.OLDER, sentence)
    sentence = "The directory has a key under your name that is none of yours."
    return Standing(DirectoryStatus.FOREIGN, sentence)


def _same_primary(found: PeerKey, current: PeerKey) -> Standing:
    theirs, mine = found.encrypt_to, current.encrypt_to
    if (theirs and theirs.fingerprint) == (mine and mine.fingerprint) and found.why == current.why:
        sentence = "The directory has your current key."
        return Standing(DirectoryStatus.SAME, sentence, found.fingerprint)
    sentence = "The directory has your key in another state: publish it again."
    return Standing(DirectoryStatus.OLDER, sentence, found.fingerprint)


def _is_unused(key: PeerKey) -> bool:
    return key.components[0].key.material is None


def _algorithm(key: PeerKey) -> str:
    name = key.algorithm.partition("-")[0] if key.algorithm.startswith("RSA") else key.algorithm
    if name not in _ALGORITHMS:
        raise CryptoError(
            f"The directory takes no {key.algorithm} keys.",
            "Generate an RSA key, or import an Ed25519 or P-256 one.",
        )
    return _ALGORITHMS[name]
