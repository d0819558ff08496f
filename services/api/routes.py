"""The one table of Assmbl operations: name, method, path, bodies, errors, evidence.

Client, sandbox and OpenAPI document all read it, so that a wrong guess about a path is corrected in
one line. `evidence` says how much of the method and path is known: `reference` (in the reference
documents), `docs` (on another public page of the vendor), `assumed` (ours). Source: api/assmbl.md
§3.

Closes the trap of a path written in two places, of which one is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from services.api import url_paths, wire
from services.api.url_paths import Method

Evidence = Literal["reference", "docs", "assumed"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation under its SDK method name; `row` is its row in api/assmbl.md §3."""

    name: str
    row: int
    method: Method
    path: str
    evidence: Evidence
    response: type
    request: type | None = None
    query: type | None = None
    auth: bool = True
    also: tuple[str, ...] = ()
    """Other SDK methods that use the same call."""
    errors: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Status → error names, beside the ones that every operation can answer."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path, in order."""
        return url_paths.parameters(self.path)

    def url_path(self, **ids: str | int) -> str:
        """Return the path with the ids percent-encoded, for example `/messages/%3Ca%40b%3E/read`.

        Raises UsageError for a missing id and for one that cannot be a path segment.
        """
        return url_paths.filled(self.path, ids)


_MESSAGE: Final = {404: ("message_not_found",)}
_ATTACHMENT: Final = {404: ("message_not_found", "attachment_not_found")}
_AGENT: Final = {404: ("agent_not_found",)}
_OBJECT: Final = {403: ("forbidden_object_key",), 404: ("attachment_not_found",)}
_BODY: Final = ("invalid_json", "invalid_request")

_OPERATIONS: Final = (
    Operation(
        "send_mail", 1, "POST", "/send", "reference", wire.Sent, wire.SendRequest,
        also=("send_marketplace_request", "send_marketplace_response"),
        errors={400: (*_BODY, "invalid_header"), **_OBJECT, 409: ("idempotency_key_conflict",)},
    ),
    Operation(
        "list_inbox", 2, "GET", "/inbox", "reference", wire.InboxPage, query=wire.InboxQuery,
        also=("iter_inbox_pages", "iter_inbox"),
        errors={400: ("invalid_limit", "invalid_cursor", "invalid_query")},
    ),
    Operation(
        "get_message", 3, "GET", "/messages/{message_id}", "reference", wire.Message,
        also=("fetch_message",), errors=_MESSAGE,
    ),
    Operation(
        "delete_message", 4, "DELETE", "/messages/{message_id}", "assumed", wire.Deleted,
        errors=_MESSAGE,
    ),
    Operation(
        "patch_message_labels", 5, "PATCH", "/messages/{message_id}/labels", "reference",
        wire.Labels, wire.LabelsPatch,
        errors={400: (*_BODY, "invalid_label", "too_many_labels"), **_MESSAGE},
    ),
    Operation(
        "patch_message_read", 6, "PATCH", "/messages/{message_id}/read", "assumed",
        wire.ReadState, wire.ReadPatch, errors={400: _BODY, **_MESSAGE},
    ),
    Operation(
        "patch_message_archive", 7, "PATCH", "/messages/{message_id}/archive", "reference",
        wire.ArchiveState, wire.ArchivePatch,
        errors={400: _BODY, **_MESSAGE, 409: ("already_archived",)},
    ),
    Operation("get_unread_count", 8, "GET", "/inbox/unread-count", "assumed", wire.UnreadCount),
    Operation(
        "request_attachment_upload", 9, "POST", "/attachments/upload-request", "assumed",
        wire.UploadGrant, wire.UploadRequest, errors={400: _BODY},
    ),
    Operation(
        "request_attachment_download", 10, "POST", "/attachments/download-request", "assumed",
        wire.DownloadGrant, wire.DownloadRequest, errors={400: _BODY, **_OBJECT},
    ),
    Operation(
        "get_inbound_attachment_status", 11, "GET",
        "/messages/{message_id}/attachments/{index}/status", "assumed", wire.ManifestEntry,
        errors=_ATTACHMENT,
    ),
    Operation(
        "request_inbound_attachment_download", 12, "POST",
        "/messages/{message_id}/attachments/{index}/download-request", "reference",
        wire.DownloadGrant, errors={**_ATTACHMENT, 409: ("attachment_not_ready",)},
    ),
    Operation(
        "register_directory_key", 13, "POST", "/directory/register", "docs",
        wire.KeyReceipt, wire.KeyRegistration,
        errors={
            400: (*_BODY, "invalid_public_key", "unsupported_algorithm"),
            409: ("version_conflict",),
        },
    ),
    Operation(
        "revoke_directory_key", 14, "POST", "/directory/revoke", "assumed", wire.KeyRevoked,
    ),
    Operation(
        "lookup_public_agent", 15, "GET", "/public/agents/{agent_id}", "docs", wire.PublicAgent,
        auth=False, also=("lookup_public_agent_cached",), errors=_AGENT,
    ),
    Operation(
        "lookup_public_pricing", 16, "GET", "/public/agents/{agent_id}/pricing", "docs",
        wire.PublicPricing, auth=False, errors=_AGENT,
    ),
    Operation(
        "put_trusted_peer", 17, "PUT", "/trusted-peers/{peer_agent_id}", "assumed",
        wire.TrustedPeerState, wire.TrustedPeer, errors={400: _BODY},
    ),
    Operation(
        "get_trusted_peer", 17, "GET", "/trusted-peers/{peer_agent_id}", "assumed",
        wire.TrustedPeerState, errors={404: ("peer_not_found",)},
    ),
    Operation(
        "delete_trusted_peer", 17, "DELETE", "/trusted-peers/{peer_agent_id}", "assumed",
        wire.TrustedPeerState, errors={404: ("peer_not_found",)},
    ),
    Operation(
        "issue_capability_secret", 18, "POST", "/capability-secrets", "assumed",
        wire.CapabilitySecret, wire.CapabilityRequest, errors={400: _BODY},
    ),
    Operation(
        "get_notifications", 19, "GET", "/notifications", "docs", wire.NotificationRules,
    ),
    Operation(
        "put_notifications", 20, "PUT", "/notifications", "docs",
        wire.NotificationRules, wire.NotificationRules, errors={400: _BODY},
    ),
    Operation("get_webhook", 21, "GET", "/webhook", "assumed", wire.WebhookState),
    Operation(
        "put_webhook", 22, "PUT", "/webhook", "assumed", wire.WebhookState, wire.WebhookPut,
        errors={400: _BODY},
    ),
    Operation("delete_webhook", 23, "DELETE", "/webhook", "assumed", wire.WebhookState),
    Operation(
        "get_billing_pricing", 24, "GET", "/billing/pricing", "assumed", wire.BillingPricing,
    ),
    Operation(
        "put_billing_pricing", 25, "PUT", "/billing/pricing", "assumed",
        wire.BillingPricing, wire.BillingPricing, errors={400: _BODY},
    ),
    Operation(
        "get_billing_balance", 26, "GET", "/billing/balance", "assumed", wire.BillingBalance,
    ),
    Operation("get_billing_usage", 27, "GET", "/billing/usage", "assumed", wire.BillingUsage),
)  # fmt: skip

ROUTES: Final[Mapping[str, Operation]] = MappingProxyType({op.name: op for op in _OPERATIONS})
"""All operations by their first SDK method name."""
