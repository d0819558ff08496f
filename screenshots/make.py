"""Builds the pictures of the README from the sandbox's sample mailbox; none is taken by hand.

Run `python screenshots/make.py [--png]` from the root (PNG copies, for looking at, go to a temporary
folder). Closes the trap of pictures that show what the program looked like once: same code, same mail,
same clock, same picture.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["TZ"] = "UTC"
time.tzset()

from textual.pilot import Pilot  # noqa: E402

from services.config import Account, Settings  # noqa: E402
from services.engine import Engine  # noqa: E402
from services.models import SyncPhase  # noqa: E402
from services.paths import Paths  # noqa: E402
from services.reading.render_process import RenderWorker  # noqa: E402
from services.safe_text import clean_line  # noqa: E402
from services.sandbox.process import SandboxProcess  # noqa: E402
from services.secrets import Secret, SecretStore  # noqa: E402
from tui.app import AgentMailApp  # noqa: E402
from tui.first_run import AccountSetUp  # noqa: E402
from tui.profile import Profile  # noqa: E402
from tui.screens.mail import MailScreen  # noqa: E402
from tui.terminal import probe  # noqa: E402

NOW = 1_793_714_700  # Tue 3 Nov 2026 14:05 UTC
MESSAGES = 400
TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}


@dataclass(frozen=True)
class Picture:
    """One picture: its file name, the size in cells and the keys that lead to it."""

    name: str
    size: tuple[int, int]
    keys: tuple[str, ...] = ()
    first_run: bool = False


PICTURES = (
    Picture("mail-140x40", (140, 40), ("j", "enter")),
    Picture("mail-80x24", (80, 24), ("j",)),
    Picture("mail-60x20", (60, 20)),
    Picture("reader-80x24", (80, 24), ("j", "enter")),
    Picture("split-110x34", (110, 34), ("enter",)),
    Picture("labels-80x24", (80, 24), ("l",)),
    Picture("delete-80x24", (80, 24), ("d",)),
    Picture("help-80x24", (80, 24), ("question_mark",)),
    Picture("setup-80x24", (80, 24), first_run=True),
)


def main() -> int:
    """Build all pictures, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these pictures")
    parser.add_argument("--png", action="store_true", help="write PNG copies for looking at")
    arguments = parser.parse_args()
    sandbox = SandboxProcess.start()
    try:
        _fill(sandbox)
        for picture in PICTURES:
            if not arguments.names or picture.name in arguments.names:
                svg = asyncio.run(_draw(sandbox, picture))
                (ROOT / "screenshots" / f"{picture.name}.svg").write_text(svg, encoding="utf-8")
                if arguments.png:
                    _copy_as_png(picture.name, svg)
    finally:
        sandbox.stop()
    return 0


def _fill(sandbox: SandboxProcess) -> None:
    with httpx.Client(base_url=sandbox.base_url, trust_env=False, timeout=60) as control:
        offset = NOW - time.time()
        control.put("/_sandbox/settings", json={"clock_offset": offset}).raise_for_status()
        agent = sandbox.accounts[0].agent_id
        body = {"agent_id": agent, "count": MESSAGES, "seed": 7}
        control.post("/_sandbox/fill", json=body).raise_for_status()


async def _draw(sandbox: SandboxProcess, picture: Picture) -> str:
    with tempfile.TemporaryDirectory() as folder:
        app = _app(sandbox, Path(folder), first_run=picture.first_run)
        async with app.run_test(size=picture.size, notifications=True) as pilot:
            if not picture.first_run:
                await _until(pilot, lambda: _is_synced(app))
            for key in picture.keys:
                await pilot.press(key)
                await _settle(pilot)
            await _settle(pilot)
            svg = app.export_screenshot(title="agentmail-tui", simplify=True)
        app.wait_stopped()
    return svg


def _app(sandbox: SandboxProcess, folder: Path, *, first_run: bool) -> AgentMailApp:
    first = sandbox.accounts[0]
    domain = first.address.partition("@")[2]
    account = Account("demo", "assmbl", sandbox.base_url, domain, first.address)
    paths = Paths(folder / "config", folder / "data", folder / "state", folder / "cache")
    secrets = SecretStore(paths)
    secrets.keep_for_session(account, Secret(first.token))
    profile = Profile(account, paths, secrets)

    def engine(on_event: Callable[[Any], None]) -> Engine:
        return Engine(
            store_folder=profile.folder,
            provider=profile.provider,
            renderer=RenderWorker,
            on_event=on_event,
            clock=lambda: NOW,
        )

    return AgentMailApp(
        None if first_run else engine,
        account=clean_line(first.address),
        settings=Settings(),
        terminal=probe(TERMINAL),
        crash_folder=paths.state_dir,
        set_up=AccountSetUp(paths, secrets, None),
        clock=lambda: NOW,
    )


def _is_synced(app: AgentMailApp) -> bool:
    screens = [screen for screen in app.screen_stack if isinstance(screen, MailScreen)]
    return bool(screens) and screens[0].finding.sync.phase is SyncPhase.SYNCED


async def _until(pilot: Pilot[Any], seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not seen():
            await pilot.pause(0.05)
    await _settle(pilot)


async def _settle(pilot: Pilot[Any]) -> None:
    """Let the engine answer and the screen draw: three calm looks in a row."""
    calm: list[Callable[[], Awaitable[None]]] = [pilot.pause] * 3
    for look in calm:
        await look()
        await asyncio.sleep(0.25)


def _copy_as_png(name: str, svg: str) -> None:
    import cairosvg

    target = Path(tempfile.gettempdir()) / f"{name}.png"
    cairosvg.svg2png(bytestring=svg.encode(), write_to=str(target), output_width=1400)
    sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    raise SystemExit(main())
