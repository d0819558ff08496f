"""Keys and messages of other programs' test suites, and the generated bombs (reliability.md §6)."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from pathlib import Path

import pysequoia
import pytest

from services.crypto.certs import PeerKey
from services.crypto.errors import Damaged, KeyUnusable, TooLarge, Unsupported
from services.crypto.messages import Verdict, decrypt, encrypt, recipients_of
from services.crypto.own import OwnKey, UnlockedKey
from services.crypto.stream import decrypt_file
from services.errors import CryptoError
from services.redact import Secret
from tests.fakes.openpgp_keys import Person
from tests.fakes.openpgp_messages import message
from tests.services.mail_corpora import corpora

_PROTON, _GO = "gopenpgp/crypto/testdata", "go-crypto/openpgp/test_data"
MB = 1 << 20


def _file(name: str) -> bytes:
    return (corpora() / name).read_bytes()


def _open_key(name: str, phrase: str | None = None) -> UnlockedKey:
    return OwnKey.load(_file(name)).unlock(None if phrase is None else Secret(phrase))


@pytest.mark.parametrize(
    "name",
    [f"{_PROTON}/sed_message", f"{_PROTON}/message_badmdc", f"{_GO}/sym-message-without-mdc.asc"],
)
def test_p01_a_message_without_integrity_is_damaged_and_nothing_of_it_shows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    key = _open_key(f"{_PROTON}/sed_key")
    blob = _file(name)
    with pytest.raises(Damaged) as caught:
        decrypt(blob, [key])
    assert str(caught.value) == str(Damaged())
    (tmp_path / "in").write_bytes(blob)
    with pytest.raises(Damaged) as caught:
        decrypt_file(tmp_path / "in", tmp_path / "out", [key])
    assert str(caught.value) == str(Damaged())
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert caplog.text == ""


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("bomb-1g-zip.pgp", TooLarge),
        ("bomb-1g-zlib.pgp", TooLarge),
        ("bomb-1g-bz2.pgp", TooLarge),
        ("bomb-nested2.pgp", TooLarge),
        ("nest-2000.pgp", Damaged),
    ],
)
def test_p03_a_bomb_inside_a_sound_container_is_refused_in_little_memory(
    alice: Person, tmp_path: Path, name: str, error: type[CryptoError]
) -> None:
    key = OwnKey.load(alice.secret_block).unlock()
    blob = message(_file(f"generated/pgp/{name}"), [alice.sub])
    tracemalloc.start()
    with pytest.raises(error):
        decrypt(blob, [key])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * MB
    (tmp_path / "in").write_bytes(blob)
    with pytest.raises(error):
        decrypt_file(tmp_path / "in", tmp_path / "out", [key], limit=64 * MB)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("message_signed", Verdict.UNKNOWN),
        ("message_sha256_signed", Verdict.GOOD),
        ("message_sha1_signed", Verdict.UNUSABLE),
    ],
)
def test_mail_of_proton_opens_with_its_verdict(name: str, verdict: Verdict) -> None:
    key = _open_key(f"{_PROTON}/keyring_privateKey", "apple")
    signer = PeerKey.parse(_file(f"{_PROTON}/keyring_publicKey"))
    opened = decrypt(_file(f"{_PROTON}/{name}"), [key], signer=signer)
    assert opened.data == _file(f"{_PROTON}/message_plaintext").rstrip(b"\n")
    assert opened.verdict is verdict


def test_a_mail_with_two_recipients_and_mime_inside_opens() -> None:
    key = _open_key("gopenpgp/mime/testdata/mime_privateKey", "test")
    opened = decrypt(_file("gopenpgp/mime/testdata/mime_pgpMessage"), [key])
    assert opened.data.startswith(b"Content-Type: multipart/signed")
    assert len(opened.data) == 1925


@pytest.mark.parametrize(
    ("key", "phrase", "name"),
    [
        (f"{_PROTON}/gpg2.3-aead-test-key.asc", "test", f"{_PROTON}/gpg2.3-aead-pgp-message.pgp"),
        (f"{_GO}/aead-ocb-asym-key.asc", None, f"{_GO}/aead-ocb-asym-message.asc"),
    ],
)
def test_the_container_of_newer_gpg_is_unsupported_and_its_key_warns(
    key: str, phrase: str | None, name: str
) -> None:
    assert any("AEAD" in warning for warning in OwnKey.load(_file(key)).warnings)
    with pytest.raises(Unsupported, match="cannot open"):
        decrypt(_file(name), [_open_key(key, phrase)])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (f"{_PROTON}/key_revoked", "revoked on 2021-05-28"),
        ("gopenpgp/mime/testdata/mime_publicKey", "expired on 2023-07-01"),
        (f"{_PROTON}/issue11_publickey", "no valid signature of its own"),
        (f"{_GO}/pqc/v4-eddsa-sample-pk.asc", "algorithm 27"),
    ],
)
def test_a_key_that_must_not_be_used_says_why(name: str, reason: str) -> None:
    with pytest.raises(KeyUnusable, match=reason):
        encrypt("x", [PeerKey.parse(_file(name))])


def test_a_secret_half_that_is_not_the_public_one_s_never_opens() -> None:
    with pytest.raises(Damaged):
        _open_key(f"{_PROTON}/key_mismatching_eddsa_key", "123")


def test_a_key_whose_primary_is_elsewhere_says_so() -> None:
    own = OwnKey.load(_file(f"{_PROTON}/key_dummy"))
    assert any("on a card or was left out" in warning for warning in own.warnings)


def _all_files() -> list[Path]:
    folders = [corpora() / name for name in ("gopenpgp", "go-crypto", "generated/pgp")]
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]


def test_every_file_of_the_corpora_is_read_or_refused_by_us_and_never_laxer_than_sequoia() -> None:
    for path in _all_files():
        data = path.read_bytes()
        peer = None
        with suppress(CryptoError):
            peer = PeerKey.parse(data)
        if peer is not None and not peer.why:
            cert = pysequoia.Cert.from_bytes(data)
            assert not cert.is_revoked
            assert pysequoia.encrypt(b"probe", [cert])
        with suppress(CryptoError):
            OwnKey.load(data).unlock(Secret("not the passphrase"))
        with suppress(CryptoError):
            recipients_of(data)
