"""The list of drafts: what a row shows, and what was opened for it while the key is unlocked.

Closes two traps: a list that opens every sealed draft again whenever it is drawn, and a subject
that stays on the screen after the key was locked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from services.errors import MailError
from services.outbound.drafts.draft_documents import DraftHead, Summary, summary_of
from services.outbound.log.sealed_documents import Sealer
from services.outbound_models import DraftRow
from services.safe_text import clean_line, join, ui

_SCRUB_OWED = ui("What was written before it was encrypted could not be wiped from the disk yet.")


class SummaryCache:
    """Recipients and subjects of sealed drafts, in memory while a key is open."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._opened: dict[tuple[str, int], Summary] = {}

    def forget(self) -> None:
        """Drop all of it."""
        self._opened = {}

    def rows(
        self,
        heads: Iterable[DraftHead],
        open_content: Callable[[DraftHead], Mapping[str, Any]],
        *,
        owes_scrub: bool,
    ) -> tuple[DraftRow, ...]:
        """Return the rows; `open_content` may raise a MailError."""
        known = self._opened if self._sealer.is_open else {}
        opened: dict[tuple[str, int], Summary] = {}
        rows = []
        for head in heads:
            summary, trouble = head.summary, ""
            if summary is None and self._sealer.is_open:
                place = head.draft_id, head.revision
                try:
                    summary = known.get(place) or summary_of(open_content(head))
                    opened[place] = summary
                except MailError as error:
                    trouble = error.sentence
            rows.append(_row(head, summary, trouble, owes_scrub=owes_scrub))
        # It may have been locked meanwhile.
        self._opened = opened if self._sealer.is_open else {}
        return tuple(rows)


def _row(head: DraftHead, summary: Summary | None, trouble: str, *, owes_scrub: bool) -> DraftRow:
    remarks = [head.reason, trouble]
    if head.hindrance:
        remarks.append(f"Not sealed on this disk: {head.hindrance}")
    if head.is_sealed and owes_scrub:
        remarks.append(_SCRUB_OWED)
    shown = summary or Summary()
    return DraftRow(
        head.draft_id,
        head.changed_at,
        recipients=clean_line(", ".join(shown.recipients)),
        subject=clean_line(shown.subject),
        encrypted=head.is_encrypted,
        locked=summary is None,
        files=head.files,
        remark=join(" ", [clean_line(remark) for remark in remarks if remark]),
    )
