"""Typing into the real program and killing it; what is on the disk afterwards, and how old the loss is."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from services.draft import Draft
from services.outbound.drafts.draft_store import Drafts
from services.outbound.log.store import OutboundStore
from tests.tui.app_stage import real_profile
from tests.widgets.terminal import Terminal

NOWHERE = "http://127.0.0.1:9"
"""A service that does not answer: writing needs none."""
AT_ONCE = 4
WORDS = "Please check column F of the quarterly numbers before noon and tell Maria what you find. "


@dataclass(frozen=True)
class Killed:
    """What one run came to: `lost_age` is how long before the end the oldest lost letter was pressed."""

    typed: str
    drafts: tuple[Draft, ...]
    lost_age: float

    @property
    def is_prefix(self) -> bool:
        return all(self.typed.startswith(draft.body) for draft in self.drafts)


def program(folder: Path) -> list[str]:
    return ["-m", "tests.tui.app_stage", NOWHERE, "no-token", str(folder), "ops@agents.example.com"]


def begin_writing(terminal: Terminal) -> None:
    """From the start of the program to the text of a new draft."""
    terminal.until(lambda screen: "help" in screen.display[-1])
    # In one go, as fast as a slow line delivers them.
    terminal.press("cresearch@agents.example.com\rNumbers\r")
    terminal.until(lambda screen: "Numbers" in screen.display[2])


def type_letters(terminal: Terminal, text: str) -> list[float]:
    """Type a text a few letters at a time; when each was pressed."""
    pressed: list[float] = []
    for start in range(0, len(text), AT_ONCE):
        letters = text[start : start + AT_ONCE]
        pressed += [time.monotonic()] * len(letters)
        terminal.press(letters)
        shown = text[: start + AT_ONCE].replace(" ", "")
        terminal.until(lambda screen, shown=shown: shown in _body(screen.display))  # type: ignore[misc]
    return pressed


def _body(rows: list[str]) -> str:
    return "".join(row.replace(" ", "") for row in rows[4:-1])


def kept_in(folder: Path) -> tuple[Draft, ...]:
    """The drafts of the account whose files lie in `folder`."""
    profile = real_profile(NOWHERE, "no-token", folder, "ops@agents.example.com")
    drafts = Drafts(OutboundStore.open(profile.folder))
    return tuple(drafts.get(row.draft_id) for row in drafts.rows())


def killed_once(folder: Path, seed: int) -> Killed:
    """Type for a random while, kill the program, and look at the disk."""
    chance = random.Random(seed)
    text = (WORDS * 3)[: chance.randrange(4, 90)]
    with Terminal(program(folder)) as terminal:
        begin_writing(terminal)
        pressed = type_letters(terminal, text)
        # Not at the same moment of an autosave each time.
        terminal.read(chance.random() * 1.5)
        end = time.monotonic()
        terminal.process.kill()
        terminal.process.wait()
    drafts = kept_in(folder)
    saved = max((len(draft.body) for draft in drafts), default=0)
    lost_age = end - pressed[saved] if saved < len(pressed) else 0.0
    return Killed(text, drafts, lost_age)


def killed(folder: Path, count: int, at_once: int = 4) -> list[Killed]:
    """The same many times, some at the same time."""
    folders = [folder / str(number) for number in range(count)]
    for one in folders:
        one.mkdir()
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(killed_once, folders, range(count)))
