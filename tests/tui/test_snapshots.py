"""Every screen as plain rows at three sizes, compared with tests/snapshots (UPDATE_SNAPSHOTS=1 writes)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from services.models import SyncPhase, SyncState
from services.safe_text import ui
from services.shown_mail import AttachmentView, BodyLine, HeaderLine, LineKind, Link
from tests.fakes.fake_engine import rendered
from tests.fakes.rows import sample_rows
from tests.tui.app_stage import Stage, press, rows_of, until
from tests.tui.test_setup_screen import FakeSetUp, app_with
from tests.widgets.stage import settled
from tui.app import AgentMailApp

FOLDER = Path(__file__).resolve().parents[1] / "snapshots"
SIZES = [(60, 20), (80, 24), (140, 40)]
SCREENS: dict[str, tuple[str, ...]] = {
    "list": (),
    "reader": ("enter",),
    "headers": ("enter", "h"),
    "raw": ("enter", "g", "r"),
    "links": ("enter", "L"),
    "search": ("/", *"work"),
    "server": ("/", *"contract", "ctrl+r"),
    "selection": ("x", "x", "x"),
    "sequence": ("g",),
    "labels": ("l", "o"),
    "label_filter": ("\\",),
    "mailboxes": ("m",),
    "delete": ("d",),
    "palette": ("ctrl+p", "l", "a"),
    "help": ("?",),
    "empty": ("g", "a"),
}


def sample_stage() -> Stage:
    rows = sample_rows().rows
    body = (
        BodyLine(ui("Dear colleague,")),
        BodyLine(ui("")),
        BodyLine(ui("please process the attached payment today. The invoice is due on Friday and "
                    "the supplier has asked twice [1].")),
        BodyLine(ui("")),
        *(BodyLine(ui(f"earlier words, line {number}"), LineKind.QUOTE, 1) for number in range(14)),
    )  # fmt: skip
    message = replace(
        rendered(rows[0]),
        body=body,
        headers=(
            HeaderLine(ui("Received"), ui("from mx.example by mail.example; Wed, 18 Nov 2026")),
            HeaderLine(ui("X-Priority"), ui("1")),
        ),
        links=(
            Link(1, ui("View invoice"), ui("https://pay.example.biz/i/4821?t=%E2%80%AE"),
                 ui("pay.example.biz"), ui("the text says example.com")),
        ),
        attachments=(
            AttachmentView(0, ui("invoice.pdf"), ui("application/pdf"), 212_000, ui("ready")),
        ),
        hidden_characters=214,
    )  # fmt: skip
    return Stage(rows, messages={"m0": message})


def compare(name: str, size: tuple[int, int], rows: list[str]) -> None:
    path = FOLDER / f"{name}-{size[0]}x{size[1]}.txt"
    text = "\n".join(rows) + "\n"
    assert len(rows) == size[1]
    assert all(cell_len(row) <= size[0] for row in rows)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(text)
    assert path.exists(), f"no snapshot {path.name}; write it with UPDATE_SNAPSHOTS=1"
    assert text == path.read_text()


async def opened(pilot: Pilot[int], app: AgentMailApp, until_seen: Callable[[], object]) -> None:
    await until(pilot, until_seen)
    await settled(app)


@pytest.mark.parametrize("size", SIZES, ids=["60x20", "80x24", "140x40"])
async def test_every_screen_looks_as_agreed(size: tuple[int, int]) -> None:
    for name, keys in SCREENS.items():
        stage = sample_stage()
        async with stage.app.run_test(size=size) as pilot:
            await until(pilot, lambda stage=stage: stage.mail.panes.messages.count == 8)
            await stage.mail.complete()
            if stage.mail.panes.split:
                await until(pilot, lambda stage=stage: stage.mail.reading.links)
            if keys[:1] == ("enter",):
                # What is typed before the message is there finds no links.
                await press(pilot, "enter")
                await until(pilot, lambda stage=stage: stage.mail.reading.links)
                keys = keys[1:]
            await press(pilot, *keys)
            await until(pilot, lambda stage=stage: not stage.mail.following.is_waiting)
            await settled(stage.app)
            stage.mail.status.clear_notice()
            await settled(stage.app)
            compare(name, size, rows_of(stage.app))


@pytest.mark.parametrize("size", SIZES, ids=["60x20", "80x24", "140x40"])
async def test_the_set_up_screen_looks_as_agreed(size: tuple[int, int]) -> None:
    app = app_with(FakeSetUp())
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app, lambda: "API token" in "".join(rows_of(app)))
        compare("setup", size, rows_of(app))


@pytest.mark.parametrize(
    ("name", "sync"),
    [
        ("first-sync", SyncState(SyncPhase.SYNCING, fetched=34_200)),
        ("signed-out", SyncState(SyncPhase.SIGNED_OUT, sentence=ui("The token was refused."))),
        ("offline", SyncState(SyncPhase.OFFLINE, sentence=ui("No connection to the service."))),
    ],
)
async def test_empty_states_look_as_agreed(name: str, sync: SyncState) -> None:
    stage = Stage([], sync=sync)
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage.app, lambda: stage.mail.finding.sync.phase is sync.phase)
        compare(name, (80, 24), rows_of(stage.app))
