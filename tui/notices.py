"""How the operator is told something. The only caller of Textual's `notify`.

Closes two traps: toasts read markup, so that a subject in one can end the app; and toasts for successes
cost attention and bytes. A success or a warning is a sentence in the status line, a failure is a toast,
without markup.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal

from services.events import Severity
from services.safe_text import EMPTY, SafeText, phrase

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen

    from widgets.status_line import StatusLine

TOAST_SECONDS: Final = 8
_TONES: Final[dict[Severity, Literal["info", "warning", "error"]]] = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
}


class Notices:
    """Tells sentences: in the status line while there is one, as a toast when they are failures."""

    def __init__(self, host: App[int] | Screen[Any], line: Callable[[], StatusLine | None]) -> None:
        self._host = host
        self._line = line

    def tell(
        self,
        sentence: SafeText,
        severity: Severity = Severity.INFO,
        next_step: SafeText = EMPTY,
    ) -> None:
        """Show a sentence and what to do next."""
        line = self._line()
        if line is not None:
            line.show_notice(sentence, _TONES[severity], next_step)
        if severity is Severity.ERROR or line is None:
            self._toast(sentence, severity, next_step)

    def _toast(self, sentence: SafeText, severity: Severity, next_step: SafeText) -> None:
        text = phrase("{}\n{}", sentence, next_step) if next_step else sentence
        self._host.notify(
            text,
            severity="error" if severity is Severity.ERROR else "warning",
            timeout=TOAST_SECONDS,
            markup=False,
        )
