"""Peer books and single keys as files: given out, and taken in with suspicion.

Closes the trap of an import that replaces what was compared by hand: a key that contradicts ours
becomes a changed key that waits for the operator, and a block is believed only when it has the
fingerprint that its entry names. Requirements to encrypt are added, never taken away. And the trap of
a key that says whose it is: the name in it is taken only when it is one, and always told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from services.crypto.certs import PeerKey
from services.crypto.errors import KeyChanged
from services.errors import MailError, UsageError
from services.keys import words
from services.keys.key_folder import read_key_file, write_new
from services.keys.peer_book import PeerBook
from services.keys.peers import Peer, address_of, domain_of, peer_from_json, peer_to_json
from services.keys.shared_file import read_json
from services.policy_config import is_plain_address
from services.safe_text import SafeText, clean_line, phrase

_FORMAT: Final = "agentmail-tui peers"
_VERSION: Final = 1
_LARGEST: Final = 16 << 20
_BEGIN: Final = b"-----BEGIN PGP"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import: numbers of peers, and sentences about those that were passed over.

    `told` names the key that came by itself, and whose it is said to be.
    """

    new: int
    same: int
    changed: tuple[str, ...]
    refused: tuple[SafeText, ...] = ()
    told: tuple[SafeText, ...] = ()


def export_peers(book: PeerBook, file: Path) -> int:
    """Write all pins and requirements to a new 0600 file; returns how many peers."""
    peers = book.peers()
    document = {
        "format": _FORMAT,
        "version": _VERSION,
        "peers": {peer.address: peer_to_json(replace(peer, offered=None)) for peer in peers},
        "domains": list(book.domains()),
    }
    write_new(file, json.dumps(document, indent=1).encode("ascii"))
    return len(peers)


def import_peers(book: PeerBook, file: Path, owner: str = "") -> Imported:
    """Take in what `export_peers` wrote, or one public key; UsageError when it is neither.

    `owner` is whose key it is; "" for the one address that the key names.
    """
    if owner or _is_key(file.expanduser()):
        return _import_key(book, file, owner)
    document = read_json(file.expanduser(), _LARGEST)
    entries, domains = document.get("peers"), document.get("domains")
    known = document.get("format") == _FORMAT and document.get("version") == _VERSION
    if not known or not isinstance(entries, dict) or not isinstance(domains, list):
        raise UsageError(f"{file} does not hold exported peers.", "Write one with: peers export")
    counts = {"new": 0, "same": 0}
    changed, refused = [], []
    for name, data in entries.items():
        try:
            peer = _checked(name, data)
        except MailError as error:
            refused.append(phrase("{}: {}", clean_line(name, 80), clean_line(error.sentence)))
            continue
        outcome = book.take_in(peer)
        if outcome == "changed":
            changed.append(peer.address)
        else:
            counts[outcome] += 1
    for domain in domains:
        if isinstance(domain, str):
            book.require(domain_of(domain), is_required=True)
    return Imported(counts["new"], counts["same"], tuple(changed), tuple(refused))


def _is_key(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            head = opened.read(4_096)
    except OSError:
        return False
    # Exported peers hold blocks too, inside of JSON.
    return head[:1] >= b"\x80" or (_BEGIN in head and not head.lstrip().startswith(b"{"))


def _import_key(book: PeerBook, file: Path, owner: str) -> Imported:
    """Pin one public key; one that cannot be used is taken in only as news of the pinned one."""
    key = PeerKey.parse(read_key_file(file.expanduser()), now=book.now)
    address = address_of(owner or _named_in(key))
    pin = book.pinned(address)
    if pin is None or pin.fingerprint != key.fingerprint:
        key.require(book.now)
    shown = clean_line(address), clean_line(words.short(key.fingerprint))
    told = (phrase("{}: key {}. Compare its fingerprint with its owner.", *shown),)
    try:
        book.check(address, key)
    except KeyChanged:
        return Imported(0, 0, (address,), told=told)
    return Imported(int(pin is None), int(pin is not None), (), told=told)


def _named_in(key: PeerKey) -> str:
    ends = (one.rpartition("<")[2].rstrip(">").strip().lower() for one in key.user_ids)
    found = sorted({one for one in ends if is_plain_address(one)})
    if len(found) != 1:
        raise UsageError(
            f"The key names {'several addresses' if found else 'no address'}.",
            "Say whose it is: agentmail-tui peers import FILE --owner ADDRESS",
        )
    return found[0]


def _checked(name: str, data: Any) -> Peer:
    if not isinstance(data, dict):
        raise UsageError("The entry is damaged.")
    peer = peer_from_json(address_of(name), data)
    if peer.pin is not None:
        peer.pin.key()
    return replace(peer, offered=None, missing_at=0)
