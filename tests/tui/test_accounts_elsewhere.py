"""What a running app says about accounts that others add or take out."""

from __future__ import annotations

import threading
from pathlib import Path

from services.config import Account, remove_account, save_account
from services.paths import Paths
from services.redact import Secret
from services.safe_text import SafeText, ui
from services.secrets import SecretStore
from tests.conftest import Agent, SandboxControl
from tests.patience import PATIENCE
from tests.tui.app_stage import text_of, until
from tests.tui.test_setup_screen import FakeSetUp, app_with
from tui.accounts_elsewhere import AccountsElsewhere
from tui.first_run import AccountForm, AccountSetUp, TokenPlace


def paths_in(folder: Path) -> Paths:
    return Paths(folder / "config", folder / "data", folder / "state", folder / "cache")


def account(name: str) -> Account:
    return Account(name, "assmbl", "https://api.example.com", address=f"{name}@agents.example.com")


def test_an_account_that_is_added_or_taken_out_elsewhere_is_told_once(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    save_account(paths, account("work"))
    elsewhere = AccountsElsewhere(paths)
    assert elsewhere.look() == ""
    save_account(paths, account("sales"))
    assert elsewhere.look() == "sales was added elsewhere."
    assert elsewhere.look() == ""
    remove_account(paths, "work")
    assert elsewhere.look() == (
        "work was taken out elsewhere: what is written for it here may be lost."
    )
    assert elsewhere.look() == ""


def test_what_changes_no_account_and_what_cannot_be_read_is_not_told(tmp_path: Path) -> None:
    paths = paths_in(tmp_path)
    save_account(paths, account("work"))
    elsewhere = AccountsElsewhere(paths)
    elsewhere.look()
    kept = paths.config_file.read_text()
    paths.config_file.write_text(kept + "# a remark\n")
    assert elsewhere.look() == ""
    paths.config_file.write_text("[accounts")
    assert elsewhere.look() == ""
    paths.config_file.write_text(kept)
    assert elsewhere.look() == ""


def test_what_the_app_sets_up_itself_is_no_news(
    tmp_path: Path, sandbox: SandboxControl, agent: Agent
) -> None:
    paths = paths_in(tmp_path)
    save_account(paths, account("work"))
    elsewhere = AccountsElsewhere(paths)
    elsewhere.look()
    set_up = AccountSetUp(paths, SecretStore(paths), None, elsewhere=elsewhere)
    form = AccountForm(sandbox.base_url, address=agent.address)
    set_up.meant("", adds=True).keep((form,), Secret(agent.token), TokenPlace.SESSION)
    assert elsewhere.look() == ""


def test_others_are_watched_from_a_thread_until_the_end(tmp_path: Path) -> None:
    paths, told, came = paths_in(tmp_path), list[SafeText](), threading.Event()
    save_account(paths, account("work"))
    elsewhere = AccountsElsewhere(paths)
    elsewhere.look()
    save_account(paths, account("sales"))
    elsewhere.watch(lambda words: (told.append(words), came.set()))
    assert came.wait(PATIENCE)
    elsewhere.end()
    assert [words.startswith("sales was added") for words in told] == [True]


async def test_it_is_said_on_whatever_screen_there_is() -> None:
    set_up = FakeSetUp()
    app = app_with(set_up)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        set_up.tell(ui("sales was added elsewhere."))
        await until(pilot, lambda: "sales was added" in text_of(app))
