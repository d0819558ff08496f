"""How an account is told apart in lists: a short name, a letter, and a colour that says the same again.

Closes the trap of a colour as the only mark: name and letter of each account are its own, made of
letters that every terminal has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from services.account_colours import COLOURS
from services.safe_text import SafeText
from widgets.cells import fit

ROLE: Final = "account-"
"""What the roles of account colours begin with; the themes have a variable of the same name."""
ACCOUNT_INKS: Final[Mapping[str, str]] = {f"{ROLE}{name}": f"${ROLE}{name}" for name in COLOURS}
"""The inks of the roles, for the `INKS` of a view."""
_NAMES_FROM: Final = 76
"""Narrower lists have room for the letter only."""
_LONG_FROM: Final = 110
_SHORT_CELLS: Final = 8
_LONG_CELLS: Final = 12


@dataclass(frozen=True, slots=True)
class AccountMark:
    """One account as lists show it; `name` is what requests and rows call it."""

    name: str
    title: SafeText
    """Its address, or what else people know it by."""
    short: SafeText
    letter: SafeText
    """One cell; no other account has it."""
    colour: str

    @property
    def role(self) -> str:
        """The ink of its name."""
        return f"{ROLE}{self.colour}"

    def shown(self, cells: int, ellipsis: str = "…") -> str:
        """Its mark in exactly so many cells: the letter in one, else the short name."""
        return str(self.letter) if cells == 1 else fit(self.short, cells, ellipsis)


def mark_cells(marks: Iterable[AccountMark], width: int) -> int:
    """How many cells the marks take in a row of `width` cells; 0 when there is nothing to tell."""
    longest = max((len(mark.short) for mark in marks), default=0)
    if not longest:
        return 0
    if width < _NAMES_FROM:
        return 1
    return min(longest, _LONG_CELLS if width >= _LONG_FROM else _SHORT_CELLS)


def mark_part(
    marks: Mapping[str, AccountMark], account: str, width: int, ellipsis: str
) -> tuple[str, str]:
    """What a list puts before a row of `width` cells, text and ink; nothing without marks."""
    cells = mark_cells(marks.values(), width)
    if not cells:
        return "", "text"
    mark = marks.get(account)
    if mark is None:
        return " " * (cells + 1), "text"
    return mark.shown(cells, ellipsis) + " ", mark.role
