"""The numbers beside the mailbox names, kept up to date message by message.

Closes the trap of counts that cost a pass over the mailbox: adding or taking one message changes a
handful of integers.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from services.models import LabelCount, MailboxCounts, RowFlag
from services.safe_text import SafeText, clean_line

LabelSet = tuple[str, ...]
_ARCHIVED: Final = int(RowFlag.ARCHIVED)
_UNREAD: Final = int(RowFlag.UNREAD)
_VERIFIED: Final = int(RowFlag.VERIFIED)


class RunningCounts:
    """Counts of the mailbox as it is; see `MailboxCounts` for what is counted where."""

    def __init__(self) -> None:
        self._total = self._archived = self._unread = self._unverified = 0
        self._labels: Counter[str] = Counter()
        self._shown: dict[str, SafeText] = {}
        self._label_counts: tuple[LabelCount, ...] | None = ()

    def add(self, flags: int, labels: LabelSet, times: int = 1) -> None:
        """Count messages with these flags and labels in, or out with negative `times`."""
        self._total += times
        if flags & _ARCHIVED:
            self._archived += times
            return
        if flags & _UNREAD:
            self._unread += times
        if not flags & _VERIFIED:
            self._unverified += times
        if labels:
            self._label_counts = None
            for label in dict.fromkeys(labels):
                self._labels[label] += times

    def change(self, flags: int, labels: LabelSet, now: int, labels_now: LabelSet) -> None:
        """Count one message that had some flags and labels and has others now."""
        self.add(flags, labels, -1)
        self.add(now, labels_now)

    def published(self) -> MailboxCounts:
        """Return the counts as a value."""
        if self._label_counts is None:
            self._label_counts = self._list_labels()
        return MailboxCounts(
            inbox=self._total - self._archived, unread=self._unread, unverified=self._unverified,
            archived=self._archived, total=self._total, labels=self._label_counts,
        )  # fmt: skip

    def _list_labels(self) -> tuple[LabelCount, ...]:
        self._labels = +self._labels
        self._shown = {label: self._shown.get(label) or clean_line(label) for label in self._labels}
        return tuple(
            LabelCount(label, self._shown[label], count)
            for label, count in sorted(self._labels.items())
        )
