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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from services.config import Account, Config, Settings, load
from services.errors import MailError, UsageError
from services.paths import Paths
from services.secrets import SecretStore
from tui.profile import Profile

if TYPE_CHECKING:
    from services.cache.store import MailStore
    from services.models import RowSource
    from tui.first_picture import Picture
    from tui.terminal import Terminal


def start_app(profile: str | None = None) -> int:
    """Open the app on all accounts as one, or on the named one, else on the set-up screen."""
    need_a_terminal()
    paths = Paths.from_environment()
    config = load(paths)
    secrets = SecretStore(paths)
    profiles = [Profile(account, paths, secrets) for account in shown_accounts(config, profile)]
    return _run(profiles, paths, secrets, config.settings)


def open_app(profiles: Sequence[Profile], settings: Settings) -> int:
    """Open the app on profiles that are already known (the demo's), the default one first.

    No other account can be set up there: what were written for it would go with the demo.
    """
    first = profiles[0]
    return _run(profiles, first.paths, first.secrets, settings, can_set_up=False)


def shown_accounts(config: Config, profile: str | None = None) -> tuple[Account, ...]:
    """The accounts that the app is opened on, the default one first; none before the set-up.

    A named account stands alone, and so does the one that the environment describes.
    """
    if profile is None and not config.accounts:
        return ()
    first = config.account(profile)
    if profile is not None or first.from_environment:
        return (first,)
    return (first, *(one for one in config.accounts if one.name != first.name))


def _run(
    profiles: Sequence[Profile],
    paths: Paths,
    secrets: SecretStore,
    settings: Settings,
    *,
    can_set_up: bool = True,
) -> int:
    # Thousands of objects are made before the first frame and none of them is garbage.
    gc.disable()
    from tui.terminal import probe

    terminal = probe(os.environ)
    opened = _open_caches(profiles)
    accounts = [profile.account for profile in profiles]
    with _first_picture(opened, accounts, terminal, settings) as picture:
        from services.safe_text import ui
        from tui.account_marks import account_title, keep_trash, marks_of
        from tui.app import AgentMailApp, run
        from tui.bridge import engine_of
        from tui.first_run import AccountSetUp

        first = accounts[0] if accounts else None
        app = AgentMailApp(
            engine_of(profiles, settings.poll_seconds, opened) if profiles else None,
            account=account_title(first) if first else ui(""),
            accounts=marks_of(accounts),
            trash=keep_trash(accounts),
            settings=settings,
            terminal=terminal,
            crash_folder=paths.state_dir,
            set_up=AccountSetUp(
                paths, secrets, first, settings.poll_seconds, alone=len(accounts) == 1
            )
            if can_set_up
            else None,
            picture=picture,
        )
        return run(app, paths.state_dir)


def _open_caches(profiles: Iterable[Profile]) -> dict[str, MailStore]:
    """Open the caches for the first picture; what stands in the way, the engine meets and tells."""
    from services.cache.store import open_store

    opened = {}
    for profile in profiles:
        with suppress(MailError):
            opened[profile.account.name] = open_store(profile.folder)
    return opened


@contextmanager
def _first_picture(
    opened: Mapping[str, MailStore],
    accounts: Sequence[Account],
    terminal: Terminal,
    settings: Settings,
) -> Iterator[Picture | None]:
    """Show the cached list at once, and give the terminal back if the app never comes."""
    if not opened:
        yield None
        return
    from tui.account_marks import marks_of
    from tui.first_picture import show

    marks = {mark.name: mark for mark in marks_of(accounts)}
    theme = settings.theme or terminal.theme
    picture = show(_cached_rows(opened, accounts), terminal, theme, time.time(), marks)
    if picture is None:
        yield None
        return
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    try:
        yield picture
    finally:
        picture.take_away()


def _cached_rows(opened: Mapping[str, MailStore], accounts: Sequence[Account]) -> RowSource:
    from services.models import MailFilter

    if len(accounts) == 1:
        return opened[accounts[0].name].snapshot().select(MailFilter())
    from services.unified.snapshot import UnifiedSnapshot

    parts = {one.name: opened[one.name].snapshot() for one in accounts if one.name in opened}
    return UnifiedSnapshot(parts).select(MailFilter())


def _leave(number: int, _frame: object) -> None:
    """Until the app has handlers of its own: leave, and give the terminal back on the way."""
    raise SystemExit(128 + number)


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
