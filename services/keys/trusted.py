"""The service's allow-list of senders, as far as it can be known (api/assmbl.md §9).

Closes two traps: a list that is shown where the service keeps none (a 404 or 501 of the route itself
hides it), and the belief that it can be listed: the service answers for one name at a time, so the
names that were put there from here are remembered, and the pinned peers are asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from services.errors import NotFound, Offline, ServiceError
from services.key_models import TrustedSenderView
from services.keys.service import TrustedPeers
from services.safe_text import clean_line

_NOT_LISTED: Final = "peer_not_found"
_NOT_OFFERED: Final = frozenset({404, 405, 501})
_MOST: Final = 24
"""Names that are asked for at once: each is a request."""


class TrustedSenders:
    """The rows of the list that are known; `is_offered` None until the service was asked."""

    def __init__(self) -> None:
        self._service: TrustedPeers | None = None
        self.is_offered: bool | None = None
        self.rows: tuple[TrustedSenderView, ...] = ()

    def connect(self, service: TrustedPeers | None) -> None:
        """Ask this service from now on."""
        self._service = service

    async def refresh(self, agent_ids: Iterable[str]) -> None:
        """Ask for these senders; raises ServiceError except for what says "not offered"."""
        names = sorted(set(agent_ids))[:_MOST]
        first = [await self._ask(name) for name in names[:1]]
        # The first answer tells whether there is a list at all.
        rest = await asyncio.gather(*map(self._ask, names[1:])) if self.is_offered else []
        self.rows = tuple(row for row in (*first, *rest) if row)

    async def put(self, agent_id: str, *, is_enabled: bool, rate: int | None) -> None:
        """Put a sender on the list."""
        state = await self._connected().put_trusted_peer(
            agent_id, enabled=is_enabled, rate_limit_per_minute=rate
        )
        self.is_offered = True
        others = [row for row in self.rows if row.peer_agent_id != agent_id]
        self.rows = tuple(sorted(
            [*others, _row(agent_id, state.enabled, state.rate_limit_per_minute)],
            key=lambda row: row.peer_agent_id,
        ))  # fmt: skip

    async def remove(self, agent_id: str) -> None:
        """Take a sender off the list; nothing happens when it is not there."""
        try:
            await self._connected().delete_trusted_peer(agent_id)
        except NotFound as error:
            if error.code != _NOT_LISTED:
                raise
        self.rows = tuple(row for row in self.rows if row.peer_agent_id != agent_id)

    async def _ask(self, agent_id: str) -> TrustedSenderView | None:
        try:
            state = await self._connected().get_trusted_peer(agent_id)
        except ServiceError as error:
            if error.code == _NOT_LISTED:
                self.is_offered = True
                return None
            if error.status in _NOT_OFFERED:
                self.is_offered = False
                return None
            raise
        self.is_offered = True
        return _row(agent_id, state.enabled, state.rate_limit_per_minute)

    def _connected(self) -> TrustedPeers:
        if self._service is None:
            raise Offline("There is no connection to the mail service yet.")
        return self._service


def _row(agent_id: str, is_enabled: bool, rate: int | None) -> TrustedSenderView:
    return TrustedSenderView(agent_id, clean_line(agent_id, 320), is_enabled, rate)
