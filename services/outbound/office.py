"""Everything outbound of one account: drafts, proposals, outbox, audit, policy, gate, behind one door.

Opened by the engine, which lends its connection and its unlocked keys, and by command-line verbs,
which bring their own. Several may be open on the same account in several processes. Closes the trap of
a second idea, in some verb, of what "queue" or "approve" means.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.outbound.lending import Lender
from services.outbound.outbox import Outbox

if TYPE_CHECKING:
    from services.config import Account
    from services.outbound.outbox_documents import OutboxEntry
    from services.outbound.store import OutboundStore

OUTBOUND_FOLDER: Final = "outbound"
OUTBOUND_LOG: Final = "outbound.log"
SPOOL_FOLDER: Final = "spool"


class Office:
    """The outbound side of one account; `open` makes it, `close` ends it.

    `store`, `drafts`, `audit`, `outbox` and `proposals` are its parts. What needs the network or the
    keys asks `lender` for them when it needs them.
    """

    def __init__(
        self,
        account: Account,
        folder: Path,
        store: OutboundStore,
        lender: Lender,
        clock: Callable[[], float],
    ) -> None:
        self.account = account
        self.folder = folder
        self.store = store
        self.lender = lender
        self.clock = clock
        self.outbox = Outbox(store, clock)

    @classmethod
    def open(
        cls, account: Account, folder: Path, lender: Lender, clock: Callable[[], float] = time.time
    ) -> Office:
        """Open what lies in an account's folder, making it if need be; CacheError when it cannot."""
        from services.outbound.store import OutboundStore

        return cls(account, folder, OutboundStore.open(folder), lender, clock)

    @property
    def now(self) -> int:
        """Seconds since the epoch."""
        return int(self.clock())

    async def queue(
        self, draft_id: str, digest: str, *, decided_by: str
    ) -> tuple[OutboxEntry, ...]:
        """Put the mail of a decided draft into the outbox.

        The plan is made again and must have this digest; `DecisionVoid` (an error) says what changed.
        Raises PolicyRefused, CryptoError, UsageError, ServiceError: the draft is as it was then.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Close the files; nothing is lost."""
        self.store.close()
