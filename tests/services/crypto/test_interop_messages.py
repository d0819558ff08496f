"""Every form of message that gpg, Sequoia and armor writers produce (research/crypto.md §3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.crypto import armor as ours
from services.crypto.certs import PeerKey
from services.crypto.errors import Damaged, KeyUnusable, NotForMe, Unsupported
from services.crypto.messages import Verdict, decrypt, encrypt, recipients_of
from services.crypto.own import OwnKey
from tests.fakes import openpgp_sequoia as sequoia
from tests.fakes.openpgp_gnupg import Gnupg
from tests.fakes.openpgp_keys import Person
from tests.fakes.openpgp_messages import message
from tests.fakes.openpgp_packets import armor, old_packet, partial_packet
from tests.fakes.openpgp_pairs import Pair, Ring, user_of

UMLAUTS = "Grüße\nпривет\n".encode()
HIDDEN = "0" * 16


@pytest.mark.parametrize("method", ["none", "zip", "zlib", "bzip2"])
@pytest.mark.parametrize(
    "cipher", ["AES", "AES192", "AES256", "3DES", "CAST5", "BLOWFISH", "CAMELLIA256"]
)
def test_every_cipher_and_compression_of_gpg_opens(
    me: Pair, gnupg: Gnupg, method: str, cipher: str
) -> None:
    options = ("--cipher-algo", cipher, "--compress-algo", method)
    data = UMLAUTS * 300
    assert decrypt(gnupg.encrypt(data, me.fingerprint, options=options), [me.key]).data == data


def test_a_cipher_that_is_not_here_is_told_apart_from_damage(me: Pair, gnupg: Gnupg) -> None:
    made = gnupg.encrypt(UMLAUTS, me.fingerprint, options=("--cipher-algo", "TWOFISH"))
    with pytest.raises(Unsupported):
        decrypt(made, [me.key])


@pytest.mark.parametrize("data", [UMLAUTS, UMLAUTS.replace(b"\n", b"\r\n"), b"no end", b"  a \n"])
@pytest.mark.parametrize("sign", [False, True])
def test_the_text_mode_of_gpg_keeps_letters_and_signature(
    me: Pair, gnupg: Gnupg, data: bytes, sign: bool
) -> None:
    options = ("--armor", "--textmode", *(("--sign", "-u", me.fingerprint) if sign else ()))
    opened = decrypt(gnupg.encrypt(data, me.fingerprint, options=options), [me.key], signer=me.peer)
    assert opened.text == data.decode().replace("\r\n", "\n")
    assert opened.verdict is (Verdict.GOOD if sign else Verdict.NONE)


@pytest.mark.parametrize("text", ["a\r\nb\r\n", "a\nb\n", "a\rb"])
def test_text_is_sent_with_lf_and_reads_the_same_everywhere(
    me: Pair, gnupg: Gnupg, text: str
) -> None:
    made = encrypt(text, [me.peer], sign_with=me.key)
    wanted = text.replace("\r\n", "\n").replace("\r", "\n")
    assert gnupg.decrypt(made).out == wanted.encode()
    assert sequoia.decrypt(made, me.secret).data == wanted.encode()
    assert decrypt(made, [me.key]).text == wanted


def test_octets_with_crlf_stay_as_they_are(me: Pair, gnupg: Gnupg) -> None:
    data = b"a,b\r\n1,2\r\n"
    assert gnupg.decrypt(encrypt(data, [me.peer])).out == data
    assert decrypt(gnupg.encrypt(data, me.fingerprint), [me.key]).data == data


def test_the_name_of_a_file_is_not_told_and_that_of_gpg_is_read(
    me: Pair, gnupg: Gnupg, tmp_path: Path
) -> None:
    file = tmp_path / "größe.pdf"
    file.write_bytes(b"%PDF")
    made = gnupg.run("-r", me.fingerprint, "--encrypt", "--output", "-", str(file))
    assert decrypt(made, [me.key]).file_name == "größe.pdf"
    packets = gnupg.decrypt(encrypt(b"%PDF", [me.peer])).status
    assert "[GNUPG:] PLAINTEXT 62 0 \n" in packets + "\n"


@pytest.mark.parametrize("options", [("-R",), ("--throw-keyids", "-r")])
def test_a_hidden_recipient_is_tried(
    ring: Ring, me: Pair, gnupg: Gnupg, options: tuple[str, ...]
) -> None:
    other = ring["gpg Ed25519"]
    made = gnupg.run(*options, me.fingerprint, "--encrypt", data=UMLAUTS)
    assert recipients_of(made) == (HIDDEN,)
    assert decrypt(made, [other.key, me.key]).data == UMLAUTS
    with pytest.raises(NotForMe):
        decrypt(made, [other.key])


def test_hidden_and_named_recipients_mix(ring: Ring, me: Pair, gnupg: Gnupg) -> None:
    pairs = [ring[name] for name in ("gpg Ed25519", "gpg P-256", "own RSA-3072")]
    named = [part for pair in pairs for part in ("-r", pair.fingerprint)]
    made = gnupg.run("-R", me.fingerprint, *named, "--encrypt", data=UMLAUTS)
    assert recipients_of(made).count(HIDDEN) == 1
    for pair in (*pairs, me):
        assert decrypt(made, [pair.key]).data == UMLAUTS


def test_every_recipient_of_ours_opens_with_every_program(ring: Ring, gnupg: Gnupg) -> None:
    names = ("own RSA-2048", "gpg Ed25519", "gpg P-256", "sequoia Cv25519", "own RSA-4096")
    pairs = [ring[name] for name in names]
    made = encrypt("to all", [pair.peer for pair in pairs], sign_with=pairs[0].key)
    for pair in pairs:
        assert sequoia.decrypt(made, pair.secret).data == b"to all"
        opened = decrypt(made, [pair.key], signer=pairs[0].peer)
        assert (opened.data, opened.verdict) == (b"to all", Verdict.GOOD)
    assert gnupg.decrypt(made).out == b"to all"


def test_one_newer_recipient_does_not_lose_the_message(me: Pair) -> None:
    _, newer = sequoia.generate("Cv25519", "New <new@example.org>", version=6)
    made = sequoia.encrypt(UMLAUTS, [newer, me.public])
    assert decrypt(made, [me.key]).data == UMLAUTS


def test_a_newer_signer_does_not_lose_the_message(me: Pair) -> None:
    secret, _ = sequoia.generate("Cv25519", "New <new@example.org>", version=6)
    opened = decrypt(sequoia.encrypt(UMLAUTS, [me.public], signer=secret), [me.key], signer=me.peer)
    assert (opened.data, opened.verdict) == (UMLAUTS, Verdict.UNKNOWN)


def test_a_key_of_version_6_is_named_as_such() -> None:
    secret, public = sequoia.generate("Cv25519", "New <new@example.org>", version=6)
    with pytest.raises(Unsupported, match="version 6; this program reads version 4"):
        PeerKey.parse(public)
    with pytest.raises(Unsupported, match="version 6"):
        OwnKey.load(secret)


def test_the_newer_container_of_sequoia_is_unsupported_and_was_announced(ring: Ring) -> None:
    pair = ring["sequoia Cv25519"]
    assert any("AEAD" in warning for warning in pair.peer.warnings)
    assert any("AEAD" in warning for warning in OwnKey.load(pair.secret).warnings)
    made = sequoia.encrypt(UMLAUTS, [pair.public])
    with pytest.raises(Unsupported, match="cannot open"):
        decrypt(made, [pair.key])


def test_our_own_keys_do_not_ask_for_it(me: Pair) -> None:
    assert not any("AEAD" in warning for warning in OwnKey.load(me.secret).warnings)


def test_a_password_beside_the_key_does_no_harm_and_alone_is_explained(
    me: Pair, gnupg: Gnupg
) -> None:
    both = gnupg.encrypt(
        UMLAUTS, me.fingerprint, options=("--armor", "--symmetric"), passphrase="word"
    )
    assert decrypt(both, [me.key]).data == UMLAUTS
    alone = gnupg.run("--symmetric", data=UMLAUTS, passphrase="word")
    with pytest.raises(Unsupported, match="password"):
        decrypt(alone, [me.key])


@pytest.mark.parametrize("form", ["Brainpool", "sign only"])
def test_keys_that_cannot_be_encrypted_to_say_why(gnupg: Gnupg, form: str) -> None:
    gnupg.generate_form(form, user_of(form))
    peer = PeerKey.parse(gnupg.public(f"={user_of(form)}", armor=True))
    with pytest.raises(KeyUnusable):
        encrypt("x", [peer])


@pytest.mark.parametrize("signed", [False, True])
def test_what_gpg_takes_from_us_is_said_without_a_warning(
    me: Pair, gnupg: Gnupg, signed: bool
) -> None:
    opened = gnupg.decrypt(encrypt("x", [me.peer], sign_with=me.key if signed else None))
    assert "[GNUPG:] DECRYPTION_OKAY" in opened.status
    assert "WARNING" not in opened.err


@pytest.mark.parametrize("wrap", [old_packet, partial_packet])
def test_a_literal_with_any_kind_of_length_opens(alice: Person, wrap: object) -> None:
    body = b"b\x00" + bytes(4) + b"long " * 1000
    pair = _pair(alice)
    assert callable(wrap)
    assert decrypt(message(wrap(11, body), [alice.sub]), [pair.key]).data == b"long " * 1000


VARIANTS = {
    "plain": lambda data: armor(data),
    "crlf": lambda data: armor(data, end="\r\n"),
    "headers": lambda data: armor(data, headers=["Version: GnuPG v2", "Comment: größe: 1"]),
    "empty header": lambda data: armor(data, headers=["Comment: "]),
    "no checksum": lambda data: armor(data, checksum=False),
    "wrong checksum": lambda data: armor(data, checksum=0x123456),
    "no final newline": lambda data: armor(data).rstrip(b"\n"),
    "trailing spaces": lambda data: armor(data, end=" \t\n"),
    "blank line with a space": lambda data: armor(data).replace(b"\n\n", b"\n \t\n", 1),
    "unwrapped": lambda data: armor(data, columns=10**9),
    "76 columns": lambda data: armor(data, columns=76),
    "no blank line": lambda data: armor(data).replace(b"\n\n", b"\n", 1),
    "blank lines behind": lambda data: armor(data) + b"\n\n \n",
    "ascii around": lambda data: b"Hello,\n\n" + armor(data) + b"\n-- \nA footer\n",
    "letters around": lambda data: "Grüße\n".encode() + armor(data) + "— Fußzeile 你\n".encode(),
    "latin-1 around": lambda data: b"Gr\xfc\xdfe\n" + armor(data) + b"\xff\xfe\n",
    "a dashed line before": lambda data: b"-----\n-----BEGIN\n" + armor(data) + b"-----END\n",
    "a public block besides": lambda data: armor(b"\x99", "PUBLIC KEY BLOCK") + armor(data),
}
_GPG_REFUSES = {"wrong checksum", "no blank line"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_armor_is_read_however_it_was_carried(me: Pair, variant: str) -> None:
    block = VARIANTS[variant](ours.decode(encrypt("x", [me.peer]), ours.ArmorKind.MESSAGE))
    assert decrypt(block, [me.key]).text == "x"
    assert len(recipients_of(block)) == 1
    if variant != "latin-1 around":
        assert decrypt(block.decode(), [me.key]).text == "x"


@pytest.mark.parametrize(
    "variant", sorted(set(VARIANTS) - _GPG_REFUSES - {"a public block besides"})
)
def test_the_variants_are_what_gpg_reads_too(me: Pair, gnupg: Gnupg, variant: str) -> None:
    block = VARIANTS[variant](ours.decode(encrypt("x", [me.peer]), ours.ArmorKind.MESSAGE))
    opened = gnupg.decrypt(block)
    assert opened.out == b"x", opened.err


@pytest.mark.parametrize("variant", [name for name in VARIANTS if "besides" not in name])
def test_key_armor_is_read_however_it_was_carried(me: Pair, variant: str) -> None:
    for block, kind, name, read in (
        (me.public, ours.ArmorKind.PUBLIC_KEY, b"PUBLIC KEY BLOCK", PeerKey.parse),
        (me.secret, ours.ArmorKind.PRIVATE_KEY, b"PRIVATE KEY BLOCK", OwnKey.load),
    ):
        made = VARIANTS[variant](ours.decode(block, kind)).replace(b"PGP MESSAGE", b"PGP " + name)
        assert read(made).fingerprint == me.fingerprint


@pytest.mark.parametrize(
    "cut",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace(b"-----END", b"----END"),
        lambda text: text.replace(b"BEGIN PGP MESSAGE", b"BEGIN PGP MESSAGES"),
        lambda text: text + text,
        lambda text: text[:200] + b"*" + text[201:],
        lambda text: text.replace(b"\n", b"\n> "),
        lambda _: b"",
        lambda _: b"-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----\n",
    ],
)
def test_armor_that_is_none_is_damage(me: Pair, cut: object) -> None:
    assert callable(cut)
    with pytest.raises(Damaged):
        decrypt(cut(encrypt("x" * 1000, [me.peer])), [me.key])


def _pair(who: Person) -> Pair:
    return Pair(armor(who.secret_block, "PRIVATE KEY BLOCK"), armor(who.block, "PUBLIC KEY BLOCK"))
