"""Takes in what others changed on the service, where it keeps a log of that, without walking it all.

Closes three traps: changes that fall between the log and the list (the log is read first, and the
place in it is kept in the same commit as what it told), a log that has forgotten where we were (then
the whole mailbox is walked, and only after that the place counts), and a log that is not to be had,
which must not keep new mail from being read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from services.errors import BadAnswer, Forbidden, NotFound, Rejected, UsageError
from services.ports import ChangeFeed, MailProvider, RemoteChanges
from services.sync.changes import Changes, Reading

if TYPE_CHECKING:
    from services.cache.store import MailStore, PutOutcome

_CURSOR: Final = "sync.change_feed"


class RemoteChangeReader:
    """Reads the change feed of a provider into the store; `on_kept` is told what it changed."""

    def __init__(
        self, store: MailStore, changes: Changes, on_kept: Callable[[PutOutcome], None]
    ) -> None:
        self._store = store
        self._changes = changes
        self._on_kept = on_kept
        self._unusable: MailProvider | None = None
        self._behind: RemoteChanges | None = None
        """An answer of the feed that only a walk over everything can make good."""

    async def take_in(self, provider: MailProvider) -> bool:
        """Bring in what others changed since the last time; False when only a whole walk can tell.

        Call it before reading what is new, so that nothing falls in between. Raises what passes by
        itself (Offline, TimedOut, SignedOut, RateLimited, ServerBroken).
        """
        if not provider.capabilities.change_feed or not isinstance(provider, ChangeFeed):
            return True
        if self._unusable is provider:
            return True
        with self._changes.reading() as reading:
            try:
                found = await provider.list_changes(self._cursor)
            except (BadAnswer, Forbidden, NotFound, Rejected, UsageError):
                # Not for this key, or not as agreed: the walk finds changes too, only later.
                self._unusable = provider
                return True
            if not found.is_complete:
                self._behind = found
                return False
            self._keep(found, reading)
        return True

    @contextmanager
    def whole_walk(self) -> Iterator[None]:
        """Walk over everything inside; when that ends well, go on from where the feed was before."""
        behind = self._behind
        yield
        if behind is not None and behind is self._behind:
            self._behind = None
            with self._changes.commit():
                self._store.set_state(_CURSOR, behind.cursor)

    def _keep(self, found: RemoteChanges, reading: Reading) -> None:
        gone = [one for one in found.gone if self._store.item(one) is not None]
        if not found.items and not gone and found.cursor == self._cursor:
            return
        with self._changes.commit():
            outcome = self._store.put_items(self._changes.merge(found.items, reading))
            self._store.remove(gone)
            self._store.set_state(_CURSOR, found.cursor)
        self._on_kept(outcome)

    @property
    def _cursor(self) -> str:
        return str(self._store.state(_CURSOR, ""))
