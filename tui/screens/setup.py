"""The set-up screen: service, base URL, token, mail domain; checked against the service, then kept.

Closes two traps: an account that is saved and does not work, and a token that is kept somewhere weaker
than the operator knows. Checking and keeping block (network, a locked keyring), so they run on a daemon
thread; what is typed in the meantime makes their answer stale and it is dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Button, Input

from services.errors import MailError, SecretStoreError
from services.redact import Secret
from services.safe_text import EMPTY, SafeText, clean_line, phrase, ui
from services.secrets import clean_token
from services.service_config import AGENTMAIL_TO, AGENTMAIL_TO_URL, ASSMBL
from tui.first_run import AccountForm, InboxChoice, Opened, SetUp, TokenPlace
from tui.screens.dialogs import ChoiceDialog
from widgets.hint_bar import Hint, HintBar
from widgets.plain import Plain

_HINTS = (
    Hint(ui("Ctrl+Q"), ui("quit"), 0),
    Hint(ui("Tab"), ui("next field"), 2),
    Hint(ui("Ctrl+T"), ui("other service"), 3),
    Hint(ui("Enter"), ui("check and open"), 1),
)
_BACK: Final = Hint(ui("Esc"), ui("back"), 1)
Outcome = SafeText | Opened | MailError | tuple[InboxChoice, ...]
"""What a blocking step ends with; a tuple is what a key reaches."""
_PLACES = (TokenPlace.SESSION, TokenPlace.FILE)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    label: SafeText
    example: str
    hidden: bool = False


_NAMES: Final = {ASSMBL: ui("Assmbl"), AGENTMAIL_TO: ui("AgentMail.to")}
_ADDRESSES: Final = {
    ASSMBL: (ui("Address"), "ops-bot@agents.example.com (optional)"),
    AGENTMAIL_TO: (ui("Inbox"), "its address; empty lists the inboxes of the key"),
}
_FIELDS = (
    _Field("base_url", ui("Base URL"), "https://api.example.com"),
    _Field("token", ui("API token"), "from the dashboard; it is not shown", hidden=True),
    _Field("mail_domain", ui("Mail domain"), "agents.example.com"),
    _Field("address", ui("Address"), "ops-bot@agents.example.com (optional)"),
)

_NEEDED: Final = ("base_url", "token")


class SetupScreen(Screen[Opened]):
    """Asks for an account; returns the opened mailbox, or None when it was left."""

    AUTO_FOCUS = "#base_url"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="setup.leave", show=False),
        Binding(
            "ctrl+t", "other_kind", "Other service", id="setup.kind", show=False, priority=True
        ),
        Binding("enter", "enter", "Next field", show=False, priority=True),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Field before", show=False),
    ]

    class Answered(Message):
        """A blocking step has ended: with a sentence, an opened mailbox, or an error."""

        def __init__(self, step: int, outcome: Outcome) -> None:
            super().__init__()
            self.step = step
            self.outcome = outcome

    def __init__(
        self,
        set_up: SetUp,
        monotonic: Callable[[], float],
        *,
        may_leave: bool,
        reason: SafeText = EMPTY,
    ) -> None:
        super().__init__()
        self._set_up = set_up
        self._monotonic = monotonic
        self._may_leave = may_leave
        self._reason = reason
        self._step = 0
        self._place = TokenPlace.KEYRING
        self._kind = set_up.form.kind
        self._picked: tuple[str, ...] = ()
        """The inboxes that were chosen of the key's."""

    def compose(self) -> ComposeResult:
        """What is asked for, the fields, one button, one line of state."""
        known = self._set_up.form
        yield Plain(ui(" agentmail-tui   set up an account"), id="setup-title")
        with VerticalScroll(id="setup-form", can_focus=False):
            yield Plain(self._reason or ui("One mailbox of one agent."), classes="setup-intro")
            with Horizontal(classes="setup-row"):
                yield Plain(ui("Service"), classes="setup-label")
                yield Button(id="kind", compact=True)
            for field in _FIELDS:
                with Horizontal(classes="setup-row", id=f"row-{field.name}"):
                    yield Plain(field.label, classes="setup-label")
                    yield self._input(field, known)
            with Vertical(classes="setup-answers"):
                yield Button("Check and open", id="go", variant="primary", compact=True)
            yield Plain(id="setup-state")
        yield HintBar((_BACK, *_HINTS) if self._may_leave else _HINTS)

    def _input(self, field: _Field, known: AccountForm) -> Input:
        value = "" if field.hidden else str(getattr(known, field.name))
        made = Input(
            value,
            placeholder=field.example,
            password=field.hidden,
            id=field.name,
            compact=True,
            select_on_focus=False,
        )
        made.cursor_blink = False
        return made

    def on_mount(self) -> None:
        """Begin with the first empty field."""
        self._show_kind()
        empty = next((field for field in _FIELDS if not self._value(field.name)), _FIELDS[0])
        self.query_one(f"#{empty.name}").focus()

    def action_enter(self) -> None:
        """Go to what is still needed, or check; not told by the field, whose next letter is quicker."""
        focused = self.focused
        empty = (self.query_one(f"#{name}", Input) for name in _NEEDED if not self._value(name))
        if isinstance(focused, Button):
            focused.press()
        elif (following := next(empty, focused)) is not focused:
            self.set_focus(following)
        else:
            self.check()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another account is meant: an answer under way is about the old one."""
        event.stop()
        self._step += 1
        self._picked = ()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Check, or choose the other service."""
        event.stop()
        if event.button.id == "kind":
            self.action_other_kind()
        else:
            self.check()

    def action_other_kind(self) -> None:
        """The mailbox is one of the other service; what is known of an account stays as it is."""
        if self._set_up.form.base_url:
            self._say(ui("This account is there already; add another one for another service."))
            return
        self._kind = AGENTMAIL_TO if self._kind == ASSMBL else ASSMBL
        self._step += 1
        self._picked = ()
        self._show_kind()

    def _show_kind(self) -> None:
        """Show the fields of the service; the address of AgentMail.to is fixed."""
        is_inbox = self._kind == AGENTMAIL_TO
        words = _NAMES[self._kind]
        if not self._set_up.form.base_url:
            other = _NAMES[ASSMBL if is_inbox else AGENTMAIL_TO]
            words = phrase("{}   (Ctrl+T: {})", words, other)
        self.query_one("#kind", Button).label = Content(words)
        url = self.query_one("#base_url", Input)
        if is_inbox and not url.value:
            url.value = AGENTMAIL_TO_URL
        elif not is_inbox and url.value == AGENTMAIL_TO_URL:
            url.value = ""
        url.disabled = is_inbox
        self.query_one("#row-mail_domain").display = not is_inbox
        label, example = _ADDRESSES[self._kind]
        self.query_one("#row-address .setup-label", Plain).show(label)
        self.query_one("#address", Input).placeholder = example

    def action_leave(self) -> None:
        """Leave without an account, when there is something to go back to."""
        if self._may_leave:
            self.dismiss(None)

    def check(self) -> None:
        """Ask the service with what has been typed."""
        form = self._form()
        try:
            token = clean_token(self._value("token"))
        except MailError as error:
            self._say_error(error)
            return
        self._say(ui("Asking the service …"))
        self._place = TokenPlace.KEYRING
        if form.kind == AGENTMAIL_TO and not (form.address or self._picked):
            self._run(lambda: self._set_up.inboxes(form, token))
        else:
            forms = self._forms()
            self._run(lambda: [self._set_up.check(one, token) for one in forms][-1])

    def keep(self) -> None:
        """Keep the account and its token at the chosen place."""
        forms, token, place = self._forms(), Secret(self._value("token").strip()), self._place
        self._run(lambda: self._set_up.keep(forms, clean_token(token.reveal()), place))

    def _pick(self, inboxes: tuple[InboxChoice, ...]) -> None:
        """Ask which inboxes of the key become accounts; the only one needs no question."""

        def answered(picked: tuple[str, ...] | None) -> None:
            if picked:
                self._picked = picked
                self.check()
            else:
                self._say(ui("No inbox was chosen."))

        if not inboxes:
            self._say(ui("! This key reaches no inbox. Make one at AgentMail.to first."))
        elif len(inboxes) == 1:
            answered((inboxes[0].address,))
        else:
            from tui.screens.inbox_dialog import InboxDialog

            self.app.push_screen(InboxDialog(inboxes, self._monotonic), answered)

    def on_setup_screen_answered(self, event: Answered) -> None:
        """Go on with the next step, or say what stands against it."""
        event.stop()
        if event.step != self._step:
            return
        outcome = event.outcome
        if isinstance(outcome, Opened):
            self.dismiss(outcome)
        elif isinstance(outcome, tuple):
            self._pick(outcome)
        elif isinstance(outcome, SecretStoreError) and self._place is TokenPlace.KEYRING:
            self._ask_place(outcome)
        elif isinstance(outcome, MailError):
            self._say_error(outcome)
        else:
            self._say(outcome)
            self.keep()

    def _ask_place(self, error: SecretStoreError) -> None:
        def answered(choice: int | None) -> None:
            if choice is None:
                self._say(ui("The token has not been kept anywhere."))
                return
            self._place = _PLACES[choice]
            self.keep()

        dialog = ChoiceDialog(
            ui("Where shall the token be kept?"),
            (clean_line(error.sentence), clean_line(error.next_step)),
            (
                ui("Nowhere: ask again at the next start"),
                ui("In a file that only you can read (0600)"),
            ),
            self._monotonic,
        )
        self.app.push_screen(dialog, answered)

    def _run(self, work: Callable[[], SafeText | Opened | tuple[InboxChoice, ...]]) -> None:
        self._step += 1
        step = self._step

        def run() -> None:
            try:
                outcome: Outcome = work()
            except MailError as error:
                outcome = error
            self.post_message(self.Answered(step, outcome))

        threading.Thread(target=run, name="set-up", daemon=True).start()

    def _form(self) -> AccountForm:
        value = self._value
        return AccountForm(value("base_url"), value("mail_domain"), value("address"), self._kind)

    def _forms(self) -> tuple[AccountForm, ...]:
        """One for each inbox that was chosen, else what stands in the fields."""
        form = self._form()
        return tuple(replace(form, address=one) for one in self._picked) or (form,)

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value

    def _say_error(self, error: MailError) -> None:
        sentence, step = clean_line(error.sentence), clean_line(error.next_step)
        self._say(phrase("! {}\n  {}", sentence, step) if step else phrase("! {}", sentence))

    def _say(self, sentence: SafeText) -> None:
        self.query_one("#setup-state", Plain).update(Content(sentence))
