"""Accounts that are added or taken out by a command or in another window while the app is open.

Closes the trap of an app that goes on as if nothing had happened: an account that is missing, or one
that is still written to though its folder is gone. It is said at once, and nothing moves under the
operator's hands: a key takes it in. What the app itself sets up is not news.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from services.errors import MailError
from services.safe_text import EMPTY, SafeText, clean_line, join, phrase

if TYPE_CHECKING:
    from services.paths import Paths

LOOK_SECONDS: Final = 2.0


class AccountsElsewhere:
    """Looks at the configuration's accounts from a thread, which no screen waits for."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._seen: tuple[int, ...] | None = None
        self._names: frozenset[str] = frozenset()

    def watch(self, tell: Callable[[SafeText], object]) -> None:
        """Call `tell`, from a thread, whenever somebody else has changed which accounts there are."""

        def run() -> None:
            while not self._over.wait(LOOK_SECONDS):
                if words := self.look():
                    tell(words)

        threading.Thread(target=run, name="accounts elsewhere", daemon=True).start()

    def end(self) -> None:
        """Look no more."""
        self._over.set()

    def look(self) -> SafeText:
        """Return what others have changed since the last look; EMPTY for nothing. Blocks.

        The first look only takes in what there is.
        """
        with self._lock:
            state = self._state()
            if state == self._seen:
                return EMPTY
            names = self._configured()
            if names is None:
                # Half written or mistyped: the next look sees what became of it.
                return EMPTY
            before = self._names if self._seen is not None else names
            self._seen, self._names = state, names
        return _words(names - before, before - names)

    @contextmanager
    def own_change(self) -> Iterator[None]:
        """What is changed within is this program's own doing."""
        with self._lock:
            try:
                yield
            finally:
                self._seen = self._state()
                names = self._configured()
                self._names = self._names if names is None else names

    def _state(self) -> tuple[int, ...]:
        try:
            found = self._paths.config_file.stat()
        except OSError:
            return ()
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _configured(self) -> frozenset[str] | None:
        from services.config import load

        try:
            return frozenset(one.name for one in load(self._paths, environ={}).accounts)
        except MailError:
            return None


def _words(added: frozenset[str], removed: frozenset[str]) -> SafeText:
    told = []
    if removed:
        words = "{} was taken out elsewhere: what is written for it here may be lost."
        told.append(phrase(words, _listed(removed)))
    if added:
        told.append(phrase("{} was added elsewhere.", _listed(added)))
    return join(" ", told)


def _listed(names: frozenset[str]) -> SafeText:
    return join(", ", (clean_line(name, 40) for name in sorted(names)[:5]))
