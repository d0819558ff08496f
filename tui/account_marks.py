"""Short names, letters and colours for the configured accounts, and what they have in common.

Closes the trap of two accounts that look the same: short names and letters are made unique here, in
the order of the configuration, so that adding an account changes none of those before it.
"""

from __future__ import annotations

import string
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, Final

from services.account_colours import colours_of
from services.safe_text import SafeText, clean_line
from services.service_config import AGENTMAIL_TO
from widgets.account_mark import AccountMark

if TYPE_CHECKING:
    from services.config import Account

_SHORT: Final = 12
_LETTERS: Final = f"{string.ascii_lowercase}{string.digits}"


def marks_of(accounts: Sequence[Account]) -> tuple[AccountMark, ...]:
    """The marks of several accounts in their order; none for a single one, which needs no mark."""
    if len(accounts) < 2:
        return ()
    colours = colours_of((account.name, account.colour) for account in accounts)
    shorts: set[str] = set()
    letters: set[str] = set()
    made = []
    for account in accounts:
        short = _short(account, shorts)
        letter = _letter(short, letters)
        shorts.add(short)
        letters.add(letter)
        made.append(
            AccountMark(
                account.name,
                account_title(account),
                clean_line(short),
                clean_line(letter),
                colours[account.name],
            )
        )
    return tuple(made)


def account_title(account: Account) -> SafeText:
    """What the status line calls an account: its address, else its name, else its host."""
    host = account.base_url.partition("://")[2]
    return clean_line(account.address or (host if account.from_environment else account.name), 80)


def keep_trash(accounts: Sequence[Account]) -> bool:
    """Whether what is deleted lies in a trash afterwards, whichever of the accounts it is of."""
    return bool(accounts) and all(account.kind == AGENTMAIL_TO for account in accounts)


def _short(account: Account, taken: Set[str]) -> str:
    """The name's part before an @, which also names made of addresses have; numbered when taken."""
    name = account.name if not account.from_environment else account.agent
    plain = (name.partition("@")[0] or name)[:_SHORT]
    numbered = (f"{plain[: _SHORT - len(str(n))]}{n}" for n in range(2, len(taken) + 3))
    return next(one for one in (plain, name[:_SHORT], *numbered) if one not in taken)


def _letter(short: str, taken: Set[str]) -> str:
    wished = (letter for letter in short.lower() if letter in _LETTERS)
    return next((one for one in (*wished, *_LETTERS) if one not in taken), "?")
