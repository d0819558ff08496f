"""The questions that come with a decision: why a proposal is refused, what became of a mail.

Closes the trap of an agent that is refused and cannot learn from it: a rejection has a reason.
"""

from __future__ import annotations

from collections.abc import Callable

from services.safe_text import SafeText, phrase, ui
from tui.screens.key_prompts import PromptDialog
from widgets.rows import NO_SUBJECT


def reject_dialog(
    agent: SafeText, subject: SafeText, monotonic: Callable[[], float]
) -> PromptDialog:
    """Asks for the reason of a rejection."""
    details = (subject or NO_SUBJECT, ui("The agent can read the reason; the mail is not sent."))
    return PromptDialog(
        phrase("Reject what {} proposes", agent),
        details,
        ui("Reject"),
        monotonic,
        placeholder="why",
    )
