"""The Keys screen over fake keys: what each key asks for, and what no key can do by accident."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual import events as tevents
from textual.pilot import Pilot
from textual.widgets import Input

from services import key_events as ev
from services.events import RequestFailed
from services.key_models import DirectoryStatus, DirectoryView, LockState
from services.redact import Secret
from services.safe_text import clean_line, ui
from tests.fakes.fake_keys import NO_KEYS, FakeKeys, fingerprint, own_key, sample_keys
from tests.fakes.rows import NOON
from tests.tui.app_stage import Stage, press, rows_of, text_of, until
from tui.screens.secret_field import PasteField

SMALL = (80, 24)
BLOCK = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nxcLYBF\n-----END PGP PRIVATE KEY BLOCK-----\n"


def stage_with(keys: FakeKeys | None = None) -> Stage:
    return Stage(keys=keys or FakeKeys(sample_keys()))


def asked(stage: Stage, kind: type) -> list[object]:
    return [request for request in stage.engine.requests if isinstance(request, kind)]


async def show(pilot: Pilot[int], stage: Stage, *typed: str) -> None:
    """Open the Keys screen, type on it, and let every dialog be long enough on screen."""
    await press(pilot, "g", "k")
    await until(pilot, lambda: "Directory" in text_of(stage.app))
    for key in typed:
        await press(pilot, key)
        stage.clock.now += 1


async def test_the_own_key_directory_and_peers_are_on_one_screen() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage)
        text = text_of(stage.app)
        assert "RSA-4096, made 3 Nov 2026, no expiry" in text
        assert "unlocked, locks in 14 min" in text
        assert "✓ the same key, version 2, asked 12:00" in text
        assert "▌✓ ▣ research@agents.example.com" in text
        assert "KEY CHANGED: blocked" in text
        assert stage.engine.requests == [ev.ReadKeys(ask_directory=True)]
        await press(pilot, "q")
        assert "Inbox 8" in rows_of(stage.app)[0]


async def test_without_a_key_the_screen_says_which_key_makes_one() -> None:
    stage = stage_with(FakeKeys(NO_KEYS))
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage)
        assert "g makes one, i imports one." in text_of(stage.app)
        assert "No peers yet: a looks one up" in text_of(stage.app)
        await press(pilot, "p")
        await until(pilot, lambda: "There is no key yet" in rows_of(stage.app)[0])
        assert asked(stage, ev.PublishKey) == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (DirectoryStatus.UNKNOWN, "- not known"),
        (DirectoryStatus.ABSENT, "- holds no key of yours"),
        (DirectoryStatus.OLDER, "! still has a former key of yours"),
        (DirectoryStatus.REVOKED, "! your entry is revoked"),
        (DirectoryStatus.FOREIGN, "! HAS A KEY THAT IS NOT YOURS"),
    ],
)
async def test_the_directory_s_line_tells_each_status_with_its_sentence(
    status: DirectoryStatus, said: str
) -> None:
    directory = DirectoryView(status, 3, fingerprint("x"), NOON, ui("What to do about it."))
    stage = stage_with(FakeKeys(replace(sample_keys(), directory=directory)))
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage)
        assert said in text_of(stage.app)
        assert "What to do about it." in text_of(stage.app)


async def test_generating_asks_for_a_passphrase_twice_and_shows_the_work_in_the_card() -> None:
    keys = FakeKeys(NO_KEYS)
    keys.slow = True
    stage = stage_with(keys)
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "g")
        assert "ops-bot@agents.example.com" in text_of(stage.app)
        await press(pilot, *"correct", "enter", *"korrect", "enter")
        await until(pilot, lambda: "The two passphrases differ" in text_of(stage.app))
        assert all(not field.value for field in stage.app.screen.query(Input).results()
                   if field.password)  # fmt: skip
        await press(pilot, *"horse battery", "enter", *"horse battery", "enter")
        await until(pilot, lambda: "Making an RSA-4096 key" in text_of(stage.app))
        assert asked(stage, ev.GenerateKey) == [
            ev.GenerateKey("ops-bot", "ops-bot@agents.example.com", Secret("horse battery"))
        ]
        number, request = keys.held[0]
        keys.carry_out(number, request, stage.engine.emit)
        await until(pilot, lambda: "Making an RSA-4096 key" not in text_of(stage.app))
        assert "RSA-4096, made 18 Nov 2026" in text_of(stage.app)


async def test_a_key_without_a_passphrase_wants_a_second_answer() -> None:
    stage = stage_with(FakeKeys(NO_KEYS))
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "g", "enter", "enter")
        await until(pilot, lambda: "without a passphrase?" in text_of(stage.app))
        await press(pilot, "enter")
        assert asked(stage, ev.GenerateKey) == []
        await press(pilot, "enter", "enter")
        await until(pilot, lambda: "without a passphrase?" in text_of(stage.app))
        stage.clock.now += 1
        await press(pilot, "y")
        await until(pilot, lambda: asked(stage, ev.GenerateKey))
        assert asked(stage, ev.GenerateKey)[0].passphrase is None


async def test_a_pasted_key_is_counted_and_never_shown_and_its_warnings_are() -> None:
    keys = FakeKeys(NO_KEYS)
    keys.warnings = ("Senders may use an encryption that this program cannot open.",)
    stage = stage_with(keys)
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "i")
        field = stage.app.screen.query_one(PasteField)
        field.post_message(tevents.Paste(BLOCK))
        await until(pilot, lambda: "a private key block: " in text_of(stage.app))
        assert "xcLYBF" not in text_of(stage.app)
        await press(pilot, "enter")
        assert asked(stage, ev.ImportKey) == []
        await press(pilot, "enter")
        await until(pilot, lambda: asked(stage, ev.ImportKey))
        assert asked(stage, ev.ImportKey) == [ev.ImportKey(block=Secret(BLOCK))]
        assert "xcLYBF" not in repr(asked(stage, ev.ImportKey))
        await until(pilot, lambda: "Senders may use an encryption" in text_of(stage.app))


async def test_a_key_block_typed_by_a_terminal_without_bracketed_paste_is_taken_too() -> None:
    stage = stage_with(FakeKeys(NO_KEYS))
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "i")
        await press(pilot, *("enter" if char == "\n" else char for char in BLOCK))
        await until(pilot, lambda: "a private key block: " in text_of(stage.app))
        assert asked(stage, ev.ImportKey) == []


async def test_a_key_file_is_named_by_its_path() -> None:
    stage = stage_with(FakeKeys(NO_KEYS))
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "i", "tab", *"/k.asc", "ctrl+k", "enter")
        (request,) = asked(stage, ev.ImportKey)
        assert str(request.file) == "/k.asc"
        assert not request.make_current


async def test_the_passphrase_dialog_stays_with_a_sentence_and_an_empty_field() -> None:
    keys = FakeKeys(replace(sample_keys(), lock=LockState.LOCKED))
    stage = stage_with(keys)
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "u", *"wrong", "enter")
        await until(pilot, lambda: "opens none of your keys" in text_of(stage.app))
        field = stage.app.screen.query_one(Input)
        assert field.value == ""
        assert field.has_focus
        assert "wrong" not in text_of(stage.app)
        await press(pilot, *"correct", "space", *"horse", "enter")
        await until(pilot, lambda: "Unlock your key" not in text_of(stage.app))
        assert [one.remember for one in asked(stage, ev.UnlockKeys)] == [False, False]
        assert "horse" not in repr(stage.engine.requests)
        await press(pilot, "L")
        await until(pilot, lambda: "◆ locked" in text_of(stage.app))


async def test_a_former_key_without_a_passphrase_does_not_pass_for_the_current_one() -> None:
    opens = replace(own_key("former", current=False, sealed=False), is_unlocked=True)
    view = replace(sample_keys(), own=(own_key(), opens), directory=DirectoryView())
    stage = stage_with(FakeKeys(view))
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage)
        assert "◆ locked, a former key is open" in text_of(stage.app)
        await press(pilot, "u")
        await until(pilot, lambda: "Unlock your key" in text_of(stage.app))


async def test_the_passphrase_is_kept_only_when_the_box_was_ticked() -> None:
    stage = stage_with(FakeKeys(replace(sample_keys(), lock=LockState.LOCKED)))
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "u", "ctrl+k", *"correct", "space", *"horse", "enter")
        await until(pilot, lambda: asked(stage, ev.UnlockKeys))
        assert asked(stage, ev.UnlockKeys)[0].remember


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        (("R", *"revoke", "enter"), ev.RevokeKey),
        (("enter", "down", "enter"), ev.VerifyPeer),
        (("d", "y"), ev.ForgetPeer),
        (("d", "right", "enter"), ev.ForgetPeer),
        (("j", "j", "A"), ev.AcceptPeerKey),
        (("j", "j", "enter", "right", "enter"), ev.AcceptPeerKey),
        (("u", *"correct", "space", *"horse", "enter"), ev.UnlockKeys),
        (("i", "tab", *"/k.asc", "enter"), ev.ImportKey),
        (("a", *"zoe", "enter"), ev.LookUpPeer),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
async def test_keys_typed_ahead_of_a_dialog_confirm_nothing(
    keys: tuple[str, ...], kind: type
) -> None:
    view = replace(sample_keys(), lock=LockState.LOCKED)
    stage = stage_with(FakeKeys(view))
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage)
        await press(pilot, *keys)
        assert asked(stage, kind) == []


async def test_a_peer_is_verified_after_a_comparison_with_how_it_was_done() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "j", "enter")
        text = text_of(stage.app)
        view = fingerprint("billing")
        assert all(group in text for group in view.groups.split())
        assert all(word in text for word in view.words.split())
        await press(pilot, "enter")
        assert asked(stage, ev.VerifyPeer) == [], "the safe answer has the focus"
        await show_again(pilot, stage, "enter", "down", "down", "enter")
        await until(pilot, lambda: "verified in person" in text_of(stage.app))
        assert asked(stage, ev.VerifyPeer) == [
            ev.VerifyPeer("billing@agents.example.com", view.raw, "in person")
        ]


async def show_again(pilot: Pilot[int], stage: Stage, *typed: str) -> None:
    for key in typed:
        await press(pilot, key)
        stage.clock.now += 1


async def test_a_comparison_in_another_way_is_told_in_words() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "j", "enter", "up", "enter")
        await until(pilot, lambda: "How were they compared?" in text_of(stage.app))
        await show_again(pilot, stage, *"paper", "enter")
        assert asked(stage, ev.VerifyPeer)[0].how == "paper"


async def test_a_changed_key_is_shown_beside_the_old_one_and_not_accepted_by_default() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "j", "j", "enter")
        rows = rows_of(stage.app)
        old = next(at for at, row in enumerate(rows) if "old  0AB4" in row)
        new = fingerprint("csv-worker 2").groups
        assert new[:4] in rows[old + 1]
        assert "^^^^" in rows[old + 2]
        await show_again(pilot, stage, "enter", "enter", "y", "y", "enter", "n")
        assert asked(stage, ev.AcceptPeerKey) == []
        await show_again(pilot, stage, "enter", "A")
        await until(pilot, lambda: "How was the new key of" in text_of(stage.app))
        await show_again(pilot, stage, "enter")
        assert asked(stage, ev.AcceptPeerKey) == [
            ev.AcceptPeerKey("csv-worker@agents.example.com", fingerprint("csv-worker 2").raw, "")
        ]


async def test_publishing_names_the_version_that_was_seen_and_a_conflict_is_a_choice() -> None:
    keys = FakeKeys(
        replace(sample_keys(), directory=DirectoryView(DirectoryStatus.OLDER, 2, None, NOON))
    )
    keys.found = DirectoryView(DirectoryStatus.FOREIGN, 3, fingerprint("theirs"), NOON)
    stage = stage_with(keys)
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "p")
        await until(pilot, lambda: "Somebody changed your directory entry" in text_of(stage.app))
        assert "You saw version 2, the directory has 3." in text_of(stage.app)
        assert fingerprint("theirs").groups in text_of(stage.app)
        assert fingerprint("mine").groups in text_of(stage.app)
        await show_again(pilot, stage, "down", "enter")
        assert asked(stage, ev.PublishKey) == [ev.PublishKey(2), ev.PublishKey(3)]


async def test_a_key_that_is_not_ours_is_replaced_only_after_a_question() -> None:
    foreign = DirectoryView(DirectoryStatus.FOREIGN, 3, fingerprint("theirs"), NOON)
    stage = stage_with(FakeKeys(replace(sample_keys(), directory=foreign)))
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "p", "enter")
        assert asked(stage, ev.PublishKey) == []
        await show_again(pilot, stage, "p", "y")
        assert asked(stage, ev.PublishKey) == [ev.PublishKey(3)]


async def test_rotating_makes_a_key_and_publishes_it_over_the_seen_version() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "t", *"abc", "enter", *"abc", "enter")
        await until(pilot, lambda: asked(stage, ev.PublishKey))
        assert asked(stage, ev.PublishKey) == [ev.PublishKey(2)]
        await until(pilot, lambda: "version 3" in text_of(stage.app))


async def test_revoking_wants_the_word_typed() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "R", "enter", *"revok", "enter")
        assert asked(stage, ev.RevokeKey) == []
        await show_again(pilot, stage, "e", "enter")
        await until(pilot, lambda: "your entry is revoked" in text_of(stage.app))


async def test_the_private_key_leaves_only_after_the_word_and_to_a_named_file() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "x", "down", "enter", "enter")
        assert asked(stage, ev.ExportKey) == []
        await show_again(pilot, stage, *"private", "enter", "enter")
        (request,) = asked(stage, ev.ExportKey)
        assert request.private
        assert request.file.name.endswith("-private.asc")
        await show_again(pilot, stage, "x", "enter", "enter")
        assert [one.private for one in asked(stage, ev.ExportKey)] == [True, False]


async def test_a_name_alone_is_looked_up_in_the_own_domain_and_gets_the_cursor() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "a", *"Zoe", "enter")
        assert asked(stage, ev.LookUpPeer) == [ev.LookUpPeer("zoe@agents.example.com")]
        await until(
            pilot, lambda: any(row.startswith("▌◦   zoe@agents") for row in rows_of(stage.app))
        )


async def test_requirements_are_set_for_a_peer_and_for_a_domain() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "j", "e", "E", "k", "e")
        assert asked(stage, ev.RequireEncryption) == [
            ev.RequireEncryption("billing@agents.example.com", required=True),
            ev.RequireEncryption("agents.example.com", required=True),
            ev.RequireEncryption("research@agents.example.com", required=False),
        ]


async def test_pins_and_trusted_senders_are_edited_from_the_screen() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "X", "enter", "I", "enter", "T", "enter", *"30", "enter")
        assert len(asked(stage, ev.ExportPeers)) == len(asked(stage, ev.ImportPeers)) == 1
        assert asked(stage, ev.TrustSender) == [
            ev.TrustSender("research", enabled=True, rate_limit_per_minute=30)
        ]
        await show_again(pilot, stage, "I", "ctrl+u", *"/k.asc", "enter", "enter")
        await show_again(pilot, stage, "I", "ctrl+u", *"/k.asc", "enter", *"a@b.example", "enter")
        key = Path("/k.asc")
        assert asked(stage, ev.ImportPeers)[1:] == [
            ev.ImportPeers(key), ev.ImportPeers(key, "a@b.example"),
        ]  # fmt: skip
        await show_again(pilot, stage, "G", "d", "y")
        assert asked(stage, ev.DistrustSender) == [ev.DistrustSender("research")]


async def test_a_failure_is_told_and_takes_the_work_out_of_the_card() -> None:
    keys = FakeKeys(NO_KEYS)
    keys.slow = True
    stage = stage_with(keys)
    async with stage.app.run_test(size=(110, 24)) as pilot:
        await show(pilot, stage, "g", *"abc", "enter", *"abc", "enter")
        await until(pilot, lambda: "Making an RSA-4096 key" in text_of(stage.app))
        number = keys.held[0][0]
        stage.engine.emit(RequestFailed(number, ui("The disk is full.")))
        await until(pilot, lambda: "The disk is full." in rows_of(stage.app)[0])
        assert "Making an RSA-4096 key" not in text_of(stage.app)


async def test_the_cursor_stays_on_its_peer_and_passes_headings() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, *("j",) * 5)
        assert any(row.startswith("▌") and "bank.example" in row for row in rows_of(stage.app))
        await press(pilot, "k", "k", "k")
        keys = stage.engine.keys
        assert keys is not None
        keys.view = replace(keys.view, peers=keys.view.peers[1:])
        stage.engine.emit(ev.KeysChanged(0, keys.view))
        await until(pilot, lambda: "Peers 4" in text_of(stage.app))
        assert any(row.startswith("▌!   csv-worker") for row in rows_of(stage.app))


async def test_hostile_user_ids_and_addresses_stay_literal() -> None:
    text = clean_line("[b]x[/] \x1b]0;t\x07 \u202e [@click=app.quit]y[/]")
    view = sample_keys()
    own = tuple(replace(key, user_id=text, warnings=(text,)) for key in view.own)
    peers = tuple(replace(one, shown=text, why=text) for one in view.peers)
    stage = stage_with(FakeKeys(replace(view, own=own, peers=peers)))
    seen = []
    async with stage.app.run_test(size=(110, 34)) as pilot:
        await show(pilot, stage)
        for keys in (("enter",), ("escape", "j", "j", "enter"), ("escape", "d"), ("escape", "w"),
                     ("escape", "G", "enter"), ("escape",)):  # fmt: skip
            await show_again(pilot, stage, *keys)
            seen.append(text_of(stage.app))
        assert stage.app._exception is None
        assert stage.app.return_value is None
    assert all("[@click=app.quit]y[/]" in screen for screen in seen)
    assert not any(ord(char) < 32 and char != "\n" for screen in seen for char in screen)


async def test_every_command_of_the_keys_screen_has_a_handler() -> None:
    from tui.commands import COMMANDS
    from tui.screens.key_actions import handlers
    from tui.screens.keys import KeysScreen
    from tui.situation import Context

    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage)
        screen = stage.app.screen
        assert isinstance(screen, KeysScreen)
        assert set(handlers(screen)) == {one.id for one in COMMANDS if Context.KEYS in one.contexts}
        await press(pilot, "?")
        await until(pilot, lambda: "Keys in the Keys screen" in text_of(stage.app))
        await press(pilot, "escape", ":", *"revoke", "enter")
        await until(pilot, lambda: "Take your key out of the directory?" in text_of(stage.app))


async def test_the_palette_finds_the_screen_and_the_mouse_works_on_it() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "ctrl+p", *"keys and", "enter")
        await until(pilot, lambda: "KEY CHANGED: blocked" in text_of(stage.app))
        row = next(at for at, line in enumerate(rows_of(stage.app)) if "csv-worker" in line)
        await pilot.click(offset=(10, row))
        assert any(line.startswith("▌!   csv-worker") for line in rows_of(stage.app))
        await pilot.click(offset=(10, row))
        await until(pilot, lambda: "HAS ANOTHER KEY" in text_of(stage.app))
        stage.clock.now += 1
        await pilot.click("#no")
        await until(pilot, lambda: "HAS ANOTHER KEY" not in text_of(stage.app))
        assert asked(stage, ev.AcceptPeerKey) == []


async def test_a_step_paints_two_bars_and_the_note_and_nothing_else() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage)
        before = rows_of(stage.app)
        await press(pilot, "j")
        after = rows_of(stage.app)
        changed = [at for at, (one, other) in enumerate(zip(before, after, strict=True))
                   if one != other]  # fmt: skip
        listed = [at for at in changed if at < 20]
        assert [
            (before[at][1:], after[at][1:]) for at in listed if before[at][1:] != after[at][1:]
        ] == []
        assert all(at >= 20 for at in changed if at not in listed[:2])
