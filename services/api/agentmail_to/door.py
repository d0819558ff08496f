"""The way to AgentMail.to with one key: pinned address, errors in its own words, who the key is.

Closes the trap of a key that is sent to whoever calls itself AgentMail.to: the address is checked
before there is a connection, and no redirect is followed (`services.api.http`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.api.agentmail_to import codec
from services.api.agentmail_to.failures import of_answer
from services.api.agentmail_to.routes import ROUTES, V0Route
from services.api.exchange import Exchange
from services.api.failures import Answer
from services.api.http import HttpDoor
from services.api.retry import Retrier, Sleep
from services.errors import ServiceError
from services.origins import Origin
from services.redact import Secret
from services.service_config import AGENTMAIL_TO, service_url


@dataclass(frozen=True, slots=True)
class Identity:
    """What a key reaches: all inboxes of an organization or pod, or one (§3)."""

    scope: str
    """`organization`, `pod` or `inbox`; any other word is treated as the narrowest."""
    organization_id: str
    inbox_id: str = ""
    """The one inbox of an inbox's own key."""


class V0Door:
    """Requests with one key; `exchange` calls everything but what sends.

    UsageError when `base_url` is not the service's.
    """

    def __init__(
        self,
        base_url: str,
        key: Secret | str,
        *,
        proxy: str = "",
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        secret = key if isinstance(key, Secret) else Secret(key)
        self._http = HttpDoor(service_url(AGENTMAIL_TO, base_url), secret, proxy=proxy)
        self.retrier = Retrier(sleep)
        self.exchange = self.exchange_for(ROUTES)

    @property
    def origin(self) -> Origin:
        """Where the service is."""
        return self._http.origin

    def exchange_for(
        self,
        routes: Mapping[str, V0Route],
        error_of: Callable[[Answer], ServiceError | None] = of_answer,
    ) -> Exchange:
        """Return the calls of another table over the same connections; for the sending gate."""
        return Exchange(self._http, self.retrier, routes, error_of)

    async def identity(self) -> Identity:
        """Return what the key reaches; SignedOut when it is not accepted."""
        data = codec.mapping(await self.exchange.call("auth_me"), "an identity")
        return Identity(
            codec.text(data.get("scope_type")),
            codec.text(data.get("organization_id")),
            codec.text(data.get("inbox_id")),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
