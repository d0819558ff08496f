"""Messages: what others write is read, what we write is read by others, nothing hostile is opened."""

from __future__ import annotations

import hashlib
import os
import random
import time
from functools import cache

import pysequoia
import pytest

from services.crypto import messages
from services.crypto.armor import ArmorKind, decode, encode
from services.crypto.envelopes import HIDDEN
from services.crypto.errors import (
    Damaged,
    KeyUnusable,
    NoKey,
    NotForMe,
    TooLarge,
    Unsupported,
)
from services.crypto.messages import Opened, decrypt, encrypt, recipients_of
from services.crypto.own import OwnKey, UnlockedKey
from services.crypto.packets import Tag, join, split
from services.crypto.sessions import SessionKey
from services.crypto.verdicts import Verdict
from services.errors import CryptoError
from services.redact import Secret
from tests.services.crypto import message_smith as smith
from tests.services.crypto.gpg_home import GpgHome
from tests.services.crypto.made_keys import ann, ann_open, bob, bob_open
from tests.services.mail_corpora import corpora

TEXT = "Grüße aus Žďár,\nzweite Zeile 🐎\n"


@pytest.fixture(scope="module")
def mine(gpg: GpgHome) -> str:
    """Ann's key in gpg."""
    gpg.run("--import", data=ann().export_private().encode())
    return ann().fingerprint


@pytest.fixture(scope="module")
def theirs(gpg: GpgHome) -> OwnKey:
    """A sender's key made by gpg, that signs with Ed25519."""
    made = gpg.generate("Gus <gus@x.example>", "ed25519", "cv25519")
    return OwnKey.load(gpg.private(made))


@cache
def sequoia() -> pysequoia.Tsk:
    return pysequoia.Tsk.generate("Seq <seq@x.example>", profile=pysequoia.Profile.RFC4880)


@cache
def sequoia_newer() -> pysequoia.Tsk:
    return pysequoia.Tsk.generate("Six <six@x.example>", profile=pysequoia.Profile.RFC9580)


def opened(blob: bytes, **how: object) -> Opened:
    return decrypt(blob, [ann_open()], **how)  # type: ignore[arg-type]


# ── what we write ────────────────────────────────────────────────────────────────────────────────


def test_text_is_sent_as_text_with_plain_line_ends_and_octets_as_octets(
    gpg: GpgHome, mine: str
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
def test_every_size_comes_back_whole(size: int, gpg: GpgHome, mine: str) -> None:
    data = os.urandom(size)
    note = encrypt(data, [ann().public], sign_with=ann_open())
    assert opened(note).data == data
    assert gpg.run("--decrypt", data=note) == data


def test_lone_surrogates_do_not_stop_a_text() -> None:
    assert opened(encrypt("a\ud800b", [ann().public])).text == "a?b"


def test_several_recipients_each_open_it(gpg: GpgHome, mine: str, theirs: OwnKey) -> None:
    other = OwnKey.load(str(sequoia()))
    note = encrypt(TEXT, [bob().public, theirs.public, other.public, ann().public, bob().public])
    assert len(recipients_of(note)) == 4
    assert opened(note).text == TEXT
    assert decrypt(note, [bob_open()]).text == TEXT
    assert gpg.run("--decrypt", data=note) == TEXT.encode()
    assert pysequoia.decrypt(note, sequoia().decryptor()).bytes == TEXT.encode()


def test_our_signature_is_good_elsewhere_and_there_alone(
    gpg: GpgHome, mine: str, theirs: OwnKey
) -> None:
    note = encrypt(TEXT, [theirs.public], sign_with=ann_open())
    status = gpg.run("--status-fd", "1", "--decrypt", data=note).decode()
    assert f"VALIDSIG {ann().fingerprint}" in status
    cert = pysequoia.Cert.from_bytes(ann().public.block)
    sealed = encrypt(TEXT, [OwnKey.load(str(sequoia())).public], sign_with=ann_open())
    read = pysequoia.decrypt(sealed, sequoia().decryptor(), store=lambda _: [cert])
    assert [one.certificate.upper() for one in read.valid_sigs] == [ann().fingerprint]


def test_a_detached_signature_is_good_in_gpg_and_for_exactly_its_data(
    gpg: GpgHome, mine: str
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


def test_a_recipient_who_must_not_be_encrypted_to_stops_everything(gpg: GpgHome) -> None:
    unusable = OwnKey.load(gpg.private(gpg.generate("So <so2@x.example>", "ed25519")))
    with pytest.raises(KeyUnusable):
        encrypt(TEXT, [ann().public, unusable.public])
    with pytest.raises(NoKey):
        encrypt(TEXT, [])


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
def test_every_form_of_gpg_opens(options: list[str], size: int, gpg: GpgHome, mine: str) -> None:
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
    gpg: GpgHome, mine: str, theirs: OwnKey
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
    options: list[str], gpg: GpgHome, mine: str, theirs: OwnKey
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
    note = smith.message(smith.literal(), ann().public)
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


def _two_literals() -> bytes:
    return smith.literal() + smith.literal(b"more")


HOSTILE = {
    "no integrity protection": lambda a: smith.message(smith.literal(), a, build=smith.unprotected),
    "check missing": lambda a: smith.message(smith.literal(), a, check=b""),
    "check wrong": lambda a: smith.message(smith.literal(), a, check=b"\xd3\x14" + bytes(20)),
    "check not last": lambda a: smith.message(
        smith.literal() + b"\xd3\x14" + bytes(20) + smith.literal(), a, check=b""
    ),
    "plain literal": lambda a: smith.literal(),
    "compressed literal": lambda a: smith.compressed(smith.literal()),
    "two literals": lambda a: smith.message(_two_literals(), a),
    "two literals in compression": lambda a: smith.message(smith.compressed(_two_literals()), a),
    "two compressions": lambda a: smith.message(smith.compressed(smith.literal()) * 2, a),
    "no literal": lambda a: smith.message(join(Tag.MARKER, b"PGP"), a),
    "empty": lambda a: smith.message(b"", a),
    "a key inside": lambda a: smith.message(ann().public.block, a),
    "a message inside": lambda a: smith.message(smith.message(smith.literal(), a), a),
    "five compressions": lambda a: smith.message(smith.nested(smith.literal(), 5), a),
    "400 compressions": lambda a: smith.message(smith.nested(smith.literal(), 400), a),
    "cut compression": lambda a: smith.message(
        join(Tag.COMPRESSED, split(smith.compressed(smith.literal()))[0].body[:-3]), a
    ),
    "trailing octets in compression": lambda a: smith.message(
        join(Tag.COMPRESSED, split(smith.compressed(smith.literal()))[0].body + b"more"), a
    ),
    "two containers": lambda a: (
        smith.message(smith.literal(), a) + smith.protected(bytes(32), smith.literal())
    ),
    "two messages": lambda a: smith.message(smith.literal(), a) * 2,
    "a literal behind": lambda a: smith.message(smith.literal(), a) + smith.literal(),
    "no envelope": lambda a: smith.protected(bytes(32), smith.literal()),
    "session key of another": lambda a: (
        smith.envelopes(SessionKey.new(), a) + smith.protected(bytes(32), smith.literal())
    ),
    "literal cut": lambda a: smith.message(smith.literal()[:-1], a),
    "an envelope in pieces": lambda a: (
        b"\xc1\xe9" + bytes(512) + b"\0" + smith.message(smith.literal(), a)
    ),
    "an envelope without end": lambda a: (
        b"\x87" + split(smith.envelopes(SessionKey.new(), a))[0].body
    ),
    "no octets": lambda a: b"\xc1",
    "no message": lambda a: b"hello",
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_what_is_not_one_whole_protected_message_is_damaged(name: str) -> None:
    with pytest.raises(Damaged) as caught:
        opened(HOSTILE[name](ann().public))
    if not name.startswith("no "):
        assert str(caught.value) == str(Damaged())


def test_four_levels_of_compression_open() -> None:
    assert opened(smith.message(smith.nested(smith.literal(), 4), ann().public)).data == smith.TEXT
    for kind in range(4):
        inner = smith.compressed(smith.literal(), kind)
        assert opened(smith.message(inner, ann().public)).data == smith.TEXT


def test_every_flipped_bit_reads_the_same() -> None:
    note = smith.message(smith.literal(b"pay 3333 to Bob"), ann().public)
    at = next(at for at in range(len(note)) if note[at:].startswith(split(note)[1].body[:8]))
    texts = set()
    for place in (*range(16, at - 8, 7), *range(at + 1, len(note))):
        with pytest.raises(CryptoError) as caught:
            opened(smith.flipped(note, place))
        texts.add(str(caught.value))
    assert texts == {str(Damaged())}


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_a_bomb_stops_at_the_limit(kind: int) -> None:
    bomb = smith.message(smith.compressed(smith.literal(bytes(36_000_000)), kind), ann().public)
    assert len(bomb) < 100_000
    with pytest.raises(TooLarge):
        opened(bomb)
    with pytest.raises(TooLarge):
        opened(smith.message(smith.literal(bytes(2_000)), ann().public), limit=1_000)
    assert opened(smith.message(smith.literal(bytes(1_000)), ann().public), limit=1_000).data
    with pytest.raises(TooLarge):
        opened(bytes(5_000_000), limit=1_000)


def test_newer_containers_and_ciphers_are_unsupported_not_damaged(gpg: GpgHome, mine: str) -> None:
    mine_named = smith.envelopes(SessionKey.new(), ann().public)
    not_mine = smith.envelopes(SessionKey.new(), bob().public)
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
    gpg: GpgHome,
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


def test_naming_my_key_a_thousand_times_ends_in_an_error() -> None:
    envelope = smith.envelopes(SessionKey.new(), ann().public)
    body = split(envelope)[0].body
    for names in (body[1:9], bytes(8)):
        many = join(Tag.PUBLIC_SESSION_KEY, b"\3" + names + body[9:]) * 900
        with pytest.raises((Damaged, NotForMe)):
            opened(many + smith.protected(bytes(32), smith.literal()))
    with pytest.raises(Damaged):
        recipients_of(envelope * 1_001 + smith.protected(bytes(32), b""))


def test_mutated_messages_give_nothing_but_our_errors() -> None:
    chance = random.Random(20261121)
    notes = [
        smith.message(smith.compressed(smith.literal()), ann().public),
        decode(encrypt(TEXT, [ann().public], sign_with=ann_open()), ArmorKind.MESSAGE),
        encrypt(TEXT, [bob().public, ann().public]),
    ]
    changed = 0
    for count in range(300):
        note = bytearray(notes[count % 3])
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(note))
            match chance.randrange(4):
                case 0:
                    note[at] ^= 1 << chance.randrange(8)
                case 1:
                    del note[at : at + chance.randint(1, 40)]
                case 2:
                    note[at:at] = chance.randbytes(chance.randint(1, 9))
                case _:
                    del note[at:]
                    note += b"\xcb"
        try:
            found = opened(bytes(note))
        except CryptoError:
            changed += 1
        else:
            assert found.data in (smith.TEXT, TEXT.encode())
    assert changed > 150


def test_mutated_insides_give_nothing_but_our_errors() -> None:
    """Below the integrity check: what an attacker who may encrypt to us can do."""
    chance = random.Random(7)
    session = SessionKey.new()
    envelope = smith.envelopes(session, ann().public)
    inners = [
        smith.compressed(smith.literal()),
        smith.nested(smith.literal(TEXT.encode(), b"u", b"n"), 2),
        smith.one_pass(bytes(8), 1) + smith.literal() + join(Tag.SIGNATURE, ann().public.block[30:300]),
    ]  # fmt: skip
    for count in range(240):
        inner = bytearray(inners[count % 3])
        for _ in range(chance.randint(1, 3)):
            inner[chance.randrange(len(inner))] = chance.randrange(256)
        try:
            opened(envelope + smith.protected(session.key, bytes(inner)), signer=ann().public)
        except CryptoError:
            continue


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


@pytest.mark.parametrize(
    "name", ["bomb-1g-bz2", "bomb-1g-zip", "bomb-1g-zlib", "bomb-nested2", "nest-2000"]
)
def test_a_gigabyte_behind_our_own_key_is_refused(name: str) -> None:
    inner = (corpora() / "generated/pgp" / f"{name}.pgp").read_bytes()
    with pytest.raises(Damaged if name == "nest-2000" else TooLarge):
        opened(smith.message(inner, ann().public))


# ── what a signature is worth ────────────────────────────────────────────────────────────────────


def _signed_by(
    key: UnlockedKey, data: bytes, *, kind: int = 0, covered: bytes | None = None
) -> bytes:
    """One-pass, literal, signature; the signature is ours, then moved to other data or type."""
    made = messages.sign_detached(data if covered is None else covered, key)
    body = split(decode(made, ArmorKind.SIGNATURE))[0].body
    body = body[:1] + bytes((kind,)) + body[2:]
    issuer = bytes.fromhex(key.fingerprint[-16:])
    return smith.signed(data, body, issuer, body[2], (kind, 10))


def test_a_signature_over_other_data_is_bad() -> None:
    inner = _signed_by(bob_open(), b"pay 10", covered=b"pay 99")
    found = opened(smith.message(inner, ann().public), signer=bob().public)
    assert (found.verdict, found.signer, found.signed_at) == (Verdict.BAD, bob().fingerprint, 0)


@pytest.mark.parametrize("kind", [0x02, 0x40, 0x10, 0x13, 0x18, 0x1F, 0x50])
def test_a_signature_that_covers_nothing_of_the_text_is_unusable(kind: int) -> None:
    inner = _signed_by(bob_open(), b"x", kind=kind)
    found = opened(smith.message(inner, ann().public), signer=bob().public)
    assert found.verdict is Verdict.UNUSABLE


def test_a_signature_before_or_after_its_data_counts_alike() -> None:
    after = _signed_by(bob_open(), b"x")
    note, content, signature = split(after)
    before = join(Tag.SIGNATURE, signature.body) + join(Tag.LITERAL, content.body)
    for inner in (after, before, smith.compressed(after), smith.compressed(before)):
        found = opened(smith.message(inner, ann().public), signer=bob().public)
        assert found.verdict is Verdict.GOOD
    outside = join(note.tag, note.body) + smith.compressed(smith.literal(b"x")) + join(Tag.SIGNATURE, signature.body)  # fmt: skip
    found = opened(smith.message(outside, ann().public), signer=bob().public)
    assert found.verdict is Verdict.GOOD


def test_a_signature_sent_on_to_somebody_else_is_unusable() -> None:
    to_bob = encrypt(TEXT, [bob().public], sign_with=ann_open())
    assert decrypt(to_bob, [bob_open()], signer=ann().public).verdict is Verdict.GOOD
    session_and_key = decrypt(to_bob, [bob_open()])
    assert session_and_key.text == TEXT
    inner = _inner_of(to_bob, bob_open())
    passed_on = smith.message(inner, ann().public)
    found = opened(passed_on, signer=ann().public)
    assert found.verdict is Verdict.UNUSABLE


def _inner_of(note: bytes, key: UnlockedKey) -> bytes:
    from services.crypto import container
    from services.crypto.envelopes import open_sealed, read_sealed
    from services.crypto.feeds import Feed, packets

    sealed = read_sealed(packets(Feed([decode(note, ArmorKind.MESSAGE)])))
    session, _ = open_sealed(sealed, [key])
    return b"".join(container.unsealed(session, sealed.container.body))


def test_dates_of_the_signature_and_the_key_are_judged_at_now() -> None:
    note = encrypt(TEXT, [ann().public], sign_with=bob_open())
    made = bob().public.made
    assert opened(note, signer=bob().public, now=made + 600).verdict is Verdict.GOOD
    assert opened(note, signer=bob().public, now=made - 86_400).verdict is Verdict.UNUSABLE
    early = encrypt(TEXT, [ann().public], sign_with=bob_open(), now=made + 5)
    assert opened(early, signer=bob().public).signed_at == made + 5
    future = messages.sign_detached(b"x", bob_open(), now=int(time.time()) + 86_400 * 365)
    assert messages.verify_detached(b"x", future, bob().public) is Verdict.UNUSABLE
    before_its_key = messages.sign_detached(b"x", bob_open(), now=made - 86_400)
    assert messages.verify_detached(b"x", before_its_key, bob().public) is Verdict.UNUSABLE


def test_a_signer_who_is_revoked_or_expired_or_weak_is_unusable(gpg: GpgHome) -> None:
    made = gpg.generate("Rev <rev@x.example>", "ed25519", "cv25519")
    key = OwnKey.load(gpg.private(made)).unlock()
    signature = messages.sign_detached(b"x", key)
    assert messages.verify_detached(b"x", signature, key.public) is Verdict.GOOD
    gpg.run("--quick-set-expire", made, "seconds=1000")
    expired = OwnKey.load(gpg.private(made), now=key.public.made + 2_000).public
    after = key.public.made + 2_000
    assert messages.verify_detached(b"x", signature, expired, now=after) is Verdict.UNUSABLE
    judged_before = OwnKey.load(gpg.private(made), now=key.public.made + 500).public
    assert judged_before.expires
    assert judged_before.expires < after
    assert messages.verify_detached(b"x", signature, judged_before) is Verdict.GOOD
    assert messages.verify_detached(b"x", signature, judged_before, now=after) is Verdict.UNUSABLE
    certificate = (gpg.folder / "openpgp-revocs.d" / f"{made}.rev").read_text()
    gpg.run("--import", data=certificate.replace(":-----BEGIN", "-----BEGIN").encode())
    revoked = OwnKey.load(gpg.private(made)).public
    assert revoked.why
    assert messages.verify_detached(b"x", signature, revoked) is Verdict.UNUSABLE
    for weak in ("SHA1", "SHA224"):
        bad = gpg.run("--digest-algo", weak, "--armor",                      "--detach-sign", "--local-user", _rsa(gpg), data=b"x")  # fmt: skip
        signer = OwnKey.load(gpg.private(_rsa(gpg))).public
        assert messages.verify_detached(b"x", bad, signer) is Verdict.UNUSABLE


@cache
def _rsa(gpg: GpgHome) -> str:
    return gpg.generate("Weak <weak@x.example>", "rsa2048", "rsa2048")


def test_a_signature_by_a_part_that_only_encrypts_is_unusable(gpg: GpgHome) -> None:
    key = OwnKey.load(gpg.private(_rsa(gpg))).unlock()
    primary, subkey = key.parts()
    body = split(decode(messages.sign_detached(b"x", key), ArmorKind.SIGNATURE))[0].body
    size = int.from_bytes(body[4:6], "big")
    head = body[: 6 + size].replace(
        bytes.fromhex(primary.key.fingerprint), bytes.fromhex(subkey.key.fingerprint)
    )
    digest = hashlib.sha512(b"x" + head + b"\x04\xff" + len(head).to_bytes(4, "big")).digest()
    (number,) = subkey.sign(digest)
    value = number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8)
    forged = encode(join(Tag.SIGNATURE, head + b"\0\0" + digest[:2] + value), ArmorKind.SIGNATURE)
    assert messages.verify_detached(b"x", forged, key.public) is Verdict.UNUSABLE


def test_many_signatures_are_judged_and_too_many_are_damage() -> None:
    good = split(_signed_by(bob_open(), b"x"))
    bad = split(_signed_by(bob_open(), b"x", covered=b"y"))
    both = b"".join(join(one.tag, one.body) for one in (*good, bad[2]))
    assert opened(smith.message(both, ann().public), signer=bob().public).verdict is Verdict.GOOD
    crowd = b"".join(join(one.tag, one.body) for one in (*good, *([bad[2]] * 80)))
    with pytest.raises(Damaged):
        opened(smith.message(crowd, ann().public), signer=bob().public)


def test_nothing_of_a_message_shows_in_repr() -> None:
    note = encrypt("secret text", [ann().public])
    assert "secret" not in repr(opened(note))
