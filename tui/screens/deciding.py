"""What is decided on: the review on screen, whether all of it was seen, and what stands against it.

Closes three traps. A key typed ahead that decides: everything that has to be seen was painted, and
250 ms have passed since. A decision about another mail than the one on screen: the digest is taken
from the review that is drawn. A review that is left open until it means nothing: it lapses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from services.safe_text import EMPTY, SafeText, phrase, ui
from tui.screens.dialogs import GRACE_SECONDS
from widgets.diff_view import DiffView
from widgets.review_card import ProposalTitle, ReviewFoot, ReviewHead, Standing
from widgets.review_lines import Shape
from widgets.review_text import ReviewText

if TYPE_CHECKING:
    from textual.screen import Screen

    from services.outbound_models import ReviewView
    from tui.session import Session

READING = ui("Reading what would be sent …")
LAPSED = ui("This proposal has lapsed: its agent has to propose it again.")


@dataclass(frozen=True, slots=True)
class ReviewPanes:
    """The widgets that show a review; without a head, a title, and the scrolled part has all of it."""

    text: ReviewText
    diff: DiffView
    foot: ReviewFoot
    head: ReviewHead | None = None
    title: ProposalTitle | None = None

    def show_facts(self, view: ReviewView | None) -> None:
        """Show a review, or none, in all parts that do not scroll."""
        for card in (self.head, self.title, self.foot):
            if card is not None:
                card.show_review(view)


class Deciding:
    """One review on a screen; `changed` is called when what can be done is another thing."""

    def __init__(
        self,
        screen: Screen[Any],
        panes: ReviewPanes,
        session: Session,
        shown_key: Callable[[str], SafeText],
        changed: Callable[[], None],
    ) -> None:
        self._screen = screen
        self._panes = panes
        self._session = session
        self._key = shown_key
        self._changed = changed
        self.view: ReviewView | None = None
        self._asked: SafeText = EMPTY
        self._gone: SafeText = EMPTY
        self._since: float | None = None
        self._size = (80, 24)

    # ── what is shown ────────────────────────────────────────────────────────────────────────────

    def show(self, view: ReviewView, changed: Sequence[SafeText] = ()) -> None:
        """Show a review; nothing of it was seen yet, whatever was seen of an older one."""
        self.view = view
        self._asked = self._gone = EMPTY
        self._since = None
        panes = self._panes
        self.compare(shown=False)
        panes.show_facts(view)
        panes.text.show_review(view, self._shape(Shape()), changed)
        self._stand()
        if view.expires_at:
            self._lapse_at(view.expires_at - self._session.clock())

    def clear(self, words: SafeText = READING) -> None:
        """Show no review but a sentence: another one is being read, or it could not be."""
        self.view = None
        self._since = None
        self._asked = self._gone = EMPTY
        self.compare(shown=False)
        panes = self._panes
        panes.show_facts(None)
        panes.text.show_note(words)
        self._changed()

    def compare(self, *, shown: bool) -> None:
        """Show the comparison in place of the mail, or the mail."""
        panes = self._panes
        if panes.diff.display is not shown:
            panes.diff.display, panes.text.display = shown, not shown
            self.look_again()

    @property
    def compares(self) -> bool:
        """Whether the comparison stands in place of the mail."""
        return bool(self._panes.diff.display)

    def asks(self, words: SafeText) -> None:
        """The engine is asked for something; EMPTY when that is over."""
        self._asked = words
        self._stand()

    def gone(self, sentence: SafeText) -> None:
        """It cannot be decided here any more, and why."""
        self._gone = sentence
        self._stand()

    def toggle_fold(self) -> None:
        """Show all of the text, or fold it."""
        self._panes.text.toggle_fold()

    def toggle_details(self) -> None:
        """Show whole hashes, or their ends."""
        self._panes.text.toggle_details()

    def read_on(self) -> None:
        """Show what comes next, or what was passed without being seen."""
        if self.compares:
            self.scroll(pages=1)
        else:
            self._panes.text.read_on(with_text=self._needs_text)

    def scroll(self, pages: int = 0, rows: int = 0) -> None:
        """Scroll what is shown."""
        shown = self._panes.diff if self.compares else self._panes.text
        shown.scroll_rows(rows + pages * max(1, shown.page - 1))

    def fit(self, width: int, height: int) -> None:
        """The screen has another size."""
        self._size = (width, height)
        panes = self._panes
        if panes.head is not None:
            panes.head.limit(max(5, height // 3))
        panes.foot.limit(max(3, height // 5))
        panes.text.reshape(self._shape(panes.text.shape))

    def _shape(self, shape: Shape) -> Shape:
        width = self._size[0] - 2
        head = self._panes.head
        return replace(
            shape,
            head_room=1 if head is None else head.room(width),
            checks=self._panes.foot.omits_checks(width),
        )

    # ── whether it was seen ──────────────────────────────────────────────────────────────────────

    @property
    def painted(self) -> bool:
        """All that has to be seen was on screen, and is for long enough."""
        since = self._since
        return since is not None and self._session.monotonic() - since >= GRACE_SECONDS

    @property
    def refused(self) -> SafeText:
        """Why it cannot leave, as far as is known."""
        view = self.view
        if self._asked or self._gone:
            return self._asked or self._gone
        if view is None or not view.refusal:
            return EMPTY
        return phrase("{} {}", view.refusal, view.next_step) if view.next_step else view.refusal

    @property
    def _needs_text(self) -> bool:
        return self.view is not None and bool(self.view.agent)

    def look_again(self) -> None:
        """What was covered is on screen again: the time runs anew."""
        self._since = None
        self._panes.text.look_again()
        self._stand()

    def looked(self) -> None:
        """Rows were painted."""
        unseen = self._unseen()
        if self.view is None or unseen or self._hides_text or self.compares:
            self._since = None
        elif self._since is None:
            self._since = self._session.monotonic()
            self._screen.set_timer(GRACE_SECONDS, self._changed)
        self._stand()

    def _unseen(self) -> int:
        return self._panes.text.unseen(with_text=self._needs_text)

    @property
    def _hides_text(self) -> bool:
        return self._needs_text and self._panes.text.is_folded

    def _stand(self) -> None:
        text = self._panes.text
        self._panes.foot.show_standing(
            Standing(
                below=0 if self.compares else text.below,
                unseen=self._unseen() if self.view is not None else 0,
                folded=self._hides_text,
                asked=self._asked or self._gone,
                page_key=self._key("review_on"),
                unfold_key=self._key("unfold_text"),
            )
        )
        self._changed()

    def _lapse_at(self, seconds: float) -> None:
        if seconds <= 0:
            self._lapse()
        else:
            self._screen.set_timer(seconds, self._lapse)

    def _lapse(self) -> None:
        view = self.view
        if view is not None and 0 < view.expires_at <= self._session.clock():
            self.gone(LAPSED)
