"""The list of drafts: what a row shows, and what was opened for it while the key is unlocked.

Closes two traps: a list that opens every sealed draft again whenever it is drawn, and a subject that
stays on the screen after the key was locked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from services.errors import MailError
from services.outbound.draft_documents import DraftHead, Summary, summary_of
from services.outbound.sealed_documents import Sealer
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
        if not self._sealer.is_open:
            self.forget()
        known = self._opened
        self._opened = {}
        return tuple(self._row(head, known, open_content, owes_scrub) for head in heads)

    def _row(
        self,
        head: DraftHead,
        known: Mapping[tuple[str, int], Summary],
        open_content: Callable[[DraftHead], Mapping[str, Any]],
        owes_scrub: bool,
    ) -> DraftRow:
        summary, trouble = head.summary, ""
        if summary is None and self._sealer.is_open:
            summary = known.get((head.draft_id, head.revision))
            try:
                summary = summary or summary_of(open_content(head))
            except MailError as error:
                trouble = error.sentence
            else:
                self._opened[head.draft_id, head.revision] = summary
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
