"""Writing by keyboard over drafts in memory: fields, files, several drafts, what is saved and when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual import events

from services.draft import Draft, DraftKind, Encryption
from services.outbound_events import OpenDraft
from tests.fakes.fake_drafts import FakeDrafts
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.compose_stage import begin, compose_of, kept, letters, stage_with
from tui.screens.compose import ComposeScreen

SIZE = (80, 24)


async def test_fields_text_and_leaving_make_one_draft() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage)
        await press(pilot, *letters("maria@shop.example\nHello\nDear Maria,\n\nthanks"), "escape")
        assert stage.app.screen is stage.mail
        assert "The draft is kept." in rows_of(stage.app)[0]
    draft = kept(drafts)
    assert draft.to == ("maria@shop.example",)
    assert draft.subject == "Hello"
    assert draft.body == "Dear Maria,\n\nthanks"


async def test_letters_that_are_commands_elsewhere_are_text_here() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage, "r")
        await press(pilot, *letters("quit? :dd z y a #"), "escape")
    assert kept(drafts).body.startswith("quit? :dd z y a #\n")


async def test_typing_is_saved_by_itself_and_once_a_second_at_most() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage, "r")
        await press(pilot, *letters("a burst of letters"))
        await until(pilot, lambda: drafts.saves)
        await press(pilot, *letters(" and more"))
        await until(pilot, lambda: len(drafts.saves) > 1)
    assert len(drafts.saves) <= 4
    assert kept(drafts).body.startswith("a burst of letters and more\n")


async def test_a_save_under_way_is_waited_for_and_what_was_typed_meanwhile_is_saved_after_it() -> (
    None
):
    drafts = FakeDrafts(slow=True)
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage, "r")
        await press(pilot, "1", "ctrl+s", "2", "ctrl+s", "3")
        before = len(drafts.saves)
        drafts.go_on()
        await until(pilot, lambda: len(drafts.saves) > before)
        drafts.go_on()
        await pilot.pause()
    assert kept(drafts).body.startswith("123")


async def test_a_full_disk_is_said_and_the_draft_is_saved_when_there_is_room_again() -> None:
    drafts = FakeDrafts(full=True)
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage, "r")
        await press(pilot, "x", "ctrl+s")
        await until(pilot, lambda: "NOT SAVED: The disk is full." in text_of(stage.app))
        drafts.full = False
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: "NOT SAVED" not in text_of(stage.app))
    assert kept(drafts).body.startswith("x")


async def test_what_nobody_wrote_into_is_no_draft() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        for key in ("c", "r", "f"):
            await begin(pilot, stage, key)
            await press(pilot, "escape")
    assert drafts.saves == []


async def test_keys_typed_while_the_draft_is_opened_are_its_text_in_their_order() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, *letters("cresearch@agents.example.com\nNumbers\nAll of it"))
        await until(pilot, lambda: "All of it" in text_of(stage.app))
        draft = compose_of(stage).draft
        assert draft is not None
        assert draft.value.to == ("research@agents.example.com",)
        assert (draft.value.subject, draft.value.body) == ("Numbers", "All of it")


# ── recipients ───────────────────────────────────────────────────────────────────────────────────


async def test_enter_takes_a_suggestion_in_place_of_what_is_no_address_yet() -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage)
        await press(pilot, *"mar")
        await until(pilot, lambda: "Maria Ortiz" in text_of(stage.app))
        assert rows_of(stage.app)[2].startswith(" Subject ")
        await press(pilot, "down", "down", "enter")
        assert compose_of(stage).fields["to"].value == "market@agents.example.com, "


async def test_an_address_that_was_typed_whole_is_not_replaced_by_a_suggestion() -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, *"maria@shop.exampl")
        await until(pilot, lambda: "Maria Ortiz" in text_of(stage.app))
        await press(pilot, "enter", *"Hello")
        assert draft.value.to == ("maria@shop.exampl",)
        assert draft.value.subject == "Hello"


async def test_tab_takes_the_best_suggestion_and_the_next_recipient_is_completed_alone() -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        for typed, found in (("rese", "research@"), ("ortiz", "Maria Ortiz <")):
            await press(pilot, *typed)
            await until(pilot, lambda found=found: found in text_of(stage.app))
            await press(pilot, "tab")
        await press(pilot, "tab")
        shown = rows_of(stage.app)[1]
        assert shown == " To       research@agents.example.com, Maria Ortiz <maria@shop.example>"
        assert draft.value.to == ("research@agents.example.com", "Maria Ortiz <maria@shop.example>")


async def test_escape_hides_suggestions_before_it_leaves() -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage)
        await press(pilot, *"rese")
        await until(pilot, lambda: "research@" in text_of(stage.app))
        await press(pilot, "escape")
        assert "research@" not in text_of(stage.app)
        assert isinstance(stage.app.screen, ComposeScreen)


async def test_pasted_lines_are_recipients_and_hold_no_control_characters() -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        compose_of(stage).fields["to"].post_message(events.Paste("a@x.y\r\nb@x.y\x1b[31m\x07\r\n"))
        await pilot.pause()
        assert "\x1b" not in compose_of(stage).fields["to"].value
        assert draft.value.to[0] == "a@x.y"
        assert len(draft.value.to) == 2


async def test_cc_and_bcc_are_shown_when_wanted_or_filled() -> None:
    drafts = FakeDrafts(begun=replace(Draft.begin(), bcc=("audit@x.y",)))
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        rows = rows_of(stage.app)
        assert rows[2].startswith(" Bcc      audit@x.y")
        await press(pilot, "ctrl+r", *letters("c@x.y"))
        assert draft.value.cc == ("c@x.y",)


# ── several drafts ───────────────────────────────────────────────────────────────────────────────


async def test_several_drafts_are_open_at_once_each_with_its_text_and_its_undo() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage, "r")
        await press(pilot, *"one", "escape", "j")
        await begin(pilot, stage, "f")
        await press(pilot, *"two")
        assert "Draft 2 of 2" in rows_of(stage.app)[0]
        await press(pilot, "ctrl+n")
        assert "Draft 1 of 2" in rows_of(stage.app)[0]
        await press(pilot, "ctrl+z", *"1")
        await press(pilot, "ctrl+n")
        first, second = (draft.value.body.split("\n")[0] for draft in compose_of(stage).drafts.all)
        assert (first, second) == ("1", "two")
    assert len(drafts.kept) == 2


async def test_a_draft_that_is_open_is_not_read_from_the_disk_again() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage, "r")
        await press(pilot, *"kept with its undo", "escape", "g", "d", "enter")
        await until(pilot, lambda: isinstance(stage.app.screen, ComposeScreen))
        await press(pilot, "ctrl+z")
        draft = compose_of(stage).draft
        assert draft is not None
        assert draft.value.body.startswith("kept with its \n")
    assert not [one for one in drafts.requests if isinstance(one, OpenDraft)]


async def test_two_keys_lead_from_the_mail_back_to_the_draft_that_was_left() -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "g", "c")
        assert "No draft is open." in rows_of(stage.app)[0]
        await begin(pilot, stage, "r")
        await press(pilot, *"half a ", "escape", "j", "enter", "q", "g", "c", *"thought")
        draft = compose_of(stage).draft
        assert draft is not None
        assert draft.value.body.startswith("half a thought\n")
        assert rows_of(stage.app)[3].startswith(" in clear · reply · saved")
        assert rows_of(stage.app)[4] == " half a thought"
        assert "Ctrl+X review" in rows_of(stage.app)[-1]


async def test_locked_keys_take_encrypted_drafts_off_the_memory_but_for_the_one_on_screen() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage, "r")
        await press(pilot, *"secret", "ctrl+e", "escape")
        await begin(pilot, stage, "f")
        await press(pilot, *"also secret", "ctrl+e")
        news = stage.mail.outbound.news
        news.forget_sealed()
        assert [draft.value.body.split("\n")[0] for draft in news.drafts.all] == ["also secret"]
        await press(pilot, "escape")
        news.forget_sealed()
        assert news.drafts.all == ()
    assert len(drafts.kept) == 2


async def test_a_discarded_draft_is_brought_back() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage, "r")
        await press(pilot, *"dear to me", "ctrl+g", "x")
        assert stage.app.screen is stage.mail
        assert not drafts.kept
        await press(pilot, "g", "d", "z")
        await until(pilot, lambda: "Re: Findings" in text_of(stage.app))
    assert kept(drafts).body.startswith("dear to me")


# ── how it leaves ────────────────────────────────────────────────────────────────────────────────


async def test_encryption_is_switched_by_a_key_and_said_above_the_text() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, "ctrl+e")
        assert "encrypted, or it does not leave" in text_of(stage.app)
        assert draft.value.encryption is Encryption.REQUIRED
        await press(pilot, "ctrl+e", "escape")
    assert drafts.saves == []


async def test_an_answer_in_clear_to_an_encrypted_message_is_warned_about() -> None:
    begun = replace(
        Draft.begin(DraftKind.REPLY), to=("a@x.y",), subject="Re", answers_encrypted=True,
        encryption=Encryption.REQUIRED,
    )  # fmt: skip
    stage = stage_with(FakeDrafts(begun=begun))
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage, "r")
        assert "encrypted, or it does not leave" in text_of(stage.app)
        await press(pilot, "ctrl+e")
        assert "! in clear, and it answers an encrypted message" in text_of(stage.app)


async def test_review_waits_for_the_save_and_asks_for_a_recipient_first() -> None:
    from tui.screens.review import ReviewScreen

    drafts = FakeDrafts(slow=True)
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage)
        await press(pilot, "tab", *"Subject", "ctrl+x")
        assert "Say who it is for first." in rows_of(stage.app)[0]
        await press(pilot, *letters("a@x.y"), "ctrl+x")
        assert isinstance(stage.app.screen, ComposeScreen)
        while drafts.held:
            drafts.go_on()
            await pilot.pause()
        await until(pilot, lambda: isinstance(stage.app.screen, ReviewScreen))
    assert kept(drafts).to == ("a@x.y",)


async def test_an_agents_text_is_shown_clean_and_kept_raw_until_it_is_touched() -> None:
    raw = replace(
        Draft.begin(), to=("a@x.y",), subject="Hi\u202etxt", body="one\x1b[31m\u200btwo", agent="bot"
    )  # fmt: skip
    stage = stage_with(FakeDrafts(begun=raw))
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        shown = text_of(stage.app)
        assert "\x1b" not in shown
        assert "Hi<RLO>txt" in shown
        assert "1 invisible characters" in shown
        assert (draft.value.subject, draft.value.body) == (raw.subject, raw.body)
        await press(pilot, "x")
        assert draft.value.subject == raw.subject
        assert draft.value.body == "xone␛[31mtwo"


# ── files ────────────────────────────────────────────────────────────────────────────────────────


async def test_files_are_chosen_marked_attached_and_taken_away(tmp_path: Path) -> None:
    for name, size in (("a.pdf", 1_000), ("b.txt", 20), ("c d.bin", 3)):
        (tmp_path / name).write_bytes(b"x" * size)
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, "ctrl+t", "ctrl+u", *letters(f"{tmp_path}/"))
        await until(pilot, lambda: "c d.bin" in text_of(stage.app))
        stage.clock.now += 1
        await press(pilot, "ctrl+t", "down", "ctrl+t", "enter")
        await until(pilot, lambda: isinstance(stage.app.screen, ComposeScreen))
        assert [file.name for file in draft.value.files] == ["a.pdf", "c d.bin"]
        assert "2 files, 1.0 KB" in text_of(stage.app)
        await press(pilot, "tab", "tab", "delete")
        assert [file.name for file in draft.value.files] == ["c d.bin"]


async def test_files_dropped_on_the_window_are_marked(tmp_path: Path) -> None:
    names = ["one file.pdf", "two.txt"]
    for name in names:
        (tmp_path / name).write_text("x")
    dropped = f"'{tmp_path}/one file.pdf' file://{tmp_path}/two.txt"
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, "ctrl+t")
        stage.app.screen.query_one("#path").post_message(events.Paste(dropped))
        await until(pilot, lambda: "2 marked" in text_of(stage.app))
        stage.clock.now += 1
        await press(pilot, "enter")
        await until(pilot, lambda: draft.value.files)
        assert sorted(file.name for file in draft.value.files) == names


# ── details ──────────────────────────────────────────────────────────────────────────────────────


async def test_details_are_taken_or_the_mistake_is_told() -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, "ctrl+g", "d")
        stage.clock.now += 1
        await press(pilot, *letters("job-7\nX-Job\n12,000\n\n3\n\npages=4.5\n"))
        assert "Headers are written as Name: value" in text_of(stage.app)
        await press(pilot, "up", "up", "up", "up", "up", *letters(": seven"))
        await press(pilot, *["enter"] * 6)
        await until(pilot, lambda: isinstance(stage.app.screen, ComposeScreen))
    base, usage = draft.base, draft.base.usage
    assert usage is not None
    assert (base.correlation_id, base.headers) == ("job-7", (("X-Job", "seven"),))
    assert (usage.tokens_input, usage.outcomes_returned) == (12_000, 3)
    assert usage.custom_units == {"pages": 4.5}


async def test_a_marketplace_request_shows_the_price_first() -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, *letters("market@agents.example.com\n"), "ctrl+g", "m")
        await until(pilot, lambda: "0.02 USD for each outcome" in text_of(stage.app))
        stage.clock.now += 1
        await press(pilot, "enter", "enter")
        await until(pilot, lambda: isinstance(stage.app.screen, ComposeScreen))
        assert draft.value.kind is DraftKind.MARKET_REQUEST


async def test_a_locked_draft_asks_for_the_passphrase() -> None:
    drafts = FakeDrafts(
        locked=True, kept={"d1": replace(Draft.begin(), draft_id="d1", to=("a@b.c",))}
    )
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "g", "d", "enter")
        await until(pilot, lambda: "your key is locked" in text_of(stage.app))


@pytest.mark.parametrize("size", [(60, 20), (40, 12), (20, 6)], ids=str)
async def test_every_size_shows_the_text_that_is_typed(size: tuple[int, int]) -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=size) as pilot:
        await begin(pilot, stage, "r")
        await press(pilot, *"Yes!")
        assert "Yes!" in text_of(stage.app)


async def test_ten_thousand_drafts_are_listed_and_moved_through() -> None:
    many = {
        f"d{number}": replace(
            Draft.begin(), draft_id=f"d{number}", to=(f"p{number}@x.y",), subject=f"No {number}"
        )
        for number in range(10_000)
    }
    stage = stage_with(FakeDrafts(kept=many))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "g", "d")
        await until(pilot, lambda: "Drafts 10000" in rows_of(stage.app)[0])
        await press(pilot, "G")
        assert "No 9999" in text_of(stage.app)
        await press(pilot, "g", "g", "j", "d")
        await until(pilot, lambda: "Drafts 9999" in rows_of(stage.app)[0])
        assert "No 2" in rows_of(stage.app)[2]
