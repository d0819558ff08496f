"""What `doctor` says about keys: their files, where the passphrase is, what expires, which peers wait.

Closes the trap of a check that makes what it looks for: everything is read where it lies, nothing is
created, unlocked or asked of the network.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from services.config import Account
from services.errors import MailError, SecretStoreError
from services.paths import Paths
from services.secrets import SecretStore
from tui.verbs.doctor import Finding

if TYPE_CHECKING:
    from services.keys.own_keys import OwnKeys
    from services.keys.peer_book import PeerBook


def key_findings(paths: Paths, secrets: SecretStore, account: Account) -> Iterator[Finding]:
    """Yield a line for the own keys, and for passphrase, peers and expiry where there are any."""
    from services.keys.own_keys import OwnKeys
    from services.keys.peer_book import BOOK_FILE, PeerBook

    folder = paths.account_folder(account.name)
    own = OwnKeys(paths.data_dir / "keys", folder)
    book = PeerBook(folder / BOOK_FILE, time.time)
    for name, look in (("keys", _keys), ("peers", _peers), ("expiry", _expiry)):
        try:
            yield from look(own, book)
        except MailError as error:
            yield Finding(name, "broken", error.sentence, error.next_step)
        if name == "keys":
            yield from _passphrase(own, secrets, account)


def _keys(own: OwnKeys, _: PeerBook) -> Iterator[Finding]:
    held = own.held()
    if not held:
        yield Finding("keys", "ok", "No OpenPGP key yet.", "Make one: agentmail-tui keys generate")
    for one in held:
        role = "current" if one.is_current else "former"
        path = own.files.path(one.fingerprint)
        if one.key is None:
            trouble = one.trouble or MailError(f"{path} cannot be used.")
            yield Finding("keys", "broken", f"{role}: {trouble.sentence}", trouble.next_step)
            continue
        sealed = "sealed with a passphrase" if one.key.is_sealed else "WITHOUT a passphrase"
        sentence = f"{role}: {one.key.public.algorithm}, {sealed}, in {path} (0600)."
        warnings = [text for text in one.key.warnings if one.is_current]
        told = " ".join([sentence, *warnings])
        yield Finding("keys", "note" if warnings else "ok", told)


def _passphrase(own: OwnKeys, secrets: SecretStore, account: Account) -> Iterator[Finding]:
    try:
        is_sealed = any(key.is_sealed for key in own.all())
    except MailError:
        return
    if not is_sealed:
        return
    try:
        is_kept = secrets.passphrase(account) is not None
    except SecretStoreError as error:
        why = f"Asked for when it is needed, never written. {error.sentence}"
        yield Finding("passphrase", "ok", why)
        return
    kept = "In the keyring." if is_kept else "Asked for when it is needed, never written."
    yield Finding("passphrase", "ok", kept)


def _peers(_: OwnKeys, book: PeerBook) -> Iterator[Finding]:
    peers = book.peers()
    if not peers:
        return
    verified = sum(1 for peer in peers if peer.pin and peer.pin.verified_at)
    changed = [peer.address for peer in peers if peer.offered]
    sentence = f"{len(peers)} known, {verified} verified."
    if changed:
        sentence += f" Another key is offered for {', '.join(changed)}: nothing is encrypted there."
        yield Finding("peers", "note", sentence, "Compare: agentmail-tui peers list")
    else:
        yield Finding("peers", "ok", sentence)


def _expiry(own: OwnKeys, book: PeerBook) -> Iterator[Finding]:
    from services.keys.expiry import calendar, day

    now = int(time.time())
    pins = [(peer.address, peer.pin.key(now)) for peer in book.peers() if peer.pin]
    lines = calendar((key.public for key in own.all()), pins, now)
    for line in lines:
        verb = "expired" if line.expires <= now else "expires"
        sentence = f"{line.what} {verb} on {day(line.expires)}."
        yield Finding("expiry", "note" if line.is_soon else "ok", sentence)
