"""Several engines as one: what screens ask is handed to the account that it is about.

Closes the trap of one account's trouble that hides the others': each has an engine of its own, all
run on one loop, so that the one outbound desk may borrow every session's connection and keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.engine import Engine
from services.events import Event
from services.unified.snapshot import UnifiedSnapshot

if TYPE_CHECKING:
    from services.requests import Request
    from services.unified.outgoing import UnifiedOfficeFactory


@dataclass(frozen=True, slots=True)
class AccountEngine:
    """One of the accounts: its name, its folder, and how its engine is made."""

    name: str
    folder: Path
    make: Callable[[Callable[[Event], None]], Engine]


class UnifiedEngine:
    """The engines of several accounts, asked and listened to like one (`tui.bridge.MailEngine`).

    The first account is the default one. Message ids are qualified in both directions
    (`services.unified.ids`); events tell whose they are.
    """

    def __init__(
        self,
        accounts: Sequence[AccountEngine],
        on_event: Callable[[Event], None],
        *,
        office: UnifiedOfficeFactory | None = None,
    ) -> None:
        raise NotImplementedError

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of the accounts, the default one first."""
        raise NotImplementedError

    @property
    def snapshot(self) -> UnifiedSnapshot | None:
        """The latest published pictures as one; None until one account's store is open."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the thread; the first event is MailboxChanged with what all have cached."""
        raise NotImplementedError

    def request(self, request: Request) -> int:
        """Ask for something and return the id that the answer will carry."""
        raise NotImplementedError

    def stop(self, timeout: float = 2.0) -> None:
        """Stop all engines and the thread; gives up waiting after `timeout` seconds."""
        raise NotImplementedError
