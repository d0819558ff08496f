"""Which key starts which command in which pane: preset, then the operator's own keys, all checked.

Closes the traps of Textual's own keymap (research/textual.md §6): unknown ids and impossible keys are
taken in silence, a key changes its owner in silence, and `g i` is no sequence. Here every problem is
a sentence in the report, the key stays with its first owner, and sequences are walked by a small
state machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.safe_text import EMPTY, SafeText, clean_line, phrase, ui
from tui import keys
from tui.command import TYPING, Command
from tui.commands import BY_ID, COMMANDS
from tui.presets import PRESETS
from tui.situation import Context

Sequence_ = tuple[str, ...]

PROTECTED: Final[Mapping[str, tuple[str, ...]]] = {
    "quit_anywhere": ("ctrl+q",),
    "help": ("?",),
    "back": ("escape",),
    "clear": ("escape",),
    "leave_mailboxes": ("escape",),
    "leave_keys": ("escape",),
    "leave_screen": ("escape",),
    "leave_compose": ("escape",),
}
"""Keys that always keep their command, so that nobody can lock himself in."""
_KEPT: Final = frozenset(key for held in PROTECTED.values() for key in held) | {"ctrl+c"}


class Step(Enum):
    """What a pressed key led to."""

    RUN = "run"
    PENDING = "pending"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys in force: per pane, sequence → command id; `report` tells what was refused."""

    owners: Mapping[Context, Mapping[Sequence_, str]]
    report: tuple[SafeText, ...] = ()

    def keys_of(self, command: str, context: Context | None = None) -> tuple[Sequence_, ...]:
        """All sequences that start a command, in the order of their worth."""
        found: dict[Sequence_, None] = {}
        for pane, owned in self.owners.items():
            if context in (None, pane):
                found.update((keys_, None) for keys_, owner in owned.items() if owner == command)
        return tuple(found)

    def shown_key(self, command: str, context: Context | None = None) -> SafeText:
        """The first key of a command as the screen writes it; empty when it has none."""
        found = self.keys_of(command, context)
        return keys.shown(found[0]) if found else EMPTY


class Owners(dict[Sequence_, str]):
    """The keys of one pane while they are given away; knows the beginnings of sequences too."""

    def __init__(self) -> None:
        super().__init__()
        self._begun: dict[Sequence_, str] = {}

    def take(self, sequence: Sequence_, command: str) -> None:
        """Give a sequence to a command."""
        self[sequence] = command
        for length in range(1, len(sequence)):
            self._begun.setdefault(sequence[:length], command)

    def rival(self, sequence: Sequence_) -> str | None:
        """Who already has this key, a beginning of it, or something that begins with it."""
        for length in range(1, len(sequence) + 1):
            owner = self.get(sequence[:length])
            if owner is not None:
                return owner
        return self._begun.get(sequence)


class KeySequence:
    """Walks key presses through a keymap: one key or several to a command."""

    def __init__(self, keymap: Keymap) -> None:
        self._keymap = keymap
        self._pressed: Sequence_ = ()

    @property
    def pending(self) -> Sequence_:
        """The keys of a sequence that has begun."""
        return self._pressed

    def press(self, key: str, context: Context) -> tuple[Step, str]:
        """Take one key; RUN comes with a command id. A key that leads nowhere ends the sequence."""
        owned = self._keymap.owners[context]
        pressed = (*self._pressed, key)
        self._pressed = ()
        command = owned.get(pressed)
        if command is not None:
            return Step.RUN, command
        if any(sequence[: len(pressed)] == pressed for sequence in owned):
            self._pressed = pressed
            return Step.PENDING, ""
        return Step.NOTHING, ""

    def reset(self) -> None:
        """Forget a sequence that has begun."""
        self._pressed = ()


def build(
    preset: str = "vim", overrides: Mapping[str, str | Sequence[str]] | None = None
) -> Keymap:
    """Make the keymap of a preset and the operator's own keys (command id → key or keys)."""
    report: list[SafeText] = []
    chosen = dict(PRESETS.get(preset, PRESETS["vim"]))
    if preset not in PRESETS:
        report.append(phrase('There is no key preset "{}"; using vim.', clean_line(preset)))
    own = _own_keys(overrides or {}, report)
    owners = {context: Owners() for context in Context}
    for command in _by_precedence(own, chosen):
        wanted = own.get(command.id) or _parsed(chosen.get(command.id, command.keys))
        _give(command, (*wanted, *_protected(command, wanted)), owners, report, own.keys())
    return Keymap(owners, tuple(report))


def _by_precedence(own: Mapping[str, object], preset: Mapping[str, object]) -> Iterable[Command]:
    """Protected commands first, then the operator's, then the preset's, then the rest."""

    def rank(command: Command) -> int:
        if command.id in PROTECTED:
            return 0
        return 1 if command.id in own else 2 if command.id in preset else 3

    return sorted(COMMANDS, key=rank)


def _parsed(written: Iterable[str]) -> tuple[Sequence_, ...]:
    return tuple(keys.parse(text) for text in written)


def _protected(command: Command, wanted: Iterable[Sequence_]) -> tuple[Sequence_, ...]:
    return tuple((key,) for key in PROTECTED.get(command.id, ()) if (key,) not in wanted)


def _own_keys(
    overrides: Mapping[str, str | Sequence[str]], report: list[SafeText]
) -> dict[str, tuple[Sequence_, ...]]:
    own: dict[str, tuple[Sequence_, ...]] = {}
    for name, value in overrides.items():
        if name not in BY_ID:
            report.append(phrase('There is no command "{}".', clean_line(str(name), 60)))
            continue
        written = [value] if isinstance(value, str) else list(value)
        parsed = [sequence for text in written if (sequence := _own_key(name, text, report))]
        if parsed:
            own[name] = tuple(parsed)
    return own


def _own_key(name: str, text: str, report: list[SafeText]) -> Sequence_ | None:
    try:
        sequence = keys.parse(text)
    except keys.BadKey as bad:
        say = ui('Key "{}" of {} is not used: {}.')
        report.append(phrase(say, clean_line(text, 40), ui(name), clean_line(str(bad))))
        return None
    if sequence[0] in _KEPT and sequence[0] not in PROTECTED.get(name, ()):
        say = ui('Key "{}" of {} is not used: it is kept for leaving and help.')
        report.append(phrase(say, clean_line(text, 40), ui(name)))
        return None
    return sequence


def _give(
    command: Command,
    wanted: Iterable[Sequence_],
    owners: dict[Context, Owners],
    report: list[SafeText],
    own: Set[str],
) -> None:
    for context in command.contexts:
        for sequence in wanted:
            if _is_text(sequence, context):
                continue
            rival = owners[context].rival(sequence)
            if rival is None:
                owners[context].take(sequence, command.id)
            elif rival != command.id and not own.isdisjoint((rival, command.id)):
                report.append(_clash(sequence, command.id, rival, context))


def _is_text(sequence: Sequence_, context: Context) -> bool:
    return context in TYPING and (len(sequence[0]) == 1 or sequence[0] == "space")


def _clash(sequence: Sequence_, loser: str, owner: str, context: Context) -> SafeText:
    return phrase(
        "Key {} in the {} stays with {}; {} does not get it.",
        keys.shown(sequence),
        ui(context.value),
        ui(owner),
        ui(loser),
    )
