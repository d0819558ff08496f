"""The handlers that keep what they are given: trust, notifications, webhook, billing.

Closes the trap of promising more than is known: these operations store and answer, nothing else of
the sandbox acts on them (api/assmbl.md §9, §10; the shapes are mostly assumed).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from services.api import wire
from services.api.codec import iso_time
from services.sandbox.context import ApiError, Call, Handler
from services.sandbox.directory_door import named_agent
from services.sandbox.records import Agent

T = TypeVar("T", bound=msgspec.Struct)
_BALANCE: Final = 100.0
_HISTORY: Final = 1_000


class _Webhook(msgspec.Struct):
    url: str
    enabled: bool
    secret: str


def put_trusted_peer(call: Call) -> wire.TrustedPeerState:
    """Set one row of the trust table."""
    body: wire.TrustedPeer = call.body
    _keep(call, _peer_name(call), body)
    return _peer_state(call, body)


def get_trusted_peer(call: Call) -> wire.TrustedPeerState:
    """Answer one row of the trust table."""
    peer = _kept(call, call.agent, _peer_name(call), wire.TrustedPeer)
    if peer is None:
        raise ApiError(404, "peer_not_found", "There is no such trusted peer.")
    return _peer_state(call, peer)


def delete_trusted_peer(call: Call) -> wire.TrustedPeerState:
    """Remove one row of the trust table and answer what it said."""
    state = get_trusted_peer(call)
    _drop(call, _peer_name(call))
    return state


def _peer_name(call: Call) -> str:
    return f"peer {call.ids['peer_agent_id'].casefold()}"


def _peer_state(call: Call, peer: wire.TrustedPeer) -> wire.TrustedPeerState:
    return wire.TrustedPeerState(
        peer_agent_id=call.ids["peer_agent_id"],
        enabled=peer.enabled,
        rate_limit_per_minute=peer.rate_limit_per_minute,
    )


def issue_capability_secret(call: Call) -> wire.CapabilitySecret:
    """Answer a new secret; nothing checks it, because its use is undocumented."""
    body: wire.CapabilityRequest = call.body
    return wire.CapabilitySecret(
        peer_agent_id=body.peer_agent_id,
        secret=secrets.token_urlsafe(32),
        expires_at=iso_time(call.sandbox.clock() + body.ttl_seconds),
    )


def get_notifications(call: Call) -> wire.NotificationRules:
    """Answer all notification rules."""
    kept = _kept(call, call.agent, "notifications", wire.NotificationRules)
    return kept or wire.NotificationRules(rules=[])


def put_notifications(call: Call) -> wire.NotificationRules:
    """Replace all notification rules."""
    body: wire.NotificationRules = call.body
    _keep(call, "notifications", body)
    return body


def get_webhook(call: Call) -> wire.WebhookState:
    """Answer the webhook without its secret."""
    kept = _kept(call, call.agent, "webhook", _Webhook)
    if kept is None:
        return wire.WebhookState(url=None, enabled=False)
    return wire.WebhookState(url=kept.url, enabled=kept.enabled)


def put_webhook(call: Call) -> wire.WebhookState:
    """Set the webhook; the secret is told when it is new."""
    body: wire.WebhookPut = call.body
    before = _kept(call, call.agent, "webhook", _Webhook)
    fresh = before is None or body.rotate_secret
    secret = secrets.token_hex(32) if before is None or fresh else before.secret
    _keep(call, "webhook", _Webhook(body.url, body.enabled, secret))
    told = secret if fresh else msgspec.UNSET
    return wire.WebhookState(url=body.url, enabled=body.enabled, signing_secret=told)


def delete_webhook(call: Call) -> wire.WebhookState:
    """Forget the webhook; may be repeated."""
    _drop(call, "webhook")
    return wire.WebhookState(url=None, enabled=False)


def get_billing_pricing(call: Call) -> wire.BillingPricing:
    """Answer the caller's own price list."""
    return _kept(call, call.agent, "pricing", wire.BillingPricing) or wire.BillingPricing()


def put_billing_pricing(call: Call) -> wire.BillingPricing:
    """Replace the caller's price list."""
    body: wire.BillingPricing = call.body
    _keep(call, "pricing", body)
    return body


def lookup_public_pricing(call: Call) -> wire.PublicPricing:
    """Answer an agent's price list; free of charge when it has none. No token needed."""
    agent = named_agent(call)
    kept = _kept(call, agent, "pricing", wire.BillingPricing) or wire.BillingPricing(enabled=False)
    prices = msgspec.structs.asdict(kept)
    prices["pricing_model"] = kept.pricing_model or "token_based"
    prices["base_price"] = kept.base_price or 0.0
    return wire.PublicPricing(agent_id=agent.agent_id, **prices)


def get_billing_balance(call: Call) -> wire.BillingBalance:
    """Answer a made-up wallet."""
    _ = call.agent
    return wire.BillingBalance(currency="USD", balance=_BALANCE, reserved=0.0)


def get_billing_usage(call: Call) -> wire.BillingUsage:
    """Answer the usage of the latest sends, newest last."""
    rows = call.store.database.connection.execute(
        "SELECT correlation_id, recipient, sent_at, usage, marketplace_request_id FROM sent "
        "WHERE agent = ? AND usage IS NOT NULL ORDER BY number DESC LIMIT ?",
        (call.agent.number, _HISTORY),
    ).fetchall()
    items = [
        wire.UsageRow(
            correlation_id=correlation,
            recipient=recipient,
            sent_at=iso_time(at),
            usage=msgspec.json.decode(usage, type=wire.Usage),
            marketplace_request_id=marketplace or None,
        )
        for correlation, recipient, at, usage, marketplace in reversed(rows)
    ]
    return wire.BillingUsage(items=items)


def _keep(call: Call, name: str, value: msgspec.Struct) -> None:
    with call.store.transaction() as db:
        db.execute(
            "INSERT OR REPLACE INTO settings VALUES (?, ?, ?)",
            (call.agent.number, name, wire.encode(value)),
        )


def _kept(call: Call, agent: Agent, name: str, kind: type[T]) -> T | None:
    row = call.store.database.connection.execute(
        "SELECT value FROM settings WHERE agent = ? AND name = ?", (agent.number, name)
    ).fetchone()
    return msgspec.json.decode(row[0], type=kind) if row else None


def _drop(call: Call, name: str) -> None:
    with call.store.transaction() as db:
        db.execute("DELETE FROM settings WHERE agent = ? AND name = ?", (call.agent.number, name))


HANDLERS: Final[Mapping[str, Handler]] = {
    handler.__name__: handler
    for handler in (
        put_trusted_peer, get_trusted_peer, delete_trusted_peer, issue_capability_secret,
        get_notifications, put_notifications, get_webhook, put_webhook, delete_webhook,
        get_billing_pricing, put_billing_pricing, lookup_public_pricing, get_billing_balance,
        get_billing_usage,
    )
}  # fmt: skip
