"""Message ids that say whose mailbox they are from.

Closes the trap of the same id in two accounts (one mail to both of them), and of an id that imitates
another account: ids come from senders and may hold anything, the name of an account cannot hold the
separator (`services.paths.account_name`), so what stands before the first one is the account.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SEPARATOR: Final = "\x1f"


def join_id(account: str, own_id: str) -> str:
    """Return the id by which screens know a message, or a transfer, of an account."""
    return f"{account}{SEPARATOR}{own_id}"


def split_id(qualified: str) -> tuple[str, str]:
    """Return the account and the id within it; the account is "" for an id that names none."""
    account, separator, own_id = qualified.partition(SEPARATOR)
    return (account, own_id) if separator else ("", qualified)


def by_account(qualified: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the ids within each account, both in the order in which they came."""
    found: dict[str, list[str]] = {}
    for one in qualified:
        account, own_id = split_id(one)
        found.setdefault(account, []).append(own_id)
    return {account: tuple(ids) for account, ids in found.items()}
