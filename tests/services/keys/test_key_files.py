"""Own key files: 0600, kept for ever, refused when others can read them, never overwritten."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.crypto.errors import Damaged, Locked, NoKey, WrongPassphrase
from services.crypto.own import OwnKey
from services.errors import ConfigError, CryptoError, UsageError
from services.keys.own_keys import OwnKeys
from services.redact import Secret
from tests.fakes.openpgp_keys import ENCRYPT, Person, bind, certify, person, subkey_packet, user_id
from tests.fakes.openpgp_keys import primary_packet as primary
from tests.fakes.openpgp_packets import armor, subpacket
from tests.fakes.openpgp_stock import StockPgpy
from tests.fakes.operators import own_key


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnKeys]:
    before = os.umask(0)
    yield OwnKeys(tmp_path / "keys", tmp_path / "account")
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_generated_key_is_current_sealed_and_in_a_private_file(own: OwnKeys) -> None:
    key = own.generate("Ops", "ops@agents.example.com", Secret("pässword"), bits=2048)
    path = own.files.path(key.fingerprint)
    assert own.require_current().fingerprint == key.fingerprint
    assert key.is_sealed
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert path.read_text().startswith("-----BEGIN PGP PRIVATE KEY BLOCK-----")
    assert key.public.user_ids == ("Ops <ops@agents.example.com>",)


def test_former_keys_stay_and_are_listed_behind_the_current_one(
    own: OwnKeys, ada: Person, bea: Person, rsa: OwnKey
) -> None:
    keys = [own_key(ada), own_key(bea), rsa]
    for key in keys:
        own.keep(key)
    names = [key.fingerprint for key in keys]
    assert own.fingerprints() == tuple(reversed(names))
    own.use(names[1])
    assert own.fingerprints() == (names[1], names[2], names[0])
    assert [held.is_current for held in own.held()] == [True, False, False]
    assert OwnKeys(own.files.folder, own.files.folder.parent / "account").all() == own.all()


def test_a_former_key_can_be_imported_without_becoming_current(
    own: OwnKeys, ada: Person, bea: Person
) -> None:
    own.keep(own_key(ada))
    former = own.take_in(own_key(bea).export_private(), make_current=False)
    assert own.fingerprints()[1] == former.fingerprint
    assert own.current_fingerprint == own_key(ada).fingerprint


def test_each_account_has_its_own_list_over_shared_files(
    own: OwnKeys, tmp_path: Path, ada: Person, bea: Person
) -> None:
    other = OwnKeys(own.files.folder, tmp_path / "other")
    own.keep(own_key(ada))
    other.keep(own_key(bea))
    assert own.fingerprints() != other.fingerprints()
    assert len(own.files.fingerprints()) == 2


@pytest.mark.parametrize("loose", [0o640, 0o604, 0o660, 0o666, 0o700 | 0o010])
def test_a_key_file_that_others_can_read_is_refused_with_its_repair(
    own: OwnKeys, ada: Person, loose: int
) -> None:
    own.keep(own_key(ada))
    path = own.files.path(own.current_fingerprint)
    path.chmod(loose)
    with pytest.raises(CryptoError, match="can be read by other users") as refused:
        own.current()
    assert f"chmod 600 {path}" in refused.value.next_step
    (held,) = own.held()
    assert held.key is None
    assert own.all() == ()
    with pytest.raises(CryptoError, match="other users"):
        own.unlock(None)
    path.chmod(0o600)
    assert own.current() is not None


def test_a_key_file_that_is_a_link_missing_or_another_key_is_refused(
    own: OwnKeys, ada: Person, bea: Person, tmp_path: Path
) -> None:
    own.keep(own_key(ada))
    path = own.files.path(own.current_fingerprint)
    away = path.rename(tmp_path / "elsewhere.asc")
    with pytest.raises(CryptoError, match="missing"):
        own.current()
    path.symlink_to(away)
    with pytest.raises(CryptoError, match="cannot be read"):
        own.current()
    path.unlink()
    path.write_text(own_key(bea).export_private())
    path.chmod(0o600)
    with pytest.raises(CryptoError, match="another key than its name"):
        own.current()


@pytest.mark.parametrize("name", ["../../outside", "A" * 39, "g" * 40, 7, None, ["A" * 40]])
def test_a_tampered_list_names_no_file_outside(own: OwnKeys, ada: Person, name: object) -> None:
    own.keep(own_key(ada))
    listing = own.files.folder.parent / "account" / "keys.json"
    listing.write_text(json.dumps({"current": name, "keys": [name]}))
    fresh = OwnKeys(own.files.folder, listing.parent)
    assert fresh.fingerprints() == ()
    assert fresh.current() is None


def test_a_damaged_list_is_an_error_and_not_an_empty_one(own: OwnKeys, ada: Person) -> None:
    own.keep(own_key(ada))
    listing = own.files.folder.parent / "account" / "keys.json"
    listing.write_text("{")
    with pytest.raises(ConfigError, match="not JSON"):
        OwnKeys(own.files.folder, listing.parent).fingerprints()


def test_a_key_imported_again_in_another_form_keeps_the_older_file(
    own: OwnKeys, ada: Person, sealed: OwnKey
) -> None:
    bare = own_key(ada)
    own.keep(bare)
    own.take_in(sealed.export_private())
    assert own.require_current().is_sealed
    (older,) = own.files.folder.glob("*.older-1.asc")
    assert OwnKey.load(older.read_bytes()).block == bare.block
    assert mode(older) == 0o600
    assert own.fingerprints() == (bare.fingerprint,)


def test_exports_are_new_private_files(own: OwnKeys, sealed: OwnKey, tmp_path: Path) -> None:
    own.keep(sealed)
    public = own.export_public(sealed.fingerprint, tmp_path / "public.asc")
    private = own.export_private(sealed.fingerprint, tmp_path / "private.asc")
    assert (mode(public), mode(private)) == (0o600, 0o600)
    assert "PRIVATE" not in public.read_text()
    assert OwnKey.load(private.read_bytes()).block == sealed.block
    for write in (own.export_public, own.export_private):
        before = private.read_bytes()
        with pytest.raises(UsageError, match="is there already"):
            write(sealed.fingerprint, private)
        assert private.read_bytes() == before
    dangling = tmp_path / "link.asc"
    dangling.symlink_to(tmp_path / "target.asc")
    with pytest.raises(UsageError):
        own.export_private(sealed.fingerprint, dangling)
    assert not (tmp_path / "target.asc").exists()
    with pytest.raises(UsageError, match="cannot be written"):
        own.export_private(sealed.fingerprint, tmp_path / "no" / "folder.asc")
    with pytest.raises(UsageError, match="no own key"):
        own.export_public("A" * 40, tmp_path / "x.asc")


def test_a_repaired_export_orders_the_primes_and_needs_the_right_passphrase(
    own: OwnKeys, tmp_path: Path
) -> None:
    with StockPgpy() as stock:
        block, _ = stock.ask("generate", "Sven", "sven@agents.example.com", 2048, "zwölf")
    key = own.take_in(block)
    (opened,) = own.unlock(Secret("zwölf"))
    assert not all(part.is_ordered for part in opened.parts())
    with pytest.raises(WrongPassphrase):
        own.export_private(key.fingerprint, tmp_path / "bad.asc", repair_with=Secret("zwolf"))
    assert not (tmp_path / "bad.asc").exists()
    good = own.export_private(key.fingerprint, tmp_path / "good.asc", repair_with=Secret("zwölf"))
    repaired = OwnKey.load(good.read_bytes())
    assert repaired.is_sealed
    assert all(part.is_ordered for part in repaired.unlock(Secret("zwölf")).parts())


def test_an_import_warns_of_what_will_hurt_later(own: OwnKeys) -> None:
    who = person("Cut <cut@agents.example.com>")
    aead = subpacket(30, b"\x09")
    secret = primary(who.primary, secret=True) + user_id(who.user)
    signing_only = OwnKey.load(secret + certify(who.primary, who.user))
    assert "no part for encryption" in " ".join(signing_only.warnings)
    expired = OwnKey.load(
        secret
        + certify(who.primary, who.user, key_expires=86_400)
        + subkey_packet(who.sub, secret=True)
        + bind(who.primary, who.sub)
    )
    assert "expired on 2023-11-15" in " ".join(expired.warnings)
    modern = own.take_in(
        secret
        + certify(who.primary, who.user)
        + subkey_packet(who.sub, secret=True)
        + bind(who.primary, who.sub, flags=ENCRYPT, extra=(aead,))
    )
    assert "AEAD" in " ".join(modern.warnings)
    assert "no passphrase" in " ".join(modern.warnings)


@pytest.mark.parametrize(
    ("block", "error", "words"),
    [
        (b"", NoKey, "no OpenPGP private key"),
        (b"hello", NoKey, "no OpenPGP private key"),
        ("-----BEGIN PGP MESSAGE-----\n\nabcd\n-----END PGP MESSAGE-----", NoKey, "private key"),
        (armor(person().block, "PUBLIC KEY BLOCK"), NoKey, "public key"),
        (armor(person().secret_block * 2, "PRIVATE KEY BLOCK"), Damaged, "more than one"),
        (armor(person().secret_block[:90], "PRIVATE KEY BLOCK"), CryptoError, "."),
        (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\r\n" * 40, NoKey, "private key"),
    ],
    ids=["nothing", "words", "a message", "a public key", "two keys", "cut", "begins only"],
)
def test_what_is_no_private_key_is_refused_in_a_sentence(
    own: OwnKeys, block: bytes | str, error: type[CryptoError], words: str
) -> None:
    with pytest.raises(error, match=words) as refused:
        own.take_in(block)
    assert refused.value.sentence.endswith(".")
    assert own.fingerprints() == ()
    assert not list(own.files.folder.glob("*.asc"))


def test_a_file_that_is_no_key_file_is_refused(own: OwnKeys, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    huge = tmp_path / "huge"
    huge.write_bytes(b"x" * 300_000)
    for file, words in ((pipe, "plain file"), (huge, "too large"), (tmp_path, "."),
                        (tmp_path / "none", "cannot be read")):  # fmt: skip
        with pytest.raises(CryptoError, match=words):
            own.take_in_file(file)


def test_unlocking_opens_every_key_that_the_passphrase_opens(
    own: OwnKeys, sealed: OwnKey, bea: Person, phrase: Secret
) -> None:
    own.keep(sealed)
    own.keep(own_key(bea, phrase.reveal()))
    opened = own.unlock(phrase)
    assert {key.fingerprint for key in opened} == set(own.fingerprints())


def test_a_key_without_passphrase_does_not_make_a_wrong_one_right(
    own: OwnKeys, sealed: OwnKey, bea: Person
) -> None:
    own.keep(sealed)
    own.keep(own_key(bea))
    with pytest.raises(WrongPassphrase):
        own.unlock(Secret("wrong"))
    (opened,) = own.unlock(None)
    assert opened.fingerprint == own_key(bea).fingerprint


def test_without_keys_or_passphrase_the_answer_says_so(own: OwnKeys, sealed: OwnKey) -> None:
    with pytest.raises(NoKey, match="no key of your own"):
        own.unlock(Secret("x"))
    own.keep(sealed)
    with pytest.raises(Locked):
        own.unlock(None)
