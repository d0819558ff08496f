"""What each kind of mail service offers, known without a connection, a token or its client.

Closes the trap of rules that hold only while there is a connection: a label that the service would
refuse is refused offline too, and nobody is told "for good" of what goes to a trash.
"""

from __future__ import annotations

from services.ports import Capabilities
from services.service_config import AGENTMAIL_TO


def capabilities_of(kind: str) -> Capabilities:
    """Return what the service of an account's kind offers, as its client will say too.

    Imports more than a first frame needs.
    """
    if kind == AGENTMAIL_TO:
        from services.api.agentmail_to.offer import OFFER

        return OFFER
    return Capabilities()
