"""The review screen: exactly what will be sent, what speaks against it, and the only key that sends.

Closes the trap of mail that leaves from anywhere else, or by a key that somebody presses by habit.
A decision carries the digest on screen; when the mail is another one by then, nothing is sent, and
the screen shows what changed.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult

from services.events import Severity
from services.outbound_events import (
    OutboundDone,
    ProposalsListed,
    SendQueued,
)
from services.safe_text import EMPTY, SafeText, phrase, ui
from tui.screens.deciding import ReviewPanes
from tui.screens.decisions import Decisions
from tui.screens.side_screen import Handlers, SideScreen
from tui.situation import Context, Situation
from widgets.diff_view import DiffView
from widgets.review_card import ReviewFoot, ReviewHead
from widgets.review_text import ReviewText

if TYPE_CHECKING:
    from services.events import OutboundEvent, RequestFailed
    from services.requests import Request
    from tui.outbound_news import OutboundNews
    from tui.session import Session


class Outcome(Enum):
    """How a review ended; None when it was left and nothing was decided."""

    SENT = "sent"
    EDIT = "edit"
    """The operator wants to change it: open the draft."""
    LATER = "later"
    """The operator wants to say when it leaves."""
    REJECTED = "rejected"


class ReviewScreen(SideScreen[Outcome]):
    """One draft as it would be sent, an own one or an agent's."""

    CONTEXT = Context.REVIEW
    HEADING: ClassVar[SafeText] = ui("Review")
    AUTO_FOCUS = "ReviewText"

    def __init__(
        self,
        news: OutboundNews,
        session: Session,
        draft_id: str,
        account: str = "",
        decided: SafeText = EMPTY,
    ) -> None:
        """`decided` says what became of it already: it is only looked at then."""
        super().__init__(news, session)
        self._draft_id, self._account, self._decided = draft_id, account, decided
        glyphs, clock = session.glyphs, session.clock
        self._head = ReviewHead(glyphs=glyphs, clock=clock, id="review-head")
        key = self.shown_key("unfold_text")
        self._text = ReviewText(glyphs=glyphs, unfold_key=key, id="review-text")
        self._diff = DiffView(glyphs=glyphs, id="review-diff")
        self._diff.display = False
        self._foot = ReviewFoot(glyphs=glyphs, clock=clock, id="review-foot")
        panes = ReviewPanes(self._text, self._diff, self._foot, self._head)
        self._decisions = Decisions(self, panes)
        self.deciding = self._decisions.deciding

    def parts(self) -> ComposeResult:
        """Head, what is scrolled, foot."""
        yield self._head
        yield self._text
        yield self._diff
        yield self._foot

    def opened(self) -> None:
        """Ask for the plan."""
        self.deciding.fit(*self.app.size)
        self._decisions.read(self._draft_id, self._account)

    def situation(self) -> Situation:
        """What was seen, and what stands against it."""
        view = self.deciding.view
        kind = "" if view is None else "waiting" if view.agent else "own"
        if self._decided and kind:
            kind = "decided"
        return Situation(
            context=Context.REVIEW,
            entry=kind,
            painted=self.deciding.painted,
            refused=self.deciding.refused,
        )

    def handlers(self) -> Handlers:
        """What each command does."""
        return {
            **self._decisions.handlers(),
            "edit_mail": lambda: self._end_with(Outcome.EDIT),
            "schedule_mail": lambda: self._end_with(Outcome.LATER),
        }

    def _end_with(self, outcome: Outcome) -> None:
        self.dismiss(outcome)

    # ── what the engine tells ────────────────────────────────────────────────────────────────────

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """Answers to what was asked here, and news about this draft.

        What became of a mail is told to the screens below too: they outlive this one.
        """
        if isinstance(event, ProposalsListed) and not event.request_id:
            self._listed(event)
        if asked is None:
            return False
        if isinstance(event, SendQueued):
            self._end_with(Outcome.SENT)
        elif isinstance(event, OutboundDone):
            self._end_with(Outcome.REJECTED)
        elif self._decisions.heard(event, asked):
            self._entitle()
            return True
        return False

    def _entitle(self) -> None:
        view = self.deciding.view
        if self._decided:
            self.deciding.gone(self._decided)
        if view is not None:
            heading = phrase("Approve for {}", view.agent) if view.agent else ui("Review")
            self.status.show_title(view.account, heading)

    def _listed(self, event: ProposalsListed) -> None:
        view = self.deciding.view
        if view is None or not view.agent:
            return
        rows = [row for row in event.rows if row.draft_id == self._draft_id]
        if not any(row.is_waiting for row in rows):
            self.deciding.gone(ui("This was decided elsewhere, or taken back by its agent."))
        elif rows[0].revision != view.revision:
            self.notices.tell(
                phrase("{} revised it: this is revision {}.", view.agent, rows[0].revision),
                Severity.WARNING,
            )
            self._decisions.read_again()

    # ── the screen ───────────────────────────────────────────────────────────────────────────────

    def on_review_text_looked(self, event: ReviewText.Looked) -> None:
        """Rows were painted."""
        event.stop()
        self.deciding.looked()

    def on_resize(self, event: events.Resize) -> None:
        """Head and foot take their share of the rows, once this layout is through."""
        self.call_later(self.deciding.fit, event.size.width, event.size.height)

    def on_screen_resume(self) -> None:
        """A dialog was closed: what it covered is on screen again."""
        if self.is_mounted:
            self.deciding.look_again()
