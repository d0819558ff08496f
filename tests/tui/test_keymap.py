from __future__ import annotations

from itertools import combinations

import pytest

from tui import keymap, keys
from tui.command import ALL
from tui.commands import BY_ID, COMMANDS
from tui.guards import GUARDS
from tui.hints import continuations
from tui.keymap import KeySequence, Step
from tui.presets import PRESETS
from tui.situation import Context
from widgets.hint_bar import fitting

PADDING = 2
"""Cells beside the hints."""


@pytest.mark.parametrize("preset", PRESETS)
def test_every_command_has_a_key_in_each_of_its_panes(preset: str) -> None:
    built = keymap.build(preset)
    assert built.report == ()
    for command in COMMANDS:
        for context in command.contexts:
            assert built.keys_of(command.id, context), (command.id, context)


@pytest.mark.parametrize("preset", PRESETS)
def test_no_key_is_the_beginning_of_another(preset: str) -> None:
    for owned in keymap.build(preset).owners.values():
        for one, other in combinations(owned, 2):
            shorter = min(len(one), len(other))
            assert one[:shorter] != other[:shorter]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_key_that_changes_mail_means_the_same_in_every_pane_of_the_mail_screen(
    preset: str,
) -> None:
    built = keymap.build(preset)
    panes = [owned for context, owned in built.owners.items() if context in ALL]
    for owned in panes:
        for sequence, owner in owned.items():
            if BY_ID[owner].changes_mail:
                for others in panes:
                    assert others.get(sequence, owner) == owner, sequence


@pytest.mark.parametrize("preset", PRESETS)
def test_no_key_of_the_keys_screen_changes_mail_and_none_deletes_but_the_one_that_forgets(
    preset: str,
) -> None:
    built = keymap.build(preset)
    owned = built.owners[Context.KEYS]
    assert not any(BY_ID[owner].changes_mail for owner in owned.values())
    deleting = built.keys_of("delete", Context.LIST)
    assert {owned[sequence] for sequence in deleting if sequence in owned} <= {"forget_peer"}


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_name_known_commands_and_possible_keys(preset: str) -> None:
    for name, written in PRESETS[preset].items():
        assert name in BY_ID
        for text in written:
            assert keys.parse(text)


def test_every_command_names_a_guard_and_says_what_it_does() -> None:
    for command in COMMANDS:
        assert command.guard in GUARDS
        assert command.help.endswith(".")
        assert command.contexts


def test_half_a_page_down_is_never_a_deletion() -> None:
    for preset in PRESETS:
        for owned in keymap.build(preset).owners.values():
            assert owned.get(("ctrl+d",), "half_page_down") == "half_page_down"


def test_an_own_key_replaces_the_preset_s() -> None:
    built = keymap.build("vim", {"archive": "A", "undo": ["Z", "g z"]})
    assert built.report == ()
    assert built.keys_of("archive") == (("A",),)
    assert built.keys_of("undo", Context.READER) == (("Z",), ("g", "z"))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"fly": "x"}, 'There is no command "fly".'),
        ({"archive": "shift+e"}, 'Key "shift+e" of archive is not used: write E instead.'),
        ({"archive": "ctrl+E"}, "write ctrl+e instead"),
        ({"archive": "ctrl+m"}, "terminals send enter for it"),
        ({"archive": "banana"}, "there is no such key"),
        ({"archive": ""}, "a key is missing"),
        ({"archive": "a b c d"}, "at most three keys"),
        ({"archive": "ctrl+q"}, "it is kept for leaving and help"),
        ({"archive": "escape"}, "it is kept for leaving and help"),
        ({"archive": "? x"}, "it is kept for leaving and help"),
        ({"archive": "\x1b]0;x"}, "there is no such key"),
    ],
)
def test_a_bad_own_key_is_refused_with_a_sentence(overrides: dict[str, str], said: str) -> None:
    built = keymap.build("vim", overrides)
    assert said in " ".join(built.report)
    assert "\x1b" not in "".join(built.report)
    assert built.keys_of("archive") == (("e",),)


def test_a_key_has_one_owner_and_the_loser_is_named() -> None:
    built = keymap.build("vim", {"archive": "d"})
    assert built.owners[Context.LIST]["d",] == "archive"
    assert built.keys_of("delete") == (("#",),)
    assert "Key d in the message list stays with archive; delete does not get it." in built.report


def test_protected_commands_keep_their_keys_beside_own_ones() -> None:
    built = keymap.build("vim", {"help": "f1", "quit_anywhere": "ctrl+x"})
    assert built.keys_of("help", Context.READER) == (("f1",), ("?",))
    assert ("ctrl+q",) in built.keys_of("quit_anywhere")


def test_an_unknown_preset_falls_back_and_says_so() -> None:
    built = keymap.build("nano")
    assert built.report == ('There is no key preset "nano"; using vim.',)
    assert built.keys_of("archive") == (("e",),)


def test_a_sequence_runs_when_it_is_complete() -> None:
    walker = KeySequence(keymap.build())
    assert walker.press("g", Context.LIST) == (Step.PENDING, "")
    assert walker.press("i", Context.LIST) == (Step.RUN, "inbox")
    assert walker.press("i", Context.LIST) == (Step.NOTHING, "")


def test_a_key_that_leads_nowhere_ends_the_sequence_without_running_anything() -> None:
    walker = KeySequence(keymap.build())
    walker.press("g", Context.LIST)
    assert walker.press("q", Context.LIST) == (Step.NOTHING, "")
    assert walker.pending == ()
    assert walker.press("q", Context.LIST) == (Step.RUN, "quit")


@pytest.mark.parametrize(
    ("key", "shown"),
    [("g i", "g i"), ("ctrl+r", "Ctrl+R"), ("pagedown", "PgDn"), ("shift+tab", "Shift+Tab"),
     ("alt+x", "Alt+x"), ("space", "Space"), ("?", "?")],
)  # fmt: skip
def test_keys_are_shown_as_people_write_them(key: str, shown: str) -> None:
    assert keys.shown(keys.parse(key)) == shown


@pytest.mark.parametrize("preset", PRESETS)
def test_every_key_behind_the_first_one_of_a_draft_is_named_on_80_columns(preset: str) -> None:
    built, begun = keymap.build(preset), keys.parse("ctrl+g")
    named = continuations(built, Context.COMPOSE, begun)
    assert {str(hint.key) for hint in named} == set("dlwmtcxf")
    assert fitting(named, 80 - PADDING) == named
