"""The colours of accounts: stable, different as long as there are enough, by words that themes know."""

from __future__ import annotations

import pytest

from services.account_colours import COLOURS, colours_of


def test_accounts_have_different_colours_as_long_as_there_are_enough() -> None:
    names = [(f"account {number}", "") for number in range(len(COLOURS))]
    assert sorted(colours_of(names).values()) == sorted(COLOURS)


def test_an_account_keeps_its_colour_when_another_is_added_behind_it() -> None:
    names = [(f"account {number}", "") for number in range(12)]
    for count in range(1, len(names)):
        before, after = colours_of(names[:count]), colours_of(names[: count + 1])
        assert before == {name: after[name] for name in before}


@pytest.mark.parametrize("wished", COLOURS)
def test_a_wish_is_granted_and_others_keep_away_from_it(wished: str) -> None:
    found = colours_of((("a", ""), ("b", wished), ("c", "")))
    assert found["b"] == wished
    assert wished not in (found["a"], found["c"])
