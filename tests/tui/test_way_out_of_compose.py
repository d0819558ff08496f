"""How a mail leaves, chosen while it is written: what is told, what is kept, what is greyed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Button

from services.config import Account
from services.draft import VIA_SES, BodyFormat, Draft, DraftKind, Encryption
from services.outbound.way_requests import place_of, ways_of
from services.service_config import SesPlace
from services.way_events import Way
from tests.fakes.fake_drafts import FakeDrafts
from tests.fakes.rows import NOON
from tests.tui.app_stage import Stage, press, rows_of, text_of, until
from tests.tui.compose_stage import begin, compose_of, kept, stage_with
from tests.tui.test_snapshots import SIZES, compare
from tui.screens.compose import ComposeScreen
from tui.screens.way_out import WayOutDialog

HERE = Account("work", "assmbl", "https://mail.example", address="ops-bot@agents.example.com")
PLACE = SesPlace("ops-bot@agents.example.com", "eu-west-1")
DRAFT = replace(
    Draft.begin(DraftKind.REPLY, now=NOON),
    to=("research@agents.example.com",),
    subject="Order 42",
    body="**Done.**\n",
)


def ways(account: Account = HERE) -> tuple[Way, ...]:
    return tuple(ways_of(account))


def stage(draft: Draft = DRAFT, account: Account = HERE) -> tuple[Stage, FakeDrafts]:
    drafts = FakeDrafts(begun=draft, ways=ways(account), place=place_of(account))
    return stage_with(drafts), drafts


WITH_SES = replace(HERE, ses=PLACE)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The extra is there whether or not it is."""
    monkeypatch.setattr("services.outbound.gate.transports.ses.is_installed", lambda: True)
    return monkeypatch


async def open_dialog(pilot: object, on: Stage) -> None:
    await press(pilot, "ctrl+g", "w")  # type: ignore[arg-type]
    await until(pilot, lambda: isinstance(on.app.screen, WayOutDialog))  # type: ignore[arg-type]
    await until(pilot, lambda: "own service" in text_of(on.app))  # type: ignore[arg-type]


def buttons(on: Stage) -> list[tuple[str, bool]]:
    found = on.app.screen.query(Button)
    return [(str(one.label), one.disabled) for one in found if one.id != "cancel"]


async def test_html_by_ses_is_chosen_by_keys_and_kept_with_the_draft(
    installed: pytest.MonkeyPatch,
) -> None:
    on, drafts = stage(account=WITH_SES)
    async with on.app.run_test(size=(80, 24)) as pilot:
        await begin(pilot, on, "r")
        await open_dialog(pilot, on)
        on.clock.now += 1
        await press(pilot, "down", "down", "enter")
        await until(pilot, lambda: isinstance(on.app.screen, ComposeScreen))
        assert "by Amazon SES, Markdown" in text_of(on.app)
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: bool(drafts.kept))
    assert (kept(drafts).via, kept(drafts).format) == (VIA_SES, BodyFormat.MARKDOWN)


async def test_without_a_table_ses_is_greyed_and_the_reason_names_it() -> None:
    on, _ = stage()
    async with on.app.run_test(size=(80, 24)) as pilot:
        await begin(pilot, on, "r")
        await open_dialog(pilot, on)
        assert [disabled for _, disabled in buttons(on)] == [False, True, True, True]
        assert "[accounts.work.ses]" in text_of(on.app)
        await press(pilot, "escape")
        assert compose_of(on).draft is not None


async def test_without_the_extra_one_sentence_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.outbound.gate.transports.ses.is_installed", lambda: False)
    on, _ = stage(account=WITH_SES)
    async with on.app.run_test(size=(80, 24)) as pilot:
        await begin(pilot, on, "r")
        await open_dialog(pilot, on)
        assert [disabled for _, disabled in buttons(on)] == [False, True, True, True]
        told = " ".join(" ".join(rows_of(on.app)).replace("▌", " ").split())
        assert "needs an extra: pip install 'agentmail-tui[ses]'." in told


async def test_an_encrypted_draft_is_offered_no_html(installed: pytest.MonkeyPatch) -> None:
    on, _ = stage(replace(DRAFT, encryption=Encryption.REQUIRED), WITH_SES)
    async with on.app.run_test(size=(80, 24)) as pilot:
        await begin(pilot, on, "r")
        await open_dialog(pilot, on)
        assert [disabled for _, disabled in buttons(on)] == [False, False, True, True]
        assert "An encrypted mail carries no HTML" in text_of(on.app)


async def test_a_key_typed_ahead_chooses_nothing(installed: pytest.MonkeyPatch) -> None:
    on, drafts = stage(account=WITH_SES)
    async with on.app.run_test(size=(80, 24)) as pilot:
        await begin(pilot, on, "r")
        await open_dialog(pilot, on)
        await press(pilot, "down", "enter")
        assert isinstance(on.app.screen, WayOutDialog)
    assert all(not draft.via for draft in drafts.kept.values())


@pytest.mark.parametrize("size", SIZES[:2], ids=["60x20", "80x24"])
async def test_the_choice_and_the_draft_look_as_agreed(
    size: tuple[int, int], installed: pytest.MonkeyPatch
) -> None:
    on, _ = stage(replace(DRAFT, via=VIA_SES, format=BodyFormat.HTML), WITH_SES)
    async with on.app.run_test(size=size) as pilot:
        await begin(pilot, on, "r")
        compare("compose-by-ses", size, rows_of(on.app))
        await open_dialog(pilot, on)
        compare("compose-way-out", size, rows_of(on.app))
