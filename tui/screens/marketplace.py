"""A mail as a marketplace request or the answer to one, with what the agent charges.

Closes the trap of paid work that is asked for without a price on the screen: the price is asked for
when the dialog opens, and whatever the service says stands above the answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button

from services.draft import Draft, DraftKind
from services.events import RequestFailed
from services.outbound.writing.replying import new_request_id
from services.outbound_events import AskPricing, PricingTold
from services.safe_text import clean_line, join, phrase, ui
from tui.screens.field_dialog import FieldDialog
from widgets.line_field import LineField
from widgets.plain import Plain

if TYPE_CHECKING:
    from services.events import OutboundEvent
    from tui.outbound_news import OutboundNews

_KINDS: Final = (
    (DraftKind.MARKET_REQUEST, "request", ui("A request for paid work")),
    (DraftKind.MARKET_RESPONSE, "response", ui("The answer to a request")),
    (DraftKind.NEW, "plain", ui("An ordinary mail")),
)


class MarketplaceDialog(FieldDialog[Draft]):
    """Asks what it is; returns the changed draft, or None."""

    FIELDS = ("request-id",)
    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "app.focus_next", "Next", show=False)]

    def __init__(
        self,
        draft: Draft,
        news: OutboundNews,
        monotonic: Callable[[], float],
        account: str = "",
    ) -> None:
        super().__init__(monotonic)
        self._draft = draft
        self._account = account
        self._news = news
        self._asked = 0
        self._end: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        """The price, the request that is answered, and what it can be."""
        draft = self._draft
        with Vertical(classes="dialog tall"):
            yield Plain(ui("Marketplace"), classes="dialog-title")
            yield Plain(id="pricing", classes="dialog-line")
            field = LineField(
                clean_line(draft.marketplace_request_id),
                placeholder="of the request that this answers",
                id="request-id",
            )
            yield self.row(ui("Request id"), field)
            yield Plain(classes="dialog-line dialog-state")
            with Vertical(classes="dialog-choices"):
                for kind, name, words in _KINDS:
                    mark = "● " if kind is draft.kind else "  "
                    yield Button(Content(mark + words), id=name, compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Ask what the first recipient charges."""
        super().on_mount()
        self._end = self._news.listen(self._heard)
        people = self._draft.recipients
        if people:
            self._pricing().show(ui("Asking what it costs …"))
            self._asked = self._news.ask(AskPricing(people[0], self._account))
        else:
            self._pricing().show(ui("Say who it is for, and the price is asked for."))

    def on_unmount(self) -> None:
        """Hear no more."""
        if self._end is not None:
            self._end()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Take what it is to be."""
        event.stop()
        wanted = next((kind for kind, name, _ in _KINDS if name == event.button.id), None)
        if wanted is None:
            self.dismiss(None)
        elif wanted is DraftKind.MARKET_RESPONSE and not self.typed("request-id"):
            self.say(ui("An answer names the request that it answers."))
            self.set_focus(self.field("request-id"))
        elif self.armed:
            self.dismiss(self._as(wanted))

    def answer(self) -> None:
        """Enter in the field goes on to the answers."""
        self.set_focus(self.query_one("#request", Button))

    def _as(self, kind: DraftKind) -> Draft:
        draft, request = self._draft, self.typed("request-id")
        if kind is DraftKind.NEW:
            kept = draft.kind if draft.kind not in _MARKET else DraftKind.NEW
            return replace(draft, kind=kept, marketplace_request_id="")
        if kind is DraftKind.MARKET_REQUEST and not request:
            request = new_request_id()
        return replace(draft, kind=kind, marketplace_request_id=request)

    def _heard(self, event: OutboundEvent | RequestFailed) -> bool:
        if not isinstance(event, PricingTold | RequestFailed) or event.request_id != self._asked:
            return False
        if isinstance(event, RequestFailed):
            self._pricing().update(Content(event.sentence))
            return True
        address = clean_line(event.address)
        words = (
            phrase("{}: {}", address, join("; ", event.lines))
            if event.lines
            else phrase("{} names no price.", address)
        )
        self._pricing().update(Content(words))
        return True

    def _pricing(self) -> Plain:
        return self.query_one("#pricing", Plain)


_MARKET: Final = frozenset({DraftKind.MARKET_REQUEST, DraftKind.MARKET_RESPONSE})
