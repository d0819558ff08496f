"""Who a request comes from and what it may do: the key in its header, its permissions (§1, §5.6).

Closes the trap of two ways in that judge differently: HTTP and WebSocket ask here.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Scope

from services.sandbox.agentmail_to.context import Services
from services.sandbox.agentmail_to.endpoints import Endpoint
from services.sandbox.agentmail_to.failures import Failure, usual_code
from services.sandbox.agentmail_to.records import Key
from services.sandbox.context import ApiError
from services.sandbox.faults import Fault


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the header fields by lower-case name."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def caller(services: Services, headers: Mapping[str, str]) -> Key:
    """Return the key that a request carries; raises 401."""
    value = headers.get("authorization")
    if value is None:
        raise Failure(
            401, "missing_authorization", "The Authorization header is missing.",
            fix="Send Authorization: Bearer <api key>.",
        )  # fmt: skip
    scheme, _, secret = value.partition(" ")
    if scheme != "Bearer" or not secret:
        raise Failure(401, "invalid_token_type", "The token type is not Bearer.")
    return key_of(services, secret)


def key_of(services: Services, secret: str) -> Key:
    """Return the key of a secret; raises 401."""
    key = services.tenancy.key(secret)
    if key is None:
        raise Failure(401, "unknown_api_key", "This API key is not known.")
    if key.expires_at is not None and key.expires_at <= services.store.clock():
        raise Failure(401, "api_key_expired", "This API key has expired.")
    return key


def check_permission(key: Key, endpoint: Endpoint) -> None:
    """Raise 403 unless the key grants what the operation needs."""
    if endpoint.permissions and not any(key.grants(name) for name in endpoint.permissions):
        name = endpoint.permissions[0]
        raise Failure(
            403, "missing_permission", f"This API key lacks the permission {name}.",
            fix=f"Use an API key with {name}.",
        )  # fmt: skip


def ordered_failure(fault: Fault) -> ApiError:
    """Return the failure that a fault asks for, in the shape of the service."""
    status = fault.status or 500
    headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    code = fault.error or usual_code(status)
    return Failure(status, code, "This failure was ordered.", headers=headers)
