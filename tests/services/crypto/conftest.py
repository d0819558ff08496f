"""Oracles for the OpenPGP tests, made once a session: a real gpg, stock PGPy, keys of every kind.

gpg     a gpg that knows the keys which tests make with it, and Ann's
gnupg   another, that knows the ring: to hidden recipients gpg tries every key it has
stock   an untouched PGPy in a process of its own
ring    key pairs of five programs by name (tests/fakes/openpgp_pairs.py)
me      our own key, RSA-2048, open
alice   somebody made by hand, Ed25519 and Cv25519
mine    Ann's key in gpg
theirs  a sender's key made by gpg
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.crypto.own import OwnKey
from tests.fakes.openpgp_gnupg import Gnupg
from tests.fakes.openpgp_keys import Person, person
from tests.fakes.openpgp_pairs import Pair, Ring
from tests.fakes.openpgp_stock import StockPgpy
from tests.services.crypto.made_keys import ann

_NO_GPG = "gpg is not installed: nothing to compare with"


def _home() -> Iterator[Gnupg]:
    if not Gnupg.version():
        pytest.skip(_NO_GPG)
    home = Gnupg()
    yield home
    home.close()


@pytest.fixture(scope="session")
def gpg() -> Iterator[Gnupg]:
    """A gpg that knows no keys but those of this session."""
    yield from _home()


@pytest.fixture(scope="session")
def gnupg() -> Iterator[Gnupg]:
    """Another one, for the ring."""
    yield from _home()


@pytest.fixture(scope="session")
def stock() -> Iterator[StockPgpy]:
    """PGPy as peers run it."""
    with StockPgpy() as peer:
        yield peer


@pytest.fixture(scope="session")
def ring(gnupg: Gnupg, stock: StockPgpy) -> Ring:
    """Key pairs of five programs."""
    return Ring(gnupg, stock)


@pytest.fixture(scope="session")
def me(ring: Ring) -> Pair:
    """Our own key."""
    return ring["own RSA-2048"]


@pytest.fixture(scope="session")
def alice() -> Person:
    """Somebody made by hand, valid in every way."""
    return person("Alice Example <alice@example.org>")


@pytest.fixture(scope="session")
def mine(gpg: Gnupg) -> str:
    """Ann's key in gpg."""
    gpg.run("--import", data=ann().export_private().encode())
    return ann().fingerprint


@pytest.fixture(scope="session")
def theirs(gpg: Gnupg) -> OwnKey:
    """A sender's key made by gpg, that signs with Ed25519."""
    made = gpg.generate("Gus <gus@x.example>", "ed25519", "cv25519")
    return OwnKey.load(gpg.private(made))
