"""The set-up screen: checked first, kept by consent, never showing the token."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from services.config import Settings, load
from services.errors import SecretStoreError, ServiceError
from services.paths import Paths
from services.redact import Secret
from services.safe_text import SafeText, clean_line, ui
from services.secrets import SecretStore
from tests.conftest import SandboxControl
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.rows import sample_rows
from tests.patience import PATIENCE
from tests.tui.app_stage import Clock, StagedApp, press, rows_of, terminal, text_of, until
from tests.widgets.stage import settled
from tui.first_run import AccountForm, AccountSetUp, InboxChoice, Opened, TokenPlace

TOKEN = "tok-1234567890"


class FakeSetUp:
    """Answers as told and keeps what it was given."""

    form = AccountForm("https://api.example.com")

    def __init__(self, *, keyring: bool = True, refusal: ServiceError | None = None) -> None:
        self.keyring = keyring
        self.refusal = refusal
        self.kept: list[tuple[AccountForm, str, TokenPlace]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.reached: tuple[InboxChoice, ...] = ()

    def check(self, form: AccountForm, token: Secret) -> SafeText:
        self.gate.wait(PATIENCE)
        if self.refusal:
            raise self.refusal
        return ui("The service answers.")

    def inboxes(self, form: AccountForm, token: Secret) -> tuple[InboxChoice, ...]:
        return self.reached

    def meant(self, account: str, *, adds: bool) -> FakeSetUp:
        return self

    def watch(self, tell: Callable[[SafeText], object]) -> Callable[[], None]:
        self.tell = tell
        return lambda: None

    def keep(self, forms: Sequence[AccountForm], token: Secret, place: TokenPlace) -> Opened:
        if place is TokenPlace.KEYRING and not self.keyring:
            raise SecretStoreError("No keyring can be used here.", "Choose another place.")
        self.kept += [(form, token.reveal(), place) for form in forms]
        return Opened(
            lambda on_event: FakeEngine(on_event, sample_rows().rows),
            ui("me@x.example"),
            ui("Kept."),
        )


def app_with(set_up: object, clock: Clock | None = None) -> StagedApp:
    return StagedApp(
        None,
        account=ui(""),
        settings=Settings(),
        terminal=terminal(),
        crash_folder=Path("/nonexistent"),
        set_up=set_up,  # type: ignore[arg-type]
        monotonic=clock or Clock(),
    )


async def test_a_checked_account_opens_its_mailbox() -> None:
    set_up = FakeSetUp()
    app = app_with(set_up)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *TOKEN, "enter")
        await until(pilot, lambda: "me@x.example  Inbox 8" in rows_of(app)[0])
        assert set_up.kept == [(AccountForm("https://api.example.com"), TOKEN, TokenPlace.KEYRING)]


async def test_enter_goes_to_what_is_still_needed_before_it_checks() -> None:
    set_up = FakeSetUp()
    app = app_with(set_up)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "shift+tab", "enter", *TOKEN, "enter")
        await until(pilot, lambda: "me@x.example  Inbox 8" in rows_of(app)[0])
        assert set_up.kept == [(AccountForm("https://api.example.com"), TOKEN, TokenPlace.KEYRING)]


async def test_the_token_is_never_on_screen() -> None:
    set_up = FakeSetUp(refusal=ServiceError("The token was not accepted.", "Enter another."))
    app = app_with(set_up)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *TOKEN)
        assert TOKEN not in text_of(app)
        await press(pilot, "enter")
        await until(pilot, lambda: "! The token was not accepted." in text_of(app))
        assert "Enter another." in text_of(app)
        assert TOKEN not in text_of(app)
        assert TOKEN not in app.export_screenshot()
        assert set_up.kept == []


async def test_a_token_that_cannot_be_one_is_refused_before_asking_anybody() -> None:
    app = app_with(FakeSetUp())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *"two", "space", *"words", "enter")
        await until(pilot, lambda: "That is not a token" in text_of(app))


async def test_without_a_keyring_the_operator_chooses_where_the_token_goes() -> None:
    set_up, clock = FakeSetUp(keyring=False), Clock()
    app = app_with(set_up, clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *TOKEN, "enter")
        await until(pilot, lambda: "Where shall the token be kept?" in text_of(app))
        assert "No keyring can be used here." in text_of(app)
        await press(pilot, "enter")
        assert set_up.kept == [], "typed ahead"
        clock.now += 1
        await press(pilot, "down", "enter")
        await until(pilot, lambda: "Inbox 8" in rows_of(app)[0])
        assert [place for _, _, place in set_up.kept] == [TokenPlace.FILE]


async def test_leaving_the_choice_keeps_the_token_nowhere() -> None:
    set_up = FakeSetUp(keyring=False)
    app = app_with(set_up)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *TOKEN, "enter")
        await until(pilot, lambda: "Where shall the token be kept?" in text_of(app))
        await press(pilot, "escape")
        await until(pilot, lambda: "has not been kept anywhere" in text_of(app))
        assert set_up.kept == []


async def test_an_answer_about_an_account_that_has_been_retyped_is_dropped() -> None:
    set_up = FakeSetUp()
    set_up.gate.clear()
    app = app_with(set_up)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *TOKEN, "enter")
        await press(pilot, "x")
        set_up.gate.set()
        await until(pilot, lambda: "set-up" not in [one.name for one in threading.enumerate()])
        await settled(app)
        assert set_up.kept == []


async def test_the_real_set_up_checks_the_sandbox_and_keeps_account_and_token(
    sandbox: SandboxControl, tmp_path: Path
) -> None:
    agent = sandbox.new_agent()
    sandbox.add_mail(agent, "From: a@b.example\nSubject: first mail\n\nhello\n")
    paths = Paths(tmp_path / "config", tmp_path / "data", tmp_path / "state", tmp_path / "cache")
    app = app_with(AccountSetUp(paths, SecretStore(paths), None), clock := Clock())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *"http://127.0.0.1:1", "tab", *"wrong", "enter")
        await until(pilot, lambda: "! " in text_of(app))
        assert not paths.config_file.exists()
        await press(pilot, "shift+tab", "end", *["backspace"] * 20, *sandbox.base_url)
        await press(pilot, "tab", "end", *["backspace"] * 10, *agent.token, "enter")
        await until(pilot, lambda: "Where shall the token be kept?" in text_of(app))
        clock.now += 1
        await press(pilot, "down", "enter")
        await until(pilot, lambda: "first mail" in text_of(app))
    app.wait_stopped()
    account = load(paths, {}).account()
    assert account.base_url == sandbox.base_url
    assert paths.token_file(account.name).stat().st_mode & 0o777 == 0o600
    assert agent.token not in paths.config_file.read_text()


async def test_the_inboxes_of_a_key_are_listed_and_several_become_accounts() -> None:
    set_up, clock = FakeSetUp(), Clock()
    set_up.form = AccountForm()
    names = ("a@agentmail.to", "b@agentmail.to", "\x1b[31mc@agentmail.to")
    set_up.reached = tuple(InboxChoice(name, clean_line(name)) for name in names)
    app = app_with(set_up, clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "ctrl+t")
        assert "AgentMail.to" in text_of(app)
        assert "https://api.agentmail.to/v0" in text_of(app)
        assert "Mail domain" not in text_of(app)
        app.screen.query_one("#token").focus()
        await press(pilot, *TOKEN, "enter")
        await until(pilot, lambda: "This key has 3 inboxes" in text_of(app))
        assert "\x1b" not in text_of(app)
        await press(pilot, "tab", "down", "tab", "enter")
        await until(pilot, lambda: "me@x.example  Inbox 8" in rows_of(app)[0])
        url = "https://api.agentmail.to/v0"
        assert [form for form, _, _ in set_up.kept] == [
            AccountForm(url, "", name, "agentmail.to") for name in names[:2]
        ]


async def test_an_account_that_is_there_keeps_its_service() -> None:
    app = app_with(FakeSetUp())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "ctrl+t")
        await until(pilot, lambda: "add another one" in text_of(app))
        assert "Mail domain" in text_of(app)


async def test_escape_is_offered_where_there_is_something_to_go_back_to() -> None:
    app = app_with(FakeSetUp())
    async with app.run_test(size=(80, 24)) as pilot:
        assert "Esc" not in rows_of(app)[-1]
        await press(pilot, *TOKEN, "enter")
        await until(pilot, lambda: "me@x.example  Inbox 8" in rows_of(app)[0])
        await press(pilot, "g", "+")
        await until(pilot, lambda: "Esc back" in rows_of(app)[-1])
        await press(pilot, "escape")
        await until(pilot, lambda: "Inbox 8" in rows_of(app)[0])
