"""The app on a fake or a real engine, for headless tests; run as a program, on a real sandbox's mailbox.

`python -m tests.tui.app_stage BASE_URL TOKEN FOLDER [ADDRESS [UNDO_SECONDS]]` opens the whole app in
this terminal.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.pilot import Pilot

import tui.app
from services.config import Account, Settings
from services.models import MessageRow
from services.paths import Paths
from services.policy_config import Policy, Repeats
from services.safe_text import SafeText, ui
from services.secrets import Secret, SecretStore
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.rows import NOON, make_row, sample_rows
from tests.patience import PATIENCE
from tests.widgets.stage import key_event, say_painted, settled
from tui.app import AgentMailApp
from tui.bridge import EngineFactory
from tui.profile import Profile
from tui.screens.mail import MailScreen
from tui.start import open_app
from tui.terminal import Terminal, probe
from widgets.account_mark import AccountMark

ADDRESS = ui("ops-bot@agents.example.com")
LOCAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
SSH = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "SSH_TTY": "/dev/pts/1"}
LAST_KEY = "f12"


class StagedApp(AgentMailApp):
    """The app, which knows by an unused key when the keys before that have done their work.

    In a terminal it also sets a mark there, when what they did is painted and may be answered.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding(LAST_KEY, "keys_done", "", priority=True)]
    # Textual looks for it beside the class that it starts.
    CSS_PATH = Path(tui.app.__file__).with_name(str(AgentMailApp.CSS_PATH))
    sets_marks = False
    _marks = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._quiet = asyncio.Event()

    def action_keys_done(self) -> None:
        self._quiet.set()
        if self.sets_marks:
            self._marks += 1
            self.run_worker(self._say_ready(self._marks))

    async def _say_ready(self, mark: int) -> None:
        """Set a mark when all is painted and a question on the screen takes its answer."""
        await settled(self)
        while not getattr(self.screen, "armed", True):
            await Pilot(self).pause(0.02)
        await say_painted(self, mark)

    def drop_keys(self) -> None:
        # The unused key may be among them.
        super().drop_keys()
        self._quiet.set()

    def exit(self, *arguments: Any, **options: Any) -> None:
        super().exit(*arguments, **options)
        self._quiet.set()

    async def take_keys(self, keys: Sequence[str]) -> None:
        """Take keys in one burst; return when they are done, held back or were the end."""
        self._quiet.clear()
        for key in (*keys, LAST_KEY):
            self.post_message(key_event(key))
        if not self._keys._held:
            await self._quiet.wait()


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """An app over a fake engine; `engine` is there once the app runs."""

    def __init__(
        self,
        rows: Sequence[MessageRow] | None = None,
        *,
        settings: Settings | None = None,
        accounts: tuple[AccountMark, ...] = (),
        environ: dict[str, str] | None = None,
        crash_folder: Path = Path("/nonexistent/crash"),
        trash: bool = False,
        **engine: Any,
    ) -> None:
        self.clock = Clock()
        self.engines: list[FakeEngine] = []
        self._rows = sample_rows().rows if rows is None else rows
        self._engine = engine
        self.app = StagedApp(
            self.factory,
            account=ADDRESS,
            accounts=accounts,
            trash=trash,
            settings=settings or Settings(),
            terminal=terminal(environ),
            crash_folder=crash_folder,
            clock=lambda: NOON + 300.0,
            monotonic=self.clock,
        )

    def factory(self, on_event: Callable[[Any], None]) -> FakeEngine:
        self.engines.append(FakeEngine(on_event, self._rows, **self._engine))
        return self.engines[-1]

    @property
    def engine(self) -> FakeEngine:
        return self.engines[-1]

    @property
    def mail(self) -> MailScreen:
        return mail_screen(self.app)

    def asked(self, kind: type) -> list[Any]:
        """What the engine was asked for of a kind, in order."""
        return [request for request in self.engine.requests if isinstance(request, kind)]


def terminal(environ: dict[str, str] | None = None) -> Terminal:
    return probe(LOCAL if environ is None else environ)


def mail_screen(app: AgentMailApp) -> MailScreen:
    found = [screen for screen in app.screen_stack if isinstance(screen, MailScreen)]
    return found[0]


def many_rows(count: int) -> tuple[MessageRow, ...]:
    return tuple(make_row(number) for number in range(count))


def rows_of(app: AgentMailApp) -> list[str]:
    """The rows of the screen as a person reads them; empty ones before it is laid out."""
    strips = app.screen._compositor.render_strips()
    rows = ["".join(segment.text for segment in strip).rstrip() for strip in strips]
    return rows or [""] * app.size.height


def text_of(app: AgentMailApp) -> str:
    return "\n".join(rows_of(app))


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Type keys in one burst, as a slow line delivers them, and wait until all have done their work.

    Without the pilot's wait of some 60 ms for each key.
    """
    app = pilot.app
    assert isinstance(app, StagedApp)
    await app.take_keys(keys)
    await settled(app)
    if not app._exit:
        await pilot.pause()
    await settled(app)


async def until(pilot: Pilot[Any], seen: Callable[[], object], patience: float = PATIENCE) -> None:
    """Let the app work until something is the case; fails with the screen's text."""
    end = asyncio.get_running_loop().time() + patience
    while not seen():
        assert asyncio.get_running_loop().time() < end, text_of(pilot.app)
        await pilot.pause(0.02)


def real_profile(
    base_url: str, token: str, folder: Path, address: str = "", undo_seconds: str = "10"
) -> Profile:
    """A profile over a sandbox's mailbox; its cache lies in `folder`.

    As that of the demo, it may write to the outside, and knows that the sandbox suppresses repeats.
    """
    paths = Paths(folder / "config", folder / "data", folder / "state", folder / "cache")
    domain = address.partition("@")[2]
    account = Account(
        "main",
        "assmbl",
        base_url,
        mail_domain=domain,
        address=address,
        policy=Policy(oversight="oversight@example.com", undo_seconds=int(undo_seconds)),
        repeats=Repeats.SUPPRESSED,
    )
    secrets = SecretStore(paths)
    secrets.keep_for_session(account, Secret(token))
    return Profile(account, paths, secrets)


def real_app(
    engine: EngineFactory,
    title: SafeText = ADDRESS,
    crash_folder: Path = Path("/nonexistent"),
    monotonic: Callable[[], float] = time.monotonic,
) -> StagedApp:
    return StagedApp(
        engine,
        account=title,
        settings=Settings(),
        terminal=probe(os.environ),
        crash_folder=crash_folder,
        monotonic=monotonic,
    )


def main() -> int:
    base_url, token, folder = sys.argv[1:4]
    profile = real_profile(base_url, token, Path(folder), *sys.argv[4:6])
    StagedApp.sets_marks = True
    tui.app.AgentMailApp = StagedApp  # type: ignore[misc]
    return open_app((profile,), Settings())


if __name__ == "__main__":
    raise SystemExit(main())
