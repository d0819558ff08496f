"""What the hint bar, the help screen and the palette say, made from commands, keys and the situation.

Closes the trap of a hint for something that cannot be done now: what a guard refuses is not offered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.safe_text import SafeText, join, phrase, ui
from tui import keys
from tui.command import GROUPS, Command
from tui.commands import BY_ID, COMMANDS
from tui.guards import reason_against
from tui.keymap import Keymap
from tui.situation import Context, Situation
from widgets.hint_bar import Hint


@dataclass(frozen=True, slots=True)
class HelpLine:
    """One command in the help: its keys and what it does."""

    keys: SafeText
    title: SafeText
    help: SafeText


def offered(situation: Situation) -> Iterator[Command]:
    """The commands of a pane that can run now."""
    for command in COMMANDS:
        fits = situation.context in command.contexts
        if fits and not reason_against(command.guard, situation):
            yield command


def hint_bar(keymap: Keymap, situation: Situation) -> tuple[Hint, ...]:
    """The hints for the focused pane; the bar drops the highest ranks when it is narrow."""
    found = [
        Hint(
            keymap.shown_key(command.id, situation.context), _word(command, situation), command.rank
        )
        for command in offered(situation)
        if command.hint and keymap.keys_of(command.id, situation.context)
    ]
    if situation.signed_out and situation.can_change_account:
        found.append(Hint(keymap.shown_key("sign_in"), ui("enter a token"), 1))
    return tuple(sorted(found, key=lambda hint: hint.rank or 99))


def continuations(
    keymap: Keymap,
    context: Context,
    begun: tuple[str, ...],
    situation: Situation | None = None,
) -> tuple[Hint, ...]:
    """The keys that may follow a sequence that has begun, with what they do (now, if it is known)."""
    return tuple(
        Hint(keys.shown(sequence[len(begun) :]), _short(BY_ID[owner]), BY_ID[owner].rank)
        for sequence, owner in keymap.owners[context].items()
        if sequence[: len(begun)] == begun
        and not (situation and reason_against(BY_ID[owner].guard, situation))
    )


def help_sections(
    keymap: Keymap, context: Context, wanted: str = ""
) -> Iterator[tuple[SafeText, tuple[HelpLine, ...]]]:
    """The live key map of a pane, group by group; `wanted` keeps what holds all its words."""
    words = wanted.casefold().split()
    for group in GROUPS:
        lines = tuple(
            HelpLine(_all_keys(keymap, command, context), ui(command.title), ui(command.help))
            for command in COMMANDS
            if command.group == group and context in command.contexts and _holds(command, words)
        )
        if lines:
            yield ui(group), lines


def _holds(command: Command, words: list[str]) -> bool:
    text = f"{command.title} {command.help} {command.id}".casefold()
    return all(word in text for word in words)


def _all_keys(keymap: Keymap, command: Command, context: Context) -> SafeText:
    found = keymap.keys_of(command.id, context)
    return join(", ", (keys.shown(sequence) for sequence in found)) if found else ui("palette")


def _short(command: Command) -> SafeText:
    word = command.brief or command.title.lower().removeprefix("go to ").removeprefix("show ")
    return ui(word)


def _word(command: Command, situation: Situation) -> SafeText:
    word = ui(command.hint)
    if command.id == "archive" and situation.archived:
        word = ui("bring back")
    if command.group == "Change" and situation.selected and command.id != "undo":
        return phrase("{} {}", word, situation.selected)
    return word
