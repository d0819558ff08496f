"""What the operator looks at: the message that a command means, and the picture that guards read.

Closes the trap of a command that means the list's cursor while a message is being read: the pane with
the keys decides, in this one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.models import RowFlag, SyncPhase
from tui.situation import Context, Situation

if TYPE_CHECKING:
    from tui.screens.mail import MailScreen


class Attention:
    """The current message, the targets of a command, and the situation."""

    def __init__(
        self,
        screen: MailScreen,
    ) -> None:
        self._screen = screen
        self._panes = screen.panes
        self._finding = screen.finding
        self._reading = screen.reading

    @property
    def current_id(self) -> str | None:
        """The open message in the reader, else the one under the cursor."""
        if self._panes.context is Context.READER:
            return self._reading.message_id
        return self._panes.messages.cursor_id

    def targets(self) -> tuple[str, ...]:
        """What a change is about: the open message in the reader, else selection or cursor.

        What was sent from here is shown in conversations only, and is nothing to be changed.
        """
        return tuple(one for one in self._meant() if self._finding.sent_row(one) is None)

    def _meant(self) -> tuple[str, ...]:
        if self._panes.context is Context.READER:
            open_id = self._reading.message_id
            return () if open_id is None else (open_id,)
        return self._panes.messages.target_ids()

    def situation(self) -> Situation:
        """The frozen picture that guards and hints look at."""
        context = self._panes.context
        reading = context is Context.READER
        current, view = self.current_id, self._finding.view
        row = self._finding.row_of(current) if current is not None else None
        flags = row.flags if row is not None else RowFlag(0)
        selected = 0 if reading else self._panes.messages.selected_count
        phase = self._finding.sync.phase
        screen = self._screen
        sealed, outbound = screen.sealed_if_made, screen.outbound_if_made
        return Situation(
            context=context,
            rows=self._panes.messages.count,
            targets=selected or (0 if current is None else 1),
            selected=selected,
            archived=RowFlag.ARCHIVED in flags,
            unread=RowFlag.UNREAD in flags,
            sent=view.server is not None and bool(self._meant()) and not self.targets(),
            open_message=self._reading.message_id is not None,
            links=len(self._reading.links),
            files=screen.files.count,
            saving=screen.files.is_busy,
            narrowed=view.narrowed,
            search_text=bool(view.filter.text.strip()),
            read_only=phase is SyncPhase.READ_ONLY,
            signed_out=self._is_signed_out(phase),
            can_change_account=screen.session.can_sign_in,
            accounts=len(screen.session.accounts),
            closed=sealed is not None and sealed.is_closed,
            unlocked=sealed is not None and sealed.is_unlocked,
            sending=outbound is not None and outbound.can_take_back,
        )

    def _is_signed_out(self, phase: SyncPhase) -> bool:
        """Whether the account that a token would be entered for now is signed out."""
        accounts = self._screen.accounts
        own = accounts.state_of(accounts.current).phase if accounts.names else phase
        return SyncPhase.SIGNED_OUT in (phase, own)
