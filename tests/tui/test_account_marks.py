"""Marks of accounts: one letter and one short name each, whatever the accounts are called."""

from __future__ import annotations

import pytest

from services.config import Account
from tui.account_marks import marks_of
from widgets.account_mark import mark_cells


def named(*names: str) -> tuple[Account, ...]:
    return tuple(
        Account(name, "assmbl", "https://a.example", address=f"{name}@x") for name in names
    )


def test_a_single_account_needs_no_mark() -> None:
    assert marks_of(named("work")) == ()


@pytest.mark.parametrize(
    "names",
    [
        ("ops-bot", "research", "billing"),
        ("bot@a.example-1", "bot@b.example-2", "bot@c.example-3"),
        ("aaaa", "aaa", "aa", "a"),
        tuple(f"very-long-account-name-{number}" for number in range(30)),
        ("1", "2", "_", "9+"),
    ],
    ids=["plain", "same-local", "same-letters", "many", "odd"],
)
def test_no_two_accounts_look_the_same(names: tuple[str, ...]) -> None:
    marks = marks_of(named(*names))
    shorts = [mark.short for mark in marks]
    letters = [mark.letter for mark in marks]
    assert len(set(shorts)) == len(names)
    assert len(set(letters)) == len(names)
    assert all(len(letter) == 1 and letter.isascii() for letter in letters)
    assert all(0 < len(short) <= 12 and short.isascii() for short in shorts)


def test_marks_stay_when_an_account_is_added_behind() -> None:
    names = ("ops", "ops@a.example", "research", "ops@b.example")
    for count in range(2, len(names)):
        assert marks_of(named(*names))[:count] == marks_of(named(*names[:count]))


@pytest.mark.parametrize(("width", "cells"), [(60, 1), (75, 1), (76, 8), (109, 8), (110, 12)])
def test_narrow_lists_have_room_for_a_letter(width: int, cells: int) -> None:
    marks = marks_of(named("a-very-long-name", "b"))
    assert mark_cells(marks, width) == cells
    assert mark_cells((), width) == 0
