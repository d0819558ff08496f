"""What is asked about a reviewed mail: read it, send or approve it, refuse it, compare its revisions.

Closes the trap of an answer that comes late and is taken for another mail's: every answer is compared
with the mail that is on screen, and a decision names the digest that is drawn there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.events import RequestFailed, Severity
from services.outbound_events import (
    CompareProposal,
    DecisionVoid,
    DraftLocked,
    ProposalCompared,
    RejectProposal,
    ReviewDraft,
    ReviewReady,
    SendDraft,
)
from services.safe_text import EMPTY, SafeText, ui
from tui.screens.deciding import Deciding, ReviewPanes

if TYPE_CHECKING:
    from services.events import OutboundEvent
    from services.requests import Request
    from tui.screens.side_screen import Handlers, SideScreen

_FAR = 1_000_000_000
"""Rows beyond every end."""


class Decisions:
    """The requests of a screen about one mail at a time; `deciding` is what it shows of it."""

    def __init__(self, screen: SideScreen[Any], panes: ReviewPanes) -> None:
        self._screen = screen
        self._diff = panes.diff
        self.deciding = Deciding(screen, panes, screen.session, screen.shown_key, screen.show_hints)
        self._draft_id = self._account = ""

    def handlers(self) -> Handlers:
        """What the commands do that every screen with a review has."""
        deciding = self.deciding
        return {
            "send_mail": lambda: self._send(ui("It is being handed to the outbox.")),
            "approve": lambda: self._send(ui("It is being approved.")),
            "reject": self._reject,
            "compare_revisions": self._compare,
            "unfold_text": deciding.toggle_fold,
            "file_details": deciding.toggle_details,
            "review_again": self.read_again,
            "review_on": deciding.read_on,
            "review_back": lambda: deciding.scroll(pages=-1),
            "review_down": lambda: deciding.scroll(rows=1),
            "review_up": lambda: deciding.scroll(rows=-1),
            "review_page_down": lambda: deciding.scroll(pages=1),
            "review_page_up": lambda: deciding.scroll(pages=-1),
            "review_first": lambda: deciding.scroll(rows=-_FAR),
            "review_last": lambda: deciding.scroll(rows=_FAR),
        }

    # ── requests ─────────────────────────────────────────────────────────────────────────────────

    def read(self, draft_id: str, account: str) -> None:
        """Ask for the review of a draft."""
        self._draft_id, self._account = draft_id, account
        self.read_again()

    def read_again(self) -> None:
        """Ask for the review of the same draft, as it is now."""
        self.deciding.clear()
        if self._draft_id:
            self._screen.ask(ReviewDraft(self._draft_id, self._account))

    def forget(self, words: SafeText = EMPTY) -> None:
        """Nothing is reviewed."""
        self._draft_id = self._account = ""
        self.deciding.clear(words)

    def _send(self, words: SafeText) -> None:
        view = self.deciding.view
        if view is not None:
            self._screen.ask(SendDraft(view.draft_id, view.digest, self._account))
            self.deciding.asks(words)

    def _reject(self) -> None:
        view, account = self.deciding.view, self._account
        if view is None:
            self._screen.notices.tell(ui("It is still being read."))
            return

        def answered(reason: str | None) -> None:
            if reason is not None:
                self._screen.ask(RejectProposal(account, view.draft_id, view.digest, reason))

        from tui.screens.decision_dialogs import reject_dialog

        dialog = reject_dialog(view.agent, view.subject, self._screen.session.monotonic)
        self._screen.app.push_screen(dialog, answered)

    def _compare(self) -> None:
        if self.deciding.compares:
            self.deciding.compare(shown=False)
            return
        self._diff.show_waiting()
        self.deciding.compare(shown=True)
        self._screen.ask(CompareProposal(self._account, self._draft_id))

    # ── answers ──────────────────────────────────────────────────────────────────────────────────

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request) -> bool:
        """Take an answer; False when it is not about a review."""
        tell = self._screen.notices.tell
        match event:
            case ReviewReady():
                if event.review.draft_id == self._draft_id:
                    self.deciding.show(event.review)
            case DecisionVoid():
                tell(event.sentence, Severity.WARNING)
                if event.review.draft_id == self._draft_id:
                    self.deciding.show(event.review, event.changed)
            case ProposalCompared():
                if event.draft_id == self._draft_id:
                    self._diff.show_diff(event.older, event.newer, event.lines)
            case DraftLocked():
                tell(event.sentence, Severity.WARNING)
                self._screen.news.unlock(self.read_again, event.account)
            case RequestFailed():
                self._failed(event, asked)
            case _:
                return False
        return True

    def _failed(self, event: RequestFailed, asked: Request) -> None:
        self._screen.notices.tell(event.sentence, Severity.ERROR, event.next_step)
        if isinstance(asked, ReviewDraft) and asked.draft_id == self._draft_id:
            self.deciding.clear(event.sentence)
        elif isinstance(asked, SendDraft):
            self.deciding.asks(EMPTY)
