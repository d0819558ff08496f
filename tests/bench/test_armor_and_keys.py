"""What armor and the judging of keys cost, as ratios measured in one run.

Run with `python -m pytest tests/bench/test_armor_and_keys.py -s` to see the figures.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pysequoia

from services.crypto._pgpy import pgpy
from services.crypto.armor import ArmorKind, crc24, decode, encode
from services.crypto.bindings import CHECKS_LIMIT
from services.crypto.certs import PeerKey
from services.crypto.packets import Tag, join
from services.errors import CryptoError
from tests.fakes.openpgp_fields import (
    binding,
    certificate,
    flags,
    made,
    self_signature,
)
from tests.fakes.openpgp_keys import (
    NOW,
    ed25519_key,
    rsa_key,
    x25519_key,
)
from tests.services.crypto.test_armor import HANGING

MEGABYTE = 1_000_000


def _spent(work: Callable[[], object], times: int = 3) -> float:
    """Processor seconds of the fastest of some runs."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def test_the_folded_checksum_is_twenty_times_as_fast_as_the_one_of_pgpy() -> None:
    ours, theirs = os.urandom(10 * MEGABYTE), os.urandom(MEGABYTE // 5)
    fast = _spent(lambda: crc24(ours)) / len(ours)
    slow = _spent(lambda: pgpy.types.Armorable.crc24(bytearray(theirs)), 1) / len(theirs)
    print(f"\nchecksum: {1e-6 / fast:.0f} MB/s, PGPy {1e-6 / slow:.1f} MB/s")
    assert slow / fast > 20


def test_armor_grows_with_its_size_and_no_faster() -> None:
    small, large = os.urandom(MEGABYTE), os.urandom(8 * MEGABYTE)
    for name, work in (("write", _write), ("read", _read)):
        ratio = _spent(work(large)) / _spent(work(small))
        print(f"\n{name}: eight times the size costs {ratio:.1f} times the time")
        assert ratio < 16


def _write(data: bytes) -> Callable[[], object]:
    return lambda: encode(data, ArmorKind.MESSAGE)


def _read(data: bytes) -> Callable[[], object]:
    armor = encode(data, ArmorKind.MESSAGE)
    return lambda: decode(armor, ArmorKind.MESSAGE)


def test_armor_made_to_hang_a_reader_costs_no_more_than_ten_times_ordinary_armor() -> None:
    """Ordinary armor of the same length, but at least of a megabyte, is the yardstick."""
    for name, text in HANGING.items():
        usual = _read(os.urandom(max(len(text), MEGABYTE) * 3 // 4))
        ratio = _spent(lambda text=text: _refused(text)) / _spent(usual)  # type: ignore[misc]
        print(f"\n{name}: {ratio:.2f}")
        assert ratio < 10


def _refused(text: str) -> None:
    try:
        decode(text, ArmorKind.MESSAGE)
    except CryptoError:
        return
    raise AssertionError(text[:60])


def test_judging_a_key_costs_no_more_than_sequoia_takes_to_read_it_and_encrypt_to_it() -> None:
    then = int(time.time()) - 86_400
    primary, subkey = rsa_key(4096, then), rsa_key(4096, then)
    names = [self_signature(primary, b"x", flags(3), moment=then)]
    block = certificate(
        primary, (subkey, [binding(primary, subkey, moment=then)]), user_id=b"x", names=names
    )
    ours = _spent(lambda: PeerKey.parse(block), 20)
    theirs = _spent(
        lambda: pysequoia.encrypt(b"x", recipients=[pysequoia.Cert.from_bytes(block)]), 20
    )
    print(f"\njudging: {ours * 1000:.2f} ms, Sequoia {theirs * 1000:.2f} ms")
    assert ours < 2 * theirs


def test_a_block_full_of_signatures_costs_no_more_than_the_limit_allows() -> None:
    primary, subkey, other = ed25519_key(), x25519_key(), ed25519_key()
    block = certificate(primary, (subkey, [binding(primary, subkey)]))
    wrong = join(Tag.SIGNATURE, other.sign(0x20, b"", [made()]))
    usual = _spent(lambda: PeerKey.parse(block, now=NOW), 20)
    full = _spent(lambda: PeerKey.parse(block + wrong * (CHECKS_LIMIT - 10), now=NOW))
    print(f"\na full block: {full * 1000:.0f} ms, an ordinary one {usual * 1000:.2f} ms")
    assert full / usual < 2 * CHECKS_LIMIT
