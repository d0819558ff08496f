"""The note under the key list: the whole fingerprint and the whole sentence of the current entry.

Closes the trap of narrow columns: what a row had to cut is told here, at every width.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from services.key_models import FingerprintView, OwnKeyView, PeerStatus, PeerView, TrustedSenderView
from services.safe_text import EMPTY, phrase, ui
from widgets.card_view import CardView
from widgets.cells import fit, wrapped
from widgets.fingerprint import GROUPED_CELLS, group_rows
from widgets.glyphs import UNICODE, Glyphs
from widgets.key_list import Chosen
from widgets.key_rows import Domain
from widgets.key_words import own_key_words, peer_sentence
from widgets.rows import Part

_ROWS: Final = 3


class KeyNote(CardView):
    """Three rows about one entry; always as tall, so that nothing jumps."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, clock=clock, id=id)
        self._fingerprint: FingerprintView | None = None
        self._sentence = EMPTY

    def show_entry(self, entry: Chosen | None) -> None:
        """Tell about an entry, or nothing."""
        self._fingerprint = None
        self._sentence = EMPTY
        if isinstance(entry, PeerView | OwnKeyView):
            self._fingerprint = entry.fingerprint
        if isinstance(entry, PeerView):
            if entry.status is PeerStatus.CHANGED:
                self._fingerprint = entry.offered or entry.fingerprint
            self._sentence = peer_sentence(entry, self._clock())
        elif isinstance(entry, OwnKeyView):
            words = own_key_words(entry, self._clock())[0]
            self._sentence = phrase("{}, {}, kept to read older mail", entry.user_id, words)
        elif isinstance(entry, Domain):
            self._sentence = phrase(
                "Mail to any address at {} leaves encrypted or not at all.", entry.name
            )
        elif isinstance(entry, TrustedSenderView):
            self._sentence = ui("The service lets this agent's mail in as trusted.")
        self.changed()

    def fitted(self, width: int) -> list[list[Part]]:
        """The fingerprint, then the sentence."""
        rows: list[tuple[str, str]] = []
        if self._fingerprint is not None:
            rows += [(line, "strong") for line in group_rows(self._fingerprint, width)]
        sentence = self._sentence
        rows += [(sentence[start:end], "text") for start, end in wrapped(sentence, width)]
        tall = _ROWS if width >= GROUPED_CELLS else _ROWS + 1
        rows = [*rows[:tall], *[("", "text")] * (tall - len(rows))]
        ellipsis = self._glyphs.ellipsis
        return [[(fit(words, width, ellipsis), role)] for words, role in rows]
