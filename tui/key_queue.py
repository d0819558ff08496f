"""One key at a time: the next key waits until the last one has done all that it does.

Closes the trap of keys that arrive in a burst (a slow line, typing ahead): Textual hands each key to
whatever has the focus when it arrives, so the letters after `/` would run as commands before the search
field has the focus, and the `y` after `d` would miss the question.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from textual import events
from textual.message import Message

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen
    from textual.timer import Timer
    from textual.widget import Widget

LOOK_SECONDS: Final = 0.3
"""How long a key may take before it is looked for: its widget may have gone, and nobody will tell."""

LONGEST_SECONDS: Final = 10.0
"""After this long a key counts as done whatever has become of it."""

MOST_WAITING: Final = 1_000
"""Keys kept at most; what is typed beyond is dropped."""


@runtime_checkable
class HoldsKeys(Protocol):
    """What a screen that is not ready for keys asks of the app: to keep them for it, in order."""

    def hold_keys(self, seconds: float) -> None: ...

    def release_keys(self) -> None: ...

    def drop_keys(self) -> None: ...

    def give_key_back(self, key: events.Key) -> None: ...


class KeyDone(Message):
    """Follows a key through the same queues; when it comes out at the app, the key is done."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class AfterKeys(Message):
    """Asks for something to be done when no key waits any more; the latest of such wishes holds."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__()
        self.work = work


class KeyQueue:
    """The keys that wait, and the one under way."""

    def __init__(self, app: App[Any], dispatch: Callable[[events.Key], Awaitable[None]]) -> None:
        self._app = app
        self._dispatch = dispatch
        self._waiting: deque[events.Key] = deque()
        self._count = 0
        self._under_way = False
        self._held = False
        self._patience: Timer | None = None
        self._given_back: list[events.Key] = []
        self._since = 0.0
        self._screen: Screen[Any] | None = None
        self._teller: Widget | None = None
        self._after: Callable[[], object] | None = None

    @property
    def busy(self) -> bool:
        """A key is under way, or waits for one that is."""
        return not self._held and (self._under_way or bool(self._waiting))

    def after_keys(self, work: Callable[[], object]) -> None:
        """Do something when no key waits any more: now, or in place of what was to be done then."""
        self._after = work
        if not self.busy:
            self._rest()

    def _rest(self) -> None:
        work, self._after = self._after, None
        if work is not None:
            work()

    def hold(self, seconds: float) -> None:
        """Keep keys until `release`, but no longer than this; Ctrl+Q still gets through."""
        self._held = True
        if self._patience is not None:
            self._patience.stop()
        self._patience = self._app.set_timer(seconds, self.release)

    async def release(self) -> None:
        """Let the kept keys run, in their order."""
        if self._held:
            self._held = False
            self._waiting.extendleft(reversed(self._given_back))
            self._given_back.clear()
            if not self._under_way:
                await self._next()

    async def drop(self) -> None:
        """Forget the keys that were kept, and keep none any more."""
        self._waiting.clear()
        self._given_back.clear()
        await self.release()

    def give_back(self, key: events.Key) -> None:
        """Put a key that reached a screen too early before those that wait; call `hold` first."""
        if len(self._given_back) < MOST_WAITING:
            self._given_back.append(key)

    async def take(self, key: events.Key) -> None:
        """Dispatch a key now, or when its turn comes."""
        if key.key == "ctrl+j":
            # Enter, typed before the terminal was switched to raw mode.
            key = events.Key("enter", "\r")
        if self._held and key.key == "ctrl+q":
            await self._dispatch(key)
            return
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(key)
        if self._held:
            return
        if not self._under_way or self._is_lost():
            await self._next()
        elif len(self._waiting) == 1:
            self._look_later()

    async def done(self, number: int) -> None:
        """A key has come out; a screen that it opened first gets to its focus."""
        if not self._under_way or number != self._count:
            return
        if not self._app.screen_stack:
            # The app is leaving: there is nobody to type to any more.
            return
        screen = self._app.screen
        if screen is not self._screen:
            self._screen = self._teller = screen
            if screen.post_message(KeyDone(number)):
                return
        self._under_way = False
        await self._next()

    async def _next(self) -> None:
        if self._held:
            return
        if not self._waiting:
            self._rest()
            return
        key = self._waiting.popleft()
        self._count += 1
        self._under_way = True
        self._screen = self._app.screen
        target: Widget = self._app.focused or self._app.screen
        self._since = time.monotonic()
        await self._dispatch(key)
        if self._app.screen is not self._screen:
            # The key's screen is going: what is posted there now may never come out.
            target = self._screen = self._app.screen
        self._teller = target
        if not target.post_message(KeyDone(self._count)):
            await self.done(self._count)
        elif self._waiting:
            self._look_later()

    def _look_later(self) -> None:
        number = self._count

        async def look() -> None:
            if not self._under_way or number != self._count:
                return
            if self._is_lost():
                self._under_way = False
                await self._next()
            else:
                self._look_later()

        self._app.set_timer(LOOK_SECONDS, look)

    def _is_lost(self) -> bool:
        """Whether nobody will tell any more that the key under way is done.

        A busy machine is no reason: the next key would get to where this one leads away from.
        """
        taken = time.monotonic() - self._since
        return taken > LONGEST_SECONDS or (taken > LOOK_SECONDS and self._has_gone())

    def _has_gone(self) -> bool:
        """Whether the widget that was to tell is not there any more."""
        stack, teller = self._app.screen_stack, self._teller
        if not stack or teller is None:
            return True
        # A screen that was opened a moment ago does not run yet.
        runs = teller is stack[-1] or teller.is_running
        return not runs or not any(node in stack for node in teller.ancestors_with_self)
