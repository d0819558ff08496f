"""What the bridge tells the screens: engine events as Textual messages; and what others change.

Closes the trap of a queue that grows while the screen paints: a mailbox change and a sync state
replace the one that still waits, since only the newest counts.
"""

from __future__ import annotations

from textual.message import Message

from services import events
from services.safe_text import SafeText


class AccountsChanged(Message):
    """Somebody else has added accounts or taken some out."""

    def __init__(self, sentence: SafeText) -> None:
        super().__init__()
        self.sentence = sentence


class MailboxChanged(Message):
    """There is a new snapshot to show."""

    def __init__(self, event: events.MailboxChanged) -> None:
        super().__init__()
        self.event = event

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, MailboxChanged)


class SyncStateChanged(Message):
    """The status line has something new to tell."""

    def __init__(self, event: events.SyncStateChanged) -> None:
        super().__init__()
        self.event = event

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, SyncStateChanged)


class MessageOpened(Message):
    """A message can be read; `event.request_id` tells whether it is still wanted."""

    def __init__(self, event: events.MessageOpened) -> None:
        super().__init__()
        self.event = event


class RawRead(Message):
    """The raw mail can be read."""

    def __init__(self, event: events.RawRead) -> None:
        super().__init__()
        self.event = event


class SearchAnswered(Message):
    """The service answered a search."""

    def __init__(self, event: events.SearchAnswered) -> None:
        super().__init__()
        self.event = event


class KeyEventCame(Message):
    """The engine tells something about keys, peers or the directory."""

    def __init__(self, event: events.KeyEvent) -> None:
        super().__init__()
        self.event = event


class TransferEventCame(Message):
    """The engine tells how far files are."""

    def __init__(self, event: events.TransferEvent) -> None:
        super().__init__()
        self.event = event


class OutboundEventCame(Message):
    """The engine tells something about mail that is written or on its way."""

    def __init__(self, event: events.OutboundEvent) -> None:
        super().__init__()
        self.event = event


class NoticeCame(Message):
    """The engine has a sentence for the operator."""

    def __init__(self, event: events.Notice) -> None:
        super().__init__()
        self.event = event


class RequestFailed(Message):
    """A request could not be answered."""

    def __init__(self, event: events.RequestFailed) -> None:
        super().__init__()
        self.event = event
