"""Messages that gpg, Sequoia and other programs write open, or say why they do not."""

from __future__ import annotations

import os
import random
import time

import pysequoia
import pytest

from services.crypto import messages
from services.crypto.armor import ArmorKind, decode
from services.crypto.envelopes import HIDDEN
from services.crypto.errors import Damaged, NotForMe, Unsupported
from services.crypto.messages import decrypt, encrypt, recipients_of
from services.crypto.own import OwnKey
from services.crypto.packets import Tag, join
from services.crypto.sessions import SessionKey
from services.crypto.verdicts import Verdict
from services.errors import CryptoError
from services.redact import Secret
from tests.fakes import openpgp_messages as smith
from tests.fakes.openpgp_gnupg import Gnupg
from tests.services.crypto.made_keys import ann, ann_open, bob, bob_open
from tests.services.crypto.message_stage import (
    TEXT,
    enclosed,
    envelopes,
    opened,
    sequoia,
    sequoia_newer,
)
from tests.services.mail_corpora import corpora

# ── what others write ────────────────────────────────────────────────────────────────────────────


GPG_FORMS = [
    ["--compress-algo", "none"],
    ["--compress-algo", "zip"],
    ["--compress-algo", "zlib"],
    ["--compress-algo", "bzip2"],
    *(["--cipher-algo", name] for name in ("AES", "AES192", "AES256", "3DES", "CAST5")),
    *(["--cipher-algo", name] for name in ("BLOWFISH", "CAMELLIA128", "CAMELLIA256")),
    ["--textmode"],
    ["--set-filename", "Zeugnis Ü.txt"],
    ["--no-emit-version", "--comment", "a: comment"],
]


@pytest.mark.parametrize("options", GPG_FORMS, ids=" ".join)
@pytest.mark.parametrize("size", [0, 70_000])
def test_every_form_of_gpg_opens(options: list[str], size: int, gpg: Gnupg, mine: str) -> None:
    data = TEXT.encode() + random.Random(7).randbytes(size).hex("\n", 30).encode() + b"\n"
    for armor in ([], ["--armor"]):
        note = gpg.run(*options, *armor, "--encrypt", "-r", mine, data=data)
        found = opened(note)
        assert found.text == data.decode()
        assert found.verdict is Verdict.NONE
        assert found.to_key == ann().fingerprint
        if "--textmode" not in options:
            assert found.data == data
        if "--set-filename" in options:
            assert found.file_name == "Zeugnis Ü.txt"


def test_text_signed_in_text_mode_with_other_line_ends_is_good(
    gpg: Gnupg, mine: str, theirs: OwnKey
) -> None:
    for data in (TEXT.encode(), TEXT.replace("\n", "\r\n").encode(), b"no end", b"a\rb\r\n\r"):
        for mode in (["--textmode"], []):
            note = gpg.run(
                *mode, "--armor", "--sign", "--local-user", theirs.fingerprint, "--encrypt", "-r", mine,
                data=data,
            )  # fmt: skip
            found = opened(note, signer=theirs.public)
            assert found.verdict is Verdict.GOOD, (data, mode)
            assert found.signer == theirs.fingerprint
            assert abs(found.signed_at - time.time()) < 1_000
            assert opened(note, signer=bob().public).verdict is Verdict.UNKNOWN
            assert opened(note).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("options", [["--throw-keyids"], ["--hidden-recipient"]])
def test_a_hidden_recipient_opens_what_names_nobody(
    options: list[str], gpg: Gnupg, mine: str, theirs: OwnKey
) -> None:
    to = ["-R", mine, "-R", theirs.fingerprint] if "--hidden-recipient" in options else []
    to = to or ["--throw-keyids", "-r", theirs.fingerprint, "-r", mine]
    note = gpg.run("--armor", "--encrypt", *to, data=TEXT.encode())
    assert recipients_of(note) == (HIDDEN, HIDDEN)
    assert opened(note).text == TEXT
    assert decrypt(note, [bob_open(), theirs.unlock()]).text == TEXT
    with pytest.raises(NotForMe) as caught:
        decrypt(note, [bob_open()])
    assert caught.value.recipients == (HIDDEN, HIDDEN)


def test_sequoias_messages_open_with_verdict() -> None:
    certificate = pysequoia.Cert.from_bytes(ann().public.block)
    peer = OwnKey.load(str(sequoia())).public
    note = pysequoia.encrypt(TEXT.encode(), [certificate], sequoia().signer())
    found = opened(note, signer=peer)
    assert found.text == TEXT
    assert (found.verdict, found.signer) == (Verdict.GOOD, peer.fingerprint)


def test_a_signature_of_version_6_is_unknown_and_the_text_is_there() -> None:
    certificate = pysequoia.Cert.from_bytes(ann().public.block)
    note = pysequoia.encrypt(TEXT.encode(), [certificate], sequoia_newer().signer())
    found = opened(note, signer=bob().public)
    assert found.text == TEXT
    assert found.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "stranger",
    [
        smith.newer_envelope(b"\x07" * 32),
        smith.newer_envelope(b"\x07" * 20, version=4),
        smith.newer_envelope(),
        join(Tag.PUBLIC_SESSION_KEY, b"\3" + b"\x07" * 8 + b"\x19" + bytes(40)),
        join(Tag.PUBLIC_SESSION_KEY, b"\2" + b"\x07" * 8 + b"\x01" + bytes(40)),
        join(Tag.PASSPHRASE_SESSION_KEY, b"\4\x09\x03\x08" + bytes(8) + b"\xff"),
        join(Tag.MARKER, b"PGP"),
        join(Tag.PADDING, bytes(100)),
    ],
    ids=["6", "6-with-4", "6-hidden", "unknown-algorithm", "2", "passphrase", "marker", "padding"],
)
def test_a_stranger_before_my_envelope_loses_nothing(stranger: bytes) -> None:
    note = enclosed(smith.literal(), ann().public)
    assert opened(stranger + note).data == smith.TEXT


def test_a_message_to_a_former_key_names_whom_it_is_for() -> None:
    note = encrypt(TEXT, [bob().public])
    with pytest.raises(NotForMe) as caught:
        opened(note)
    assert caught.value.recipients == (bob().public.components[0].key_id,)
    assert recipients_of(note) == caught.value.recipients
    assert set(recipients_of(note)) <= set(bob().key_ids)


def test_all_of_several_own_keys_are_tried() -> None:
    note = encrypt(TEXT, [bob().public])
    found = decrypt(note, [ann_open(), bob_open()])
    assert found.text == TEXT
    assert found.to_key == bob().fingerprint


def test_armor_with_text_around_and_damaged_line_ends_opens() -> None:
    note = encrypt(TEXT, [ann().public]).decode()
    around = f"Überraschung,\nžádný text\n{note}-- \nSent from my 電話\n"
    bare = "".join(line + "\n" for line in note.splitlines() if not line.startswith("="))
    accent = f"é\n{note}".encode()
    for blob in (around, around.encode(), accent, note.replace("\n", "\r\n"), note.replace("\n", "  \n"),
                 bare, note.rstrip("\n"), note.replace("\n\n", "\nVersion: x\nComment: é\n\n", 1),
                 note.replace("\n\n", "\n", 1), decode(note, ArmorKind.MESSAGE)):  # fmt: skip
        assert decrypt(blob, [ann_open()]).text == TEXT


# ── what is never opened ─────────────────────────────────────────────────────────────────────────


def test_newer_containers_and_ciphers_are_unsupported_not_damaged(gpg: Gnupg, mine: str) -> None:
    mine_named = envelopes(SessionKey.new(), ann().public)
    not_mine = envelopes(SessionKey.new(), bob().public)
    newer = join(Tag.PROTECTED, b"\2\x09\x02\x0c" + os.urandom(100))
    ocb = join(Tag.AEAD, b"\1\x09\x02\x10" + os.urandom(100))
    for container in (newer, ocb):
        with pytest.raises(Unsupported):
            opened(mine_named + container)
        with pytest.raises(NotForMe):
            opened(not_mine + container)
    mine_in_newer = smith.newer_envelope(bytes.fromhex(ann().fingerprint), version=4)
    with pytest.raises(Unsupported):
        opened(mine_in_newer + newer)
    twofish = gpg.run("--cipher-algo", "TWOFISH", "--encrypt", "-r", mine, data=b"x")
    with pytest.raises(Unsupported):
        opened(twofish)
    password = gpg.run("--symmetric", data=b"x", passphrase="word")
    with pytest.raises(Unsupported, match="password"):
        opened(password)


def test_mail_to_a_brainpool_subkey_is_unsupported_while_the_rest_of_the_key_works(
    gpg: Gnupg,
) -> None:
    made = gpg.generate("Mix <mix@x.example>", "ed25519", "brainpoolP256r1")
    key = OwnKey.load(gpg.private(made)).unlock()
    note = gpg.run("--encrypt", "-r", made, data=b"x")
    with pytest.raises(Unsupported):
        decrypt(note, [key])
    assert messages.sign_detached(b"x", key)


def test_a_sequoia_message_of_version_2_to_a_version_4_key_is_unsupported() -> None:
    own = OwnKey.load(str(sequoia()))
    note = pysequoia.encrypt(b"x", [sequoia().extract_certificate()])
    with pytest.raises(Unsupported):
        decrypt(note, [own.unlock()])
    assert own.warnings


@pytest.mark.parametrize(
    ("key", "passphrase", "note", "outcome"),
    [
        ("sed_key", "", "message_badmdc", Damaged),
        ("sed_key", "", "sed_message", Damaged),
        ("keyring_privateKey", "apple", "message_plainSignature", Damaged),
        ("keyring_privateKey", "apple", "message_multipleKeyID", NotForMe),
        ("gpg2.3-aead-test-key.asc", "test", "gpg2.3-aead-pgp-message.pgp", Unsupported),
        ("issue11_privatekey", "1234", "issue11_message", "message from sender"),
        (
            "keyring_privateKey",
            "apple",
            "keyring_token",
            "d79ca194a22810a5363eeddfdef7dfbc327c6229",
        ),
    ],
)
def test_messages_of_other_programs_open_or_say_why(
    key: str, passphrase: str, note: str, outcome: type[CryptoError] | str
) -> None:
    folder = corpora() / "gopenpgp/crypto/testdata"
    own = OwnKey.load((folder / key).read_bytes()).unlock(
        Secret(passphrase) if passphrase else None
    )
    blob = (folder / note).read_bytes()
    if isinstance(outcome, str):
        assert decrypt(blob, [own]).text == outcome
    else:
        with pytest.raises(outcome):
            decrypt(blob, [own])
