"""PGPy is quiet, runs where its needs have gone, and is touched in one place only."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from services.crypto import _pgpy
from services.crypto.errors import Damaged, WrongPassphrase
from services.crypto.public_parts import PublicPart
from tests.services.crypto.ada_keys import PRIMARY, SUBKEY

ROOT = Path(__file__).resolve().parents[3]
SESSION = """
import logging, sys
from services.crypto import _pgpy
assert "imghdr" not in sys.modules, "the stand-in was left behind"
pgpy = _pgpy.load()
from pgpy.constants import (CompressionAlgorithm, HashAlgorithm, KeyFlags, PubKeyAlgorithm,
                            SymmetricKeyAlgorithm)
key = pgpy.PGPKey.new(PubKeyAlgorithm.RSAEncryptOrSign, 2048)
key.add_uid(pgpy.PGPUID.new("a", email="a@b.c"), usage={KeyFlags.Sign, KeyFlags.Certify},
            hashes=[HashAlgorithm.SHA256], ciphers=list(SymmetricKeyAlgorithm)[2:],
            compression=[CompressionAlgorithm.Uncompressed])
subkey = pgpy.PGPKey.new(PubKeyAlgorithm.RSAEncryptOrSign, 2048)
key.add_subkey(subkey, usage={KeyFlags.EncryptCommunications})
key.protect("x", SymmetricKeyAlgorithm.AES256, HashAlgorithm.SHA256)
for cipher in (SymmetricKeyAlgorithm.AES256, SymmetricKeyAlgorithm.AES128,
               SymmetricKeyAlgorithm.TripleDES, SymmetricKeyAlgorithm.CAST5,
               SymmetricKeyAlgorithm.Blowfish, SymmetricKeyAlgorithm.Camellia256):
    message = pgpy.PGPMessage.new(b"hi", format="b", compression=CompressionAlgorithm.Uncompressed)
    sealed = key.pubkey.encrypt(message, cipher=cipher)
    with key.unlock("x"):
        assert key.decrypt(sealed).message == b"hi"
        key.sign(b"hi")
assert logging.getLogger().handlers == [], logging.getLogger().handlers
print("fine")
"""


def test_a_whole_session_of_pgpy_warns_of_nothing_and_leaves_the_root_logger_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SESSION],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_every_module_of_the_package_imports_without_a_warning() -> None:
    names = sorted(path.stem for path in (ROOT / "services" / "crypto").glob("*.py"))
    imports = "".join(f"import services.crypto.{name}\n" for name in names if name != "__init__")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", imports + "import logging\n"
         "assert not logging.getLogger().handlers"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_only_the_crypto_package_knows_pgpy() -> None:
    guilty = [
        str(path.relative_to(ROOT))
        for package in ("tui", "widgets", "services", "screenshots")
        for path in (ROOT / package).rglob("*.py")
        if path.parent != ROOT / "services" / "crypto"
        and any(
            name.split(".")[0] == "pgpy" or name.startswith("services.crypto._pgpy")
            for name in _imported(path)
        )
    ]
    assert guilty == []


def test_judging_a_key_and_reading_armor_need_no_pgpy() -> None:
    code = (
        "import sys\nimport services.crypto.certs, services.crypto.armor\n"
        "assert 'pgpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_armor_is_found_without_cryptography() -> None:
    code = "import sys\nimport services.crypto.armor\nassert 'cryptography' not in sys.modules\n"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize(
    "wild",
    [
        ValueError("x"),
        NotImplementedError("x"),
        IndexError("x"),
        KeyError("x"),
        TypeError("x"),
        AttributeError("x"),
        StopIteration(),
        RuntimeError("x"),
        RecursionError("x"),
        AssertionError("x"),
        EOFError(),
        OSError("Invalid data stream"),
        OverflowError(),
        ZeroDivisionError(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
        _pgpy.pgpy.errors.PGPError("x"),
        _pgpy.pgpy.errors.PGPDecryptionError("x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_pgpy_raises_becomes_the_one_error(wild: Exception) -> None:
    with pytest.raises(Damaged) as caught, _pgpy.guarded(Damaged()):
        raise wild
    assert str(caught.value) == str(Damaged())
    assert caught.value.__suppress_context__


def test_our_own_errors_and_the_ends_of_programs_pass_through() -> None:
    for own in (WrongPassphrase(), KeyboardInterrupt(), MemoryError()):
        with pytest.raises(type(own)), _pgpy.guarded(Damaged()):
            raise own


def test_pgpy_sees_the_same_fingerprint_in_a_raw_public_body() -> None:
    for key, is_primary in ((PRIMARY, True), (SUBKEY, False)):
        packet = _pgpy.public_packet(key.body, is_primary=is_primary)
        assert packet.fingerprint == PublicPart.parse(key.body).fingerprint == key.name


def test_an_rsa_key_whose_numbers_do_not_fit_together_is_not_built() -> None:
    """The proof that PGPy makes twice a message is left out, the arithmetic is not."""
    from pgpy.constants import PubKeyAlgorithm

    material = _pgpy.load().PGPKey.new(PubKeyAlgorithm.RSAEncryptOrSign, 2048)._key.keymaterial
    assert material.__privkey__().private_numbers().d == int(material.d)
    for name in "dpqe":
        whole = getattr(material, name)
        setattr(material, name, type(whole)(int(whole) + 2))
        with pytest.raises(ValueError):
            material.__privkey__()
        setattr(material, name, whole)
