"""Answering, sending on and editing as new from a screen beside the mailbox.

Closes the trap of a second way to begin a draft: like an answer from the mailbox it is asked for by the
id of the message, and everything about it is decided where that is answered.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from services.draft import DraftKind
from services.outbound_events import BeginDraft

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.screens.side_screen import Handlers, SideScreen

KINDS: Final = (DraftKind.REPLY, DraftKind.REPLY_ALL, DraftKind.FORWARD, DraftKind.EDIT_AS_NEW)
"""Each is begun by the command of its name."""


def answers(begin: Callable[[DraftKind], None]) -> Handlers:
    """What the commands do that begin a draft from a message."""
    return {kind.name.lower(): partial(begin, kind) for kind in KINDS}


def begin_answer(screen: SideScreen[Any], kind: DraftKind, message_id: str) -> None:
    """Open a draft from a message over the screen that shows it."""
    from tui.screens.compose import ComposeScreen

    begin = BeginDraft(kind, message_id)
    screen.app.push_screen(ComposeScreen(screen.news, screen.session, begin))
