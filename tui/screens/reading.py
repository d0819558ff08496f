"""What the reader pane shows: which message, rendered or raw, and what the engine was asked for it.

Closes two traps: the answer to an older request painting over a newer one (answers carry the request's
id and only the last one counts), and a message marked read before anybody could see it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from textual.timer import Timer

from services.events import MessageOpened, RawRead, RequestFailed
from services.models import MessageRow, RowFlag
from services.safe_text import SafeText, phrase, ui

if TYPE_CHECKING:
    from services.requests import Request
    from services.shown_mail import Link
    from widgets.reader_pane import ReaderPane

SLOW_SECONDS: Final = 0.15
"""After this long without an answer the pane says that it waits."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the pane shows or waits for."""

    message_id: str
    request_id: int = 0
    marks_read: bool = False
    """It was opened on purpose, so painting it marks it read."""
    asks: bool = False
    """It was chosen by itself: if it waits for the passphrase, that is asked for."""
    reveal: bool = False
    raw: bool = False
    answered: bool = False
    closed: bool = False
    """It is encrypted and waits for the passphrase: nobody has read it yet."""
    again: bool = False
    """It came a second time, because the keys were unlocked or locked."""
    links: tuple[Link, ...] = ()


class Reading:
    """Opens messages in a reader pane."""

    def __init__(
        self,
        pane: ReaderPane,
        *,
        ask: Callable[[Request], int],
        row_of: Callable[[str], MessageRow | None],
        ready: Callable[[], None],
        visible: Callable[[], bool],
        mark_on_open: bool,
    ) -> None:
        self._pane = pane
        self._ask = ask
        self._row_of = row_of
        self._ready = ready
        self._visible = visible
        self._mark_on_open = mark_on_open
        self._shown: Shown | None = None
        self._waiting: Timer | None = None

    @property
    def message_id(self) -> str | None:
        """The message in the pane, or on its way there."""
        return self._shown.message_id if self._shown else None

    @property
    def links(self) -> tuple[Link, ...]:
        """The links of the message that is shown."""
        return self._shown.links if self._shown else ()

    @property
    def raw(self) -> bool:
        """Whether the raw mail is shown."""
        return self._shown is not None and self._shown.raw

    def open(self, message_id: str, *, on_purpose: bool, asks: bool = False) -> None:
        """Show a message; `on_purpose` is False when the pane only follows the cursor, `asks` is
        True when the passphrase may be asked for."""
        shown = self._shown
        if shown is not None and shown.message_id == message_id and not shown.raw:
            if on_purpose:
                self._shown = replace(shown, marks_read=True, asks=asks)
            if shown.answered:
                self._come(shown.request_id)
            return
        self._request(Shown(message_id, marks_read=on_purpose, asks=asks))

    def show_raw(self, message_id: str) -> None:
        """Show the raw mail of a message, or the rendered message again."""
        if self.raw and self.message_id == message_id:
            self.leave_raw()
            return
        self._request(Shown(message_id, raw=True))

    def leave_raw(self) -> bool:
        """Go back from the raw mail to the message; False when the raw mail is not shown."""
        if self._shown is None or not self._shown.raw:
            return False
        message_id = self._shown.message_id
        self._request(Shown(message_id))
        return True

    def toggle_reveal(self) -> None:
        """Show marks for invisible characters, or hide them again."""
        if self._shown is None:
            return
        reveal = not self._shown.reveal
        self._request(replace(self._shown, reveal=reveal, raw=False, answered=False))

    def close(self, sentence: SafeText) -> None:
        """Show no message."""
        self._stop_waiting()
        self._shown = None
        self._pane.show_empty(sentence)

    @property
    def asks(self) -> bool:
        """The passphrase may be asked for the message that came last."""
        return self._shown is not None and self._shown.asks and not self._shown.again

    @property
    def is_closed(self) -> bool:
        """The message in the pane waits for the passphrase."""
        return self._shown is not None and self._shown.closed and self._shown.answered

    def opened(self, event: MessageOpened) -> bool:
        """Show the answer, if it is still wanted."""
        if not self._wanted(event.request_id):
            return False
        assert self._shown is not None
        self._stop_waiting()
        closed = _waits_for_key(event)
        self._shown = replace(self._shown, links=event.message.links, answered=True, closed=closed)
        self._pane.show_message(event.message, event.trust, self._row_of(event.message_id))
        self._come(event.request_id)
        return True

    def open_again(self) -> None:
        """Ask for the message once more: the keys were unlocked or locked since."""
        if self._shown is not None and not self._shown.raw:
            self._request(replace(self._shown, answered=False, again=True))

    def raw_read(self, event: RawRead) -> None:
        """Show the raw mail, if it is still wanted."""
        if self._wanted(event.request_id):
            self._stop_waiting()
            self._pane.show_lines(event.lines)
            self._ready()

    def take_row(self) -> None:
        """Show the labels that the open message has now."""
        if self._shown is not None and self._shown.answered:
            self._pane.header.show_row(self._row_of(self._shown.message_id))

    def failed(self, event: RequestFailed) -> bool:
        """Say in the pane why there is no message; False when another request is meant."""
        if not self._wanted(event.request_id):
            return False
        self._stop_waiting()
        step = event.next_step
        self._pane.show_empty(phrase("{} {}", event.sentence, step) if step else event.sentence)
        self._ready()
        return True

    def _request(self, shown: Shown) -> None:
        from services.requests import OpenMessage, ReadRaw

        self._stop_waiting()
        message_id = shown.message_id
        request = ReadRaw(message_id) if shown.raw else OpenMessage(message_id, shown.reveal)
        self._shown = replace(shown, request_id=self._ask(request))
        late = partial(self._say_waiting, self._shown.request_id)
        self._waiting = self._pane.set_timer(SLOW_SECONDS, late)

    def _wanted(self, request_id: int) -> bool:
        return self._shown is not None and self._shown.request_id == request_id

    def _say_waiting(self, request_id: int) -> None:
        if self._waiting is None or not self._wanted(request_id):
            # The timer was stopped after it had struck: the message is there already.
            return
        self._waiting = None
        self._pane.show_empty(ui("Fetching the message …"))
        self._ready()

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None

    def _come(self, request_id: int) -> None:
        self._ready()
        self._pane.call_after_refresh(self._painted, request_id)

    def _painted(self, request_id: int) -> None:
        shown = self._shown
        if shown is None or not self._wanted(request_id) or shown.raw or not self._visible():
            return
        if shown.closed:
            return
        if not (shown.marks_read and self._mark_on_open):
            return
        row = self._row_of(shown.message_id)
        if row is not None and RowFlag.UNREAD in row.flags:
            from services.requests import MarkRead

            self._ask(MarkRead((shown.message_id,), is_read=True))


def _waits_for_key(event: MessageOpened) -> bool:
    seal = event.message.seal
    return seal is not None and seal.state.name == "LOCKED"
