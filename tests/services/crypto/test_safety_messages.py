"""The safety table on containers, row by row: what must not open at all (crypto.md §4).

Each message is sealed to us with the right arithmetic and one thing wrong. All of them must end in
the same error, or the answer would tell a stranger what he got right.
"""

from __future__ import annotations

import bz2
import logging
import threading
import tracemalloc
import zlib
from functools import cache
from pathlib import Path

import pytest

from services.crypto import armor as ours
from services.crypto.certs import PeerKey
from services.crypto.errors import Damaged, Locked, NotForMe, TooLarge, Unsupported, WrongPassphrase
from services.crypto.messages import decrypt, encrypt, recipients_of
from services.crypto.own import OwnKey, UnlockedKey
from services.crypto.packets import split
from services.crypto.stream import decrypt_file
from services.errors import CryptoError
from services.redact import Secret
from tests.fakes.openpgp_gnupg import Gnupg
from tests.fakes.openpgp_keys import Person
from tests.fakes.openpgp_messages import (
    compressed,
    encrypted_key,
    literal,
    message,
    nested,
    one_pass,
    protected,
    signed,
    unprotected,
)
from tests.fakes.openpgp_packets import armor, old_packet, packet, partial_packet
from tests.fakes.openpgp_pairs import PHRASE, Pair, Ring

CANARY = b"transfer 3333 to account 44"
PLAIN = literal(CANARY)
MB = 1 << 20


@pytest.fixture(scope="module")
def key(alice: Person) -> UnlockedKey:
    return OwnKey.load(alice.secret_block).unlock()


def _refused(blob: bytes, key: UnlockedKey, folder: Path) -> CryptoError:
    """Open a message in memory and as a file; both fail alike and nothing of it is left anywhere."""
    with pytest.raises(CryptoError) as caught:
        decrypt(blob, [key])
    source, target = folder / "in", folder / "out" / "name"
    target.parent.mkdir(exist_ok=True)
    source.write_bytes(blob)
    with pytest.raises(CryptoError) as streamed:
        decrypt_file(source, target, [key])
    assert list(target.parent.iterdir()) == []
    assert type(streamed.value) is type(caught.value)
    assert str(streamed.value) == str(caught.value)
    assert "3333" not in f"{caught.value!r}{caught.value}{caught.value.__cause__!r}"
    return caught.value


SESSION = bytes(range(32))

BROKEN = {
    "no integrity protection": lambda sub: message(PLAIN, [sub], container=unprotected),
    "no integrity protection, partial lengths": lambda sub: (
        encrypted_key(sub, SESSION) + partial_packet(9, split(unprotected(PLAIN, SESSION))[0].body)
    ),
    "protected container told as unprotected": lambda sub: (
        encrypted_key(sub, SESSION) + packet(9, split(protected(PLAIN, SESSION))[0].body[1:])
    ),
    "wrong check": lambda sub: message(PLAIN, [sub], mdc="wrong"),
    "no check": lambda sub: message(PLAIN, [sub], mdc="absent"),
    "data behind the check": lambda sub: message(PLAIN, [sub], mdc="late"),
    "cut at the end": lambda sub: message(PLAIN, [sub])[:-1],
    "a packet behind": lambda sub: message(PLAIN, [sub]) + PLAIN,
    "an empty container": lambda sub: encrypted_key(sub, SESSION) + packet(18, b""),
    "a container of one octet": lambda sub: encrypted_key(sub, SESSION) + packet(18, b"\x01"),
    "no container": lambda sub: encrypted_key(sub, SESSION),
    "two containers": lambda sub: (
        encrypted_key(sub, SESSION) + protected(PLAIN, SESSION) + protected(PLAIN, SESSION)
    ),
    "the container first": lambda sub: protected(PLAIN, SESSION) + encrypted_key(sub, SESSION),
    "another session key": lambda sub: (
        encrypted_key(sub, bytes(32)) + protected(PLAIN, SESSION)
    ),
    "a cut envelope": lambda sub: packet(1, b"\x03" + sub.key_id) + protected(PLAIN, SESSION),
    "two literals": lambda sub: message(PLAIN + PLAIN, [sub]),
    "a literal and a compression": lambda sub: message(PLAIN + compressed(PLAIN), [sub]),
    "two literals in a compression": lambda sub: message(compressed(PLAIN + PLAIN), [sub]),
    "nothing inside": lambda sub: message(b"", [sub]),
    "only a signature inside": lambda sub: message(packet(2, b"\x04"), [sub]),
    "a cut literal": lambda sub: message(PLAIN[:-3], [sub]),
    "a literal without a head": lambda sub: message(packet(11, b"b\x09"), [sub]),
    "a key inside": lambda sub: message(packet(6, sub.body) + PLAIN, [sub]),
    "an encrypted message inside": lambda sub: message(message(PLAIN, [sub]), [sub]),
    "a message inside a literal's place": lambda sub: message(
        encrypted_key(sub, SESSION) + protected(PLAIN, SESSION), [sub]
    ),
    "no packets inside": lambda sub: message(CANARY, [sub]),
    "400 compressions": lambda sub: message(nested(400, PLAIN), [sub]),
    "5 compressions": lambda sub: message(nested(5, PLAIN), [sub]),
    "compressed garbage": lambda sub: message(packet(8, b"\x02" + CANARY), [sub]),
    "cut compression": lambda sub: message(packet(8, b"\x02" + zlib.compress(PLAIN)[:-6]), [sub]),
    "empty compression": lambda sub: message(packet(8, b"\x02"), [sub]),
    "something behind a compression": lambda sub: message(
        packet(8, b"\x02" + zlib.compress(PLAIN) + b"x"), [sub]
    ),
    "pieces of one octet without end": lambda sub: (
        encrypted_key(sub, SESSION)
        + partial_packet(18, split(protected(literal(bytes(5000)), SESSION))[0].body, power=0)
    ),
    "pieces of one octet inside": lambda sub: message(partial_packet(11, bytes(5000), 0), [sub]),
    "markers without end": lambda sub: packet(10, b"PGP") * 20_000 + message(PLAIN, [sub]),
    "markers without end inside": lambda sub: message(packet(10, b"PGP") * 20_000 + PLAIN, [sub]),
    "two bzip2 runs": lambda sub: message(
        packet(8, b"\x03" + bz2.compress(PLAIN) + bz2.compress(PLAIN)), [sub]
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", BROKEN)
def test_a_message_with_one_fault_is_damaged_and_nothing_of_it_shows(
    alice: Person, key: UnlockedKey, tmp_path: Path, row: str
) -> None:
    error = _refused(BROKEN[row](alice.sub), key, tmp_path)
    assert type(error) is Damaged
    assert str(error) == str(Damaged())


@pytest.mark.parametrize("plain", [PLAIN, compressed(PLAIN), CANARY])
def test_a_packet_that_is_not_encrypted_is_not_opened(
    key: UnlockedKey, tmp_path: Path, plain: bytes
) -> None:
    for blob in (armor(plain), armor(packet(60, b"") + plain), armor(packet(18, b"\x01" + plain))):
        assert isinstance(_refused(blob, key, tmp_path), Damaged)
        with pytest.raises(CryptoError):
            recipients_of(blob)


def test_a_signed_message_that_is_not_encrypted_is_not_opened(
    alice: Person, key: UnlockedKey, tmp_path: Path
) -> None:
    assert isinstance(_refused(armor(signed(CANARY, alice.primary)), key, tmp_path), Damaged)


def test_every_flipped_bit_of_a_short_message_is_noticed(alice: Person, key: UnlockedKey) -> None:
    whole = message(PLAIN, [alice.sub])
    start = len(whole) - len(split(whole)[1].body)
    for at in range(start, len(whole)):
        for bit in range(8):
            changed = whole[:at] + bytes((whole[at] ^ 1 << bit,)) + whole[at + 1 :]
            with pytest.raises(CryptoError):
                decrypt(changed, [key])
    assert decrypt(whole, [key]).data == CANARY


def test_what_a_changed_bit_makes_of_the_inside_is_not_told(
    alice: Person, key: UnlockedKey, tmp_path: Path
) -> None:
    """In CFB a bit flips where one wants: the algorithm of a compression, the tag of a packet."""
    whole = message(compressed(PLAIN), [alice.sub])
    inside = len(whole) - len(split(whole)[1].body) + 1 + 18
    for at in range(inside, inside + 8):
        for bit in range(8):
            changed = whole[:at] + bytes((whole[at] ^ 1 << bit,)) + whole[at + 1 :]
            assert str(_refused(changed, key, tmp_path)) == str(Damaged())


@pytest.mark.parametrize("version", [0, 2, 3, 99])
def test_another_version_of_the_container_is_unsupported(
    alice: Person, key: UnlockedKey, tmp_path: Path, version: int
) -> None:
    blob = message(PLAIN, [alice.sub], version=version)
    assert isinstance(_refused(blob, key, tmp_path), Unsupported)


def test_a_message_to_others_names_them(alice: Person, me: Pair, key: UnlockedKey) -> None:
    made = encrypt("x", [me.peer])
    with pytest.raises(NotForMe) as caught:
        decrypt(made, [key])
    assert caught.value.recipients == recipients_of(made)
    assert decrypt(made, [key, me.key]).text == "x"
    with pytest.raises(NotForMe):
        decrypt(made, [])


def test_envelopes_without_end_are_refused_soon(alice: Person, key: UnlockedKey) -> None:
    many = b"".join([encrypted_key(alice.sub, SESSION)] * 20_000)
    with pytest.raises(CryptoError):
        decrypt(many + protected(PLAIN, SESSION), [key])


@cache
def _bomb() -> bytes:
    """A compressed packet of 1 MB that stands for a literal of 1 GB of zeros."""
    head = b"\xcb\xff" + (6 + (1 << 30)).to_bytes(4, "big") + b"b\x00" + bytes(4)
    deflate = zlib.compressobj(wbits=-15)
    start = deflate.compress(head) + deflate.flush(zlib.Z_FULL_FLUSH)
    zeros = deflate.compress(bytes(16 * MB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return packet(8, b"\x01" + start + zeros * 64 + deflate.flush())


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_bomb_is_too_large_and_costs_no_more_than_the_limit(
    alice: Person, key: UnlockedKey, tmp_path: Path, depth: int
) -> None:
    bomb = _bomb()
    assert len(bomb) < 1.1 * MB
    blob = message(nested(depth, bomb), [alice.sub])
    tracemalloc.start()
    with pytest.raises(TooLarge):
        decrypt(blob, [key], limit=8 * MB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 * MB
    source = tmp_path / "bomb"
    source.write_bytes(blob)
    with pytest.raises(TooLarge):
        decrypt_file(source, tmp_path / "out", [key], limit=8 * MB)
    assert [path.name for path in tmp_path.iterdir()] == ["bomb"]


def test_a_limit_is_exact(alice: Person, key: UnlockedKey) -> None:
    for wrapped in (literal(b"x" * 1000), compressed(literal(b"x" * 1000))):
        blob = message(wrapped, [alice.sub])
        assert decrypt(blob, [key], limit=1000).data == b"x" * 1000
        with pytest.raises(TooLarge):
            decrypt(blob, [key], limit=999)


def test_signatures_and_announcements_without_end_are_damage(
    alice: Person, key: UnlockedKey
) -> None:
    for plain in (
        one_pass(alice.primary) * 100 + PLAIN,
        packet(2, b"\x04\x00\x16\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00") * 100 + PLAIN,
        PLAIN + packet(2, b"\x04") * 100,
    ):
        with pytest.raises(Damaged):
            decrypt(message(plain, [alice.sub]), [key])


def test_what_may_be_ignored_is_ignored(alice: Person, key: UnlockedKey) -> None:
    marker, padding = packet(10, b"PGP"), packet(21, b"\x00" * 99)
    inside = message(marker + padding + PLAIN + padding, [alice.sub])
    assert decrypt(marker + inside + padding, [key]).data == CANARY
    small = partial_packet(11, b"b\x00" + bytes(4) + CANARY, power=0)
    assert decrypt(message(small, [alice.sub]), [key]).data == CANARY
    assert decrypt(message(old_packet(11, b"b\x00" + bytes(4) + CANARY, open_ended=True),
                           [alice.sub]), [key]).data == CANARY  # fmt: skip


@pytest.mark.parametrize("name", [b"../../etc/passwd", b"\xff\xfe", "\x1b[2J\u202e.exe".encode()])
def test_the_name_of_a_file_is_passed_on_as_a_claim_only(
    alice: Person, key: UnlockedKey, tmp_path: Path, name: bytes
) -> None:
    blob = message(literal(CANARY, name=name), [alice.sub])
    assert decrypt(blob, [key]).file_name == name.decode("utf-8", "replace")
    (tmp_path / "in").write_bytes(blob)
    (tmp_path / "out").mkdir()
    decrypt_file(tmp_path / "in", tmp_path / "out" / "chosen", [key])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["chosen"]


@pytest.mark.parametrize(
    "target", ["😀" * 63, "你" * 85, "x" * 255], ids=["four octets", "three", "one"]
)
def test_the_longest_names_of_files_can_be_written(
    alice: Person, key: UnlockedKey, tmp_path: Path, target: str
) -> None:
    (tmp_path / "in").write_bytes(message(PLAIN, [alice.sub]))
    decrypt_file(tmp_path / "in", tmp_path / target, [key])
    assert (tmp_path / target).read_bytes() == CANARY


HANGING = {
    "cleartext head": b"-----BEGIN PGP SIGNED MESSAGE-----" + b"\r\n" * 20 + b"x",
    "long cleartext head": b"-----BEGIN PGP SIGNED MESSAGE-----" + b"\r\n" * 50_000 + b"x",
    "message headers": b"-----BEGIN PGP MESSAGE-----\r\n" + b"A: b\r\n" * 40 + b"x",
    "endless message headers": b"-----BEGIN PGP MESSAGE-----\r\n" + b"A: b\r\n" * 30_000 + b"x",
    "key headers": b"-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n" + b"\r\n" * 40 + b"x",
    "endless key headers": b"-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n" + b"A: b\r\n" * 30_000,
    "many heads": b"-----BEGIN PGP MESSAGE-----\n" * 9_000,
    "many public heads": b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n" * 6_000,
    "many private heads": b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n" * 6_000,
    "heads and ends": b"-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----\n" * 4_000,
    "dashes": b"-" * 250_000,
    "dashed lines": b"-----\n" * 40_000,
    "blanks behind a head": b"-----BEGIN PGP MESSAGE-----" + b" \t" * 100_000 + b"x",
    "base64 in lines of one": b"-----BEGIN PGP MESSAGE-----\n\n" + b"A\n" * 100_000,
    "an end in lines of one": b"-----BEGIN PGP MESSAGE-----\n\nAAAA\n=" + b"A\n" * 100_000,
    "dashes behind base64": b"-----BEGIN PGP MESSAGE-----\n\nAAAA\n" + b"-\n" * 100_000,
    "blank lines in base64": b"-----BEGIN PGP MESSAGE-----\n\nAAAA\n=" + b"\n" * 200_000,
}


@pytest.mark.timeout(100)  # stock PGPy needs hours, and holds every other thread meanwhile
@pytest.mark.parametrize("row", HANGING)
def test_armor_that_hangs_stock_pgpy_is_answered(key: UnlockedKey, row: str) -> None:
    blob = HANGING[row]
    for text in (blob, blob.decode()):
        ours.find(text if isinstance(text, bytes) else text.encode())
        for call in (
            lambda text=text: decrypt(text, [key]),
            lambda text=text: recipients_of(text),
            lambda text=text: PeerKey.parse(text),
            lambda text=text: OwnKey.load(text),
        ):
            with pytest.raises(CryptoError):
                call()


def test_eight_threads_use_one_key_at_once(ring: Ring, me: Pair) -> None:
    sealed = OwnKey.load(ring["own RSA-2048 sealed"].secret)
    unlocked = sealed.unlock(Secret(PHRASE))
    wrong: list[object] = []

    def work(number: int) -> None:
        for turn in range(3):
            text = f"{number} {turn}"
            made = encrypt(text, [sealed.public, me.peer], sign_with=unlocked)
            opened = decrypt(made, [unlocked], signer=sealed.public)
            if (opened.text, opened.verdict.value) != (text, "good"):
                wrong.append(opened)

    def open_and_close() -> None:
        for _ in range(2):
            sealed.unlock(Secret(PHRASE)).close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    threads.append(threading.Thread(target=open_and_close))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    unlocked.close()
    with pytest.raises(Locked):
        decrypt(encrypt("x", [sealed.public]), [unlocked])


@pytest.mark.parametrize(
    "phrase", ["", "x", PHRASE + " ", "ü" * 5000], ids=["empty", "another", "longer", "long"]
)
def test_a_wrong_passphrase_is_told_as_such(ring: Ring, phrase: str) -> None:
    for name in ("own RSA-2048 sealed", "gpg Ed25519 sealed", "stock RSA-2048 sealed"):
        own = OwnKey.load(ring[name].secret)
        with pytest.raises(WrongPassphrase) as caught:
            own.unlock(Secret(phrase))
        assert not phrase or phrase not in f"{caught.value} {caught.value!r}"
        with pytest.raises(Locked):
            own.unlock(None)


def test_no_secret_and_no_plaintext_shows_in_repr_or_log(
    me: Pair, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    own = OwnKey.load(me.secret)
    key = own.unlock()
    opened = decrypt(encrypt(CANARY, [me.peer], sign_with=key), [key], signer=me.peer)
    private = me.secret.decode().splitlines()[10]
    shown = f"{own!r} {own} {key!r} {key} {key.parts()!r} {opened!r} {caplog.text}"
    shown += "".join(capfd.readouterr())
    assert "3333" not in shown
    assert private not in shown
    numbers = key.parts()[0]._held.keymaterial
    assert str(int(numbers.d)) not in shown
    assert logging.getLogger().handlers == [] or all(
        "pgpy" not in repr(handler).lower() for handler in logging.getLogger().handlers
    )


def test_gpg_agrees_that_the_workshop_breaks_only_what_it_says(alice: Person, gnupg: Gnupg) -> None:
    gnupg.add(alice.secret_block)
    assert gnupg.decrypt(message(PLAIN, [alice.sub])).out == CANARY
    assert gnupg.decrypt(message(compressed(PLAIN, 3), [alice.sub])).out == CANARY
    assert gnupg.decrypt(message(PLAIN, [alice.sub], mdc="wrong")).code != 0
    assert gnupg.decrypt(message(PLAIN, [alice.sub], container=unprotected)).code != 0
    unsafe = message(PLAIN, [alice.sub], container=unprotected)
    forced = gnupg.ask("--ignore-mdc-error", "--decrypt", data=unsafe)
    assert forced.out == CANARY
