"""What OpenPGP costs, against stock PGPy and gpg in the same run, and what it does to the screen.

Run with `python -m pytest tests/bench/test_crypto_speed.py -s` to see the figures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.crypto.certs import PeerKey
from services.crypto.messages import decrypt, encrypt, verify_detached
from services.crypto.own import OwnKey, UnlockedKey
from services.crypto.stream import decrypt_file, encrypt_file
from services.crypto.verdicts import Verdict
from tests.fakes.openpgp_gnupg import Gnupg

TEN = 10_000_000
ROOT = Path(__file__).parents[2]

STOCK = """
import sys, time, types, warnings
warnings.simplefilter("ignore")
if sys.version_info >= (3, 13):
    sys.modules["imghdr"] = types.ModuleType("imghdr")
import pgpy
key, _ = pgpy.PGPKey.from_blob(open(sys.argv[1]).read())
text = open(sys.argv[2]).read()
def once():
    start = time.perf_counter()
    assert key.decrypt(pgpy.PGPMessage.from_blob(text)).message
    return time.perf_counter() - start
print(min(once() for _ in range(5)))
"""

PEAK = """
import os, sys
from pathlib import Path
from services.crypto.own import OwnKey
from services.crypto.stream import decrypt_file, encrypt_file
from services.crypto.messages import decrypt, encrypt

def peak():
    Path("/proc/self/clear_refs").write_text("5")
    def value(name):
        return int(Path("/proc/self/status").read_text().partition(name + ":")[2].split()[0])
    return value

key = OwnKey.load(Path(sys.argv[1]).read_text())
opened = key.unlock()
decrypt(encrypt("warm", [key.public], sign_with=opened), [opened], signer=key.public)
folder = Path(sys.argv[2])
value = peak()
before = value("VmRSS")
with (folder / "plain").open("rb") as source, (folder / "sealed").open("wb") as target:
    encrypt_file(source, target, [key.public], sign_with=opened)
after_encrypting = value("VmHWM")
decrypt_file(folder / "sealed", folder / "again", [opened], signer=key.public)
print(after_encrypting - before, value("VmHWM") - before)
"""


@pytest.fixture(scope="module")
def own() -> OwnKey:
    return OwnKey.generate("Bench", "bench@mail.example", None)


@pytest.fixture(scope="module")
def key(own: OwnKey) -> UnlockedKey:
    return own.unlock()


@pytest.fixture(scope="module")
def gpg(own: OwnKey) -> Iterator[Gnupg]:
    if not Gnupg.version():
        pytest.skip("gpg is not installed: nothing to compare with")
    home = Gnupg()
    home.run("--import", data=own.export_private().encode())
    yield home
    home.close()


def _best(work: Callable[[], object], times: int = 5) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return min(spent)


def test_a_short_message_opens_twenty_times_faster_than_in_stock_pgpy(
    own: OwnKey, key: UnlockedKey, tmp_path: Path
) -> None:
    note = encrypt("Meet me at noon.\n", [own.public])
    (tmp_path / "key").write_text(own.export_private())
    (tmp_path / "note").write_bytes(note)
    command = [sys.executable, "-c", STOCK, str(tmp_path / "key"), str(tmp_path / "note")]
    stock = float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    ours = _best(lambda: decrypt(note, [key]), 20)
    print(
        f"\nshort message: stock {stock * 1e3:.0f} ms, ours {ours * 1e3:.1f} ms, {stock / ours:.0f}×"
    )
    assert stock / ours >= 20


def test_ten_megabytes_cost_at_most_twice_what_gpg_takes(
    own: OwnKey, key: UnlockedKey, gpg: Gnupg, tmp_path: Path
) -> None:
    data = os.urandom(TEN)
    plain, sealed, again = (tmp_path / name for name in ("plain", "sealed", "again"))
    plain.write_bytes(data)
    to = [
        "--armor",
        "--recipient",
        own.fingerprint,
        "--output",
        str(sealed),
        "--encrypt",
        str(plain),
    ]

    def encrypt_stream() -> None:
        with plain.open("rb") as source, sealed.open("wb") as target:
            encrypt_file(source, target, [own.public])

    theirs = {"-z0": _best(lambda: gpg.run("-z0", *to)), "default": _best(lambda: gpg.run(*to), 3)}
    by_gpg = sealed.read_bytes()
    ours = {"memory": _best(lambda: encrypt(data, [own.public])), "file": _best(encrypt_stream)}
    print(
        "\nencrypt 10 MB:", {name: f"{spent:.3f} s" for name, spent in {**theirs, **ours}.items()}
    )
    notes = {"by gpg": by_gpg, "by us": sealed.read_bytes()}
    for name, note in notes.items():
        sealed.write_bytes(note)
        back = ["--output", str(again), "--decrypt", str(sealed)]
        gpgs = _best(lambda back=back: gpg.run(*back))  # type: ignore[misc]
        memory = _best(lambda note=note: decrypt(note, [key]))  # type: ignore[misc]
        file = _best(lambda: decrypt_file(sealed, again, [key]))
        assert again.read_bytes() == data
        print(f"decrypt 10 MB {name}: gpg {gpgs:.3f} s, memory {memory:.3f} s, file {file:.3f} s")
        assert max(memory, file) <= 2 * gpgs
    assert max(ours.values()) <= 2 * theirs["-z0"]


def test_two_hundred_megabytes_take_less_than_64_of_memory(own: OwnKey, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(own.export_private())
    with (tmp_path / "plain").open("wb") as file:
        for _ in range(20):
            file.write(os.urandom(TEN))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PEAK, str(tmp_path / "key"), str(tmp_path)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    encrypting, both = (int(part) / 1024 for part in done.stdout.split())
    print(f"\n200 MB: encrypt +{encrypting:.1f} MiB, decrypt +{both:.1f} MiB at most")
    assert both < 64
    assert (tmp_path / "again").stat().st_size == 20 * TEN


def _longest_wait(work: Callable[[], object]) -> float:
    """Seconds that a thread which sleeps a millisecond at a time was late at worst."""
    done = threading.Event()

    def run() -> None:
        work()
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    worst, last = 0.0, time.perf_counter()
    while not done.is_set():
        time.sleep(0.001)
        now = time.perf_counter()
        worst, last = max(worst, now - last - 0.001), now
    thread.join()
    return max(worst, time.perf_counter() - last - 0.001)


def test_the_screen_never_waits_20_ms_for_a_worker(
    own: OwnKey, key: UnlockedKey, tmp_path: Path
) -> None:
    data = os.urandom(TEN)
    plain, sealed, again = (tmp_path / name for name in ("plain", "sealed", "again"))
    plain.write_bytes(data)

    def encrypt_stream() -> None:
        with plain.open("rb") as source, sealed.open("wb") as target:
            encrypt_file(source, target, [own.public], sign_with=key)

    note = encrypt(data, [own.public], sign_with=key)
    works = {
        "encrypt 10 MB file": encrypt_stream,
        "encrypt 10 MB": lambda: encrypt(data, [own.public], sign_with=key),
        "decrypt 10 MB file": lambda: decrypt_file(sealed, again, [key], signer=own.public),
        "decrypt 10 MB": lambda: decrypt(note, [key], signer=own.public),
        "load and unlock": lambda: OwnKey.load(own.block).unlock(),
        "generate RSA-4096": lambda: OwnKey.generate("G", "g@mail.example", None),
    }
    waits = {name: min(_longest_wait(work) for _ in range(7)) for name, work in works.items()}
    print("\nlongest wait:", {name: f"{wait * 1e3:.1f} ms" for name, wait in waits.items()})
    assert waits["encrypt 10 MB file"] < 0.020
    assert max(waits.values()) < 0.040


def test_naming_my_key_a_thousand_times_costs_a_bounded_time(own: OwnKey, key: UnlockedKey) -> None:
    from services.crypto.errors import CryptoError
    from services.crypto.sessions import SessionKey
    from tests.fakes.openpgp_messages import literal, protected
    from tests.services.crypto.message_stage import envelopes

    envelope = envelopes(SessionKey.new(), own.public)
    container = protected(literal(), bytes(32))
    note = encrypt("x", [own.public])

    def refused() -> None:
        with pytest.raises(CryptoError):
            decrypt(envelope * 999 + container, [key])

    one, many = _best(lambda: decrypt(note, [key])), _best(refused, 2)
    print(f"\n999 envelopes: {many:.2f} s, {many / one:.0f} times one message")
    assert many / one < 150


def test_gpg_never_fails_in_400_decryptions_and_400_signatures(gpg: Gnupg) -> None:
    key = OwnKey.generate("Four Hundred", "400@mail.example", None, bits=3072)
    gpg.run("--import", data=key.export_private().encode())
    public: PeerKey = key.public
    folder = gpg.folder / "four-hundred"
    folder.mkdir()
    for count in range(400):
        (folder / f"{count}.asc").write_bytes(encrypt(str(count), [public]))
    gpg.run("--decrypt-files", *(str(folder / f"{count}.asc") for count in range(400)))
    opened = sum((folder / str(count)).read_text() == str(count) for count in range(400))
    good = 0
    for count in range(400):
        data = str(count).encode()
        made = gpg.run("--detach-sign", "--local-user", key.fingerprint, data=data)
        good += verify_detached(data, made, public) is Verdict.GOOD
    print(f"\ngpg with our key: {opened} of 400 opened, {good} of 400 signatures good")
    assert (opened, good) == (400, 400)
