"""Other accounts in a running app: set up in it, or taken in after others have changed them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from services.config import Account, Settings, load, remove_account, save_account
from services.errors import ConfigError
from services.events import Event
from services.models import MessageRow
from services.outbound_events import SendQueued
from services.paths import Paths
from services.redact import Secret
from services.requests import Delete
from services.safe_text import ui
from services.secrets import SecretStore
from tests.conftest import Agent, SandboxControl
from tests.fakes.fake_drafts import FakeDrafts
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.rows import NOON, sample_rows
from tests.tui.account_stage import MARKS, OPS, shared_rows
from tests.tui.app_stage import StagedApp, mail_screen, press, rows_of, terminal, text_of, until
from tests.tui.test_setup_screen import FakeSetUp
from tui import notices
from tui.account_marks import account_title
from tui.bridge import EngineFactory, engine_of
from tui.first_run import AccountForm, AccountSetUp, Opened, TokenPlace
from tui.profile import Profile
from tui.screens.compose import ComposeScreen
from widgets import status_line

ME, YOU, ALL = "me@x.example", "you@x.example", "All accounts"


@pytest.fixture(autouse=True)
def lasting_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told stays until it was looked at, however busy the machine is."""
    monkeypatch.setattr(status_line, "NOTICE_SECONDS", 3_600.0)
    monkeypatch.setattr(notices, "TOAST_SECONDS", 3_600)


class FakeAccounts(FakeSetUp):
    """A set-up beside which somebody else has changed the accounts to `changed`, or to none."""

    changed: Opened | None = None

    def configured(self) -> Opened:
        if self.changed is None:
            raise ConfigError("No account is set up.", "Add one.")
        return self.changed


class Scene:
    """An app on the one account of a fake engine, beside which others may change the accounts."""

    def __init__(self, *, trash: bool = False) -> None:
        self.engines: list[FakeEngine] = []
        self.drafts = FakeDrafts()
        self.set_up = FakeAccounts()
        self.app = StagedApp(
            self.over(sample_rows().rows),
            account=ui(ME),
            trash=trash,
            settings=Settings(),
            terminal=terminal(),
            crash_folder=Path("/nonexistent/crash"),
            set_up=self.set_up,
            clock=lambda: NOON + 300.0,
        )

    def over(self, rows: Sequence[MessageRow]) -> EngineFactory:
        def make(on_event: Callable[[Event], None]) -> FakeEngine:
            self.engines.append(FakeEngine(on_event, rows, outbound=self.drafts))
            return self.engines[-1]

        return make

    def change_to_several(self) -> None:
        rows = shared_rows()
        self.set_up.changed = Opened(self.over(rows), MARKS[0].title, ui("Here."), MARKS)

    async def shown(self, pilot: Pilot[Any], whose: str) -> None:
        """The mail screen shows whose mail it is, and has everything to take keys."""
        await until(pilot, lambda: whose in rows_of(self.app)[0])
        assert mail_screen(self.app) is self.app.screen
        await mail_screen(self.app).complete()


async def test_a_key_takes_in_what_others_have_added() -> None:
    scene = Scene()
    app = scene.app
    scene.change_to_several()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await scene.shown(pilot, ME)
        scene.set_up.tell(ui("sales was added elsewhere."))
        await until(pilot, lambda: "g R in the message" in text_of(app))
        await press(pilot, "j", "x", "g", "R")
        await scene.shown(pilot, ALL)
        assert "Here." in text_of(app)
        assert [engine.stopped for engine in scene.engines] == [1, 0]
        assert mail_screen(app).accounts.names[0] == OPS
        await press(pilot, "L")
        await scene.shown(pilot, "ops-bot@agents.example.com")


async def test_what_is_typed_meanwhile_is_for_the_accounts_that_come() -> None:
    scene = Scene()
    scene.change_to_several()
    async with scene.app.run_test(size=(80, 24)) as pilot:
        await scene.shown(pilot, ME)
        await press(pilot, "g", "R", "L", "L")
        await scene.shown(pilot, "research@agents.example.com")


async def test_where_no_account_is_left_the_open_ones_stay() -> None:
    scene = Scene()
    async with scene.app.run_test(size=(80, 24)) as pilot:
        await scene.shown(pilot, ME)
        await press(pilot, "g", "R")
        await until(pilot, lambda: "No account is set up." in text_of(scene.app))
        assert scene.engines[0].stopped == 0


async def test_a_draft_that_is_not_saved_keeps_the_accounts_as_they_are() -> None:
    scene = Scene()
    app = scene.app
    scene.change_to_several()
    async with app.run_test(size=(80, 24)) as pilot:
        await scene.shown(pilot, ME)
        scene.drafts.full = True
        await press(pilot, "c")
        await until(pilot, lambda: isinstance(app.screen, ComposeScreen))
        await press(pilot, *"text", "escape")
        await until(pilot, lambda: mail_screen(app).has_unsaved)
        await press(pilot, "g", "R")
        await until(pilot, lambda: "A draft is not saved yet" in text_of(app))
        assert scene.engines[0].stopped == 0
        scene.drafts.full = False
        mail_screen(app).outbound.news.save_drafts()
        await until(pilot, lambda: not mail_screen(app).has_unsaved)
        await press(pilot, "g", "R")
        await scene.shown(pilot, ALL)


@pytest.mark.parametrize("trash", [True, False])
async def test_with_other_accounts_the_question_says_what_deleting_does_now(trash: bool) -> None:
    scene = Scene(trash=trash)
    rows = scene.over(sample_rows().rows)
    scene.set_up.changed = Opened(rows, ui(YOU), trash=not trash)
    async with scene.app.run_test(size=(80, 24)) as pilot:
        for whose, in_trash in ((ME, trash), (YOU, not trash)):
            await scene.shown(pilot, whose)
            await press(pilot, "d")
            asks = "to the trash?" if in_trash else "for good?"
            await until(pilot, lambda asks=asks: asks in text_of(scene.app))
            await press(pilot, "escape", "g", "R")
        asked = [request for engine in scene.engines for request in engine.requests]
        assert not any(isinstance(request, Delete) for request in asked)


async def test_a_mail_sent_before_and_one_sent_after_both_count_down() -> None:
    scene = Scene()
    scene.change_to_several()
    until_ = int(NOON) + 310
    async with scene.app.run_test(size=(80, 24)) as pilot:
        for whose in (ME, ALL):
            await scene.shown(pilot, whose)
            scene.engines[-1].emit(SendQueued(9, "d1", ("e1",), until_, ui("It is in the outbox.")))
            await until(pilot, lambda: "Leaves in 10 s   z takes it back" in text_of(scene.app))
            await press(pilot, "g", "R")


def of_agent(name: str, sandbox: SandboxControl, agent: Agent) -> Account:
    return Account(name, "assmbl", sandbox.base_url.rstrip("/"), address=agent.address)


async def test_real_accounts_come_and_go_in_a_running_app(
    tmp_path: Path, sandbox: SandboxControl, agent: Agent, other: Agent
) -> None:
    paths = Paths(*(tmp_path / name for name in ("config", "data", "state", "cache")))
    secrets = SecretStore(paths)
    first, second = of_agent("first", sandbox, agent), of_agent("second", sandbox, other)
    for account, one in ((first, agent), (second, other)):
        secrets.keep_for_session(account, Secret(one.token))
    save_account(paths, first)
    app = StagedApp(
        engine_of([Profile(first, paths, secrets)]),
        account=account_title(first),
        settings=Settings(),
        terminal=terminal(),
        crash_folder=tmp_path,
        set_up=AccountSetUp(paths, secrets, first, alone=True),
    )
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: mail_screen(app).finding.snapshot)
        await mail_screen(app).complete()
        save_account(paths, second, make_default=False)
        await press(pilot, "g", "R")
        await until(pilot, lambda: ALL in rows_of(app)[0] and mail_screen(app).finding.snapshot)
        assert mail_screen(app).accounts.names == ("first", "second")
        remove_account(paths, "first")
        await press(pilot, "g", "R")
        await until(pilot, lambda: other.address in rows_of(app)[0])
        assert mail_screen(app).accounts.names == ()
        form = AccountForm(sandbox.base_url, address=agent.address)
        set_up = AccountSetUp(paths, secrets, None).meant("", adds=True)
        again = set_up.keep((form,), Secret(agent.token), TokenPlace.SESSION)
        assert [mark.name for mark in again.accounts][:1] == ["second"]
        assert len(load(paths, {}).accounts) == 2
