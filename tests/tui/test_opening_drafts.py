"""What becomes of the compose screen and of typed keys when a draft opens late, or not at all."""

from __future__ import annotations

from dataclasses import replace

from services.draft import Draft
from services.requests import Archive, Delete
from services.safe_text import ui
from tests.fakes.fake_drafts import FakeDrafts
from tests.tui.app_stage import Stage, press, text_of, until
from tests.tui.compose_stage import begin, compose_of, letters, stage_with
from tui.screens.compose import ComposeScreen
from tui.screens.drafts import DraftsScreen
from tui.screens.mail import MailScreen
from tui.screens.passphrase import PassphraseDialog

SIZE = (100, 30)
WHY = ui("The service does not accept the token.")


def changes_of(stage: Stage) -> list[object]:
    return [one for one in stage.engine.requests if isinstance(one, Archive | Delete)]


async def test_an_answer_that_cannot_begin_leaves_no_empty_screen_and_says_why() -> None:
    stage = stage_with(FakeDrafts(unopened=WHY))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "r")
        await until(pilot, lambda: isinstance(stage.app.screen, MailScreen))
        await until(pilot, lambda: str(WHY) in text_of(stage.app))
        assert "Enter a token." in text_of(stage.app)


async def test_letters_for_a_draft_that_cannot_begin_are_no_commands_of_the_mail_below() -> None:
    drafts = FakeDrafts(unopened=WHY, opens_late=True)
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "r")
        await press(pilot, *letters("eeddy"))
        drafts.go_on()
        await until(pilot, lambda: isinstance(stage.app.screen, MailScreen))
        await press(pilot)
        assert not changes_of(stage)


async def test_what_cannot_begin_leaves_the_draft_that_was_there_and_what_is_typed_is_kept() -> (
    None
):
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage)
        drafts.unopened = WHY
        await press(pilot, "ctrl+g", "c")
        await until(pilot, lambda: str(WHY) in text_of(stage.app))
        await press(pilot, *letters("still here"))
        draft = compose_of(stage).draft
        assert draft is not None
        assert draft.value.body == "still here"
        await press(pilot, "escape")
        assert [one.body for one in drafts.kept.values()] == ["still here"]


async def test_a_draft_that_opens_late_gets_every_letter_typed_meanwhile() -> None:
    drafts = FakeDrafts(opens_late=True)
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "c")
        await until(pilot, lambda: drafts.held)
        screen = compose_of(stage)
        screen.opening.say_late()
        await stage.app._keys.release()
        await press(pilot, *letters("a@b.example\n"))
        assert "still being opened" in text_of(stage.app)
        drafts.go_on()
        await until(pilot, lambda: screen.draft is not None)
        await press(pilot, *letters("Numbers"))
        assert screen.draft is not None
        assert screen.draft.value.to == ("a@b.example",)
        assert screen.draft.value.subject == "Numbers"


async def test_a_draft_that_does_not_open_is_given_up_with_escape_and_its_late_answer_is_nobodys() -> (
    None
):
    drafts = FakeDrafts(opens_late=True)
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "c")
        await until(pilot, lambda: drafts.held)
        compose_of(stage).opening.say_late()
        await stage.app._keys.release()
        await press(pilot, "x", "escape")
        await until(pilot, lambda: isinstance(stage.app.screen, MailScreen))
        drafts.go_on()
        await press(pilot)
        assert isinstance(stage.app.screen, MailScreen)
        assert not changes_of(stage)


async def test_a_sealed_draft_whose_passphrase_is_not_given_leaves_no_empty_screen() -> None:
    kept = {"d1": replace(Draft.begin(), draft_id="d1", to=("a@b.c",))}
    stage = stage_with(FakeDrafts(locked=True, kept=kept))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "g", "d")
        await until(pilot, lambda: isinstance(stage.app.screen, DraftsScreen))
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(stage.app.screen, PassphraseDialog))
        await press(pilot, "escape")
        await until(
            pilot, lambda: not isinstance(stage.app.screen, PassphraseDialog | ComposeScreen)
        )
