"""The card of the own key: what it is, whether it is open, and what the directory has of it.

Closes the trap of a directory that says something else than the operator believes: its line stands
here at all times, with the sentence that goes with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from services.key_models import DirectoryStatus, KeysView, OwnKeyView
from services.safe_text import EMPTY, SafeText, clean_line, phrase, ui
from widgets.card_view import CardView
from widgets.cells import fit, wrapped
from widgets.dates import day_words, time_left
from widgets.fingerprint import group_rows
from widgets.glyphs import UNICODE, Glyphs
from widgets.key_words import directory_words, lock_words, own_key_words
from widgets.rows import Part

_NAME_CELLS: Final = 11
_MOST_WARNINGS: Final = 3
_BAR_CELLS: Final = 12
_ASKING: Final = ui("Asking for the keys …")

Line = tuple[SafeText, SafeText | str, str]
"""The name of a line, its words and their role."""


class KeyCard(CardView):
    """Own key, lock, directory, former keys, what expires next, and the work under way."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, clock=clock, id=id)
        self._keys: KeysView | None = None
        self._no_key: tuple[SafeText, ...] = ()
        self._work: tuple[SafeText, float | None] | None = None

    def show_keys(self, keys: KeysView, no_key: tuple[SafeText, ...] = ()) -> None:
        """Show the keys; `no_key` are the sentences of a mailbox without one."""
        self._keys, self._no_key = keys, no_key
        self.changed()

    def show_work(self, sentence: SafeText = EMPTY, fraction: float | None = None) -> None:
        """Show in the key's own row what takes a while; nothing takes the words away."""
        self._work = (sentence, fraction) if sentence else None
        self.changed()

    def fitted(self, width: int) -> list[list[Part]]:
        """The lines of the card, each exactly `width` cells."""
        room = max(1, width - _NAME_CELLS)
        ellipsis = self._glyphs.ellipsis
        return [
            [(fit(name, _NAME_CELLS), "muted"), (fit(words, room, ellipsis), role)]
            for name, words, role in self._lines(room)
        ]

    def _lines(self, room: int) -> Iterator[Line]:
        keys = self._keys
        if self._work is not None:
            yield ui("Working"), self._work_words(), "strong"
        if keys is None:
            yield ui("My key"), _ASKING, "muted"
            return
        yield from self._own_lines(keys, room)
        yield from self._directory_lines(keys, room)
        former = len(keys.own) - 1
        if former > 0:
            noun = ui("1 key") if former == 1 else phrase("{} keys", former)
            yield ui("Former"), phrase("{}, kept to read older mail", noun), "text"
        yield from self._expiry_lines(keys)

    def _work_words(self) -> SafeText:
        assert self._work is not None
        sentence, fraction = self._work
        if fraction is None:
            return sentence
        done = round(min(1.0, max(0.0, fraction)) * _BAR_CELLS)
        bar = clean_line("#" * done + "." * (_BAR_CELLS - done))
        return phrase("{} [{}] {} %", sentence, bar, round(fraction * 100))

    def _own_lines(self, keys: KeysView, room: int) -> Iterator[Line]:
        if not keys.own:
            sentences = self._no_key or (ui("There is no key yet."),)
            for number, sentence in enumerate(sentences):
                for start, end in wrapped(sentence, room):
                    words = sentence[start:end]
                    first = number == 0 and start == 0
                    name = ui("My key") if first else EMPTY
                    yield name, words, "strong" if number == 0 else "text"
            return
        key = keys.own[0]
        words, warns = own_key_words(key, self._clock())
        yield ui("My key"), words, "alarm" if warns else "text"
        for line in group_rows(key.fingerprint, room):
            yield EMPTY, line, "strong"
        yield EMPTY, key.user_id, "text"
        yield ui("Lock"), self._lock_line(keys), "text"
        yield from self._warnings(key, room)

    def _lock_line(self, keys: KeysView) -> SafeText:
        words = lock_words(keys, self._glyphs, self._clock())
        return phrase("{}; {}", words, keys.passphrase_kept) if keys.passphrase_kept else words

    def _warnings(self, key: OwnKeyView, room: int) -> Iterator[Line]:
        for warning in key.warnings[:_MOST_WARNINGS]:
            yield from self._marked(warning, room, "caution")

    def _directory_lines(self, keys: KeysView, room: int) -> Iterator[Line]:
        directory = keys.directory
        words, role = directory_words(directory, self._glyphs)
        yield ui("Directory"), words, role
        if directory.status is DirectoryStatus.FOREIGN and directory.fingerprint is not None:
            for line in group_rows(directory.fingerprint, room):
                yield EMPTY, line, "strong"
        needless = directory.status is DirectoryStatus.ABSENT and not keys.own
        if directory.sentence and directory.status is not DirectoryStatus.SAME and not needless:
            for start, end in wrapped(directory.sentence, room):
                yield EMPTY, directory.sentence[start:end], "text"

    def _marked(self, sentence: SafeText, room: int, role: str) -> Iterator[Line]:
        inner = max(1, room - 2)
        for number, (start, end) in enumerate(wrapped(sentence, inner)):
            mark = self._glyphs.unverified if number == 0 else ui(" ")
            yield EMPTY, f"{mark} {sentence[start:end]}", role

    def _expiry_lines(self, keys: KeysView) -> Iterator[Line]:
        soon = [line for line in keys.calendar if line.is_soon]
        if not soon:
            return
        first, rest = soon[0], len(soon) - 1
        more = phrase(", and {} more", rest) if rest else EMPTY
        words = phrase("{}: {}{}", first.what, ends_words(first.expires, self._clock()), more)
        yield ui("Expiry"), phrase("{} {}", self._glyphs.unverified, words), "alarm"


def ends_words(moment: int, now: float) -> SafeText:
    """`expired 3 Nov 2026`, or `17 Dec 2026, in 21 days`."""
    if moment <= now:
        return phrase("expired {}", day_words(moment))
    return phrase("{}, in {}", day_words(moment), time_left(moment - now))
