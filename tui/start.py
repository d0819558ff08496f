"""Opens the app: account, engine, terminal and screens put together.

Closes two traps: a keyring that answers slowly (or never) holding up the first frame, because the
token is looked up on the engine's thread, after the cached mailbox is on screen; and a program that is
piped somewhere drawing a screen into a file.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from services.config import Account, Config, Settings, load
from services.errors import MailError, UsageError
from services.paths import Paths
from services.secrets import SecretStore
from tui.profile import Profile

if TYPE_CHECKING:
    from services.cache.store import MailStore
    from tui.first_picture import Picture
    from tui.terminal import Terminal


def start_app(profile: str | None = None) -> int:
    """Open the app on the named account, else the default one, else on the set-up screen."""
    need_a_terminal()
    paths = Paths.from_environment()
    config = load(paths)
    account = _account(config, profile)
    secrets = SecretStore(paths)
    if account is None:
        return _run(None, paths, secrets, config.settings)
    return _run(Profile(account, paths, secrets), paths, secrets, config.settings)


def open_app(profile: Profile, settings: Settings) -> int:
    """Open the app on a profile that is already known (the demo's)."""
    return _run(profile, profile.paths, profile.secrets, settings)


def _run(profile: Profile | None, paths: Paths, secrets: SecretStore, settings: Settings) -> int:
    # Thousands of objects are made before the first frame and none of them is garbage.
    gc.disable()
    from tui.terminal import probe

    terminal = probe(os.environ)
    opened = _open_cache(profile) if profile else None
    with _first_picture(opened, terminal, settings.theme or terminal.theme) as picture:
        from services.safe_text import ui
        from tui.account_marks import account_title
        from tui.app import AgentMailApp, run
        from tui.bridge import engine_for
        from tui.first_run import AccountSetUp

        account: Account | None = profile.account if profile else None
        app = AgentMailApp(
            engine_for(profile, settings.poll_seconds, opened) if profile else None,
            account=account_title(account) if account else ui(""),
            settings=settings,
            terminal=terminal,
            crash_folder=paths.state_dir,
            set_up=AccountSetUp(paths, secrets, account, settings.poll_seconds),
            picture=picture,
        )
        return run(app, paths.state_dir)


def _open_cache(profile: Profile) -> MailStore | None:
    """Open the cache for the first picture; what stands in the way, the engine meets and tells."""
    from services.cache.store import open_store

    try:
        return open_store(profile.folder)
    except MailError:
        return None


@contextmanager
def _first_picture(
    opened: MailStore | None, terminal: Terminal, theme: str
) -> Iterator[Picture | None]:
    """Show the cached list at once, and give the terminal back if the app never comes."""
    if opened is None:
        yield None
        return
    from services.models import MailFilter
    from tui.first_picture import show

    picture = show(opened.snapshot().select(MailFilter()), terminal, theme, time.time())
    if picture is None:
        yield None
        return
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    try:
        yield picture
    finally:
        picture.take_away()


def _leave(number: int, _frame: object) -> None:
    """Until the app has handlers of its own: leave, and give the terminal back on the way."""
    raise SystemExit(128 + number)


def _account(config: Config, profile: str | None) -> Account | None:
    if profile is None and not config.accounts:
        return None
    return config.account(profile)


def need_a_terminal() -> None:
    """Raise UsageError where the app cannot draw or take keys."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The app needs a terminal.", "For scripts there are verbs: `agentmail-tui --help`."
        )
    if not sys.stderr.isatty():
        raise UsageError(
            "The app draws on standard error, and that is no terminal here.",
            "Start it without `2>`; crash reports and logs have files of their own.",
        )
