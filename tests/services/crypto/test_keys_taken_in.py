"""Private keys that gpg, Sequoia and others made are taken in, opened and used, or say why not."""

from __future__ import annotations

import pysequoia
import pytest

from services.crypto import messages
from services.crypto.errors import (
    KeyUnusable,
    Unsupported,
    WrongPassphrase,
)
from services.crypto.own import OwnKey
from services.crypto.packets import Packet, Tag, join_all, split
from services.crypto.verdicts import Verdict
from services.redact import Secret
from tests.fakes.openpgp_gnupg import Gnupg
from tests.services.crypto.made_keys import PASSPHRASE, ann
from tests.services.mail_corpora import corpora

GPG_KEYS = {
    "RSA-3072 with subkey": ("rsa3072", "rsa2048"),
    "Ed25519 and Cv25519": ("ed25519", "cv25519"),
    "P-256": ("nistp256", "nistp256"),
    "P-384": ("nistp384", "nistp384"),
    "P-521": ("nistp521", "nistp521"),
}


@pytest.mark.parametrize(
    ("kind", "passphrase"),
    [
        *((kind, "") for kind in GPG_KEYS),
        ("RSA-3072 with subkey", PASSPHRASE),
        ("Ed25519 and Cv25519", PASSPHRASE),
    ],
)
def test_a_key_from_gpg_is_imported_opens_and_signs(kind: str, passphrase: str, gpg: Gnupg) -> None:
    mark = f"{kind}{len(passphrase)}".replace(" ", "")
    primary, subkey = GPG_KEYS[kind]
    made = gpg.generate(f"K <{mark}@x.example>", primary, subkey, passphrase=passphrase)
    key = OwnKey.load(gpg.private(made, passphrase=passphrase))
    assert key.is_sealed == bool(passphrase)
    opened = key.unlock(Secret(passphrase) if passphrase else None)
    theirs = gpg.run("--encrypt", "--armor", "-r", made, data="Ďobrý\n".encode())
    assert messages.decrypt(theirs, [opened]).text == "Ďobrý\n"
    ours = messages.encrypt("tam a zpět", [key.public], sign_with=opened)
    assert gpg.run("--decrypt", data=ours, passphrase=passphrase) == "tam a zpět".encode()
    assert messages.decrypt(ours, [opened], signer=key.public).verdict is Verdict.GOOD


@pytest.mark.parametrize("suite", ["RSA2k", "Cv25519", "P256", "P384"])
def test_a_key_from_sequoia_is_imported_opens_and_signs(suite: str) -> None:
    made = pysequoia.Tsk.generate(
        "S <s@x.example>",
        profile=pysequoia.Profile.RFC4880,
        cipher_suite=getattr(pysequoia.CipherSuite, suite),
    )
    key = OwnKey.load(str(made))
    opened = key.unlock()
    note = messages.encrypt("from us", [key.public], sign_with=opened)
    read = pysequoia.decrypt(note, made.decryptor(), store=lambda _: [made.extract_certificate()])
    assert read.bytes == b"from us"
    assert len(read.valid_sigs) == 1
    assert messages.decrypt(note, [opened], signer=key.public).verdict is Verdict.GOOD


def test_a_subkeys_only_export_opens_mail_and_says_what_is_missing(gpg: Gnupg) -> None:
    made = gpg.generate("Sub <sub@x.example>", "rsa2048", "rsa2048")
    stub = gpg.run("--export-secret-subkeys", made)
    key = OwnKey.load(stub)
    assert any("not in the block" in text for text in key.warnings)
    opened = key.unlock()
    note = messages.encrypt("x", [key.public])
    assert messages.decrypt(note, [opened]).text == "x"
    with pytest.raises(KeyUnusable):
        messages.sign_detached(b"x", opened)
    sealed = key.resealed(None, Secret("p"))
    assert messages.decrypt(note, [sealed.unlock(Secret("p"))]).text == "x"


@pytest.mark.parametrize(("primary", "subkey"), [("brainpoolP256r1", "brainpoolP256r1"), ("dsa1024", "elg1024")])  # fmt: skip
def test_a_key_that_cannot_be_used_is_unsupported_not_damaged(
    primary: str, subkey: str, gpg: Gnupg
) -> None:
    made = gpg.generate(f"U <{primary}@x.example>", primary, subkey)
    key = OwnKey.load(gpg.private(made))
    assert key.public.why
    with pytest.raises(Unsupported):
        key.unlock()


@pytest.mark.parametrize("body", [b"\4" + bytes(4) + b"\x19" + b"S" * 80, b"\6" + b"S" * 90])
def test_a_subkey_of_an_unknown_kind_is_kept_and_never_made_public(body: bytes) -> None:
    strange = Packet(Tag.SECRET_SUBKEY, body)
    binding = Packet(Tag.SIGNATURE, split(ann().block)[-1].body)
    key = OwnKey.load(join_all([*split(ann().block), strange, binding]))
    assert any("does not know" in text for text in key.warnings)
    assert b"SSSS" not in key.public.block
    assert key.public.block == ann().public.block
    assert strange in split(key.block)
    assert strange in split(key.resealed(None, Secret("p")).block)
    note = messages.encrypt("x", [key.public])
    assert messages.decrypt(note, [key.unlock()]).text == "x"
    primary = Packet(Tag.SECRET_KEY, body)
    with pytest.raises(Unsupported):
        OwnKey.load(join_all([primary]))


KEYS_OF_OTHERS = {
    "gopenpgp/crypto/testdata/keyring_privateKey": "apple",
    "gopenpgp/crypto/testdata/keyring_privateKeyLegacy": "123",
    "gopenpgp/crypto/testdata/issue11_privatekey": "1234",
    "gopenpgp/crypto/testdata/sessionkey_key": "passphrase",
    "gopenpgp/crypto/testdata/gpg2.3-aead-test-key.asc": "test",
    "gopenpgp/mime/testdata/mime_privateKey": "test",
    "gopenpgp/crypto/testdata/sed_key": "",
    "go-crypto/openpgp/test_data/aead-ocb-asym-key.asc": "",
}


@pytest.mark.parametrize("name", list(KEYS_OF_OTHERS))
def test_keys_of_other_programs_unlock(name: str) -> None:
    passphrase = Secret(KEYS_OF_OTHERS[name]) if KEYS_OF_OTHERS[name] else None
    key = OwnKey.load((corpora() / name).read_bytes())
    assert key.unlock(passphrase).parts()
    if passphrase:
        with pytest.raises(WrongPassphrase):
            key.unlock(Secret("x"))


@pytest.mark.parametrize("name", ["v4-eddsa-sample-sk.asc", "v6-mldsa-65-sample-sk.asc"])
def test_keys_of_newer_kinds_are_unsupported(name: str) -> None:
    with pytest.raises(Unsupported):
        OwnKey.load((corpora() / "go-crypto/openpgp/test_data/pqc" / name).read_bytes())
