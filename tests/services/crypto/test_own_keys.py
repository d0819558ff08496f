"""One's own key: made, kept as it came, unlocked by its passphrase alone."""

from __future__ import annotations

import threading

import pysequoia
import pytest

from services.crypto import armor, messages
from services.crypto.armor import ArmorKind
from services.crypto.certs import spki_sha256
from services.crypto.errors import (
    Damaged,
    Locked,
    NoKey,
    TooLarge,
    WrongPassphrase,
)
from services.crypto.own import OwnKey
from services.crypto.packets import Packet, Tag, join_all, split
from services.crypto.secret_parts import SecretPart
from services.crypto.verdicts import Verdict
from services.errors import MailError, UsageError
from services.redact import Secret
from tests.fakes.openpgp_gnupg import Gnupg
from tests.services.crypto.made_keys import PASSPHRASE, ann, ann_open, bob, bob_open


def _swap_primes(key: OwnKey) -> OwnKey:
    """The same key as PGPy writes it: p > q, u for that order."""
    packets = list(split(key.block))
    part = SecretPart.parse(packets[0])
    held = part.open(None)._held.keymaterial
    number = type(held.p)
    held.p, held.q = held.q, held.p
    held.u = number(pow(int(held.p), -1, int(held.q)))
    fields = b"".join(bytes(getattr(held, name).to_mpibytes()) for name in "dpqu")
    rest = b"\0" + fields + (sum(fields) % 65536).to_bytes(2, "big")
    packets[0] = Packet(Tag.SECRET_KEY, part.key.body + rest)
    return OwnKey.load(join_all(packets))


def test_a_made_key_has_the_vendors_shape() -> None:
    key = ann()
    assert key.public.user_ids == ("Ann Ærø <ann@mail.example>",)
    assert len(key.public.components) == 1
    primary = key.public.components[0]
    assert primary.flags == 0x0F  # certify, sign, encrypt communications and storage
    assert key.public.algorithm == "RSA-2048"
    assert key.public.why == ""
    assert key.public.warnings == ()
    assert key.public.expires is None
    assert key.spki_pem().startswith("-----BEGIN PUBLIC KEY-----\n")
    assert len(spki_sha256(key.spki_pem())) == 64
    assert key.public_block().startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n")
    assert key.export_private().startswith("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n")


def test_a_made_key_is_sealed_as_strongly_as_openpgp_4_allows() -> None:
    (sealed,) = [packet for packet in split(bob().block) if packet.tag == Tag.SECRET_KEY]
    rest = SecretPart.parse(sealed).rest
    assert rest[0] == 254  # SHA-1 over the numbers, not a sum
    assert rest[1] == 9  # AES-256
    assert rest[2:4] == bytes((3, 8))  # iterated, SHA-256
    assert rest[12] == 255  # 65,011,712 octets
    assert bob().is_sealed
    assert not ann().is_sealed


def test_a_key_made_at_another_moment_carries_that_moment() -> None:
    key = OwnKey.generate("Old", "old@mail.example", None, bits=2048, now=1_600_000_000)
    assert key.public.made == 1_600_000_000
    assert key.public.components[0].bound_at == 1_600_000_000


@pytest.mark.parametrize(
    "name", ["", "  ", "Eve <eve@x.example>", "Eve\nBcc: x", "a\x00b", "\ud800"]
)
def test_a_name_that_would_forge_a_user_id_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        OwnKey.generate(name, "ann@mail.example", None)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(UsageError):
        OwnKey.generate("Ann", "ann@mail.example", None, bits=1024)


def test_the_original_bytes_are_kept_through_load_and_export() -> None:
    again = OwnKey.load(bob().export_private())
    assert again.block == bob().block
    assert again.export_private() == bob().export_private()
    assert OwnKey.load(bob().block).fingerprint == bob().fingerprint


def test_a_private_key_is_found_between_other_text_and_line_ends() -> None:
    text = (
        "Žádný, my key, keep it:\r\n" + ann().export_private().replace("\n", "\r\n") + "Grüße\r\n"
    )
    assert OwnKey.load(text).fingerprint == ann().fingerprint
    assert OwnKey.load(text.encode()).fingerprint == ann().fingerprint


def test_generated_primes_stand_in_the_order_that_gpg_needs() -> None:
    for key in (ann_open(), bob_open()):
        (part,) = key.parts()
        assert part.is_ordered


@pytest.mark.parametrize("passphrase", [None, Secret(PASSPHRASE)], ids=["plain", "sealed"])
def test_an_imported_key_with_primes_in_the_wrong_order_is_repaired(
    passphrase: Secret | None,
) -> None:
    wrong = _swap_primes(ann())
    assert not wrong.unlock().parts()[0].is_ordered
    if passphrase:
        part = SecretPart.parse(split(wrong.block)[0])
        material = part.open(None)
        constants = __import__("pgpy").constants
        held = material._held.keymaterial
        held.encrypt_keyblob(PASSPHRASE, constants.SymmetricKeyAlgorithm.AES256, constants.HashAlgorithm.SHA256)  # fmt: skip
        rest = bytes(held.s2k.__bytearray__()) + bytes(held.encbytes)
        first = Packet(Tag.SECRET_KEY, part.key.body + rest)
        wrong = OwnKey.load(join_all([first, *split(wrong.block)[1:]]))
        assert wrong.is_sealed
    right = wrong.repaired(passphrase)
    assert right.is_sealed == wrong.is_sealed
    assert right.unlock(passphrase).parts()[0].is_ordered
    assert right.public == wrong.public
    assert split(right.block)[1:] == split(wrong.block)[1:]
    assert right.repaired(passphrase) is right
    note = messages.encrypt("still mine", [wrong.public])
    assert messages.decrypt(note, [right.unlock(passphrase)]).text == "still mine"


def test_gpg_takes_a_repaired_key_and_uses_it(gpg: Gnupg) -> None:
    right = _swap_primes(OwnKey.generate("Rep", "rep@mail.example", None, bits=2048)).repaired()
    gpg.run("--import", data=right.export_private().encode())
    for _ in range(10):
        assert gpg.run("--decrypt", data=messages.encrypt("x", [right.public])) == b"x"


def test_the_wrong_passphrase_opens_nothing() -> None:
    for wrong in ("", "zluty kun 7", PASSPHRASE + " "):
        with pytest.raises(WrongPassphrase) as caught:
            bob().unlock(Secret(wrong))
        assert PASSPHRASE not in str(caught.value)


def test_a_sealed_key_without_a_passphrase_is_locked() -> None:
    with pytest.raises(Locked):
        bob().unlock()


def test_a_plain_key_needs_no_passphrase_and_minds_none() -> None:
    assert ann().unlock().fingerprint == ann().fingerprint
    assert ann().unlock(Secret("anything")).fingerprint == ann().fingerprint


def test_a_closed_key_opens_and_signs_nothing() -> None:
    key = ann().unlock()
    note = messages.encrypt("x", [ann().public])
    assert messages.decrypt(note, [key]).text == "x"
    key.close()
    assert key.is_closed
    with pytest.raises(Locked):
        messages.decrypt(note, [key])
    with pytest.raises(Locked):
        messages.sign_detached(b"x", key)


def test_no_secret_shows_in_any_form_of_text() -> None:
    key = OwnKey.generate("Shy", "shy@mail.example", None, bits=2048)
    unlocked = key.unlock()
    (part,) = unlocked.parts()
    held = part._held.keymaterial
    for thing in (key, unlocked, part, key._parts, unlocked.parts(), held.__class__):
        shown = repr(thing) + str(thing)
        for number in (held.d, held.p, held.q):
            assert str(int(number)) not in shown
            assert f"{int(number):x}" not in shown.lower()
        assert "\\x" not in shown


def test_another_passphrase_seals_the_same_key() -> None:
    fresh = ann().resealed(None, Secret("one"))
    assert fresh.is_sealed
    assert fresh.fingerprint == ann().fingerprint
    with pytest.raises(WrongPassphrase):
        fresh.unlock(Secret("two"))
    moved = fresh.resealed(Secret("one"), Secret("two"))
    with pytest.raises(WrongPassphrase):
        moved.unlock(Secret("one"))
    assert not moved.resealed(Secret("two"), None).is_sealed
    note = messages.encrypt("x", [ann().public])
    assert messages.decrypt(note, [moved.unlock(Secret("two"))]).text == "x"


def test_a_public_key_is_told_apart_from_nothing() -> None:
    with pytest.raises(NoKey, match="public key"):
        OwnKey.load(ann().public_block())
    with pytest.raises(NoKey, match="public key"):
        OwnKey.load(ann().public.block)
    with pytest.raises(NoKey, match="no OpenPGP private key"):
        OwnKey.load("hello")


def test_blocks_that_are_not_one_whole_private_key_are_refused() -> None:
    two = ann().block + bob().block
    with pytest.raises(Damaged):
        OwnKey.load(two)
    with pytest.raises(Damaged):
        OwnKey.load(ann().block[:200])
    with pytest.raises(Damaged):
        OwnKey.load(ann().block + bob().public.block)
    with pytest.raises(TooLarge):
        OwnKey.load(b"\xc5" + bytes(300_000))


def test_a_flipped_bit_in_the_secret_numbers_is_noticed() -> None:
    packets = list(split(ann().block))
    body = packets[0].body
    for back in (40, 200, 400, 600):
        changed = body[:-back] + bytes((body[-back] ^ 1,)) + body[-back + 1 :]
        broken = OwnKey.load(join_all([Packet(Tag.SECRET_KEY, changed), *packets[1:]]))
        with pytest.raises(Damaged):
            broken.unlock()


def test_the_secret_half_of_another_key_is_noticed() -> None:
    other = OwnKey.generate("Other", "o@mail.example", None, bits=2048)
    mine, theirs = (SecretPart.parse(split(key.block)[0]) for key in (ann(), other))
    mixed = Packet(Tag.SECRET_KEY, mine.key.body + theirs.rest)
    with pytest.raises(Damaged):
        OwnKey.load(join_all([mixed, *split(ann().block)[1:]])).unlock()


def test_warnings_tell_what_an_owner_should_know(gpg: Gnupg) -> None:
    assert any("no passphrase" in text for text in ann().warnings)
    assert bob().warnings == ()
    sign_only = OwnKey.load(gpg.private(gpg.generate("So <so@x.example>", "ed25519", "")))
    assert any(sign_only.public.why == text for text in sign_only.warnings)
    assert sign_only.public.why
    gpg.run("--quick-set-expire", sign_only.fingerprint, "seconds=1000")
    later = sign_only.public.made + 2_000
    expired = OwnKey.load(gpg.private(sign_only.fingerprint), now=later)
    assert any("expired" in text for text in expired.warnings)
    aead = pysequoia.Tsk.generate("Se <se@x.example>", profile=pysequoia.Profile.RFC4880)
    key = OwnKey.load(str(aead))
    assert any("cannot" in text or "AEAD" in text for text in key.public.warnings)
    assert set(key.public.warnings) <= set(key.warnings)


def test_an_empty_passphrase_seals_nothing() -> None:
    assert not ann().resealed(None, Secret("")).is_sealed


def test_two_threads_use_one_key_at_once() -> None:
    key = bob_open()
    note = messages.encrypt("shared", [bob().public])
    failures: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(16):
                assert messages.decrypt(note, [key]).text == "shared"
                assert messages.sign_detached(b"x", key)
            bob().unlock(Secret(PASSPHRASE)).close()
            assert messages.decrypt(note, [key]).text == "shared"
        except (MailError, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_gpg_never_fails_with_a_key_of_ours(gpg: Gnupg) -> None:
    """60 of each here; the full 400 are in tests/bench/test_crypto_speed.py."""
    key = OwnKey.generate("Four Hundred", "400@mail.example", None, bits=3072)
    gpg.run("--import", data=key.export_private().encode())
    folder = gpg.folder / "sixty"
    folder.mkdir()
    names = []
    for count in range(60):
        path = folder / f"{count}.asc"
        path.write_bytes(messages.encrypt(str(count), [key.public]))
        names.append(str(path))
    gpg.run("--decrypt-files", *names)
    assert all((folder / str(count)).read_text() == str(count) for count in range(60))
    for count in range(60):
        data = str(count).encode()
        made = gpg.run("--detach-sign", "--local-user", key.fingerprint, data=data)
        assert messages.verify_detached(data, made, key.public) is Verdict.GOOD


def test_armor_of_a_private_key_reads_back_in_gpg_under_its_passphrase(gpg: Gnupg) -> None:
    gpg.run("--import", data=bob().export_private().encode(), passphrase=PASSPHRASE)
    note = messages.encrypt("für Bob", [bob().public])
    assert gpg.run("--decrypt", data=note, passphrase=PASSPHRASE) == "für Bob".encode()
    assert armor.decode(bob().public_block(), ArmorKind.PUBLIC_KEY) == bob().public.block
