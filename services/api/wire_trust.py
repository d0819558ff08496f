"""The bodies of the key directory, peer trust, notifications and the webhook.

A part of services/api/wire.py, which offers all names; apart from it because no mail is in it.
Sources: api/assmbl.md §8, §9.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from services.api.wire_types import Address, AgentId, KeyAlgorithm


class KeyRegistration(Struct, kw_only=True):
    """A public key to publish; `if_match_version=0` means that none is expected (§8)."""

    public_key: Annotated[str, Meta(min_length=1, max_length=65_536)]
    algorithm: KeyAlgorithm
    key_version: Annotated[int, Meta(ge=1, le=2**31)] = 1
    if_match_version: Annotated[int, Meta(ge=0, le=2**31)] | None = None
    openpgp_public_key: Annotated[str, Meta(max_length=262_144)] | None = None


class KeyReceipt(Struct, kw_only=True):
    """What was published; the fingerprint is SHA-256 of the SPKI in hex (§8)."""

    agent_id: str
    key_version: int
    key_fingerprint_sha256: str


class KeyRevoked(Struct, kw_only=True):
    """The answer to a revocation, which may be repeated (§8)."""

    agent_id: str
    revoked: bool = True


class PublicAgent(Struct, kw_only=True):
    """The directory's entry; without active key after a revocation (§8)."""

    agent_id: str
    revoked: bool
    key_version: int | UnsetType = UNSET
    public_key: str | UnsetType = UNSET
    algorithm: str | UnsetType = UNSET
    key_fingerprint_sha256: str | UnsetType = UNSET
    openpgp_public_key: str | UnsetType = UNSET


class TrustedPeer(Struct, kw_only=True):
    """What the operator allows one in-domain agent (§9, body assumed)."""

    enabled: bool = True
    rate_limit_per_minute: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class TrustedPeerState(TrustedPeer, kw_only=True):
    """One row of the trust table."""

    peer_agent_id: str


class CapabilityRequest(Struct, kw_only=True):
    """Asks for a short-lived secret for one peer (§9, all of it assumed)."""

    peer_agent_id: AgentId
    ttl_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 3600


class CapabilitySecret(Struct, kw_only=True):
    """A capability secret, told once."""

    peer_agent_id: str
    secret: str
    expires_at: str


class RuleFilters(Struct, kw_only=True):
    """Which mail a notification rule is about (§9)."""

    sender_verified: bool | None = None
    traffic_types: list[str] = field(default_factory=list)
    sender_domains: list[str] = field(default_factory=list)
    trust_tiers: list[str] = field(default_factory=list)


class WebhookChannel(Struct, kw_only=True):
    """Tell a web address."""

    enabled: bool = False
    url: str | None = None


class EmailChannel(Struct, kw_only=True):
    """Tell mail addresses."""

    enabled: bool = False
    recipients: list[Address] = field(default_factory=list)


class RuleChannels(Struct, kw_only=True):
    """How a rule tells; either or both."""

    webhook: WebhookChannel | None = None
    email: EmailChannel | None = None


class NotificationRule(Struct, kw_only=True):
    """One notification rule (§9)."""

    id: str
    name: str
    enabled: bool = True
    filters: RuleFilters = field(default_factory=RuleFilters)
    channels: RuleChannels = field(default_factory=RuleChannels)


class NotificationRules(Struct, kw_only=True):
    """All rules; a PUT replaces the whole set (§9)."""

    rules: list[NotificationRule]


class WebhookPut(Struct, kw_only=True):
    """Where `mail.received` events go (§9); HTTPS only."""

    url: Annotated[str, Meta(max_length=2048, pattern=r"^https://[!-~]+(?![\s\S])")]
    enabled: bool = True
    rotate_secret: bool = False


class WebhookState(Struct, kw_only=True):
    """The webhook; `signing_secret` only on first set-up or rotation (§9)."""

    url: str | None
    enabled: bool
    signing_secret: str | UnsetType = UNSET
