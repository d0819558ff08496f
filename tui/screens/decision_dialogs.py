"""The questions that come with a decision: why a proposal is refused, what became of a mail.

Closes the trap of an agent that is refused and cannot learn from it: a rejection has a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from services.safe_text import SafeText, join, phrase, ui
from tui.screens.dialogs import ChoiceDialog
from tui.screens.key_prompts import PromptDialog
from widgets.rows import NO_SUBJECT

if TYPE_CHECKING:
    from services.outbound_models import OutboxRow


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


def settle_dialog(row: OutboxRow, monotonic: Callable[[], float]) -> ChoiceDialog:
    """Asks what became of a mail that may have left: 0 counts it as sent, 1 sends it again."""
    details = (
        join(": ", (row.to, row.subject or NO_SUBJECT)),
        row.sentence or ui("The service did not answer."),
        ui("Ask the recipient before it is sent again: it may arrive twice."),
    )
    answers = (
        ui("It has arrived: count it as sent"),
        ui("It has not arrived: send the same bytes again"),
    )
    return ChoiceDialog(ui("This mail may have left"), details, answers, monotonic)
