"""What an operator sets at Assmbl besides mail: trusted peers, notifications, webhook, billing.

Closes the trap of a webhook that believes anybody: `verify_webhook_signature` compares in constant
time and refuses old timestamps. Sources: api/assmbl.md §9 and §10; most shapes there are assumed.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec

from services.api import wire
from services.api.exchange import Exchange, typed


class Admin:
    """Trust, notification, webhook and billing operations, under their SDK names."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def put_trusted_peer(
        self, peer_agent_id: str, *, enabled: bool = True, rate_limit_per_minute: int | None = None
    ) -> wire.TrustedPeerState:
        """Allow an in-domain agent, with an optional rate cap."""
        body = {"enabled": enabled, "rate_limit_per_minute": rate_limit_per_minute}
        return await self._peer("put_trusted_peer", peer_agent_id, body)

    async def get_trusted_peer(self, peer_agent_id: str) -> wire.TrustedPeerState:
        """Return what is allowed to a peer; NotFound when nothing is set."""
        return await self._peer("get_trusted_peer", peer_agent_id)

    async def delete_trusted_peer(self, peer_agent_id: str) -> wire.TrustedPeerState:
        """Take a peer out of the table; NotFound when it is not there."""
        return await self._peer("delete_trusted_peer", peer_agent_id)

    async def issue_capability_secret(
        self, peer_agent_id: str, *, ttl_seconds: int = 3600
    ) -> wire.CapabilitySecret:
        """Issue a short-lived secret for one peer; it is told once, so never asked twice."""
        body = {"peer_agent_id": peer_agent_id, "ttl_seconds": ttl_seconds}
        data = await self._exchange.call("issue_capability_secret", body=body, safe=False)
        return typed(data, wire.CapabilitySecret)

    async def get_notifications(self) -> wire.NotificationRules:
        """Return all notification rules."""
        return typed(await self._exchange.call("get_notifications"), wire.NotificationRules)

    async def put_notifications(
        self, rules: Sequence[wire.NotificationRule]
    ) -> wire.NotificationRules:
        """Replace the whole set of notification rules."""
        body = {"rules": [msgspec.to_builtins(rule) for rule in rules]}
        return typed(
            await self._exchange.call("put_notifications", body=body), wire.NotificationRules
        )

    async def get_webhook(self) -> wire.WebhookState:
        """Return where events go."""
        return _webhook(await self._exchange.call("get_webhook"))

    async def put_webhook(
        self, url: str, *, enabled: bool = True, rotate_secret: bool = False
    ) -> wire.WebhookState:
        """Set where events go; `signing_secret` is told on first set-up and on rotation only.

        Not repeated after a lost answer, which may have held the secret.
        """
        body = {"url": url, "enabled": enabled, "rotate_secret": rotate_secret}
        return _webhook(await self._exchange.call("put_webhook", body=body, safe=False))

    async def delete_webhook(self) -> wire.WebhookState:
        """Stop events."""
        return _webhook(await self._exchange.call("delete_webhook"))

    async def get_billing_pricing(self) -> wire.BillingPricing:
        """Return what this agent charges."""
        return typed(await self._exchange.call("get_billing_pricing"), wire.BillingPricing)

    async def put_billing_pricing(self, pricing: wire.BillingPricing) -> wire.BillingPricing:
        """Set what this agent charges."""
        body: Mapping[str, object] = msgspec.to_builtins(pricing)
        data = await self._exchange.call("put_billing_pricing", body=body)
        return typed(data, wire.BillingPricing)

    async def get_billing_balance(self) -> wire.BillingBalance:
        """Return the wallet."""
        return typed(await self._exchange.call("get_billing_balance"), wire.BillingBalance)

    async def get_billing_usage(self) -> wire.BillingUsage:
        """Return the usage history, newest last."""
        return typed(await self._exchange.call("get_billing_usage"), wire.BillingUsage)

    @staticmethod
    def verify_webhook_signature(
        signing_secret: str,
        timestamp: str,
        raw_body: bytes,
        signature_header: str,
        max_skew_seconds: float = 300,
        *,
        now: float | None = None,
    ) -> bool:
        """Tell whether a webhook delivery was signed with the secret and is recent (§9).

        `timestamp` and `signature_header` are the values of X-AgentMail-Timestamp and
        X-AgentMail-Signature (`v1=<hex>`); never raises.
        """
        if not re.fullmatch(r"[0-9]{1,12}", timestamp):
            return False
        if abs((time.time() if now is None else now) - int(timestamp)) > max_skew_seconds:
            return False
        key = signing_secret.encode("utf-8", "surrogatepass")
        expected = hmac.new(key, f"{timestamp}.".encode() + raw_body, sha256).hexdigest()
        given = signature_header.strip().encode("utf-8", "surrogatepass")
        return hmac.compare_digest(f"v1={expected}".encode(), given)

    async def _peer(
        self, name: str, peer_agent_id: str, body: Mapping[str, object] | None = None
    ) -> wire.TrustedPeerState:
        data = await self._exchange.call(name, ids={"peer_agent_id": peer_agent_id}, body=body)
        named = {"peer_agent_id": peer_agent_id, **data} if isinstance(data, dict) else data
        return typed(named, wire.TrustedPeerState)


def _webhook(data: object) -> wire.WebhookState:
    """Read a webhook state; an empty answer (nothing set, or deleted) is a webhook that is off."""
    if data is None or isinstance(data, dict):
        data = {"url": None, "enabled": False, **(data or {})}
    return typed(data, wire.WebhookState)
