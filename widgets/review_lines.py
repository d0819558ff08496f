"""A review as lines: what the program says of a mail, then the mail's own text, folded when it is long.

Closes two traps. Text that looks like a fact: every line knows whether the program or the mail says
it, and the view gives the two another ground and another first column. Text that nobody saw: what
is folded is counted to the character, and a line keeps its name from one layout to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import Final

from rich.cells import cell_len

from services.outbound_models import ReviewView
from services.safe_text import EMPTY, SafeText, clean_line, phrase, ui
from widgets.flowing import Fact
from widgets.glyphs import UNICODE, Glyphs
from widgets.review_words import (
    address_facts,
    by_weight,
    check_fact,
    file_facts,
    files_words,
    lines_words,
    recipient_facts,
    role_words,
    secrecy_facts,
)
from widgets.rows import NO_SUBJECT

FOLD_OVER: Final = 40
"""A text of more lines is folded."""
SHOWN_LINES: Final = 24
"""Lines of a folded text that stand above its fold."""
SHOWN_CHARACTERS: Final = 6_000
"""Characters of a folded text that stand above its fold: one line can be as long as a book."""


class Voice(Enum):
    """Who says a line."""

    HEADING = "heading"
    FACT = "fact"
    """The program: on the ground of the cards, from the first column on."""
    MAIL = "mail"
    """The mail, its agent or a file's name: indented, on the ground of mail text."""
    FOLD = "fold"
    """Stands for text that is not shown, with its exact size."""


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """One line before it is wrapped; `name` tells it apart from every other line of the review."""

    name: tuple[str, int]
    voice: Voice
    facts: tuple[Fact, ...]
    under: bool = False
    """It goes on with the line above."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of a review is shown in the scrolled part."""

    head_room: int = 0
    """Cells that the head has for each value, when it has to cut and count; 0: it has all of them.

    What it cannot show is listed here."""
    checks: bool = False
    """The foot has no room for them."""
    details: bool = False
    """Whole hashes and the types of files."""
    unfolded: bool = False


def review_lines(
    view: ReviewView,
    shape: Shape,
    glyphs: Glyphs,
    changed: Sequence[SafeText] = (),
    unfold_key: SafeText = EMPTY,
) -> list[ReviewLine]:
    """All lines: what changed since a decision, facts, then the text.

    Of an agent's mail everything has to be seen, so that its text comes as early as it can; of an own
    one the facts, which therefore come before a text that may stay folded.
    """
    text = list(_parts(view, glyphs, unfold_key, unfolded=shape.unfolded))
    return list(
        chain(
            _changed(changed, glyphs),
            _head(view, shape.head_room, glyphs) if shape.head_room else (),
            _said("says", view.agent_says, phrase("{} says", view.agent)),
            text if view.agent else (),
            _checks(view, glyphs) if shape.checks else (),
            _files(view, glyphs, details=shape.details),
            _headers(view),
            _listed("usage", ui("Usage that is told with it"), view.usage),
            _listed("pricing", ui("Price, as the service says"), view.pricing),
            () if view.agent else text,
        )
    )


def note_lines(words: SafeText) -> list[ReviewLine]:
    """A sentence in place of a review."""
    return [ReviewLine(("note", 0), Voice.MAIL, ((words, "muted"),))] if words else []


def copy_lines(
    facts: Sequence[tuple[SafeText, SafeText]], body: Sequence[SafeText]
) -> list[ReviewLine]:
    """Facts behind their names, then a whole text."""
    told = [
        ReviewLine(("fact", number), Voice.FACT, ((name, "muted"), (value, "strong")))
        for number, (name, value) in enumerate(facts)
    ]
    return [*told, *_text(body, UNICODE, EMPTY, unfolded=True)]


def is_long(body: Sequence[SafeText]) -> bool:
    """Whether a text is folded at first."""
    return len(body) > FOLD_OVER or sum(len(line) for line in body) > SHOWN_CHARACTERS


def _heading(name: str, words: SafeText, role: str = "heading") -> ReviewLine:
    return ReviewLine((name, -1), Voice.HEADING, ((words, role),))


def _changed(changed: Sequence[SafeText], glyphs: Glyphs) -> Iterator[ReviewLine]:
    if not changed:
        return
    words = ui("Not sent: this is not what you decided on any more")
    yield _heading("changed", phrase("{} {}", glyphs.unverified, words), "alarm")
    for number, sentence in enumerate(changed):
        yield ReviewLine(("changed", number), Voice.MAIL, ((sentence, "caution"),))


def _head(view: ReviewView, room: int, glyphs: Glyphs) -> Iterator[ReviewLine]:
    yield from _recipients(view, glyphs)
    values: tuple[tuple[str, tuple[Fact, ...]], ...] = (
        ("sender", ((ui("From"), "muted"), (view.sender, "text"))),
        ("service", ((ui("Via"), "muted"), (view.service, "text"))),
        ("subject", ((ui("Subject"), "muted"), (view.subject or NO_SUBJECT, "strong"))),
        ("secrecy", tuple(secrecy_facts(view, glyphs))),
        ("policy", ((view.approval, "text"),)),
    )
    for name, facts in values:
        if name == "service" and not view.service:
            continue
        if _cells(facts) > room or (name == "policy" and view.agent):
            yield ReviewLine((name, 0), Voice.FACT, facts)


def _cells(facts: Sequence[Fact]) -> int:
    return sum(cell_len(words) + 3 for words, _role in facts) - 3


def _recipients(view: ReviewView, glyphs: Glyphs) -> Iterator[ReviewLine]:
    yield _heading("recipients", phrase("Recipients {:,}", len(view.recipients)))
    for number, recipient in enumerate(view.recipients):
        role = (role_words(recipient), "muted")
        address = (role, *address_facts(recipient))
        yield ReviewLine(("recipients", number), Voice.FACT, address)
        facts = tuple(recipient_facts(recipient, view, glyphs))
        if facts:
            yield ReviewLine(("recipient facts", number), Voice.FACT, facts, under=True)


def _checks(view: ReviewView, glyphs: Glyphs) -> Iterator[ReviewLine]:
    yield _heading("checks", phrase("Checks {:,}", len(view.checks)))
    for number, check in enumerate(by_weight(view.checks)):
        yield ReviewLine(("checks", number), Voice.FACT, (check_fact(check, glyphs),))


def _said(name: str, words: SafeText, heading: SafeText) -> Iterator[ReviewLine]:
    if words:
        yield _heading(name, heading)
        yield ReviewLine((name, 0), Voice.MAIL, ((words, "text"),))


def _files(view: ReviewView, glyphs: Glyphs, *, details: bool) -> Iterator[ReviewLine]:
    if not view.files:
        return
    words = files_words(view.files)
    # By Amazon SES they are no uploads: whoever gets the mail has them.
    yield _heading("files", phrase("{}, inside of the mail", words) if view.service else words)
    for number, file in enumerate(view.files):
        yield ReviewLine(("files", number), Voice.MAIL, tuple(file_facts(file, glyphs)))
        if details:
            whole = phrase("{}  sha256 {}", file.content_type, clean_line(file.sha256))
            yield ReviewLine(("file details", number), Voice.MAIL, ((whole, "muted"),))


def _headers(view: ReviewView) -> Iterator[ReviewLine]:
    lines = tuple(phrase("{}: {}", name, value) for name, value in view.headers)
    return _listed("headers", ui("Further headers"), lines)


def _listed(name: str, heading: SafeText, lines: Sequence[SafeText]) -> Iterator[ReviewLine]:
    if not lines:
        return
    yield _heading(name, heading)
    for number, words in enumerate(lines):
        yield ReviewLine((name, number), Voice.MAIL, ((words, "text"),))


def _parts(
    view: ReviewView, glyphs: Glyphs, key: SafeText, *, unfolded: bool
) -> Iterator[ReviewLine]:
    """The text, or both parts of a mail with HTML: folded as one, with the text part on top."""
    if not view.html:
        yield from _text(view.body, glyphs, key, unfolded=unfolded)
        return
    made = ui("made of the text") if view.is_html_made else ui("as written")
    text = ui("Markdown as written") if view.is_html_made else ui("made of the HTML")
    yield _heading("text", phrase("Text part, {}, {}", text, lines_words(len(view.body))))
    whole = unfolded or not is_long(view.texts)
    shown = view.texts if whole else tuple(_above_fold(view.texts))
    for number, line in enumerate(shown):
        if number == len(view.body):
            words = phrase("HTML part, {}, as source, {}", made, lines_words(len(view.html)))
            yield ReviewLine(("text", -2), Voice.HEADING, ((words, "heading"),))
        yield ReviewLine(("text", number), Voice.MAIL, ((line, "text"),))
    if not whole:
        yield _fold(view.texts[len(shown) :], glyphs, key)


def _text(
    body: Sequence[SafeText], glyphs: Glyphs, key: SafeText, *, unfolded: bool
) -> Iterator[ReviewLine]:
    if body and not body[-1]:
        # The line feed that ends the last line begins no other one.
        body = body[:-1]
    if not any(line.strip() for line in body):
        yield _heading("text", ui("No text"))
        return
    yield _heading("text", phrase("Text, {}", lines_words(len(body))))
    if unfolded or not is_long(body):
        for number, line in enumerate(body):
            yield ReviewLine(("text", number), Voice.MAIL, ((line, "text"),))
        return
    shown = tuple(_above_fold(body))
    for number, line in enumerate(shown):
        yield ReviewLine(("text", number), Voice.MAIL, ((line, "text"),))
    yield _fold(body[len(shown) :], glyphs, key)


def _above_fold(body: Sequence[SafeText]) -> Iterator[SafeText]:
    room = SHOWN_CHARACTERS
    for line in body[:SHOWN_LINES]:
        if len(line) > room:
            return
        yield line
        room -= len(line)


def _fold(rest: Sequence[SafeText], glyphs: Glyphs, key: SafeText) -> ReviewLine:
    characters = sum(len(line) for line in rest)
    words = phrase("{} {} more, {:,} characters", glyphs.folded, lines_words(len(rest)), characters)
    told = phrase("{} ({} shows them)", words, key) if key else words
    return ReviewLine(("fold", 0), Voice.FOLD, ((told, "caution"),))
