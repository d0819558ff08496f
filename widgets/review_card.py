"""The fixed parts of a review: who it goes to above the text, what speaks against it below.

Closes the trap of the fact that matters standing where somebody has to scroll to it: what cannot be
fitted is counted here and listed in the scrolled part, never left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from services.outbound_models import CheckLevel, ReviewView
from services.safe_text import EMPTY, SafeText, clean_line, phrase, ui
from widgets.card_view import CardView
from widgets.cells import fit, wrapped
from widgets.flowing import Fact, flowed, flowed_whole, padded
from widgets.glyphs import UNICODE, Glyphs
from widgets.review_words import (
    address_facts,
    by_weight,
    check_fact,
    decision_facts,
    leaving_words,
    more_checks,
    recipient_facts,
    role_words,
    secrecy_facts,
)
from widgets.rows import NO_SUBJECT, Part

_NAME_CELLS: Final = 9
_MOST_CHECKS: Final = 3

Rows = list[list[Part]]


class ReviewCard(CardView):
    """The ground of both parts."""

    INKS: ClassVar = {**CardView.INKS, "danger": "$card-danger bold"}

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, clock=clock, id=id)
        self._view: ReviewView | None = None
        self._most = 100

    def limit(self, rows: int) -> None:
        """Take at most so many rows of the screen."""
        if rows != self._most:
            self._most = rows
            self.changed()

    def _named(self, name: SafeText, facts: list[Fact], width: int) -> Rows:
        """Facts in as many rows as they need, the first behind its name."""
        room = max(1, width - _NAME_CELLS)
        lines = flowed_whole(facts, room, self._glyphs)
        return [
            padded([(fit(EMPTY if at else name, _NAME_CELLS), "muted"), *line], width)
            for at, line in enumerate(lines)
        ]


class ReviewHead(ReviewCard):
    """Sender, recipients with their keys, secrecy, who has to decide, subject."""

    def show_review(self, view: ReviewView | None) -> None:
        """Show who a mail goes to, and how."""
        self._view = view
        self.changed()

    def room(self, width: int) -> int:
        """Cells for each value when it has to cut and count here; 0 when everything is shown."""
        if self._view is None or len(self._full(self._view, width)) <= self._most:
            return 0
        # What begins with words of ours is longer in the scrolled part than here.
        return max(1, width - _NAME_CELLS)

    def fitted(self, width: int) -> Rows:
        """All recipients when there is room for them, else their number."""
        view = self._view
        if view is None:
            return []
        full = self._full(view, width)
        return full if len(full) <= self._most else self._short(view, width)

    def _full(self, view: ReviewView, width: int) -> Rows:
        rows = self._named(ui("From"), [(view.sender, "text")], width)
        for recipient in view.recipients:
            rows += self._named(role_words(recipient), address_facts(recipient), width)
            facts = recipient_facts(recipient, view, self._glyphs)
            rows += self._named(EMPTY, facts, width) if facts else []
        return rows + self._rest(view, width)

    def _short(self, view: ReviewView, width: int) -> Rows:
        """One row each, cut; the scrolled part then has all of it."""
        lines = [
            self._named(name, facts, width)[:1]
            for name, facts in (
                (ui("From"), [(view.sender, "text")]),
                (ui("To"), self._counted(view)),
                *self._rest_facts(view),
            )
        ]
        rows = [row for line in lines for row in line]
        return rows if len(rows) <= self._most else rows[1:]

    def _counted(self, view: ReviewView) -> list[Fact]:
        count = len(view.recipients)
        if count == 1:
            return [*address_facts(view.recipients[0]), (ui("more below"), "caution")]
        facts: list[Fact] = [(phrase("{:,} recipients, listed below", count), "strong")]
        outside = sum(recipient.is_external for recipient in view.recipients)
        if outside:
            facts.append((phrase("{:,} external", outside), "caution"))
        warned = sum(bool(recipient.warning) for recipient in view.recipients)
        if warned:
            facts.append((phrase("{} {:,} warned of", self._glyphs.unverified, warned), "alarm"))
        return facts

    def _rest(self, view: ReviewView, width: int) -> Rows:
        named = (self._named(name, facts, width) for name, facts in self._rest_facts(view))
        return [row for rows in named for row in rows]

    def _rest_facts(self, view: ReviewView) -> Iterator[tuple[SafeText, list[Fact]]]:
        if view.service:
            yield ui("Via"), [(view.service, "text")]
        yield ui("Secrecy"), secrecy_facts(view, self._glyphs)
        yield from decision_facts(view, self._clock())
        yield ui("Subject"), [(view.subject or NO_SUBJECT, "strong")]


class ProposalTitle(ReviewCard):
    """One row above a review without a head: whose it is, which revision, how long it holds."""

    def show_review(self, view: ReviewView | None) -> None:
        """Show whose a mail is."""
        self._view = view
        self.changed()

    def fitted(self, width: int) -> Rows:
        """A single row; the scrolled part has the rest."""
        if self._view is None:
            return [[(" " * width, "text")]]
        facts = [fact for _name, facts in decision_facts(self._view, self._clock())
                 for fact in facts]  # fmt: skip
        return [padded(line, width) for line in flowed(facts, width, self._glyphs)[:1]]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a decision stands: what is still unseen, what was asked, what happened to it."""

    below: int = 0
    """Rows below the screen."""
    unseen: int = 0
    """Rows that have to be on screen first."""
    folded: bool = False
    """Text that has to be seen is folded."""
    asked: SafeText = EMPTY
    """What the engine is asked for right now."""
    page_key: SafeText = EMPTY
    unfold_key: SafeText = EMPTY


class ReviewFoot(ReviewCard):
    """What speaks most against the mail, its digest, when it leaves, what was not seen yet."""

    _standing = Standing()

    def show_review(self, view: ReviewView | None) -> None:
        """Show what speaks against a mail."""
        self._view = view
        self.changed()

    def show_standing(self, standing: Standing) -> None:
        """Show how far the decision is."""
        if standing != self._standing:
            self._standing = standing
            self.changed()

    def omits_checks(self, width: int) -> bool:
        """Whether checks are only counted here."""
        view = self._view
        return view is not None and len(self._checks(view, width)) > self._room

    @property
    def _room(self) -> int:
        return max(1, min(self._most - 2, _MOST_CHECKS))

    def fitted(self, width: int) -> Rows:
        """Refusal or checks, then the digest."""
        view = self._view
        if view is None:
            return []
        rows = self._refusal(view, width) or self._fitting_checks(view, width)
        return [[(self._glyphs.rule * width, "muted")], *rows, *self._digest(view, width)]

    def _refusal(self, view: ReviewView, width: int) -> Rows:
        if not view.refusal:
            return []
        words = phrase("{} Cannot be sent: {}", self._glyphs.unverified, view.refusal)
        rows = self._sentence(words, "danger", width)
        return rows + (self._sentence(view.next_step, "text", width) if view.next_step else [])

    def _fitting_checks(self, view: ReviewView, width: int) -> Rows:
        rows = self._checks(view, width)
        if len(rows) <= self._room:
            return rows
        checks = by_weight(view.checks)
        shown, counted = self._sentence(*check_fact(checks[0], self._glyphs), width), 1
        for check in checks[1:]:
            more = self._sentence(*check_fact(check, self._glyphs), width)
            if len(shown) + len(more) >= self._room:
                break
            shown, counted = shown + more, counted + 1
        against = sum(check.level is not CheckLevel.FINE for check in checks[counted:])
        if counted < len(checks):
            words = more_checks(len(checks) - counted, against)
            shown = [*shown, padded([(words, "caution" if against else "muted")], width)]
        return shown

    def _checks(self, view: ReviewView, width: int) -> Rows:
        rows: Rows = []
        for check in by_weight(view.checks):
            rows += self._sentence(*check_fact(check, self._glyphs), width)
        return rows

    def _sentence(self, words: SafeText, role: str, width: int) -> Rows:
        return [
            padded([(words[start:end], role)], width)
            for start, end in wrapped(words, max(1, width))
        ]

    def _digest(self, view: ReviewView, width: int) -> Rows:
        facts: list[Fact] = [(phrase("digest {}", clean_line(view.short_digest)), "strong")]
        facts += [*self._state(view)]
        return [padded(line, width) for line in flowed(facts, width, self._glyphs)]

    def _state(self, view: ReviewView) -> Iterator[Fact]:
        standing = self._standing
        if standing.asked:
            yield standing.asked, "strong"
            return
        if standing.folded:
            yield phrase("text is folded: {} shows it", standing.unfold_key), "caution"
        elif standing.unseen:
            words = (
                "{:,} rows not seen yet: {}" if standing.unseen > 1 else "{} row not seen yet: {}"
            )
            yield phrase(words, standing.unseen, standing.page_key), "caution"
        elif standing.below:
            words = "{:,} rows below: {}" if standing.below > 1 else "{} row below: {}"
            yield phrase(words, standing.below, standing.page_key), "muted"
        if not view.refusal:
            yield leaving_words(view, self._clock()), "text"
