"""What else goes with a mail: correlation id, further headers, and what the work has cost.

Closes the trap of a number that is dropped because it was written oddly: whatever cannot be read is
told with the field that it stands in, and nothing is taken until all of it can.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from services.draft import Draft, Metering
from services.errors import UsageError
from services.safe_text import SafeText, clean_line, ui
from tui.screens.field_dialog import FieldDialog
from widgets.line_field import LineField
from widgets.plain import Plain

_NUMBERS: Final = (
    ("tokens_input", ui("Tokens in")),
    ("tokens_output", ui("Tokens out")),
    ("outcomes_returned", ui("Outcomes")),
    ("compute_ms", ui("Compute ms")),
)
_HEADER: Final = re.compile(r"\s*([!-9;-~]{1,76}):\s*(.+)")
_LARGEST: Final = 2**53


class DetailsDialog(FieldDialog[Draft]):
    """Asks for them; returns the changed draft, or None."""

    FIELDS = (
        "correlation",
        "headers",
        "tokens_input",
        "tokens_output",
        "outcomes_returned",
        "compute_ms",
        "custom_units",
    )

    def __init__(self, draft: Draft, monotonic: Callable[[], float]) -> None:
        super().__init__(monotonic)
        self._draft = draft

    def compose(self) -> ComposeResult:
        """One row for each."""
        draft = self._draft
        usage = draft.usage or Metering()
        headers = "; ".join(f"{name}: {value}" for name, value in draft.headers)
        custom = ", ".join(f"{name}={value:g}" for name, value in usage.custom_units.items())
        with Vertical(classes="dialog tall dense"):
            yield Plain(ui("Details"), classes="dialog-title")
            yield self.line(
                ui("Correlation"), "correlation", draft.correlation_id, "an id of yours"
            )
            yield self.line(ui("Headers"), "headers", headers, "X-Name: value; X-Other: value")
            for name, label in _NUMBERS:
                value = getattr(usage, name)
                yield self.line(label, name, "" if value is None else str(value), "")
            yield self.line(ui("Units"), "custom_units", custom, "pages=12, images=3")
            words = ui("Headers and numbers travel in clear, in encrypted mail too.")
            yield from self.ending(ui("Take it"), first_words=words)

    def line(self, label: SafeText, name: str, value: str, placeholder: str) -> Horizontal:
        """A field behind its label."""
        field = LineField(clean_line(value, 4_000), placeholder=placeholder, id=name)
        return self.row(label, field)

    def answer(self) -> None:
        """Return the draft with these, or say what is wrong."""
        try:
            changed = replace(
                self._draft,
                correlation_id=self.typed("correlation"),
                headers=_headers(self.typed("headers")),
                usage=self._usage(),
            )
        except UsageError as error:
            self.say(clean_line(error.sentence))
        else:
            self.dismiss(changed)

    def _usage(self) -> Metering | None:
        numbers = {name: _number(label, self.typed(name)) for name, label in _NUMBERS}
        custom = _units(self.typed("custom_units"))
        if custom or any(number is not None for number in numbers.values()):
            return Metering(**numbers, custom_units=custom)
        return None


def _number(label: SafeText, text: str) -> int | None:
    digits = text.replace(",", "").replace(" ", "")
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and int(digits[:20]) <= _LARGEST):
        raise UsageError(f"{label}: a whole number is needed.")
    return int(digits)


def _units(text: str) -> dict[str, float]:
    units: dict[str, float] = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        name, sign, value = piece.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not (name.strip() and sign and 0 <= number <= _LARGEST):
            raise UsageError("Units are written as name=number, with commas between them.")
        units[name.strip()] = number
    return units


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    found = []
    for piece in filter(None, (piece.strip() for piece in text.split(";"))):
        match = _HEADER.fullmatch(piece)
        if match is None:
            raise UsageError("Headers are written as Name: value, with semicolons between them.")
        found.append((match[1], match[2].strip()))
    return tuple(found)
