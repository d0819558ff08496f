"""The dialog that makes a key: for whom, and which passphrase seals its file.

Closes two traps: a key without a passphrase by accident (an empty one is asked about once more), and
a passphrase with a typing error in it (it is typed twice, and both fields empty when they differ).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from services.key_events import GenerateKey
from services.redact import Secret
from services.safe_text import EMPTY, SafeText, phrase, ui
from tui.screens.dialogs import ConfirmDialog
from tui.screens.field_dialog import FieldDialog, text_field
from tui.screens.secret_field import secret_field, take_secret
from widgets.plain import Plain

_ADVICE: Final = ui("Several words are best. Nobody can get it back for you.")


class NewKeyDialog(FieldDialog[GenerateKey]):
    """Asks for name, address and passphrase; returns the request, or None."""

    FIELDS = ("key-name", "key-address", "passphrase", "again")

    def __init__(
        self,
        title: SafeText,
        about: SafeText,
        name: str,
        address: str,
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(monotonic)
        self._title, self._about = title, about
        self._values = (name, address)

    def compose(self) -> ComposeResult:
        """What it is about, the four fields, how strong the passphrase is, two answers."""
        name, address = self._values
        with Vertical(classes="dialog tall"):
            yield Plain(self._title, classes="dialog-title")
            yield Plain(self._about, classes="dialog-line")
            yield self.row(ui("Name"), text_field("key-name", name, "how others see you"))
            example = "name@domain"
            yield self.row(ui("Address"), text_field("key-address", address, example))
            yield self.row(ui("Passphrase"), secret_field("passphrase", "several words"))
            yield self.row(ui("Once more"), secret_field("again", "against typing errors"))
            yield from self.ending(ui("Make the key"), first_words=_ADVICE)

    def on_mount(self) -> None:
        """Begin with the first empty field."""
        super().on_mount()
        empty = (name for name in self.FIELDS if not self.field(name).value)
        self.set_focus(self.field(next(empty, "passphrase")))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell how strong the passphrase is while it is typed."""
        event.stop()
        if event.input.id == "passphrase" and event.value:
            from services.keys.strength import strength

            known = [self.typed(name) for name in self.FIELDS[:2]]
            self.say(strength(Secret(event.value), known=known).sentence)

    def answer(self) -> None:
        """Return the request; without a passphrase only after a question."""
        name, address = (self.typed(field) for field in self.FIELDS[:2])
        wrong, problem = _problem(name, address)
        if problem:
            self.say(phrase("! {}", problem))
            self.set_focus(self.field(wrong))
            return
        secret, again = (take_secret(self.field(field)) for field in self.FIELDS[2:])
        if secret != again:
            self.say(ui("! The two passphrases differ. Type them again."))
            self.set_focus(self.field("passphrase"))
        elif secret:
            self.dismiss(GenerateKey(name, address, secret))
        else:
            self._ask_without(GenerateKey(name, address, None))

    def _ask_without(self, request: GenerateKey) -> None:
        def answered(without: bool | None) -> None:
            if without:
                self.dismiss(request)
            else:
                self.set_focus(self.field("passphrase"))

        dialog = ConfirmDialog(
            ui("Make a key without a passphrase?"),
            (
                ui("Whoever gets hold of the file can then read your mail."),
                ui("Agents that start by themselves sometimes need it so."),
            ),
            ui("Without a passphrase"),
            self._monotonic,
            no=ui("Back"),
        )
        self.app.push_screen(dialog, answered)


def _problem(name: str, address: str) -> tuple[str, SafeText]:
    """Return the field that is wrong, and why; EMPTY when none is."""
    if not name or set(name) & set("<>()@"):
        return "key-name", ui("The name must not be empty, nor hold < > ( ) or @.")
    local, _, domain = address.partition("@")
    if not (local and domain) or set(address) & set("<>() ,;"):
        return "key-address", ui("That is no address. One is name@domain.")
    return "", EMPTY
