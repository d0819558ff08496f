"""What is asked when a draft is to leave from another account; see `services.outbound_events`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from services.draft import Draft
from services.events import OutboundRequest


@dataclass(frozen=True, slots=True)
class MoveDraft(OutboundRequest):
    """Let a draft leave from another account; `DraftOpened` with its new id and account.

    It must have been saved, or be blank: what the disk has of it in `account` is dropped.
    """

    is_vital: ClassVar[bool] = True
    draft: Draft
    account: str
    to_account: str
