"""Encrypted mail that is not opened says why in a sentence of its own, and shows not one byte."""

from __future__ import annotations

import pytest

from services.crypto import armor as armored
from services.crypto.armor import ArmorKind
from services.crypto.errors import Damaged
from services.crypto.own import OwnKey
from services.reading.render_process import RenderWorker
from services.seal_models import SealState
from services.sync.unsealing import Unsealer
from tests.fakes.reading_keys import FakeReadingKeys
from tests.fakes.sealed_mail import armor, mail
from tests.services.mail_corpora import corpora
from tests.services.sync.sealed.shown import SECRET, facts, inside, outside

# ── not opened, each with its own sentence ───────────────────────────────────────────────────────


def test_a_locked_key_is_told_and_nothing_is_tried(read, keys, my_key: OwnKey) -> None:
    keys.lock()
    message = read(mail(armor(SECRET, my_key.public) + "\nfooter"))
    assert facts(message).state is SealState.LOCKED
    assert "locked" in facts(message).sentence
    assert inside(message).startswith(facts(message).sentence)
    assert "footer" in outside(message)


def test_without_any_key_it_says_so(worker: RenderWorker, my_key: OwnKey) -> None:
    raw = mail(armor(SECRET, my_key.public))
    message = worker.render_sync(raw, opener=Unsealer(FakeReadingKeys().at_hand()))
    assert facts(message).state is SealState.NO_KEY
    assert "no key" in facts(message).sentence


@pytest.mark.parametrize("locked", [True, False])
def test_a_message_to_others_names_the_own_keys_and_asks_for_no_passphrase(
    read, keys, my_key: OwnKey, stranger: OwnKey, locked: bool
) -> None:
    if locked:
        keys.lock()
    message = read(mail(armor(SECRET, stranger.public)))
    assert facts(message).state is SealState.NOT_FOR_ME
    assert facts(message).sentence == "The message is not encrypted to your key."
    assert [key.replace(" ", "") for key in facts(message).own_keys] == [my_key.fingerprint]
    assert facts(message).own_keys[0] in inside(message)


def test_a_former_key_that_is_still_closed_is_asked_for(
    worker: RenderWorker, my_key: OwnKey, stranger: OwnKey
) -> None:
    keys = FakeReadingKeys(stranger)
    keys.unlock()
    keys.own.append(my_key)
    message = worker.render_sync(
        mail(armor(SECRET, my_key.public)), opener=Unsealer(keys.at_hand())
    )
    assert facts(message).state is SealState.LOCKED


def flipped(block: str) -> str:
    packets = bytearray(armored.decode(block, ArmorKind.MESSAGE))
    packets[-30] ^= 1
    return armored.encode(bytes(packets), ArmorKind.MESSAGE).decode()


def truncated(block: str) -> str:
    packets = armored.decode(block, ArmorKind.MESSAGE)
    return armored.encode(packets[:-10], ArmorKind.MESSAGE).decode()


def cut(block: str) -> str:
    return block[: len(block) // 2]


def no_armor(_: str) -> str:
    return "-----BEGIN PGP MESSAGE-----\n\n!!!!\n-----END PGP MESSAGE-----\n"


def no_packets(_: str) -> str:
    return armored.encode(b"nothing", ArmorKind.MESSAGE).decode()


@pytest.mark.parametrize("harm", [flipped, truncated, cut, no_armor, no_packets])
def test_every_kind_of_damage_has_the_same_words_and_shows_nothing(read, my_key, harm) -> None:
    message = read(mail(harm(armor(SECRET * 40, my_key.public))))
    assert facts(message).state is SealState.DAMAGED
    assert facts(message).sentence == Damaged().sentence
    assert inside(message) == f"{Damaged().sentence}\n{Damaged().next_step}"
    assert SECRET[:8] not in repr(message)


@pytest.mark.parametrize(
    "path",
    [
        "gopenpgp/crypto/testdata/sed_message",
        "gopenpgp/crypto/testdata/message_badmdc",
        "go-crypto/openpgp/test_data/sym-message-without-mdc.asc",
        "go-crypto/openpgp/test_data/sym-corrupted-message-long-length.asc",
        "go-crypto/openpgp/test_data/sym-corrupted-message-invalid-sig-header.asc",
        "go-crypto/openpgp/test_data/aead-ocb-asym-message.asc",
        "gopenpgp/crypto/testdata/gpg2.3-aead-pgp-message.pgp",
    ],
)
def test_messages_without_integrity_are_refused_and_not_one_byte_is_shown(read, path: str) -> None:
    raw = (corpora() / path).read_bytes()
    if not raw.lstrip().startswith(b"-----BEGIN"):
        raw = armored.encode(raw, ArmorKind.MESSAGE)
    message = read(mail(raw.decode()))
    told = facts(message)
    assert told.state in (SealState.DAMAGED, SealState.UNSUPPORTED, SealState.NOT_FOR_ME)
    own = {told.sentence, told.next_step, *(f"Your key: {key}" for key in told.own_keys)}
    assert {line.text for line in message.body if not line.outside} <= own


def test_a_message_with_the_mdc_missing_is_refused_with_the_key_that_it_is_for(
    worker: RenderWorker,
) -> None:
    folder = corpora() / "gopenpgp/crypto/testdata"
    keys = FakeReadingKeys(OwnKey.load((folder / "sed_key").read_text()))
    keys.unlock()
    message = worker.render_sync(
        mail((folder / "sed_message").read_text()), opener=Unsealer(keys.at_hand())
    )
    assert facts(message).state is SealState.DAMAGED
    assert inside(message) == f"{Damaged().sentence}\n{Damaged().next_step}"


# ── P03: bombs ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["bomb-1g-bz2", "bomb-1g-zip", "bomb-1g-zlib", "bomb-nested2", "nest-2000"]
)
def test_a_bomb_under_encryption_to_the_own_key_is_refused(read, my_key: OwnKey, name: str) -> None:
    from tests.fakes.sealed_bombs import sealed_packets

    bomb = (corpora() / f"generated/pgp/{name}.pgp").read_bytes()
    message = read(mail(sealed_packets(bomb, my_key.public)))
    assert facts(message).state in (SealState.TOO_LARGE, SealState.DAMAGED)
    assert len(message.body) == 2
