"""The peer book: first key pinned, another one blocks until the operator decides, nothing is lost."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from services.crypto.certs import PeerKey
from services.crypto.errors import Damaged, KeyChanged
from services.errors import ConfigError, UsageError
from services.keys.peer_book import PeerBook, PinState
from services.keys.peer_files import export_peers, import_peers
from tests.fakes.openpgp_keys import MADE, Person, bind, person, revoke, subkey_packet, x25519_key
from tests.fakes.operators import FakeClock

WHO = "ada@agents.example.com"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def book(tmp_path: Path, clock: FakeClock) -> PeerBook:
    return PeerBook(tmp_path / "account" / "peers.json", clock)


@pytest.fixture(scope="session")
def key_of() -> Callable[[Person], PeerKey]:
    return lambda who: PeerKey.parse(who.block)


def test_the_first_key_is_pinned_with_its_date_in_a_private_file(
    book: PeerBook, clock: FakeClock, ada: Person, key_of: Callable[[Person], PeerKey],
    tmp_path: Path,
) -> None:  # fmt: skip
    key = key_of(ada)
    assert book.check(WHO, key) is PinState.NEW
    assert book.check("ADA@Agents.Example.com", key) is PinState.SAME
    pin = book.pinned(WHO)
    assert pin is not None
    assert (pin.fingerprint, pin.since, pin.verified_at) == (key.fingerprint, clock.began, 0)
    assert pin.key().fingerprint == key.fingerprint
    for file in (tmp_path / "account").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "account").stat().st_mode) == 0o700


def test_another_key_blocks_until_it_is_accepted(
    book: PeerBook, clock: FakeClock, ada: Person, bea: Person,
    key_of: Callable[[Person], PeerKey],
) -> None:  # fmt: skip
    old, new = key_of(ada), key_of(bea)
    book.check(WHO, old)
    clock.now += 100
    for _ in range(2):
        with pytest.raises(KeyChanged) as alarm:
            book.check(WHO, new)
        assert (alarm.value.pinned, alarm.value.offered) == (old.fingerprint, new.fingerprint)
        assert alarm.value.since == clock.began
    with pytest.raises(KeyChanged):
        book.check(WHO, old)  # the directory went back: nobody has decided yet
    with pytest.raises(KeyChanged):
        book.verify(WHO, old.fingerprint, "by voice")
    clock.now += 100
    book.accept(WHO, new.fingerprint)
    pin = book.pinned(WHO)
    assert pin is not None
    assert (pin.fingerprint, pin.since, pin.verified_at) == (new.fingerprint, clock.began + 200, 0)
    assert book.check(WHO, new) is PinState.SAME
    with pytest.raises(KeyChanged):
        book.check(WHO, old)


def test_the_pinned_key_can_be_kept_and_a_third_one_needs_a_new_look(
    book: PeerBook, ada: Person, bea: Person, key_of: Callable[[Person], PeerKey]
) -> None:
    old, second, third = key_of(ada), key_of(bea), key_of(person())
    book.check(WHO, old)
    for offered in (second, third):
        with pytest.raises(KeyChanged):
            book.check(WHO, offered)
    with pytest.raises(UsageError, match="offered now"):
        book.accept(WHO, second.fingerprint)
    book.accept(WHO, old.fingerprint, "by voice")
    assert book.check(WHO, old) is PinState.VERIFIED
    with pytest.raises(UsageError, match="No other key"):
        book.accept(WHO, old.fingerprint)


def test_a_verified_mark_holds_for_one_key_only(
    book: PeerBook, ada: Person, bea: Person, key_of: Callable[[Person], PeerKey]
) -> None:
    old, new = key_of(ada), key_of(bea)
    with pytest.raises(UsageError, match="No key is pinned"):
        book.verify(WHO, old.fingerprint, "by voice")
    book.check(WHO, old)
    with pytest.raises(UsageError, match="not the pinned fingerprint"):
        book.verify(WHO, new.fingerprint, "by voice")
    book.verify(WHO, old.fingerprint, "  by voice \x1b[31m")
    assert book.check(WHO, old) is PinState.VERIFIED
    with pytest.raises(KeyChanged):
        book.check(WHO, new)
    book.accept(WHO, new.fingerprint)
    assert book.check(WHO, new) is PinState.SAME


def test_a_rotated_subkey_under_the_same_primary_passes_and_is_kept(
    book: PeerBook, ada: Person, key_of: Callable[[Person], PeerKey]
) -> None:
    book.check(WHO, key_of(ada))
    fresh = x25519_key(MADE + 10)
    block = ada.block + subkey_packet(fresh) + bind(ada.primary, fresh, made=MADE + 10)
    assert book.check(WHO, PeerKey.parse(block)) is PinState.SAME
    pin = book.pinned(WHO)
    assert pin is not None
    part = pin.key().encrypt_to
    assert part is not None
    assert part.fingerprint == fresh.fingerprint.hex().upper()


def test_a_revocation_once_seen_stays_when_an_older_block_is_served(
    book: PeerBook, ada: Person, key_of: Callable[[Person], PeerKey]
) -> None:
    good = key_of(ada)
    book.check(WHO, good)
    book.check(WHO, PeerKey.parse(ada.block + revoke(ada.primary)))
    assert book.check(WHO, good) is PinState.SAME
    pin = book.pinned(WHO)
    assert pin is not None
    assert "revoked" in pin.key().why


def test_a_forged_revocation_in_a_block_revokes_nothing(
    book: PeerBook, ada: Person, bea: Person, key_of: Callable[[Person], PeerKey]
) -> None:
    book.check(WHO, PeerKey.parse(ada.block + revoke(ada.primary, by=bea.primary)))
    book.check(WHO, key_of(ada))
    pin = book.pinned(WHO)
    assert pin is not None
    assert pin.key().why == ""


def test_encryption_is_required_by_address_by_domain_and_by_the_domain_above(
    book: PeerBook,
) -> None:
    assert not book.requires_encryption(WHO)
    assert book.require("Ada@AGENTS.example.com", is_required=True) == WHO
    assert book.requires_encryption("ADA@agents.example.com")
    assert not book.requires_encryption("bea@agents.example.com")
    assert book.require("@Example.COM", is_required=True) == "example.com"
    assert book.requires_encryption("bea@agents.example.com")
    assert not book.requires_encryption("bea@notexample.com")
    book.require("example.com", is_required=False)
    book.require(WHO, is_required=False)
    assert not book.requires_encryption(WHO)
    assert book.peers() == ()
    for odd in ("", "a b", "x@", "@", "a@b@c", "a\n@b.c", "<a@b.c>", "a/b"):
        with pytest.raises(UsageError):
            book.require(odd, is_required=True)


def test_forgetting_drops_the_pin_and_keeps_the_requirement(
    book: PeerBook, ada: Person, bea: Person, key_of: Callable[[Person], PeerKey]
) -> None:
    book.check(WHO, key_of(ada))
    book.require(WHO, is_required=True)
    book.forget(WHO)
    assert book.pinned(WHO) is None
    assert book.requires_encryption(WHO)
    assert book.check(WHO, key_of(bea)) is PinState.NEW
    with pytest.raises(UsageError):
        book.forget("nobody@agents.example.com")


def test_two_writers_see_and_keep_each_other(
    book: PeerBook, tmp_path: Path, clock: FakeClock, ada: Person, bea: Person,
    key_of: Callable[[Person], PeerKey],
) -> None:  # fmt: skip
    other = PeerBook(tmp_path / "account" / "peers.json", clock)
    book.check(WHO, key_of(ada))
    other.check("bea@agents.example.com", key_of(bea))
    book.require("example.com", is_required=True)
    assert [peer.address for peer in other.peers()] == [WHO, "bea@agents.example.com"]
    assert other.domains() == ("example.com",)


@pytest.mark.parametrize("damage", ["", "{", "[]", '"x"', "[" * 50_000, "\xff"])
def test_a_damaged_book_blocks_instead_of_pinning_anew(
    book: PeerBook, tmp_path: Path, ada: Person, bea: Person, damage: str,
    key_of: Callable[[Person], PeerKey],
) -> None:  # fmt: skip
    book.check(WHO, key_of(ada))
    file = tmp_path / "account" / "peers.json"
    file.write_bytes(damage.encode("latin-1"))
    with pytest.raises(ConfigError, match="cannot be used"):
        book.check(WHO, key_of(bea))
    assert file.read_bytes() == damage.encode("latin-1")


def test_a_pin_whose_block_was_swapped_is_no_pin(
    book: PeerBook, tmp_path: Path, ada: Person, bea: Person,
    key_of: Callable[[Person], PeerKey],
) -> None:  # fmt: skip
    book.check(WHO, key_of(ada))
    file = tmp_path / "account" / "peers.json"
    document = json.loads(file.read_text())
    document["peers"][WHO]["pin"]["block"] = key_of(bea).armored()
    file.write_text(json.dumps(document))
    pin = book.pinned(WHO)
    assert pin is not None
    with pytest.raises(Damaged):
        pin.key()


# ── export and import ────────────────────────────────────────────────────────────────────────────


def other_book(tmp_path: Path, clock: FakeClock) -> PeerBook:
    return PeerBook(tmp_path / "other" / "peers.json", clock)


def test_exported_peers_come_back_with_dates_marks_and_requirements(
    book: PeerBook, tmp_path: Path, clock: FakeClock, ada: Person,
    key_of: Callable[[Person], PeerKey],
) -> None:  # fmt: skip
    key = key_of(ada)
    book.check(WHO, key)
    book.verify(WHO, key.fingerprint, "by voice")
    book.require("example.com", is_required=True)
    file = tmp_path / "peers.out"
    assert export_peers(book, file) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="already"):
        export_peers(book, file)
    other = other_book(tmp_path, clock)
    came = import_peers(other, file)
    assert (came.new, came.same, came.changed, came.refused) == (1, 0, (), ())
    assert other.check(WHO, key) is PinState.VERIFIED
    assert other.domains() == ("example.com",)
    assert import_peers(other, file).same == 1


def test_an_import_that_contradicts_becomes_a_changed_key(
    book: PeerBook, tmp_path: Path, clock: FakeClock, ada: Person, bea: Person,
    key_of: Callable[[Person], PeerKey],
) -> None:  # fmt: skip
    book.check(WHO, key_of(bea))
    file = tmp_path / "peers.out"
    export_peers(book, file)
    other = other_book(tmp_path, clock)
    other.check(WHO, key_of(ada))
    other.verify(WHO, key_of(ada).fingerprint, "by voice")
    came = import_peers(other, file)
    assert came.changed == (WHO,)
    pin = other.pinned(WHO)
    assert pin is not None
    assert pin.fingerprint == key_of(ada).fingerprint
    with pytest.raises(KeyChanged):
        other.check(WHO, key_of(ada))


def test_entries_that_lie_about_their_key_are_passed_over(
    book: PeerBook, tmp_path: Path, clock: FakeClock, ada: Person, bea: Person,
    key_of: Callable[[Person], PeerKey],
) -> None:  # fmt: skip
    book.check(WHO, key_of(ada))
    file = tmp_path / "peers.out"
    export_peers(book, file)
    document = json.loads(file.read_text())
    good = document["peers"].pop(WHO)
    liar = {**good, "pin": {**good["pin"], "block": key_of(bea).armored()}}
    document["peers"] = {
        "liar@agents.example.com": liar,
        "\x1b]0;x\x07@evil": good,
        "no address": good,
        "odd@agents.example.com": 7,
        "half@agents.example.com": {"pin": {"fingerprint": "x"}},
        WHO: good,
    }
    file.write_text(json.dumps(document))
    came = import_peers(other_book(tmp_path, clock), file)
    assert (came.new, len(came.refused)) == (1, 5)
    assert "\x1b" not in "".join(came.refused)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "x"}', "no"])
def test_a_file_of_something_else_is_refused(book: PeerBook, tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises((UsageError, ConfigError)):
        import_peers(book, file)
    assert book.peers() == ()
