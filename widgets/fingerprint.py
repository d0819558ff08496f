"""Fingerprints laid out for people: groups to read, words to say, differences marked one by one.

Closes two traps: two fingerprints that look alike because their ends are (every group that differs
gets a mark below it, not only a colour), and a line that breaks inside of a group at another place
in each of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from services.key_models import FingerprintView
from services.safe_text import EMPTY, SafeText, phrase
from widgets.card_view import CardView
from widgets.cells import fit
from widgets.glyphs import UNICODE, Glyphs
from widgets.rows import Part

GROUPS_IN_HALF = 5
WORDS_IN_LINE = 5
GROUPED_CELLS = 50
"""The cells of a whole fingerprint on one line: ten groups and the gap in the middle."""


def halves(fingerprint: FingerprintView) -> tuple[list[str], list[str]]:
    """The first five groups and the rest."""
    groups = fingerprint.groups.split()
    return groups[:GROUPS_IN_HALF], groups[GROUPS_IN_HALF:]


def group_rows(fingerprint: FingerprintView, width: int) -> list[str]:
    """The groups on one line when they fit, else on two, broken in the middle."""
    first, second = (" ".join(half) for half in halves(fingerprint))
    return [f"{first}  {second}"] if width >= GROUPED_CELLS else [first, second]


def short_groups(fingerprint: FingerprintView, cells: int, ellipsis: str) -> str:
    """As many whole groups as fit, then an ellipsis; for lists, never for comparing."""
    whole = group_rows(fingerprint, GROUPED_CELLS)[0]
    if cells >= len(whole):
        return whole
    groups = fingerprint.groups.split()
    shown = " ".join(groups[: max(1, (cells - 1) // 5)])
    return f"{shown} {ellipsis}"


def word_rows(fingerprint: FingerprintView, width: int) -> list[str]:
    """The words in columns, read line by line."""
    words = fingerprint.words.split()
    column = max((len(word) for word in words), default=0) + 2
    in_line = min(WORDS_IN_LINE, max(1, width // column))
    lines = [words[at : at + in_line] for at in range(0, len(words), in_line)]
    return ["".join(word.ljust(column) for word in line).rstrip() for line in lines]


def marks(old: Sequence[str], new: Sequence[str], differs: str) -> str:
    """A line of marks under each group that is not the same in both."""
    under = (
        differs * max(len(one), len(other)) if one != other else " " * len(one)
        for one, other in zip_longest(old, new, fillvalue="")
    )
    return " ".join(under)


class FingerprintCard(CardView):
    """One fingerprint in both of its forms."""

    def __init__(
        self,
        fingerprint: FingerprintView,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._fingerprint = fingerprint

    def fitted(self, width: int) -> list[list[Part]]:
        """Groups, an empty row, words."""
        room = max(1, width - 2)
        rows = [(line, "strong") for line in group_rows(self._fingerprint, room)]
        if len(rows) == 1:
            rows.append(("", "text"))
        rows += [(line, "text") for line in word_rows(self._fingerprint, room)]
        return [[("  ", "text"), (fit(line, room), role)] for line, role in rows]


class FingerprintPair(CardView):
    """Two fingerprints, one above the other, with a mark under each group that differs."""

    LABEL_CELLS = 5

    def __init__(
        self,
        old: FingerprintView,
        new: FingerprintView,
        *,
        labels: tuple[SafeText, SafeText],
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._old, self._new = old, new
        self._labels = labels

    def fitted(self, width: int) -> list[list[Part]]:
        """Old, new, marks; twice when they do not fit side by side."""
        room = max(1, width - self.LABEL_CELLS)
        return [
            [(fit(label, self.LABEL_CELLS), "muted"), (fit(line, room), role)]
            for label, line, role in self._lines(room)
        ]

    def _lines(self, room: int) -> Iterator[tuple[SafeText, str, str]]:
        old, new = halves(self._old), halves(self._new)
        differs = self._glyphs.differs
        first, second = self._labels
        marked = [marks(old[half], new[half], differs) for half in (0, 1)]
        if room >= GROUPED_CELLS:
            yield first, group_rows(self._old, room)[0], "text"
            yield second, group_rows(self._new, room)[0], "strong"
            yield EMPTY, "  ".join(marked), "alarm"
            return
        for half in (0, 1):
            yield first, " ".join(old[half]), "text"
            yield second, " ".join(new[half]), "strong"
            yield EMPTY, marked[half], "alarm"


def differing_groups(old: FingerprintView, new: FingerprintView) -> SafeText:
    """How many of the ten groups differ, as words."""
    pairs = list(zip_longest(old.groups.split(), new.groups.split(), fillvalue=""))
    count = sum(one != other for one, other in pairs)
    return phrase("{} of {} groups differ", count, len(pairs))
