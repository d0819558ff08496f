"""The Approvals screen: what agents of all accounts want to send, and the whole of the current one.

Closes three traps. A decision about the row that the cursor has just left: it is made about the review
that is drawn below the list, and names its digest. A list that decides by itself: nothing here is
approved by Enter, by Space, in passing, or before all of it was on screen. A list of ten thousand that
is made anew every second although nothing of it is different.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events
from textual.app import ComposeResult

from services.events import Severity
from services.outbound_events import (
    ListProposals,
    OpenDraft,
    OutboundDone,
    PauseAgent,
    ProposalsListed,
    SendCancelled,
    SendQueued,
)
from services.safe_text import EMPTY, SafeText, join, phrase, ui
from tui.screens.deciding import ReviewPanes
from tui.screens.decisions import Decisions
from tui.screens.dialogs import ChoiceDialog, ConfirmDialog
from tui.screens.list_screen import row_motions
from tui.screens.review import Outcome, ReviewScreen
from tui.screens.side_screen import Handlers, SideScreen
from tui.situation import Context, Situation
from widgets.approval_list import AgentCounts, AgentStrip, ApprovalList
from widgets.diff_view import DiffView
from widgets.review_card import ProposalTitle, ReviewFoot
from widgets.review_text import ReviewText

if TYPE_CHECKING:
    from textual.timer import Timer

    from services.events import OutboundEvent, RequestFailed
    from services.outbound_models import AgentView, ProposalRow
    from services.requests import Request
    from tui.outbound_news import OutboundNews
    from tui.session import Session

REST_SECONDS: Final = 0.15
"""How long the cursor rests before the proposal under it is read."""
AGE_SECONDS: Final = 60.0
_ALWAYS_ROWS: Final = 4
"""Rows of the status line, of the hints, and of the text at least."""
_FOOT_ROWS: Final = 5
"""Rows that the foot of the review takes at most, of no more than `_FOOT_SHARE` of the screen."""
_FOOT_SHARE: Final = 0.45
_SHORT: Final = 14
"""Below so many rows the agents are not told of, and below `_SHORTEST` not whose the proposal is."""
_SHORTEST: Final = 10


class ApprovalsScreen(SideScreen[None]):
    """Proposals above, the current one below."""

    CONTEXT = Context.APPROVALS
    HEADING: ClassVar[SafeText] = ui("Approvals")
    AUTO_FOCUS = "ApprovalList"

    def __init__(self, news: OutboundNews, session: Session) -> None:
        super().__init__(news, session)
        glyphs, clock = session.glyphs, session.clock
        self._strip = AgentStrip(glyphs=glyphs, clock=clock, id="agents")
        self.list = ApprovalList(glyphs=glyphs, clock=clock, id="approvals")
        self.list.show_accounts(session.marks)
        key = self.shown_key("unfold_text")
        self._text = ReviewText(glyphs=glyphs, unfold_key=key, id="review-text")
        self._text.can_focus = False
        self._diff = DiffView(glyphs=glyphs, id="review-diff")
        self._diff.display = False
        self._foot = ReviewFoot(glyphs=glyphs, clock=clock, id="review-foot")
        self._title = ProposalTitle(glyphs=glyphs, clock=clock, id="proposal-title")
        panes = ReviewPanes(self._text, self._diff, self._foot, title=self._title)
        self._decisions = Decisions(self, panes)
        self.deciding = self._decisions.deciding
        self._agents: tuple[AgentView, ...] = ()
        self._listed: ProposalsListed | None = None
        self._with_decided = False
        self._resting: Timer | None = None
        self._read: ProposalRow | None = None

    def parts(self) -> ComposeResult:
        """Agents, list, the current proposal."""
        yield self._strip
        yield self.list
        yield self._title
        yield self._text
        yield self._diff
        yield self._foot

    def opened(self) -> None:
        """Ask for the proposals; how long they wait is drawn anew every minute."""
        self.set_interval(AGE_SECONDS, self.list.refresh)
        self._fit()
        self.await_list(self.list)
        self._list_again()

    def _list_again(self) -> None:
        self.ask(ListProposals(with_decided=self._with_decided))

    def situation(self) -> Situation:
        """What the cursor stands on, and how much of it was seen."""
        row, view = self.list.current, self.deciding.view
        if row is None:
            entry = ""
        elif not row.is_waiting:
            entry = "decided"
        else:
            entry = "waiting"
        shown = view is not None and row is not None and view.draft_id == row.draft_id
        return Situation(
            context=Context.APPROVALS,
            entry=entry,
            painted=shown and self.deciding.painted,
            refused=self.deciding.refused,
        )

    def handlers(self) -> Handlers:
        """What each command does."""
        return {
            **self._decisions.handlers(),
            "edit_mail": self._edit,
            "whole_mail": self._show_whole,
            "pause_agent": self._pause,
            "with_decided": self._toggle_decided,
            **row_motions(self.list),
        }

    # ── commands ─────────────────────────────────────────────────────────────────────────────────

    def _show_whole(self) -> None:
        row = self.list.current
        if row is None:
            return

        def left(outcome: Outcome | None) -> None:
            if outcome is Outcome.EDIT:
                self._open(row)
            self._list_again()

        decided = EMPTY if row.is_waiting else row.state
        screen = ReviewScreen(self.news, self.session, row.draft_id, row.account, decided)
        self.app.push_screen(screen, left)

    def _edit(self) -> None:
        if self.list.current is not None:
            self._open(self.list.current)

    def _open(self, row: ProposalRow) -> None:
        from tui.screens.compose import ComposeScreen

        begin = OpenDraft(row.draft_id, row.account)
        self.app.push_screen(ComposeScreen(self.news, self.session, begin))

    def _toggle_decided(self) -> None:
        self._with_decided = not self._with_decided
        self._list_again()

    def _pause(self) -> None:
        row = self.list.current
        mine = [one for one in self._agents if row is not None and one.shown == row.agent
                and one.account == row.account]  # fmt: skip
        if mine:
            self._switch(mine[0])
        elif self._agents:
            self._choose_agent()
        else:
            self.notices.tell(ui("No agent has proposed anything yet."))

    def _choose_agent(self) -> None:
        agents = self._agents
        answers = [
            phrase("{} {}", ui("Resume") if one.paused else ui("Pause"), one.shown)
            for one in agents
        ]

        def answered(number: int | None) -> None:
            if number is not None:
                self._switch(agents[number])

        dialog = ChoiceDialog(ui("Which agent?"), (), answers, self.session.monotonic)
        self.app.push_screen(dialog, answered)

    def _switch(self, agent: AgentView) -> None:
        request = PauseAgent(agent.account, agent.name, not agent.paused)
        if not agent.paused:
            self.ask(request)
            return

        def answered(sure: bool | None) -> None:
            if sure:
                self.ask(request)

        self.app.push_screen(
            ConfirmDialog(
                phrase("Let {} go on?", agent.shown),
                (ui("It may send again what the policy lets it send without a person."),),
                ui("Resume"),
                self.session.monotonic,
            ),
            answered,
        )

    # ── what the engine tells ────────────────────────────────────────────────────────────────────

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """The list, the current proposal, and what became of a decision."""
        if isinstance(event, ProposalsListed):
            return self._heard_list(event, asked)
        if isinstance(event, SendQueued | SendCancelled | OutboundDone):
            # The mail screen has to hear of it as well: it can be taken back there too.
            self.notices.tell(event.sentence)
            self._list_again()
            return False
        return asked is not None and self._decisions.heard(event, asked)

    def _heard_list(self, event: ProposalsListed, asked: Request | None) -> bool:
        if not event.request_id and event.with_decided is not self._with_decided:
            self._list_again()
        elif asked is not None or not event.request_id:
            self._show(replace(event, request_id=0))
        return asked is not None

    def _show(self, event: ProposalsListed) -> None:
        if event != self._listed:
            self._listed = event
            self._remake(event)
        self._follow()

    def _remake(self, event: ProposalsListed) -> None:
        self._agents = event.agents
        waiting = sum(row.is_waiting for row in event.rows)
        key = self.shown_key("pause_agent")
        with self.app.batch_update():
            counts = AgentCounts(waiting, event.sent_today, event.coming)
            self._strip.show_agents(counts, event.agents, key)
            self.list.show_records(event.rows, self._nothing())
            self._fit()

    def _nothing(self) -> SafeText:
        first = ui("Nothing waits for you.")
        how = ui("Agents propose mail with: agentmail-tui draft --from-agent NAME")
        if self._with_decided:
            return join(" ", (first, ui("Nothing was decided either."), how))
        return join(" ", (first, how, phrase("({} lists what was decided.)",
                                             self.shown_key("with_decided"))))  # fmt: skip

    # ── the current proposal ─────────────────────────────────────────────────────────────────────

    def on_row_list_cursor_moved(self, event: ApprovalList.CursorMoved) -> None:
        """Read the proposal once the cursor rests."""
        event.stop()
        self._rest()

    def on_row_list_opened(self, event: ApprovalList.Opened) -> None:
        """A click on the current row is Enter."""
        event.stop()
        self.run_command("whole_mail")

    def _rest(self) -> None:
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
        if self.list.current != self._read:
            self._decisions.forget()
            self._resting = self.set_timer(REST_SECONDS, self._follow)

    def _follow(self) -> None:
        self._resting = None
        row = self.list.current
        if row == self._read and (row is None or self.deciding.view is not None):
            return
        if row is not None and self._read is not None and row.revision != self._read.revision:
            self._tell_revised(row)
        self._read = row
        if row is None:
            self._decisions.forget(EMPTY)
        elif row.is_waiting:
            self._decisions.read(row.draft_id, row.account)
        else:
            self._decisions.forget(phrase("{}. {} shows the mail.", row.state,
                                          self.shown_key("whole_mail")))  # fmt: skip

    def _tell_revised(self, row: ProposalRow) -> None:
        before = self._read
        if before is not None and self.list.key_of(before) == self.list.key_of(row):
            words = phrase("{} revised it: this is revision {}.", row.agent, row.revision)
            self.notices.tell(words, Severity.WARNING)

    def on_review_text_looked(self, event: ReviewText.Looked) -> None:
        """Rows were painted."""
        event.stop()
        self.deciding.looked()

    def show_hints(self) -> None:
        """The hints; what was seen in full loses its mark."""
        super().show_hints()
        row, view = self.list.current, self.deciding.view
        shown = row is not None and view is not None and view.draft_id == row.draft_id
        if row is not None and shown and self.deciding.painted and self.list.is_unseen(row):
            self.list.saw(row)

    # ── the screen ───────────────────────────────────────────────────────────────────────────────

    def _fit(self) -> None:
        width, height = self.app.size
        self.deciding.fit(width, height)
        self._strip.display = height >= _SHORT
        self._title.display = height >= _SHORTEST
        beside = 2 * (height >= _SHORT) + (height >= _SHORTEST)
        foot = min(_FOOT_ROWS, int(height * _FOOT_SHARE))
        most = max(1, min(height // 3, height - _ALWAYS_ROWS - beside - foot))
        rows = min(max(1, len(self.list.records)), most) if self.list.records else most
        self.list.styles.height = rows

    def on_resize(self, _event: events.Resize) -> None:
        """The list takes its share, once this layout is through."""
        self.call_later(self._fit)

    def on_screen_resume(self) -> None:
        """What covered the review was closed."""
        if self.is_mounted:
            self.deciding.look_again()
