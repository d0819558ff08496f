"""Drives stock PGPy, as peers on this platform run it, in a process of its own.

Ours repairs PGPy while it is imported; what a peer does must be asked of an untouched one. The code
follows what the platform prints for senders: block in, text in, armor out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Self

_PEER = r"""
import json, sys, types, warnings
warnings.simplefilter("ignore")
if sys.version_info >= (3, 13):
    sys.modules["imghdr"] = types.ModuleType("imghdr")  # what the package standard-imghdr gives
import pgpy
from pgpy.constants import (CompressionAlgorithm as Z, HashAlgorithm as H, KeyFlags as F,
                            PubKeyAlgorithm as P, SymmetricKeyAlgorithm as S)

def key_of(block, passphrase):
    key, _ = pgpy.PGPKey.from_blob(block)
    return key

def generate(user, address, bits, passphrase):
    key = pgpy.PGPKey.new(P.RSAEncryptOrSign, bits)
    usage = {F.Certify, F.Sign, F.EncryptCommunications, F.EncryptStorage}
    key.add_uid(pgpy.PGPUID.new(user, email=address), usage=usage, hashes=[H.SHA256],
                ciphers=[S.AES256], compression=[Z.Uncompressed])
    if passphrase:
        key.protect(passphrase, S.AES256, H.SHA256)
    return [str(key), str(key.pubkey)]

def encrypt(block, text, plain):
    key, _ = pgpy.PGPKey.from_blob(block)
    message = pgpy.PGPMessage.new(text, **({"compression": Z.Uncompressed} if plain else {}))
    return str(key.encrypt(message))

def encrypt_file(block, octets):
    key, _ = pgpy.PGPKey.from_blob(block)
    message = pgpy.PGPMessage.new(bytes.fromhex(octets), format="b")
    return str(key.encrypt(message))

def signed(block, secret, text):
    key, _ = pgpy.PGPKey.from_blob(block)
    by, _ = pgpy.PGPKey.from_blob(secret)
    message = pgpy.PGPMessage.new(text, compression=Z.Uncompressed)
    message |= by.sign(message)
    return str(key.encrypt(message))

def decrypt(secret, passphrase, text):
    key, _ = pgpy.PGPKey.from_blob(secret)
    message = pgpy.PGPMessage.from_blob(text)
    if passphrase:
        with key.unlock(passphrase):
            plain = key.decrypt(message).message
    else:
        plain = key.decrypt(message).message
    return plain if isinstance(plain, str) else {"octets": bytes(plain).hex()}

def verify(block, secret, text):
    key, _ = pgpy.PGPKey.from_blob(block)
    mine, _ = pgpy.PGPKey.from_blob(secret)
    return bool(key.verify(mine.decrypt(pgpy.PGPMessage.from_blob(text))))

for line in sys.stdin:
    name, arguments = json.loads(line)
    try:
        answer = {"answer": globals()[name](*arguments)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
"""


class StockPgpy:
    """A running peer; every call raises RuntimeError with PGPy's own words when it fails."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _PEER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self, name: str, *arguments: Any) -> Any:
        """Call one of the peer's functions."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([name, arguments]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["answer"]
