"""Writing, its dialogs and the list of drafts as plain rows at three sizes (see test_snapshots)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from services.draft import Draft, DraftFile, DraftKind, Encryption
from tests.fakes.fake_drafts import FakeDrafts
from tests.fakes.rows import NOON
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.compose_stage import begin, letters, stage_with
from tests.tui.test_snapshots import SIZES, compare

FILES = (
    DraftFile(Path("/tmp/report.pdf"), "report.pdf", "application/pdf", 1_400_000),
    DraftFile(Path("/tmp/numbers.csv"), "numbers.csv", "text/csv", 31_200),
)
REPLY = replace(
    Draft.begin(DraftKind.REPLY, now=NOON),
    to=("research@agents.example.com",), cc=("Maria Ortiz <maria@shop.example>",),
    subject="Re: Findings on supplier risk",
    body="Column F is right, the total is not.\n\n"
    "On 3 Nov 2026, Research Agent wrote:\n> All of it is in column F.\n> > Which column?\n",
    files=FILES, encryption=Encryption.REQUIRED, answers_encrypted=True, in_reply_to="<1@x>",
)  # fmt: skip
IN_CLEAR = replace(REPLY, encryption=Encryption.NONE, files=())
KEPT = {
    "d1": replace(REPLY, draft_id="d1", changed_at=NOON),
    "d2": replace(IN_CLEAR, draft_id="d2", subject="", changed_at=NOON - 90_000),
    "d3": replace(Draft.begin(), draft_id="d3", subject="An idea", changed_at=NOON - 900_000),
}
SCREENS: dict[str, tuple[Draft | None, tuple[str, ...]]] = {
    "compose-new": (None, ("c",)),
    "compose-reply": (REPLY, ("r",)),
    "compose-in-clear": (IN_CLEAR, ("r",)),
    "compose-suggestions": (None, ("c", *"e")),
    "compose-more": (REPLY, ("r", "ctrl+g")),
    "compose-details": (REPLY, ("r", "ctrl+g", "d")),
    "compose-later": (REPLY, ("r", "ctrl+g", "l", *letters("tomorrow 9:30"))),
    "compose-marketplace": (REPLY, ("r", "ctrl+g", "m")),
    "compose-help": (REPLY, ("r", "f1")),
    "drafts": (None, ("g", "d")),
}
SHOWN = {
    (60, 20): tuple(SCREENS),
    (80, 24): tuple(SCREENS),
    (140, 40): ("compose-new", "compose-reply", "drafts"),
}
AWAITED = {
    "compose-suggestions": "market@agents",
    "compose-marketplace": "0.02 USD",
    "drafts": "An idea",
}


@pytest.mark.parametrize("size", SIZES, ids=["60x20", "80x24", "140x40"])
async def test_every_screen_about_writing_looks_as_agreed(size: tuple[int, int]) -> None:
    for name in SHOWN[size]:
        begun, keys = SCREENS[name]
        stage = stage_with(FakeDrafts(begun=begun, kept=dict(KEPT)))
        async with stage.app.run_test(size=size) as pilot:
            if keys[0] in "cr":
                await begin(pilot, stage, keys[0])
                await press(pilot, *keys[1:])
            else:
                await press(pilot, *keys)
            wanted = AWAITED.get(name, "")
            await until(pilot, lambda app=stage.app, wanted=wanted: wanted in text_of(app))
            compare(name, size, rows_of(stage.app))


@pytest.mark.parametrize("size", SIZES[:2], ids=["60x20", "80x24"])
async def test_the_file_picker_looks_as_agreed(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "figures").mkdir()
    for name, length in (("notes.txt", 12), ("report.pdf", 140_000), ("bad\x1bname", 1)):
        (tmp_path / name).write_bytes(b"x" * length)
    monkeypatch.setenv("HOME", str(tmp_path))
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=size) as pilot:
        await begin(pilot, stage)
        await press(pilot, "ctrl+t")
        await until(pilot, lambda: "report.pdf" in text_of(stage.app))
        await press(pilot, "down", "ctrl+t")
        compare("compose-files", size, rows_of(stage.app))
