"""Inbox items by number: the same number is the same mail, a higher number is newer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from services.wire_values import InboxItem

START: Final = 1_700_000_000
_WORDS: Final = (
    "invoice", "meeting", "update", "review", "contract", "shipping", "quarterly", "report",
    "draft", "proposal", "budget", "team", "launch", "customer", "account", "password", "security",
    "alert", "weekly", "digest", "order", "payment", "receipt",
)  # fmt: skip


def inbox_item(number: int, **fields: Any) -> InboxItem:
    """Return mail `number`, with some fields set otherwise."""
    words = [_WORDS[(number * step) % len(_WORDS)] for step in range(1, 31)]
    item = InboxItem(
        message_id=f"<{number:08x}.{number * 2654435761 % 2**32:08x}@mail.example>",
        sender=f"Ada {number % 700} <ada.{number % 700}@example.com>",
        recipient="agent@agents.example",
        subject=" ".join(words[:6]),
        body_preview=" ".join(words[6:]),
        received_at=START + 60 * number,
        labels=("work", "urgent") if number % 5 == 0 else ("work",) if number % 2 else (),
        is_read=number % 3 > 0,
        sender_verified=number % 4 > 0,
        archived=number % 11 == 0,
        attachment_count=int(number % 7 == 0),
    )
    return replace(item, **fields)


def pages(count: int, size: int = 100, start: int = 0) -> list[list[InboxItem]]:
    """Return `count` pages of mails, oldest first."""
    return [
        [inbox_item(n) for n in range(start + page * size, start + (page + 1) * size)]
        for page in range(count)
    ]
