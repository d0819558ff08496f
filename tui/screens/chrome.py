"""What stands around the mail: the place in the status line, the current mailbox, the hints.

Closes the trap of hints drawn for a situation that has passed: they are made from a frozen picture,
and drawn only when that picture is another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui import hints

if TYPE_CHECKING:
    from tui.keymap import KeySequence
    from tui.screens.accounts import Accounts
    from tui.screens.attention import Attention
    from tui.screens.finding import Finding
    from tui.screens.panes import Panes
    from tui.session import Session
    from tui.situation import Situation
    from widgets.hint_bar import HintBar
    from widgets.status_line import StatusLine


class Chrome:
    """Status line and hint bar of a mail screen."""

    def __init__(
        self,
        status: StatusLine,
        bar: HintBar,
        panes: Panes,
        finding: Finding,
        attention: Attention,
        accounts: Accounts,
        keys: KeySequence,
    ) -> None:
        self._status = status
        self._bar = bar
        self._panes = panes
        self._finding = finding
        self._attention = attention
        self._accounts = accounts
        self._keys = keys
        self._hinted: Situation | None = None

    def refresh(self, session: Session) -> None:
        """Hints and place, as the situation is now."""
        finding = self._finding
        self._status.show_place(finding.view.title, len(finding.rows))
        self._panes.places.show_current(finding.view.filter)
        self._bar.display = not finding.typing
        if finding.typing:
            return
        begun, keymap = self._keys.pending, session.keymap
        situation = self._attention.situation()
        if begun:
            context = self._panes.context
            self._bar.show_hints(hints.continuations(keymap, context, begun, situation))
        elif situation != self._hinted:
            self._bar.show_hints(hints.hint_bar(keymap, situation))
        self._hinted = None if begun else situation

    def show_state(self, session: Session) -> None:
        """Where the mailbox stands, and what it holds."""
        title = session.titled(self._finding.view.filter.account)
        self._status.show_state(self._finding.sync, self._finding.counts, title)
        self._accounts.show()
