"""The one-row status line: account, mailbox, counts, and where the mailbox stands.

Closes the trap of a row painted whole whenever one number in it changes: the row is cut into tiles,
and only the tiles whose cells changed are painted. There is no clock in it, so idle writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import ClassVar, Final, Literal

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.geometry import Region
from textual.strip import Strip
from textual.timer import Timer

from services.models import MailboxCounts, SyncPhase, SyncState
from services.safe_text import EMPTY, SafeText, phrase
from widgets.account_mark import ACCOUNT_INKS, AccountMark
from widgets.cells import count_words, fit, fit_right
from widgets.glyphs import UNICODE, Glyphs
from widgets.line_view import LineView
from widgets.rows import Part
from widgets.sync_words import state_words

Tone = Literal["info", "warning", "error"]
Fact = tuple[str, str, int]
"""Words, their ink, and how early they go where there is no room: the highest number first."""
_SEVERAL: Final = 2
"""Where several accounts share the screen, only the mailbox is worth more than the account."""

NOTICE_SECONDS: Final = 4.0
_TILES: Final = 8
_TONES: Final[dict[Tone, str]] = {"info": "text", "warning": "caution", "error": "danger"}
_TROUBLED: Final = frozenset(
    {SyncPhase.OFFLINE, SyncPhase.BUSY, SyncPhase.SIGNED_OUT, SyncPhase.FAILED, SyncPhase.READ_ONLY}
)


class Tile(LineView, can_focus=False):
    """A stretch of the row."""

    INKS: ClassVar[Mapping[str, str]] = {
        "text": "$bar-text",
        "strong": "$bar-text bold",
        "muted": "$bar-muted $muted-style",
        "accent": "$mail-accent",
        "caution": "$bar-caution",
        "danger": "$bar-danger",
        **ACCOUNT_INKS,
    }
    DEFAULT_CSS = """
    Tile { width: 1fr; height: 1; background: $bar-background; color: $bar-text; }
    """

    def __init__(self, row: StatusLine) -> None:
        super().__init__()
        self._row = row

    @property
    def cells(self) -> tuple[int, int]:
        """Where the tile begins and ends in the row."""
        start = self.region.x - self._row.region.x
        return start, start + self.size.width

    def line(self, number: int, width: int) -> Strip | None:  # noqa: ARG002 - one row only
        """Draw the stretch."""
        strip = self.strip_of(self._row.row_parts(), self._row.size.width)
        return strip.crop(*self.cells)


class StatusLine(Horizontal):
    """One row: facts at the left, the state or a notice at the right, then the cursor's place."""

    DEFAULT_CSS = """
    StatusLine { height: 1; background: $bar-background; }
    """

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._state = SyncState()
        self._counts = MailboxCounts()
        self._account = EMPTY
        self._mark: AccountMark | None = None
        self._several = False
        self._troubles = EMPTY
        self._lock = EMPTY
        self._to_decide = EMPTY
        self._title = EMPTY
        self._counted = True
        self._shown = 0
        self._position: int | None = None
        self._notice: tuple[SafeText, Tone] | None = None
        self._timer: Timer | None = None
        self._tiles = [Tile(self) for _ in range(_TILES)]
        self._parts: list[Part] = []
        self._made_for = 0

    def compose(self) -> ComposeResult:
        """The tiles, side by side."""
        yield from self._tiles

    def on_resize(self) -> None:
        """Paint every tile: one that keeps its width and moves would keep the letters it had."""
        for tile in self._tiles:
            tile.refresh()

    def show_state(self, state: SyncState, counts: MailboxCounts, account: SafeText) -> None:
        """Show the sync state, the counts and the account."""
        self._state, self._counts, self._account = state, counts, account
        self._draw()

    def show_place(self, title: SafeText, shown: int, position: int | None = None) -> None:
        """Show the mailbox that is listed, its number of messages, the cursor's place (from 1)."""
        self._title, self._shown, self._position = title, shown, position
        self._draw()

    def show_accounts(self, mark: AccountMark | None, troubles: SafeText = EMPTY) -> None:
        """Several accounts share the screen: show which one it is (None: all), and what is wrong
        with the others."""
        self._several, self._mark, self._troubles = True, mark, troubles
        self._draw()

    def show_title(self, account: SafeText, title: SafeText) -> None:
        """Show the account and a title of its own, without any counts."""
        self._account, self._title, self._counted = account, title, False
        self._draw()

    def show_lock(self, words: SafeText) -> None:
        """Tell whether the keys are locked; nothing when that is not known."""
        if words != self._lock:
            self._lock = words
            self._draw()

    def show_to_decide(self, waiting: int, uncertain: int) -> None:
        """Tell how many proposals wait for a person, and how much mail may have left; where there is
        no room for the mailbox list, nothing else tells it."""
        words = (
            phrase("{} may have left", count_words(uncertain)) if uncertain else EMPTY,
            phrase("{} waiting", count_words(waiting)) if waiting else EMPTY,
        )
        both = phrase("{}, {}", *words) if all(words) else words[0] or words[1]
        if both != self._to_decide:
            self._to_decide = both
            self._draw()

    def show_notice(
        self, sentence: SafeText, tone: Tone = "info", next_step: SafeText = EMPTY
    ) -> None:
        """Put a sentence in place of the state for 4 s, or until `clear_notice`."""
        words = phrase("{} {}", sentence, next_step) if next_step else sentence
        self._notice = (words, tone)
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(NOTICE_SECONDS, partial(self._end_notice, self._notice))
        self._draw()

    def _end_notice(self, notice: tuple[SafeText, Tone]) -> None:
        # A timer that was stopped after it had struck must not take the next sentence away.
        if self._notice is notice:
            self.clear_notice()

    def clear_notice(self) -> None:
        """Take the notice away; screens call this on the next key."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._notice is not None:
            self._notice = None
            self._draw()

    def row_parts(self) -> list[Part]:
        """The whole row, as wide as the widget."""
        if self._made_for != self.size.width:
            self._made_for = self.size.width
            self._parts = self._make(self._made_for)
        return self._parts

    def _draw(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        before, self._parts = self.row_parts(), self._make(self.size.width)
        old, new = list(_cells(before)), list(_cells(self._parts))
        for tile in self._tiles:
            start, end = tile.cells
            if old[start:end] != new[start:end]:
                tile.refresh(Region(0, 0, end - start, 1))

    def _make(self, width: int) -> list[Part]:
        place = self._place_words()
        # As wide as the last place needs, so that a step changes digits and moves nothing.
        place_cells = 2 * len(count_words(self._shown)) + 4 if place else 1
        room = max(0, width - 1 - place_cells)
        words = self._right_parts(width)
        right = min(_length(words), room)
        left = self._left_parts(max(0, room - right - 2))
        used = _length(left)
        return [
            (" ", "text"),
            *left,
            (" " * (room - right - used), "text"),
            *self._cut(words, right),
            (fit_right(place, place_cells - 1) + " ", "muted"),
        ]

    def _right_parts(self, width: int) -> list[Part]:
        if self._notice is not None:
            return [(self._notice[0], _TONES[self._notice[1]])]
        is_troubled = self._state.phase in _TROUBLED and not self._state.looking
        tone = "caution" if is_troubled else "muted"
        state = (state_words(self._state), tone)
        if not self._troubles:
            return [state]
        troubles = (f"{self._glyphs.unverified} {self._troubles}", "caution")
        parts = [troubles, ("  ", "text"), state]
        return parts if _length(parts) <= width // 2 else [troubles]

    def _cut(self, parts: list[Part], room: int) -> list[Part]:
        """The parts in exactly so many cells; what is too long is cut in the first of them."""
        (first, role), *rest = parts
        return [(fit(first, room - _length(rest), self._glyphs.ellipsis), role), *rest]

    def _left_parts(self, room: int) -> list[Part]:
        """Account, mailbox and counts, as many as there is room for; the mailbox stays longest."""
        facts = [fact for fact in self._facts() if fact[0]]
        mark = self._mark
        if mark is not None and _width(facts) > room:
            facts[0] = (mark.short, mark.role, _SEVERAL)
        while facts and _width(facts) > room:
            worst = max(facts, key=lambda fact: fact[2])
            if len(facts) == 1:
                return [(fit(worst[0], room, self._glyphs.ellipsis), worst[1])]
            facts.remove(worst)
        return _spaced(facts)

    def _facts(self) -> list[Fact]:
        counts, mark = self._counts, self._mark
        return [
            (
                self._account,
                mark.role if mark is not None else "muted",
                _SEVERAL if self._several else 5,
            ),
            (self._title_words(), "strong", 0),
            (
                f"{self._glyphs.unread}{count_words(counts.unread)}" if counts.unread else "",
                "accent",
                3,
            ),
            (
                f"{self._glyphs.unverified}{count_words(counts.unverified)}"
                if counts.unverified
                else "",
                "caution",
                6,
            ),
            (self._to_decide, "caution", 1),
            (self._lock, "text", 4),
        ]

    def _title_words(self) -> str:
        if not (self._title and self._counted):
            return self._title
        return f"{self._title} {count_words(self._shown)}"

    def _place_words(self) -> SafeText:
        if self._position is None or not self._shown:
            return EMPTY
        return phrase("{:,}/{:,}", self._position, self._shown)


def _length(parts: Iterable[Part]) -> int:
    return sum(cell_len(text) for text, _role in parts)


def _width(facts: Iterable[Fact]) -> int:
    """The cells of facts with the gaps between them."""
    return sum(cell_len(text) + 2 for text, _, _ in facts) - 2


def _spaced(facts: Iterable[Fact]) -> list[Part]:
    parts: list[Part] = []
    for text, role, _rank in facts:
        if parts:
            parts.append(("  ", "text"))
        parts.append((text, role))
    return parts


def _cells(parts: list[Part]) -> Iterable[tuple[str, str]]:
    """The row cell by cell, so that stretches can be compared."""
    for text, role in parts:
        for char in text:
            size = cell_len(char)
            yield char, role
            yield from ((("", role),) * (size - 1))
