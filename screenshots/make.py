"""Builds the pictures of the README from the sandbox's sample mailbox; none is taken by hand.

Run `python screenshots/make.py [--png]` from the root (PNG copies, for looking at, go to a temporary
folder). Closes the trap of pictures that show what the program looked like once: same code, same mail,
same clock, same picture.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["TZ"] = "UTC"
time.tzset()
NOW = 1_793_714_700  # Tue 3 Nov 2026 14:05 UTC
STARTED = time.time()
# Before anything takes either of them for itself: ids and times stand in the pictures.
time.time = lambda: float(NOW)
LUCK = random.Random(7)
uuid.uuid4 = lambda: uuid.UUID(int=LUCK.getrandbits(128), version=4)

from textual.pilot import Pilot  # noqa: E402

from services.config import Account, Settings  # noqa: E402
from services.draft import Draft  # noqa: E402
from services.engine import Engine  # noqa: E402
from services.models import SyncPhase  # noqa: E402
from services.paths import Paths  # noqa: E402
from services.policy_config import Policy  # noqa: E402
from services.reading.render_process import RenderWorker  # noqa: E402
from services.safe_text import clean_line  # noqa: E402
from services.sandbox.process import SandboxProcess  # noqa: E402
from services.secrets import Secret, SecretStore  # noqa: E402
from tui.account_marks import marks_of  # noqa: E402
from tui.app import AgentMailApp  # noqa: E402
from tui.bridge import engine_of  # noqa: E402
from tui.first_run import AccountSetUp  # noqa: E402
from tui.profile import Profile  # noqa: E402
from tui.screens.mail import MailScreen  # noqa: E402
from tui.terminal import probe  # noqa: E402
from tui.verbs import demo  # noqa: E402

MESSAGES = 400
TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}


@dataclass(frozen=True)
class Picture:
    """One picture: its file name, the size in cells and the keys that lead to it.

    A key with a blank in front is text, typed in one go.
    """

    name: str
    size: tuple[int, int]
    keys: tuple[str, ...] = ()
    first_run: bool = False
    proposals: bool = False
    accounts: bool = False
    """On several accounts as one."""


_TEXT = """ The table is attached: 312 rows, 12 of them changed.

Column F has the amounts without tax. Please check rows 40 to 52
before you book them; the supplier sent those twice.

ops-bot"""
_LETTER = (
    "c", " billing@agents.example.com", "enter", " Returns of the third quarter", "enter",
    _TEXT,
    "ctrl+t", "ctrl+u", " returns_q3.csv", "enter",
)  # fmt: skip
_PROPOSALS = (
    ("invoicer", "jonas@weber.example", "Invoice 4821", "He asked for it yesterday.",
     "Dear Jonas,\n\ninvoice 4821 over 1,284.60 EUR is due on 4 December.\n\nops-bot"),
    ("invoicer", "billing@agents.example.com", "Booked: 12 returns", "End of the month.",
     "All 12 returns of October are booked."),
    ("researcher", "desk@paypaI-support.example", "Question about our account", "",
     "Our token is sk-live-4f9a8c7e6d5b4a39. Could you check it?"),
)  # fmt: skip


PICTURES = (
    Picture("mail-140x40", (140, 40), ("j", "enter")),
    Picture("mail-80x24", (80, 24), ("j",)),
    Picture("mail-60x20", (60, 20)),
    Picture("reader-80x24", (80, 24), ("j", "enter")),
    Picture("split-110x34", (110, 34), ("enter",)),
    Picture("labels-80x24", (80, 24), ("l",)),
    Picture("delete-80x24", (80, 24), ("d",)),
    Picture("help-80x24", (80, 24), ("question_mark",)),
    Picture("compose-80x24", (80, 24), _LETTER),
    Picture("review-80x24", (80, 24), (*_LETTER, "ctrl+x")),
    Picture("approvals-140x40", (140, 40), ("g", "p"), proposals=True),
    Picture("approvals-80x24", (80, 24), ("g", "p", "j"), proposals=True),
    Picture("accounts-140x40", (140, 40), ("j", "j"), accounts=True),
    Picture("accounts-80x24", (80, 24), ("j", "j"), accounts=True),
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
        offset = NOW - STARTED
        control.put("/_sandbox/settings", json={"clock_offset": offset}).raise_for_status()
        agent = sandbox.accounts[0].agent_id
        body = {"agent_id": agent, "count": MESSAGES, "seed": 7}
        control.post("/_sandbox/fill", json=body).raise_for_status()
    demo.fill_others(sandbox, MESSAGES)


async def _draw(sandbox: SandboxProcess, picture: Picture) -> str:
    LUCK.seed(7)
    with _folder() as folder, contextlib.chdir(folder):
        profile = _profile(sandbox, folder)
        if picture.proposals:
            await _propose(profile)
        app = (
            _app_on_all(sandbox, profile.paths)
            if picture.accounts
            else _app(profile, first_run=picture.first_run)
        )
        async with app.run_test(size=picture.size, notifications=True) as pilot:
            if not picture.first_run:
                await _until(pilot, lambda: _is_synced(app))
            for key in picture.keys:
                if key.startswith(" "):
                    written = {" ": "space", "\n": "enter"}
                    await pilot.press(*(written.get(letter, letter) for letter in key[1:]))
                else:
                    await pilot.press(key)
                await _settle(pilot)
            await _settle(pilot)
            svg = app.export_screenshot(title="agentmail-tui", simplify=True)
        app.wait_stopped()
    return svg


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder that is gone afterwards; its name stands in digests, so it is always the same."""
    folder = Path(tempfile.gettempdir()) / "agentmail-tui-pictures"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _profile(sandbox: SandboxProcess, folder: Path) -> Profile:
    first = sandbox.accounts[0]
    domain = first.address.partition("@")[2]
    policy = Policy(oversight="oversight@example.com")
    account = Account("demo", "assmbl", sandbox.base_url, domain, first.address, policy=policy)
    paths = Paths(folder / "config", folder / "data", folder / "state", folder / "cache")
    secrets = SecretStore(paths)
    secrets.keep_for_session(account, Secret(first.token))
    attached = folder / "returns_q3.csv"
    attached.write_text("row,amount\n" * 312)
    os.utime(attached, (NOW, NOW))
    return Profile(account, paths, secrets)


async def _propose(profile: Profile) -> None:
    """Let agents ask for something, as their programs do."""
    async with profile.office() as office:
        for minutes, (agent, to, subject, reason, body) in enumerate(_PROPOSALS, 1):
            draft = replace(
                Draft.begin(now=NOW - 240 * minutes), to=(to,), subject=subject, body=body,
                reason=reason,
            )  # fmt: skip
            await asyncio.to_thread(office.proposals.propose, draft, agent)


def _app(profile: Profile, *, first_run: bool) -> AgentMailApp:
    def engine(on_event: Callable[[Any], None]) -> Engine:
        return Engine(
            store_folder=profile.folder,
            provider=profile.provider,
            renderer=RenderWorker,
            on_event=on_event,
            clock=lambda: NOW,
            keychain=profile.keychain,
            office=profile.outgoing,
        )

    return AgentMailApp(
        None if first_run else engine,
        account=clean_line(profile.account.address),
        settings=Settings(),
        terminal=probe(TERMINAL),
        crash_folder=profile.paths.state_dir,
        set_up=AccountSetUp(profile.paths, profile.secrets, None),
        clock=lambda: NOW,
    )


def _app_on_all(sandbox: SandboxProcess, paths: Paths) -> AgentMailApp:
    profiles = demo.profiles_on(sandbox, paths)
    marks = marks_of([profile.account for profile in profiles])
    return AgentMailApp(
        engine_of(profiles),
        account=marks[0].title,
        accounts=marks,
        settings=Settings(),
        terminal=probe(TERMINAL),
        crash_folder=paths.state_dir,
        set_up=AccountSetUp(paths, profiles[0].secrets, None),
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
