"""What lies over any screen, the palette, the help and the shell: one way to show each.

Closes the trap of a palette that offers on one screen what it hides on another: commands that only
move are never listed, since nobody looks for "down" by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from tui import hints

if TYPE_CHECKING:
    from textual.screen import Screen

    from services.safe_text import SafeText
    from tui.notices import Notices
    from tui.session import Session
    from tui.situation import Context, Situation

_PASSED_OVER: Final = frozenset(
    {"palette", "next", "previous", "next_key", "previous_key", "next_row", "previous_row"}
)


def show_palette(
    screen: Screen[Any],
    session: Session,
    situation: Situation,
    shown_key: Callable[[str], SafeText],
    run: Callable[[str], None],
) -> None:
    """List what can run in this situation; what is chosen is run."""
    from tui.palette import CommandPalette

    runnable = [one for one in hints.offered(situation) if one.id not in _PASSED_OVER]

    def answered(command: str | None) -> None:
        if command is not None:
            run(command)

    screen.app.push_screen(CommandPalette(runnable, shown_key, session.monotonic), answered)


def show_help(screen: Screen[Any], session: Session, context: Context) -> None:
    """Show the keys that work where the operator is."""
    from tui.screens.help import HelpScreen

    screen.app.push_screen(HelpScreen(session.keymap, context))


def suspend_app(screen: Screen[Any], notices: Notices) -> None:
    """Give the terminal back to the shell until it brings the app to the front again."""
    from tui.suspending import suspend

    why_not = suspend(screen.app)
    if why_not:
        notices.tell(why_not)
