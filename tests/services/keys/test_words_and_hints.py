"""Fingerprints in words, passphrase hints, and the expiry calendar."""

from __future__ import annotations

import pytest

from services.crypto.certs import PeerKey
from services.errors import UsageError
from services.keys import words
from services.keys.expiry import SOON, calendar, warning
from services.keys.strength import Level, strength
from services.redact import Secret
from tests.fakes.openpgp_keys import (
    MADE,
    Person,
    bind,
    certify,
    person,
    primary_packet,
    subkey_packet,
    user_id,
)

ONE = "9A7731C0" * 5


def test_a_fingerprint_is_shown_in_groups_and_in_words_that_give_it_back() -> None:
    from mnemonic import Mnemonic

    view = words.view(ONE)
    assert view.groups == " ".join(["9A77", "31C0"] * 5)
    said = view.words.split(" ")
    assert len(said) == 15
    assert len({word[:4] for word in Mnemonic("english").wordlist}) == 2048
    assert Mnemonic("english").to_entropy(said).hex().upper() == ONE
    near = ONE[:-1] + "1"
    assert words.words(near) != words.words(ONE)


@pytest.mark.parametrize(
    "typed", [ONE, ONE.lower(), "0x" + ONE, words.groups(ONE), f"  {words.groups(ONE)}\n",
              ":".join(ONE[at : at + 2] for at in range(0, 40, 2))],
)  # fmt: skip
def test_a_typed_fingerprint_is_read_in_every_common_form(typed: str) -> None:
    assert words.fingerprint(typed) == ONE


@pytest.mark.parametrize("typed", ["", ONE[:-1], ONE + "0", ONE[24:], "G" * 40, "٣" * 40])
def test_anything_but_a_whole_fingerprint_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        words.fingerprint(typed)


@pytest.mark.parametrize(
    ("passphrase", "level"),
    [
        ("", Level.NONE),
        ("password", Level.WEAK),
        ("P4ssw0rd!", Level.WEAK),
        ("a" * 64, Level.WEAK),
        ("qwertyuiop123", Level.WEAK),
        ("12345678901234567890", Level.WEAK),
        ("alice1984", Level.WEAK),
        ("Alice@agents", Level.WEAK),
        ("test test test test test test", Level.WEAK),
        ("Summer2024!", Level.WEAK),
        ("correct horse battery staple", Level.FAIR),
        ("correct horse battery staple venue", Level.GOOD),
        ("venue angry access please coffee trick walnut", Level.STRONG),
        ("kX9#vQ2!mZ7p$w", Level.STRONG),
        ("zwölf boxkämpfer jagen victor quer über den sylter deich", Level.STRONG),
        ("\ud800" * 9, Level.WEAK),
    ],
)
def test_the_hint_counts_tries_and_not_kinds_of_characters(passphrase: str, level: Level) -> None:
    told = strength(Secret(passphrase), known=("Alice", "alice@agents.example.com"))
    assert told.level is level, told
    assert told.sentence.endswith(".")


def ending(days: int, who: Person | None = None) -> PeerKey:
    who = who or person()
    return PeerKey.parse(
        primary_packet(who.primary)
        + user_id(who.user)
        + certify(who.primary, who.user)
        + subkey_packet(who.sub)
        + bind(who.primary, who.sub, key_expires=days * 86_400),
        now=MADE + 1,
    )


def test_the_calendar_names_what_ends_first_and_warns_a_month_ahead() -> None:
    now = MADE + 1
    soon, late, never = ending(20), ending(400), PeerKey.parse(person().block)
    lines = calendar([late, never], [("pia@agents.example.com", soon)], now)
    assert [(line.is_own, line.is_soon) for line in lines] == [(False, True), (True, False)]
    assert lines[0].expires == MADE + 20 * 86_400
    assert "pia@agents.example.com" in lines[0].what
    assert warning(never, now) is None
    assert warning(late, now) is None
    assert "2023-12-04" in (warning(soon, now) or "")
    at = MADE + 400 * 86_400
    assert warning(late, at - SOON - 1) is None
    assert "expires" in (warning(late, at - SOON) or "")
    assert "expired" in (warning(late, at) or "")


def test_the_end_of_a_former_key_is_listed_and_warns_of_nothing() -> None:
    at = MADE + 400 * 86_400
    line = calendar([], [], at, former=[ending(20)])[0]
    assert line.what.startswith("Your former key ")
    assert not line.is_soon
