"""What the operator's own editor saves while it is open: seen at once, and told as it is.

Closes two traps: hours of text that only the editor's file holds, lost with a killed program or line
(this program stands still while the editor has the terminal, so a thread looks at the file), and a file
that is read while the editor writes it (what changed is told when it has stayed the same for a look).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.errors import MailError
from services.outbound.drafts.outside_texts import LARGEST

LOOK_SECONDS: Final = 0.5
"""How often the file is looked at; a text is told two looks after it was saved at the latest."""


def text_in(file: Path, before: str) -> str:
    """Return what an editor has saved; a line end that it added by itself is no change.

    MailError when it is too large, OSError when the file cannot be read.
    """
    with file.open("rb") as saved:
        data = saved.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise MailError("The edited text is larger than 8 MB; the old one stands.")
    text = data.decode("utf-8", "replace")
    return before if text == before + "\n" else text


class EditorWatch:
    """Looks at one file while an editor has it; `tell` gets each text that was saved, on a thread."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._file: Path | None = None
        self._note: Callable[[str], None] = _ignore
        self.text = ""
        """The newest text that was saved, as far as it was told."""
        self._seen: tuple[int, ...] = ()
        self.has_told = False
        """Something was saved while the editor was open."""

    def begin(self, file: Path, text: str, note: Callable[[str], None] | None = None) -> None:
        """Look at a file from now on; `text` lies in it, `note` is told what was told; OSError."""
        self._file, self.text, self._note = file, text, note or _ignore
        self._seen = _state(file)
        self._thread = threading.Thread(target=self._run, name="editor watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more; nothing is told after this."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._file = None

    def look(self) -> None:
        """Tell now what was saved, for a program that is about to end; safe from any thread."""
        with self._lock:
            self._take()

    def _run(self) -> None:
        before = self._seen
        while not self._over.wait(LOOK_SECONDS):
            state = _state(self._file) if self._file is not None else ()
            if state == before != self._seen:
                self._seen = state
                self.look()
            before = state

    def _take(self) -> None:
        if self._file is None:
            return
        with suppress(OSError, MailError):
            text = text_in(self._file, self.text)
            # An editor that writes in place has emptied the file for a moment.
            if text.strip() and text != self.text:
                self.text = text
                self.has_told = True
                self._tell(text)
                self._note(text)


def _ignore(_: str) -> None:
    """Nobody keeps a note."""


def _state(file: Path) -> tuple[int, ...]:
    """What changes whenever a file is written or replaced; empty when it is not there."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns
