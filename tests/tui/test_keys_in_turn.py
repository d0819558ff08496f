"""A key waits for the one before it, however long that takes, but not for one whose widget has gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.events import Event, Key
from textual.widgets import Input

from tests.patience import PATIENCE
from tests.tui.app_stage import Stage, press, until
from tests.widgets.stage import settled
from tui import key_queue
from tui.key_queue import KeyDone, KeyQueue


class Looks:
    """What was found each time that a key was looked for; `several` is set when that is known."""

    def __init__(self) -> None:
        self.found: list[bool] = []
        self.several = asyncio.Event()

    def add(self, is_lost: bool) -> bool:
        self.found.append(is_lost)
        if len(self.found) > 20:
            self.several.set()
        return is_lost


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """A key is looked for all the time, as on a machine where everything takes longer than that."""
    looks, is_lost = Looks(), KeyQueue._is_lost
    monkeypatch.setattr(key_queue, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(KeyQueue, "_is_lost", lambda self: looks.add(is_lost(self)))
    return looks


async def test_keys_typed_behind_one_that_takes_long_get_where_it_leads(looks: Looks) -> None:
    stage, goes_on = Stage(), asyncio.Event()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await press(pilot)
        # The screen is busy with something else.
        stage.mail.call_later(goes_on.wait)
        typing = asyncio.ensure_future(press(pilot, "/", *"edz", "enter"))
        await asyncio.wait_for(looks.several.wait(), PATIENCE)
        goes_on.set()
        await typing
        assert not any(looks.found)
        assert stage.mail.finding.view.filter.text == "edz"
        assert stage.engine.requests == []


class Going(App[None]):
    """Two fields; the first goes with the first key."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = KeyQueue(self, super().on_event)

    def compose(self) -> ComposeResult:
        yield Input(id="first")
        yield Input(id="second")

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key) and not event.is_forwarded:
            await self.queue.take(event)
        else:
            await super().on_event(event)

    async def on_key_done(self, message: KeyDone) -> None:
        if self.query("#first"):
            # As if the widget had gone before it could tell.
            self.query_one("#first").remove()
            return
        await self.queue.done(message.number)


async def test_a_key_whose_widget_has_gone_holds_up_no_other(looks: Looks) -> None:
    app: App[Any] = Going()
    async with app.run_test() as pilot:
        app.query_one("#first", Input).focus()
        for key in "abc":
            app.post_message(Key(key, key))
        await until(pilot, lambda: app.query_one("#second", Input).value == "bc")
        await settled(app)
        assert looks.found.count(True) == 1
