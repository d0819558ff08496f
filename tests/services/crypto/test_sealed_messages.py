"""Messages that we write are read by gpg and Sequoia, and signed by nobody else."""

from __future__ import annotations

import os

import pysequoia
import pytest

from services.crypto import messages
from services.crypto.errors import Damaged, KeyUnusable, NoKey
from services.crypto.messages import decrypt, encrypt, recipients_of
from services.crypto.own import OwnKey
from services.crypto.verdicts import Verdict
from tests.fakes import openpgp_messages as smith
from tests.fakes.openpgp_gnupg import Gnupg
from tests.services.crypto.made_keys import ann, ann_open, bob, bob_open
from tests.services.crypto.message_stage import TEXT, opened, sequoia

# ── what we write ────────────────────────────────────────────────────────────────────────────────


def test_text_is_sent_as_text_with_plain_line_ends_and_octets_as_octets(
    gpg: Gnupg, mine: str
) -> None:
    assert gpg.run("--decrypt", data=encrypt("a\r\nb\n", [ann().public])) == b"a\nb\n"
    data = b"a\r\nb\n\x00\xff"
    assert gpg.run("--decrypt", data=encrypt(data, [ann().public])) == data
    for payload, form in ((TEXT, "75"), (data, "62")):
        shown = gpg.run("--list-packets", data=encrypt(payload, [ann().public])).decode()
        assert f"mode {form[0]}" in shown or f"mode {bytes.fromhex(form).decode()}" in shown
        assert 'created 0, name=""' in shown
        assert "compressed" not in shown
        assert "mdc_method: 2" in shown


def test_armor_is_what_every_peer_reads() -> None:
    lines = encrypt(TEXT, [ann().public]).split(b"\n")
    assert lines[0] == b"-----BEGIN PGP MESSAGE-----"
    assert lines[1] == b""
    assert {len(line) for line in lines[2:-4]} == {64}
    assert lines[-3].startswith(b"=")
    assert len(lines[-3]) == 5
    assert lines[-2:] == [b"-----END PGP MESSAGE-----", b""]


@pytest.mark.parametrize("size", [0, 1, 16, 17, 183, 184, 8_376, 8_377, 98_304, 98_305, 300_000])
def test_every_size_comes_back_whole(size: int, gpg: Gnupg, mine: str) -> None:
    data = os.urandom(size)
    note = encrypt(data, [ann().public], sign_with=ann_open())
    assert opened(note).data == data
    assert gpg.run("--decrypt", data=note) == data


def test_lone_surrogates_do_not_stop_a_text() -> None:
    assert opened(encrypt("a\ud800b", [ann().public])).text == "a?b"


def test_several_recipients_each_open_it(gpg: Gnupg, mine: str, theirs: OwnKey) -> None:
    other = OwnKey.load(str(sequoia()))
    note = encrypt(TEXT, [bob().public, theirs.public, other.public, ann().public, bob().public])
    assert len(recipients_of(note)) == 4
    assert opened(note).text == TEXT
    assert decrypt(note, [bob_open()]).text == TEXT
    assert gpg.run("--decrypt", data=note) == TEXT.encode()
    assert pysequoia.decrypt(note, sequoia().decryptor()).bytes == TEXT.encode()


def test_our_signature_is_good_elsewhere_and_there_alone(
    gpg: Gnupg, mine: str, theirs: OwnKey
) -> None:
    note = encrypt(TEXT, [theirs.public], sign_with=ann_open())
    status = gpg.run("--status-fd", "1", "--decrypt", data=note).decode()
    assert f"VALIDSIG {ann().fingerprint}" in status
    cert = pysequoia.Cert.from_bytes(ann().public.block)
    sealed = encrypt(TEXT, [OwnKey.load(str(sequoia())).public], sign_with=ann_open())
    read = pysequoia.decrypt(sealed, sequoia().decryptor(), store=lambda _: [cert])
    assert [one.certificate.upper() for one in read.valid_sigs] == [ann().fingerprint]


def test_a_detached_signature_is_good_in_gpg_and_for_exactly_its_data(
    gpg: Gnupg, mine: str
) -> None:
    made = messages.sign_detached(b"data", ann_open())
    path = gpg.folder / "data"
    path.write_bytes(b"data")
    (gpg.folder / "data.asc").write_bytes(made)
    gpg.run("--verify", str(gpg.folder / "data.asc"), str(path))
    assert messages.verify_detached(b"data", made, ann().public) is Verdict.GOOD
    assert messages.verify_detached(b"Data", made, ann().public) is Verdict.BAD
    assert messages.verify_detached(b"data", made, bob().public) is Verdict.UNKNOWN
    with pytest.raises(Damaged):
        messages.verify_detached(b"data", smith.literal(), ann().public)


def test_a_recipient_who_must_not_be_encrypted_to_stops_everything(gpg: Gnupg) -> None:
    unusable = OwnKey.load(gpg.private(gpg.generate("So <so2@x.example>", "ed25519")))
    with pytest.raises(KeyUnusable):
        encrypt(TEXT, [ann().public, unusable.public])
    with pytest.raises(NoKey):
        encrypt(TEXT, [])


# ── what a signature is worth ────────────────────────────────────────────────────────────────────


def test_nothing_of_a_message_shows_in_repr() -> None:
    note = encrypt("secret text", [ann().public])
    assert "secret" not in repr(opened(note))
