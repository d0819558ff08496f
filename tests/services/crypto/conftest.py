"""Oracles for the OpenPGP tests: a real gpg with its own home, made once a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.crypto.gpg_home import GpgHome, gpg_path


@pytest.fixture(scope="session")
def gpg() -> Iterator[GpgHome]:
    """A gpg that knows no keys but those of this session."""
    if gpg_path() is None:
        pytest.skip("gpg is not installed: nothing to compare with")
    home = GpgHome()
    yield home
    home.close()
