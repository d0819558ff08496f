"""The Sent screen: the same two lists as the Outbox screen, begun with what has left.

Closes the trap of a second screen for the same thing that slowly becomes another one.
"""

from __future__ import annotations

from tui.screens.outbox import OutboxScreen


class SentScreen(OutboxScreen):
    """What has left; Tab shows what has not."""

    STARTS_WITH_SENT = True
