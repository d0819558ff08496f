"""One walk over the list of drafts on the service: what is new or changed, and what is there at all.

Closes three traps: ten thousand drafts that are listed to the end before the first is looked at (they
are yielded page by page), a list of a hundred pages that is read every half minute although its first
page tells whether anything was changed, and a draft that leaves by its time behind thousands that do
not (those come first).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, Final

from services.api.agentmail_to import drafts

if TYPE_CHECKING:
    from services.api.agentmail_to.drafts import RemoteDrafts, ServerDraftHead

SHORT: Final = 10
"""Pages of a list that is read to its end at every look."""
_SCHEDULED: Final = "scheduled"


class Walk:
    """What one walk has found so far; `is_wanted` tells which drafts are new or changed.

    `is_whole`: read the list to its end, however long it is.
    """

    def __init__(
        self,
        remote: RemoteDrafts,
        is_wanted: Callable[[ServerDraftHead], bool],
        *,
        is_whole: bool,
    ) -> None:
        self._remote = remote
        self._is_wanted = is_wanted
        self._is_whole = is_whole
        self.there: set[str] = set()
        """Ids of the drafts that are listed."""
        self.unnamed = 0
        self.is_cut = False
        """There are more than are looked at."""
        self.is_all = False
        """The list was read to its end: what is not `there` may be gone."""

    async def wanted(self) -> AsyncGenerator[ServerDraftHead]:
        """Yield what is new or changed, each once; raises ServiceError."""
        number = 0
        async for page in self._remote.pages():
            number += 1
            if number == SHORT and self._is_whole:
                async for head in self._scheduled():
                    yield head
            self.unnamed += page.unnamed
            self.is_cut = self.is_cut or self.unnamed >= drafts.MOST_DRAFTS
            news = self._news(page.heads)
            for head in news:
                yield head
            if self.is_cut or (number > SHORT and not news and not self._is_whole):
                return
        self.is_all = True

    async def _scheduled(self) -> AsyncGenerator[ServerDraftHead]:
        """Yield those of a long list that the service sends by their time."""
        async for page in self._remote.pages(labels=(_SCHEDULED,)):
            for head in self._news(page.heads):
                yield head

    def _news(self, heads: Sequence[ServerDraftHead]) -> list[ServerDraftHead]:
        news = []
        for head in heads:
            if head.draft_id in self.there:
                continue
            if len(self.there) >= drafts.MOST_DRAFTS:
                self.is_cut = True
                break
            self.there.add(head.draft_id)
            if self._is_wanted(head):
                news.append(head)
        return news
