"""What the engine is asked about the audit logs, and what it tells.

Loaded with the Audit screen, never for the first frame; apart from the events of drafts and sending,
because who reads what was done asks for nothing to be done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from services.events import OutboundEvent, OutboundRequest
from services.outbound_models import AuditRow
from services.safe_text import EMPTY, SafeText


@dataclass(frozen=True, slots=True)
class ListAudit(OutboundRequest):
    """Tell the audit logs of what is shown, newest first, narrowed by words; `AuditListed`.

    `account` names one of several.
    """

    latest_only: ClassVar[bool] = True
    words: str = ""
    limit: int = 500
    account: str = ""


@dataclass(frozen=True, slots=True)
class AuditListed(OutboundEvent):
    """The answer to `ListAudit`; `trouble` says where the chain is broken, EMPTY when it holds."""

    request_id: int
    rows: tuple[AuditRow, ...]
    total: int
    trouble: SafeText = EMPTY
