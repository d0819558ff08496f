"""What tests of mail by Amazon SES write, and to whom."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from services.draft import VIA_SES, Draft
from services.outbound.office import Office
from services.policy_config import Policy
from tests.services.outbound.office_stage import mail

OVERSIGHT = "boss@elsewhere.example"
OUTSIDE = "ann@outside.example"
WITH_OVERSIGHT = Policy(undo_seconds=0, oversight=OVERSIGHT)
HTML = '<h2>Order 42</h2>\n<p><a href="https://example.com/orders/42">Open</a></p>\n'
Opens = Callable[..., Awaitable[Office]]


def by_ses(*to: str, **more: Any) -> Draft:
    return mail(*to, via=VIA_SES, **more)
