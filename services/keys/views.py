"""What screens and verbs show of a keychain: plain values, every foreign text made safe.

Closes the trap of a user id or an address that paints over the line about its own key.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from services.crypto.certs import PeerKey
from services.crypto.own import OwnKey
from services.errors import CryptoError
from services.key_models import KeysView, OwnKeyView, PeerStatus, PeerView
from services.keys import words
from services.keys.expiry import calendar, warning
from services.keys.own_keys import HeldKey
from services.keys.peers import Peer, Pin
from services.safe_text import EMPTY, SafeText, clean_address, clean_line, phrase, ui

if TYPE_CHECKING:
    from services.keys.keychain import Keychain
    from services.keys.peer_book import PeerBook

_ID_LIMIT: Final = 300
_JUDGED: Final = 600
"""Seconds for which a verdict on a pinned key is shown again; sending judges anew."""
_MISORDERED = ui(
    "gpg fails with this key now and then (its primes are in the wrong order); for gpg, use "
    "`agentmail-tui keys export --private --repair`."
)
_GONE = ui("The directory has no key for this peer any more.")


def keys_view(chain: Keychain, now: int | None = None, *, kept: SafeText = EMPTY) -> KeysView:
    """Return everything that is known without asking anybody; reads files, so not on the screen's
    thread. `kept` tells where the passphrase is."""
    moment = int(time.time()) if now is None else now
    held = chain.own_keys.held()
    known = chain.book.peers()
    peers = tuple(peer_view(chain, peer, moment) for peer in known)
    return KeysView(
        lock=chain.lock_state,
        locks_at=chain.locks_at,
        own=tuple(own_view(chain, one, moment) for one in held),
        directory=chain.entry.view,
        peers=peers,
        required_domains=tuple(clean_line(one, _ID_LIMIT) for one in chain.book.domains()),
        trusted=chain.trusted.rows,
        offers_trusted=chain.trusted.is_offered is True,
        passphrase_kept=kept,
        calendar=calendar(
            (one.key.public for one in held if one.key is not None and one.is_current),
            ((peer.address, key) for peer in known if (key := _pinned(peer, moment)) is not None),
            moment,
            former=(one.key.public for one in held if one.key is not None and not one.is_current),
        ),
    )


def own_view(chain: Keychain, held: HeldKey, now: int) -> OwnKeyView:
    """Return one own key; one whose file cannot be used shows why as a warning."""
    if held.key is None:
        trouble = clean_line(str(held.trouble)) if held.trouble else EMPTY
        return OwnKeyView(
            words.view(held.fingerprint), EMPTY, EMPTY, 0, None, held.is_current, is_sealed=True,
            is_unlocked=False, warnings=(trouble,),
        )  # fmt: skip
    public = held.key.public
    return OwnKeyView(
        fingerprint=words.view(public.fingerprint),
        algorithm=clean_line(public.algorithm),
        user_id=user_id_of(public),
        made=public.made,
        expires=public.expires,
        is_current=held.is_current,
        is_sealed=held.key.is_sealed,
        is_unlocked=chain.is_open(public.fingerprint),
        warnings=own_warnings(chain, held.key, now),
    )


def own_warnings(chain: Keychain, key: OwnKey, now: int) -> tuple[SafeText, ...]:
    """Return what the owner of a key should know about it."""
    told = [clean_line(sentence) for sentence in key.warnings]
    ending = warning(key.public, now)
    if ending is not None and not key.public.why:
        told.append(ending)
    opened = chain.opened(key.fingerprint)
    if opened is not None and not all(part.is_ordered for part in opened.parts()):
        told.append(_MISORDERED)
    return tuple(told)


def user_id_of(key: PeerKey) -> SafeText:
    """Return the first user id of a key, made safe; "" when it has none."""
    return clean_line(key.user_ids[0], _ID_LIMIT) if key.user_ids else EMPTY


def peer_view(chain: Keychain, peer: Peer, now: int) -> PeerView:
    """Return one peer as the book has it; the directory is not asked."""
    pin, offered = peer.pin, peer.offered
    key = _pinned(peer, now)
    status, why = _status(peer, key)
    return PeerView(
        address=peer.address,
        shown=clean_address(peer.address),
        status=status,
        fingerprint=words.view(pin.fingerprint) if pin else None,
        algorithm=clean_line(key.algorithm) if key else EMPTY,
        since=pin.since if pin else 0,
        verified_at=pin.verified_at if pin else 0,
        verified_how=clean_line(pin.verified_how, _ID_LIMIT) if pin else EMPTY,
        expires=key.expires if key else None,
        requires_encryption=peer.is_required,
        required_by_domain=chain.book.requires_domain(peer.address.rpartition("@")[2]),
        offered=words.view(offered.fingerprint) if offered else None,
        offered_at=offered.since if offered else 0,
        why=why,
    )


def _status(peer: Peer, key: PeerKey | None) -> tuple[PeerStatus, SafeText]:
    if peer.offered is not None:
        return PeerStatus.CHANGED, ui("Another key is offered: compare it before anything is sent.")
    if peer.pin is None:
        return PeerStatus.NO_KEY, ui("No key is known: look it up.")
    if key is None:
        return PeerStatus.UNUSABLE, ui("The pinned key cannot be read.")
    if key.why:
        return PeerStatus.UNUSABLE, clean_line(key.why)
    if peer.missing_at:
        return PeerStatus.NO_KEY, _GONE
    verified = peer.pin.verified_at
    return (PeerStatus.VERIFIED, EMPTY) if verified else (PeerStatus.PINNED, EMPTY)


def _pinned(peer: Peer, now: int) -> PeerKey | None:
    return _judged(peer.pin.fingerprint, peer.pin.block, now // _JUDGED) if peer.pin else None


@lru_cache(maxsize=2_048)
def _judged(fingerprint: str, block: str, moment: int) -> PeerKey | None:
    try:
        # By the end of the span: at its beginning a key made just now would be one of the future.
        return Pin(fingerprint, block).key((moment + 1) * _JUDGED - 1)
    except CryptoError:
        return None


def kept_sentence(is_kept: bool) -> SafeText:
    """Return where the passphrase is, as a sentence; empty when it is asked for."""
    return ui("The passphrase is in the desktop's keyring.") if is_kept else EMPTY


def required(book: PeerBook, named: str, *, is_required: bool) -> SafeText:
    """Return what holds for an address or a domain after `require`; a domain's rule outlives that
    of an address."""
    if is_required:
        return done("Mail to {} must be encrypted.", named)
    address, _, domain = named.rpartition("@")
    if not book.requires_domain(domain):
        return done("{} may get mail in clear.", named)
    if address:
        return done("Mail to {} must still be encrypted: so all mail to its domain.", named)
    return done("Mail to {} must still be encrypted: so all mail to a domain above.", named)


def done(template: str, *parts: str) -> SafeText:
    """Fill our own sentence with texts that may be foreign."""
    return phrase(template, *(clean_line(part, _ID_LIMIT) for part in parts))
