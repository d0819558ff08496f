"""The operations that a fault can be ordered for.

Closes the trap of a test that proves nothing: a fault for a misspelt operation never happens, and
the client passes for one that bears it.
"""

from __future__ import annotations

from services.api.routes import ROUTES
from services.sandbox.context import ApiError
from services.sandbox.s3_watch import DOWNLOAD, UPLOAD
from services.sandbox.ses.door import OTHER_FAULT, SEND_FAULT


def check_operation(name: str) -> None:
    """Raise 400 with the list of operations unless this is one of them."""
    known = {route.name for route in ROUTES.values()}
    known |= {UPLOAD, DOWNLOAD, SEND_FAULT, OTHER_FAULT, *_agentmail_to()}
    if name not in known:
        told = f"There is no operation {name[:100]!r}. Known: {', '.join(sorted(known))}."
        raise ApiError(400, "unknown_operation", told)


def _agentmail_to() -> set[str]:
    # That door is loaded with its first request.
    from services.sandbox.agentmail_to.endpoints import endpoints
    from services.sandbox.agentmail_to.socket_door import EVENT, OPERATION

    return {EVENT, OPERATION} | {endpoint.name for endpoint in endpoints()}
