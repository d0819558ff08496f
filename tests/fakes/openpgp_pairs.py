"""Key pairs of every kind, made by five programs when first asked for, and known to gpg and ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from services.crypto.certs import PeerKey
from services.crypto.own import OwnKey, UnlockedKey
from services.redact import Secret
from tests.fakes import openpgp_sequoia as sequoia
from tests.fakes.openpgp_gnupg import Gnupg
from tests.fakes.openpgp_keys import person
from tests.fakes.openpgp_packets import armor
from tests.fakes.openpgp_stock import StockPgpy

PHRASE = "Grüße, пароль ключа 鍵"


@dataclass(frozen=True)
class Pair:
    """One key pair: both blocks armored, and the passphrase that seals the private one."""

    secret: bytes
    public: bytes
    passphrase: str = ""

    @cached_property
    def peer(self) -> PeerKey:
        """The public block as the program judges it."""
        return PeerKey.parse(self.public)

    @cached_property
    def key(self) -> UnlockedKey:
        """The private block, opened by the program."""
        own = OwnKey.load(self.secret)
        assert own.is_sealed == bool(self.passphrase)
        return own.unlock(Secret(self.passphrase) if self.passphrase else None)

    @property
    def fingerprint(self) -> str:
        """Of the primary key."""
        return self.peer.fingerprint


def user_of(name: str) -> str:
    """The user id of a pair, which also tells gpg whom we mean."""
    word = name.lower().replace(" ", "-").replace("/", "-").replace(",", "")
    return f"{name} <{word}@pairs.example>"


def _by_gnupg(form: str, passphrase: str = "") -> Callable[[Ring, str], Pair]:
    def make(ring: Ring, name: str) -> Pair:
        user = user_of(name)
        ring.gnupg.generate_form(form, user, passphrase=passphrase)
        secret = ring.gnupg.private(f"={user}", passphrase=passphrase)
        return Pair(secret, ring.gnupg.public(f"={user}", armor=True), passphrase)

    return make


def _by_sequoia(suite: str) -> Callable[[Ring, str], Pair]:
    def make(ring: Ring, name: str) -> Pair:
        return Pair(*sequoia.generate(suite, user_of(name)))

    return make


def _by_us(bits: int, passphrase: str = "") -> Callable[[Ring, str], Pair]:
    def make(ring: Ring, name: str) -> Pair:
        user, _, address = user_of(name).rstrip(">").partition(" <")
        own = OwnKey.generate(user, address, Secret(passphrase) if passphrase else None, bits=bits)
        return Pair(own.export_private().encode(), own.public_block().encode(), passphrase)

    return make


def _by_stock(bits: int, passphrase: str = "") -> Callable[[Ring, str], Pair]:
    def make(ring: Ring, name: str) -> Pair:
        user, _, address = user_of(name).rstrip(">").partition(" <")
        secret, public = ring.stock.ask("generate", user, address, bits, passphrase)
        return Pair(secret.encode(), public.encode(), passphrase)

    return make


def _by_hand(ring: Ring, name: str) -> Pair:
    made = person(user_of(name))
    secret = armor(made.secret_block, "PRIVATE KEY BLOCK")
    return Pair(secret, armor(made.block, "PUBLIC KEY BLOCK"))


_MAKERS: dict[str, Callable[[Ring, str], Pair]] = {
    "gpg RSA-2048 single": _by_gnupg("RSA-2048 single"),
    "gpg RSA-2048": _by_gnupg("RSA-2048"),
    "gpg Ed25519": _by_gnupg("Ed25519"),
    "gpg P-256": _by_gnupg("P-256"),
    "gpg Ed25519 sealed": _by_gnupg("Ed25519", PHRASE),
    "sequoia RSA-2048": _by_sequoia("RSA-2048"),
    "sequoia Cv25519": _by_sequoia("Cv25519"),
    "sequoia P-256": _by_sequoia("P-256"),
    "sequoia P-384": _by_sequoia("P-384"),
    "own RSA-2048": _by_us(2048),
    "own RSA-3072": _by_us(3072),
    "own RSA-4096": _by_us(4096),
    "own RSA-2048 sealed": _by_us(2048, PHRASE),
    "stock RSA-3072": _by_stock(3072),
    "stock RSA-2048 sealed": _by_stock(2048, PHRASE),
    "hand Ed25519": _by_hand,
}
NAMES = tuple(_MAKERS)
ADVERTISE_AEAD = tuple(name for name in NAMES if name.startswith("sequoia"))
"""Sequoia's own keys ask for the newer container, which only Sequoia gives them."""
MALFORMED = tuple(name for name in NAMES if name.startswith("stock"))
"""Stock PGPy's primes stand in the wrong order: gpg fails with them now and then."""


class Ring:
    """The pairs by name; gpg is told of each as it is made."""

    def __init__(self, gnupg: Gnupg, stock: StockPgpy) -> None:
        self.gnupg = gnupg
        self.stock = stock
        self._made: dict[str, Pair] = {}

    def __getitem__(self, name: str) -> Pair:
        if name not in self._made:
            pair = _MAKERS[name](self, name)
            if not name.startswith("gpg"):
                self.gnupg.add(pair.secret, pair.passphrase)
            self._made[name] = pair
        return self._made[name]
