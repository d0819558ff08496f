"""Writing by keyboard over drafts in memory: what is typed, what is saved and when, how it leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.draft import Draft, DraftKind, Encryption
from services.outbound_events import OpenDraft
from tests.fakes.fake_drafts import FakeDrafts
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.compose_stage import begin, compose_of, kept, letters, stage_with
from tui.screens import compose
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


async def test_typing_is_saved_by_itself() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage, "r")
        await press(pilot, *letters("a burst of letters"))
        await until(pilot, lambda: drafts.saves)
        await press(pilot, *letters(" and more"))
        await until(pilot, lambda: kept(drafts).body.startswith("a burst of letters and more\n"))


async def test_a_burst_of_letters_is_one_save(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "SAVE_SECONDS", 1_000.0)
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage, "r")
        for count, burst in enumerate(("a burst of letters", " and more"), 1):
            await press(pilot, *letters(burst))
            assert len(drafts.saves) == count - 1
            # Its timer, before its time.
            compose_of(stage)._save()
            assert len(drafts.saves) == count
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
        assert "the list of drafts (g d) brings it back" in text_of(stage.app)
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

        def reviewed() -> bool:
            drafts.go_on()
            return isinstance(stage.app.screen, ReviewScreen)

        await until(pilot, reviewed)
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


# ── details ──────────────────────────────────────────────────────────────────────────────────────


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
