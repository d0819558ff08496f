"""Ctrl+Z: the terminal goes back to the shell, and `fg` brings the app back whole.

Closes three traps. A program that stops itself where nobody can bring it on again: a terminal without a
shell stays dead, so that it is asked first whether there is one. A program that is let go on in the
background (`bg`) and takes the terminal from the shell: it stops again. And Textual's own way, which
leaves a dead terminal behind exactly then.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from textual.app import SuspendNotSupported

from services.safe_text import EMPTY, SafeText, ui

if TYPE_CHECKING:
    from textual.app import App

_NO_SHELL = ui("There is no shell that could bring the app back; Ctrl+Q leaves.")


def suspend(app: App[Any]) -> SafeText:
    """Stop until the shell brings it back; return why that cannot be, EMPTY when it was."""
    terminal = _terminal_of_shell()
    if terminal is None:
        return _NO_SHELL
    try:
        with app.suspend():
            _stop_until_in_front(terminal)
    except SuspendNotSupported:
        return _NO_SHELL
    return EMPTY


def _stop_until_in_front(terminal: int) -> None:
    """Stop the whole job, as the terminal does itself; again when it goes on behind another one.

    Nothing may be raised here: Textual would leave the terminal dead.
    """
    ours = os.getpgrp()
    before = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    while True:
        # The others of the job stop by this one; what we ignore ourselves does not stop us twice.
        os.killpg(ours, signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGSTOP)
        if _in_front(terminal) in (ours, None):
            break
    signal.signal(signal.SIGTSTP, before)


def _terminal_of_shell() -> int | None:
    """Return the terminal, where a shell that knows jobs has started us in it; else None."""
    if sys.__stdin__ is None:
        return None
    try:
        terminal, session, parent = sys.__stdin__.fileno(), os.getsid(0), os.getsid(os.getppid())
        is_job = os.getpgrp() != session and parent == session
        return terminal if is_job and os.tcgetpgrp(terminal) == os.getpgrp() else None
    except (OSError, ValueError):
        return None


def _in_front(terminal: int) -> int | None:
    """Return which job has the terminal; None when it is gone."""
    try:
        return os.tcgetpgrp(terminal)
    except OSError:
        return None
