"""Peers on this platform run stock PGPy: what it writes opens here, what we write opens there.

Stock PGPy runs in a process of its own, with the calls that the platform prints for senders.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from services.crypto.certs import PeerKey
from services.crypto.messages import Verdict, decrypt, encrypt
from services.crypto.own import OwnKey
from services.redact import Secret
from tests.fakes.openpgp_pairs import PHRASE, Pair, Ring
from tests.fakes.openpgp_stock import StockPgpy

TEXTS = ["Run the job and report back.", "Grüße, привет, 你好\nline two\n", "a\r\nb", "x" * 20_000]
OWN = ["own RSA-2048", "own RSA-4096", "own RSA-2048 sealed"]
NOT_OURS = ["gpg RSA-2048", "gpg Ed25519", "gpg P-256", "stock RSA-3072"]
KEYS = OWN + NOT_OURS


@pytest.mark.parametrize("name", KEYS)
def test_what_stock_pgpy_encrypts_opens_here(ring: Ring, stock: StockPgpy, name: str) -> None:
    pair = ring[name]
    for count, text in enumerate(TEXTS):
        made = stock.ask("encrypt", pair.peer.armored(), text, count % 2 == 1)  # packed or plain
        opened = decrypt(made, [pair.key])
        assert opened.text == text.replace("\r\n", "\n")
        assert opened.verdict is Verdict.NONE


@pytest.mark.parametrize("name", KEYS)
def test_what_we_encrypt_opens_with_stock_pgpy(ring: Ring, stock: StockPgpy, name: str) -> None:
    pair = ring[name]
    made = encrypt(TEXTS[1], [pair.peer]).decode()
    assert stock.ask("decrypt", pair.secret.decode(), pair.passphrase, made) == TEXTS[1]


def test_files_keep_every_octet_both_ways(me: Pair, stock: StockPgpy) -> None:
    for octets in (bytes(range(256)) * 9, b"plain ascii\r\n", b""):
        made = encrypt(octets, [me.peer]).decode()
        assert stock.ask("decrypt", me.secret.decode(), "", made) == {"octets": octets.hex()}
        sent = stock.ask("encrypt_file", me.peer.armored(), octets.hex())
        assert decrypt(sent, [me.key]).data == octets


def test_a_message_to_a_peer_and_to_ourselves_opens_at_the_peer(
    ring: Ring, me: Pair, stock: StockPgpy
) -> None:
    peer = ring["stock RSA-3072"]
    made = encrypt("to both", [peer.peer, me.peer], sign_with=me.key).decode()
    assert stock.ask("decrypt", peer.secret.decode(), "", made) == "to both"
    assert stock.ask("decrypt", me.secret.decode(), "", made) == "to both"


def test_stock_pgpy_verifies_what_we_sign_and_we_what_it_signs(
    ring: Ring, me: Pair, stock: StockPgpy
) -> None:
    peer = ring["stock RSA-3072"]
    ours = encrypt("signed", [peer.peer], sign_with=me.key).decode()
    assert stock.ask("verify", me.peer.armored(), peer.secret.decode(), ours) is True
    theirs = stock.ask("signed", me.peer.armored(), peer.secret.decode(), "signed ü")
    opened = decrypt(theirs, [me.key], signer=peer.peer)
    assert (opened.text, opened.verdict) == ("signed ü", Verdict.GOOD)


def test_a_key_of_stock_pgpy_is_imported_and_leaves_repaired(ring: Ring) -> None:
    pair = ring["stock RSA-2048 sealed"]
    own = OwnKey.load(pair.secret)
    assert own.public == PeerKey.parse(pair.public)
    mended = own.repaired(Secret(PHRASE))
    assert mended.fingerprint == own.fingerprint
    numbers = mended.unlock(Secret(PHRASE)).parts()[0]
    assert numbers.is_ordered
    assert not own.unlock(Secret(PHRASE)).parts()[0].is_ordered
    assert mended.public.block == own.public.block


def test_what_stock_pgpy_does_wrong_is_still_wrong(ring: Ring, me: Pair, stock: StockPgpy) -> None:
    """The reasons for our own armor: should stock PGPy learn them, the comments must change."""
    made = encrypt("x", [me.peer]).decode().splitlines()
    without_checksum = "\n".join(line for line in made if not line.startswith("=")) + "\n"
    with pytest.raises(RuntimeError, match="ValueError"):
        stock.ask("decrypt", me.secret.decode(), "", without_checksum)
    assert decrypt(without_checksum, [me.key]).text == "x"


_QUIET = """
import logging, sys
import services.crypto, services.keys
import services.crypto.messages, services.crypto.stream, services.crypto.own
from services.crypto.messages import decrypt, encrypt
from services.crypto.own import OwnKey
from services.redact import Secret
own = OwnKey.generate("Ada", "ada@example.org", Secret("word"), bits=2048)
key = own.unlock(Secret("word"))
made = encrypt("x", [own.public], sign_with=key)
assert decrypt(made, [key], signer=own.public).verdict.value == "good"
assert logging.getLogger().handlers == []
assert logging.getLogger().level == logging.WARNING
assert sys.modules.get("imghdr") is None or sys.version_info < (3, 13)
"""


def test_the_whole_round_is_quiet_when_every_warning_is_an_error() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _QUIET], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_nothing_of_openpgp_is_imported_with_the_first_frame() -> None:
    code = (
        "import sys, tui.app, tui.screens.mail\n"
        "heavy = {'pgpy', 'cryptography', 'services.crypto._pgpy', 'services.keys.keychain'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
