"""The way from the mail screen to writing and sending, which is loaded with the first key for it.

Closes two traps: a start that pays for screens which nobody has asked for yet, and a mail that is on
its way out while nobody can see any more how to take it back.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from services.draft import DraftKind
from services.events import OutboundEvent, RequestFailed
from services.outbound_events import (
    BeginDraft,
    CountOutbound,
    OpenDraft,
    OutboundCounted,
    OutboundDone,
    SendCancelled,
    SendQueued,
)
from services.safe_text import ui
from services.shelf_events import ShelvesCounted
from tui.outbound_news import OutboundNews, way_to_draft
from widgets.mailbox_list import Beside, Outgoing
from widgets.undo_bar import UndoBar

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.screens.mail import MailScreen
    from tui.screens.unsaved import Unsaved
    from tui.session import Session


class Outbound:
    """Writing and sending on the mail screen; `news` is what the engine tells about it."""

    def __init__(self, screen: MailScreen) -> None:
        self._screen = screen
        self.news = OutboundNews(screen.ask, unlock=self._unlock, go=screen.run_command)
        self._counting = 0
        self._beside: dict[str, ShelvesCounted] = {}
        self.news.unseen = lambda draft: self._unsaved.heard(draft)
        self.news.listen(self._heard)

    @property
    def can_take_back(self) -> bool:
        """Something that was sent can still be taken back."""
        return self.news.can_take_back(self._screen.session.clock())

    # ── commands ─────────────────────────────────────────────────────────────────────────────────

    def write(self) -> None:
        """Begin a new message."""
        self._compose(BeginDraft(account=self._screen.accounts.about()))

    def go_on_writing(self) -> None:
        """Go back to the draft that was on the screen last."""
        last = self.news.drafts.last
        if last is not None:
            self._compose(OpenDraft(last.draft_id, last.account))
        else:
            self._screen.notices.tell(ui("No draft is open."))

    def answer(self, kind: str) -> None:
        """Begin an answer to the current message, or send it on; `kind` is a `DraftKind`'s value."""
        current = self._screen.attention.current_id
        if current is not None:
            self._compose(BeginDraft(DraftKind(kind), current))

    def take_back(self) -> None:
        """Cancel what was sent a moment ago."""
        self.news.take_back()

    def hold_back(self, leave: Callable[[], None]) -> bool:
        """Ask before the app ends, when that would lose a draft; False when it would not."""
        return self.news.has_drafts and self._unsaved.hold_back(leave)

    def count(self) -> None:
        """Ask how much is written and waits."""
        self._counting = self.news.ask(CountOutbound())

    # ── screens ──────────────────────────────────────────────────────────────────────────────────

    def show_drafts(self) -> None:
        """Show what is being written."""
        from tui.screens.drafts import DraftsScreen

        self._screen.app.push_screen(DraftsScreen(self.news, self._session))

    def show_approvals(self) -> None:
        """Show what agents want to send."""
        from tui.screens.approvals import ApprovalsScreen

        self._screen.app.push_screen(
            ApprovalsScreen(self.news, self._screen.session.of_account(""))
        )

    def show_outbox(self) -> None:
        """Show what waits or is leaving."""
        from tui.screens.outbox import OutboxScreen

        self._screen.app.push_screen(OutboxScreen(self.news, self._session))

    def show_sent(self) -> None:
        """Show what has left."""
        from tui.screens.sent import SentScreen

        self._screen.app.push_screen(SentScreen(self.news, self._session))

    def show_transfers(self) -> None:
        """Show files on their way."""
        from tui.screens.transfers import TransfersScreen

        self._screen.app.push_screen(TransfersScreen(self.news, self._session))

    def show_audit(self) -> None:
        """Show who sent and decided what."""
        from tui.screens.audit import AuditScreen

        self._screen.app.push_screen(AuditScreen(self.news, self._session))

    def show_trash(self) -> None:
        """Show what lies in the trash of the service."""
        from tui.screens.trash import TrashScreen

        self._screen.app.push_screen(TrashScreen(self.news, self._session))

    def show_all_sent(self) -> None:
        """Show what was sent from the inbox, as the service lists it."""
        from tui.screens.sent_and_held import AllSentScreen

        self._screen.app.push_screen(AllSentScreen(self.news, self._session))

    def show_held(self) -> None:
        """Show what the service keeps out of the inbox."""
        from tui.screens.sent_and_held import HeldScreen

        self._screen.app.push_screen(HeldScreen(self.news, self._session))

    def _compose(self, begin: BeginDraft | OpenDraft) -> None:
        from tui.screens.compose import ComposeScreen

        self._screen.app.push_screen(ComposeScreen(self.news, self._session, begin))

    @property
    def _session(self) -> Session:
        """The session for a screen of its own: about the account that is shown, or about all."""
        return self._screen.session.of_account(self._screen.accounts.chosen)

    def _unlock(
        self, then: Callable[[], None], account: str, otherwise: Callable[[], None]
    ) -> None:
        """Ask for the passphrase of an account's keys; `then` runs once they are unlocked."""
        from tui.screens.passphrase import PassphraseDialog

        def answered(opened: bool | None) -> None:
            if opened:
                then()
            else:
                otherwise()

        screen = self._screen
        screen.app.push_screen(
            PassphraseDialog(screen.sealed.news_of(account), screen.session.monotonic), answered
        )

    @cached_property
    def _unsaved(self) -> Unsaved:
        """What could not be saved."""
        from tui.screens.unsaved import Unsaved

        return Unsaved(self._screen)

    @cached_property
    def _undo_bar(self) -> UndoBar:
        """The seconds in which a mail can be taken back, above the hints of the mail screen."""
        session = self._screen.session
        bar = UndoBar(glyphs=session.glyphs, clock=session.clock, id="undo-bar")
        self._screen.mount(bar, before="#foot")
        return bar

    # ── what the engine tells ────────────────────────────────────────────────────────────────────

    def take(self, event: OutboundEvent | RequestFailed) -> bool:
        """Hand on what the engine told; False when it means nobody here."""
        return self.news.take(event)

    def _count_beside(self, counted: ShelvesCounted) -> None:
        """Show what lies beside the mailboxes of all accounts together."""
        self._beside[counted.account] = counted
        each = self._beside.values()
        self._screen.panes.places.show_beside(
            Beside(
                sum(one.held for one in each),
                more_held=any(one.more_held for one in each),
                sent=any(one.sent for one in each),
                trashed=any(one.trashed for one in each),
            )
        )

    def _heard(self, event: OutboundEvent | RequestFailed) -> bool:
        """The mail screen hears last: what no other screen has kept for itself."""
        match event:
            case OutboundCounted(counts=counts):
                leaving = counts.outbox + counts.uncertain
                self._screen.panes.places.show_outgoing(
                    Outgoing(counts.waiting, counts.drafts, leaving)
                )
                self._screen.status.show_to_decide(counts.waiting, counts.uncertain)
            case ShelvesCounted():
                self._count_beside(event)
            case SendQueued():
                self._screen.notices.tell(event.sentence)
                self._undo_bar.show_until(event.undo_until, self._screen.shown_key("undo"))
            case SendCancelled():
                step = way_to_draft(event, self._screen.shown_key("drafts"))
                self._screen.notices.tell(event.sentence, next_step=step)
                self._undo_bar.end()
            case OutboundDone():
                self._screen.notices.tell(event.sentence)
            case RequestFailed(request_id=failed):
                # Nobody asked for the counts; whoever asks for more is told what stands against it.
                return failed == self._counting != 0
            case _:
                return False
        return True
