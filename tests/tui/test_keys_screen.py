"""The Keys screen over fake keys: the own key and its directory, and what no key can do by accident."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events as tevents
from textual.widgets import Input

from services import key_events as ev
from services.events import RequestFailed
from services.key_models import DirectoryStatus, DirectoryView, LockState
from services.redact import Secret
from services.safe_text import ui
from tests.fakes.fake_keys import NO_KEYS, FakeKeys, fingerprint, own_key, sample_keys
from tests.fakes.rows import NOON
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.keys_screen_stage import SMALL, show, stage_with, type_slowly
from tui.screens.secret_field import PasteField

BLOCK = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nxcLYBF\n-----END PGP PRIVATE KEY BLOCK-----\n"


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
        assert stage.asked(ev.PublishKey) == []


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
        assert stage.asked(ev.GenerateKey) == [
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
        assert stage.asked(ev.GenerateKey) == []
        await press(pilot, "enter", "enter")
        await until(pilot, lambda: "without a passphrase?" in text_of(stage.app))
        stage.clock.now += 1
        await press(pilot, "y")
        await until(pilot, lambda: stage.asked(ev.GenerateKey))
        assert stage.asked(ev.GenerateKey)[0].passphrase is None


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
        assert stage.asked(ev.ImportKey) == []
        await press(pilot, "enter")
        await until(pilot, lambda: stage.asked(ev.ImportKey))
        assert stage.asked(ev.ImportKey) == [ev.ImportKey(block=Secret(BLOCK))]
        assert "xcLYBF" not in repr(stage.asked(ev.ImportKey))
        await until(pilot, lambda: "Senders may use an encryption" in text_of(stage.app))


async def test_a_key_block_typed_by_a_terminal_without_bracketed_paste_is_taken_too() -> None:
    stage = stage_with(FakeKeys(NO_KEYS))
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "i")
        await press(pilot, *("enter" if char == "\n" else char for char in BLOCK))
        await until(pilot, lambda: "a private key block: " in text_of(stage.app))
        assert stage.asked(ev.ImportKey) == []


async def test_a_key_file_is_named_by_its_path() -> None:
    stage = stage_with(FakeKeys(NO_KEYS))
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "i", "tab", *"/k.asc", "ctrl+k", "enter")
        (request,) = stage.asked(ev.ImportKey)
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
        assert [one.remember for one in stage.asked(ev.UnlockKeys)] == [False, False]
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
        await until(pilot, lambda: stage.asked(ev.UnlockKeys))
        assert stage.asked(ev.UnlockKeys)[0].remember


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
        assert stage.asked(kind) == []


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
        await type_slowly(pilot, stage, "down", "enter")
        assert stage.asked(ev.PublishKey) == [ev.PublishKey(2), ev.PublishKey(3)]


async def test_a_key_that_is_not_ours_is_replaced_only_after_a_question() -> None:
    foreign = DirectoryView(DirectoryStatus.FOREIGN, 3, fingerprint("theirs"), NOON)
    stage = stage_with(FakeKeys(replace(sample_keys(), directory=foreign)))
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "p", "enter")
        assert stage.asked(ev.PublishKey) == []
        await type_slowly(pilot, stage, "p", "y")
        assert stage.asked(ev.PublishKey) == [ev.PublishKey(3)]


async def test_rotating_makes_a_key_and_publishes_it_over_the_seen_version() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "t", *"abc", "enter", *"abc", "enter")
        await until(pilot, lambda: stage.asked(ev.PublishKey))
        assert stage.asked(ev.PublishKey) == [ev.PublishKey(2)]
        await until(pilot, lambda: "version 3" in text_of(stage.app))


async def test_revoking_wants_the_word_typed() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "R", "enter", *"revok", "enter")
        assert stage.asked(ev.RevokeKey) == []
        await type_slowly(pilot, stage, "e", "enter")
        await until(pilot, lambda: "your entry is revoked" in text_of(stage.app))


async def test_the_private_key_leaves_only_after_the_word_and_to_a_named_file() -> None:
    stage = stage_with()
    async with stage.app.run_test(size=SMALL) as pilot:
        await show(pilot, stage, "x", "down", "enter", "enter")
        assert stage.asked(ev.ExportKey) == []
        await type_slowly(pilot, stage, *"private", "enter", "enter")
        (request,) = stage.asked(ev.ExportKey)
        assert request.private
        assert request.file.name.endswith("-private.asc")
        await type_slowly(pilot, stage, "x", "enter", "enter")
        assert [one.private for one in stage.asked(ev.ExportKey)] == [True, False]


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
