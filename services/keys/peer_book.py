"""The book of peers: which key each address was first seen with, and what the operator said of it.

Closes the trap that a directory can hand out another key at any time (research/crypto.md §4, §5.2
step 6): the first key is pinned with its date, another one blocks sending until the operator has
decided, and nothing but his decision ends the block. Revocations that were seen once stay, even when
the directory serves an older block again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any, Final

from services.crypto.certs import BLOCK_LIMIT, PeerKey
from services.crypto.errors import KeyChanged
from services.crypto.packets import Packet, Tag, join_all, split
from services.crypto.sigs import Signature, SignatureType
from services.errors import CryptoError, UsageError
from services.keys.peers import (
    HOW_LIMIT,
    Peer,
    Pin,
    address_of,
    domain_of,
    peer_from_json,
    peer_to_json,
)
from services.keys.shared_file import SharedFile

BOOK_FILE: Final = "peers.json"
_REVOCATIONS: Final = frozenset({
    SignatureType.KEY_REVOCATION,
    SignatureType.SUBKEY_REVOCATION,
    SignatureType.CERTIFICATION_REVOCATION,
})  # fmt: skip


class PinState(Enum):
    """How a looked-up key stands to the pinned one."""

    NEW = "new"
    """It was pinned just now: the first key of this address."""
    SAME = "same"
    VERIFIED = "verified"
    """The same, and the operator has compared it."""


class PeerBook:
    """One account's peers, in one 0600 file that app and verbs share.

    Addresses are taken in any case. Every operation raises ConfigError when the file cannot be used.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._file = SharedFile(path)
        self._clock = clock

    # ── looking ──────────────────────────────────────────────────────────────────────────────────

    def peers(self) -> tuple[Peer, ...]:
        """Return all peers by address."""
        entries = _table(self._file.read(), "peers")
        return tuple(_peer(entries, address) for address in sorted(entries))

    def peer(self, address: str) -> Peer:
        """Return what is known of an address, which may be nothing."""
        return _peer(_table(self._file.read(), "peers"), address.lower())

    def pinned(self, address: str) -> Pin | None:
        """Return the pinned key of an address."""
        return self.peer(address).pin

    @property
    def now(self) -> int:
        """The moment by which keys are judged and dated, seconds since the epoch."""
        return int(self._clock())

    def settled(self, address: str) -> Pin | None:
        """Return the pinned key as the file has it now; KeyChanged while another one is offered."""
        peer = self.peer(address)
        if peer.offered is not None:
            raise _changed(peer)
        return peer.pin

    def domains(self) -> tuple[str, ...]:
        """Return the domains that mail must be encrypted to."""
        return tuple(sorted(_names(self._file.read(), "domains")))

    def requires_encryption(self, address: str) -> bool:
        """Tell whether mail to an address must be encrypted, by itself or by its domain."""
        domain = address.rpartition("@")[2].lower()
        return self.peer(address).is_required or self.requires_domain(domain)

    def requires_domain(self, domain: str) -> bool:
        """Tell whether mail to a domain, or to one above it, must be encrypted."""
        named = self.domains()
        return any(domain == one or domain.endswith(f".{one}") for one in named)

    # ── what the directory shows ─────────────────────────────────────────────────────────────────

    def check(self, address: str, key: PeerKey) -> PinState:
        """Compare a key with the pinned one and pin the first; KeyChanged blocks until `accept`.

        The same primary with other subkeys passes, and the newer block is kept.
        """
        with self._file.change() as document:
            peer = self._in(document, address)
            now = int(self._clock())
            if peer.pin is None and peer.offered is None:
                pin = Pin(key.fingerprint, key.armored(), now)
                _put(document, replace(peer, pin=pin, missing_at=0))
                return PinState.NEW
            if peer.pin is not None and peer.pin.fingerprint == key.fingerprint:
                kept = with_revocations(key, peer.pin).armored()
                peer = replace(peer, pin=replace(peer.pin, block=kept), missing_at=0)
            elif peer.offered is None or peer.offered.fingerprint != key.fingerprint:
                peer = replace(peer, offered=Pin(key.fingerprint, key.armored(), now), missing_at=0)
            _put(document, peer)
        if peer.offered is not None:
            raise _changed(peer)
        return PinState.VERIFIED if peer.pin and peer.pin.verified_at else PinState.SAME

    def note_missing(self, address: str) -> None:
        """Note that the directory has no key for a peer any more."""
        if self.peer(address).pin is not None:
            with self._file.change() as document:
                peer = self._in(document, address)
                since = peer.missing_at or int(self._clock())
                _put(document, replace(peer, missing_at=since))

    def name_agent(self, address: str, agent_id: str) -> None:
        """Remember the name of a peer in the directory, for addresses of other domains."""
        if self.peer(address).agent_id != agent_id:
            with self._file.change() as document:
                _put(document, replace(self._in(document, address), agent_id=agent_id))

    # ── what the operator says ───────────────────────────────────────────────────────────────────

    def accept(self, address: str, fingerprint: str, how: str = "") -> Peer:
        """Take the offered key in place of the pinned one, or keep the pinned one for good.

        `fingerprint` says which of the two was compared; `how` marks it as verified. UsageError when
        nothing is offered or it is a third key (another one has come meanwhile).
        """
        with self._file.change() as document:
            peer = self._in(document, address)
            if peer.offered is None:
                raise UsageError(f"No other key is offered for {peer.address}.")
            now = int(self._clock())
            if fingerprint == peer.offered.fingerprint:
                pin = replace(peer.offered, since=now, verified_at=0, verified_how="")
            elif peer.pin is not None and fingerprint == peer.pin.fingerprint:
                pin = peer.pin
            else:
                raise UsageError(
                    "This is not the key that is offered now.", "Compare the fingerprint again."
                )
            if how:
                pin = replace(pin, verified_at=now, verified_how=how[:HOW_LIMIT])
            peer = replace(peer, pin=pin, offered=None)
            _put(document, peer)
        return peer

    def verify(self, address: str, fingerprint: str, how: str) -> Peer:
        """Mark the pinned key as compared; UsageError when it is another one or one waits."""
        with self._file.change() as document:
            peer = self._in(document, address)
            if peer.pin is None:
                raise UsageError(f"No key is pinned for {peer.address}.", "Look it up first.")
            if peer.offered is not None:
                raise _changed(peer)
            if fingerprint != peer.pin.fingerprint:
                raise UsageError(
                    "This is not the pinned fingerprint, so nothing was marked.",
                    "Compare all of it with the peer, over another channel.",
                )
            now = int(self._clock())
            pin = replace(peer.pin, verified_at=now, verified_how=how.strip()[:HOW_LIMIT])
            peer = replace(peer, pin=pin)
            _put(document, peer)
        return peer

    def require(self, subject: str, *, is_required: bool) -> str:
        """Require encryption to an address or a domain, or stop to; returns it as the book has it."""
        with self._file.change() as document:
            if "@" in subject.strip().removeprefix("@"):
                named = address_of(subject)
                _put(document, replace(self._in(document, named), is_required=is_required))
                return named
            named = domain_of(subject)
            others = [one for one in _names(document, "domains") if one != named]
            document["domains"] = [*others, named] if is_required else others
            return named

    def forget(self, address: str) -> None:
        """Drop what is pinned for an address; the requirement to encrypt stays."""
        with self._file.change() as document:
            peer = self._in(document, address)
            if peer.pin is None and peer.offered is None:
                raise UsageError(f"No key is pinned for {peer.address}.")
            _put(document, Peer(peer.address, is_required=peer.is_required))

    def take_in(self, theirs: Peer) -> str:
        """Take in a peer of another book; "new", "same" or "changed".

        A key that contradicts the pinned one waits as offered, as if the directory had shown it.
        """
        with self._file.change() as document:
            mine = self._in(document, theirs.address)
            outcome, merged = _merge(mine, theirs, int(self._clock()))
            _put(document, merged)
        return outcome

    # ── names on the service's allow-list ────────────────────────────────────────────────────────

    def trusted(self) -> tuple[str, ...]:
        """Return the agents that were put on the service's list from here; it cannot be listed."""
        return tuple(sorted(_names(self._file.read(), "trusted")))

    def note_trusted(self, agent_id: str, *, is_listed: bool) -> None:
        """Remember that an agent is on the service's list, or is not."""
        if (agent_id in self.trusted()) != is_listed:
            with self._file.change() as document:
                others = [one for one in _names(document, "trusted") if one != agent_id]
                document["trusted"] = [*others, agent_id] if is_listed else others

    def _in(self, document: dict[str, Any], address: str) -> Peer:
        return _peer(_table(document, "peers"), address.lower())


def with_revocations(key: PeerKey, pin: Pin) -> PeerKey:
    """Return a key with the revocations of the pinned block that it lacks.

    A directory that serves an older block must not make a revoked key good again. Signatures prove
    themselves wherever they stand in a block, so adding them is safe.
    """
    try:
        seen = {packet.body for packet in split(key.block)}
        missing = [
            packet
            for packet in split(pin.key().block)
            if packet.tag == Tag.SIGNATURE and packet.body not in seen and _revokes(packet)
        ]
        block = key.block + join_all(missing)
        return PeerKey.parse(block) if missing and len(block) <= BLOCK_LIMIT else key
    except CryptoError:
        return key


def _revokes(packet: Packet) -> bool:
    try:
        return Signature.parse(packet.body).type in _REVOCATIONS
    except CryptoError:
        return False


def _merge(mine: Peer, theirs: Peer, now: int) -> tuple[str, Peer]:
    mine = replace(
        mine,
        is_required=mine.is_required or theirs.is_required,
        agent_id=mine.agent_id or theirs.agent_id,
    )
    if theirs.pin is None:
        return "same", mine
    if mine.pin is None and mine.offered is None:
        return "new", replace(mine, pin=theirs.pin)
    if mine.pin is not None and mine.pin.fingerprint == theirs.pin.fingerprint:
        return "same", mine
    return "changed", replace(mine, offered=mine.offered or replace(theirs.pin, since=now))


def _changed(peer: Peer) -> KeyChanged:
    pin, offered = peer.pin, peer.offered
    return KeyChanged(
        pin.fingerprint if pin else "",
        offered.fingerprint if offered else "",
        pin.since if pin else 0,
    )


def _put(document: dict[str, Any], peer: Peer) -> None:
    entries = document["peers"] = _table(document, "peers")
    if peer.is_nothing:
        entries.pop(peer.address, None)
    else:
        entries[peer.address] = peer_to_json(peer)


def _peer(entries: Mapping[str, Any], address: str) -> Peer:
    data = entries.get(address)
    return peer_from_json(address, data) if isinstance(data, dict) else Peer(address)


def _table(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _names(document: Mapping[str, Any], key: str) -> list[str]:
    value = document.get(key)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
