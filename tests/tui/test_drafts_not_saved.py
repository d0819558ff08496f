"""A disk that refuses while nobody looks at the draft: told, tried again, asked about before the end."""

from __future__ import annotations

from tests.fakes.fake_drafts import FakeDrafts
from tests.tui.app_stage import press, text_of, until
from tests.tui.compose_stage import begin, compose_of, kept, stage_with
from tui.screens.mail import MailScreen

SIZE = (80, 24)


async def test_an_unsaved_draft_is_told_tried_again_and_asked_about_before_the_end() -> None:
    drafts = FakeDrafts(full=True)
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage, "r")
        await press(pilot, "x", "escape")
        await until(pilot, lambda: "Not saved: The disk is full." in text_of(stage.app))
        await press(pilot, "q")
        await until(pilot, lambda: "A draft is not saved." in text_of(stage.app))
        await press(pilot, "ctrl+q", "n")
        assert stage.app.is_running
        drafts.full = False
        mail = stage.app.screen
        assert isinstance(mail, MailScreen)
        mail.outbound.news.save_drafts()
        await until(pilot, lambda: "What was written is saved now." in text_of(stage.app))
        await press(pilot, "q")
        await until(pilot, lambda: not stage.app.is_running)
    assert kept(drafts).body.startswith("x")


async def test_what_was_typed_just_before_quitting_on_a_full_disk_is_asked_about() -> None:
    drafts = FakeDrafts(full=True)
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage, "r")
        await press(pilot, "x", "ctrl+q")
        await until(pilot, lambda: "A draft is not saved." in text_of(stage.app))
        await press(pilot, "n")
        assert compose_of(stage).draft is not None
        drafts.full = False
        await press(pilot, "y", "ctrl+q")
        await until(pilot, lambda: not stage.app.is_running)
    assert kept(drafts).body.startswith("xy")


async def test_an_encrypted_draft_that_cannot_be_saved_stays_open_when_keys_are_locked() -> None:
    drafts = FakeDrafts(full=True)
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage, "r")
        news = compose_of(stage).news
        await press(pilot, "x", "ctrl+e", "escape")
        news.forget_sealed()
        await until(pilot, lambda: news.drafts.all == (draft,) and bool(draft.trouble))
        drafts.full = False
        news.forget_sealed()
        await until(pilot, lambda: not draft.trouble)
        assert news.drafts.all == ()
