"""Peer books as files: given out, and taken in with suspicion.

Closes the trap of an import that replaces what was compared by hand: a pin that contradicts ours
becomes a changed key that waits for the operator, and a block is believed only when it has the
fingerprint that its entry names. Requirements to encrypt are added, never taken away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from services.errors import MailError, UsageError
from services.keys.key_folder import write_new
from services.keys.peer_book import PeerBook
from services.keys.peers import Peer, address_of, domain_of, peer_from_json, peer_to_json
from services.keys.shared_file import read_json
from services.safe_text import SafeText, clean_line, phrase

_FORMAT: Final = "agentmail-tui peers"
_VERSION: Final = 1
_LARGEST: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import: numbers of peers, and sentences about those that were passed over."""

    new: int
    same: int
    changed: tuple[str, ...]
    refused: tuple[SafeText, ...]


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


def import_peers(book: PeerBook, file: Path) -> Imported:
    """Take in what `export_peers` wrote; UsageError when it is no such file."""
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


def _checked(name: str, data: Any) -> Peer:
    if not isinstance(data, dict):
        raise UsageError("The entry is damaged.")
    peer = peer_from_json(address_of(name), data)
    if peer.pin is not None:
        peer.pin.key()
    return replace(peer, offered=None, missing_at=0)
