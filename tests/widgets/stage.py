"""A small app that shows widgets, for headless tests and, run as a program, for a real terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.driver import Driver
from textual.keys import _character_to_key
from textual.message import Message
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.widget import Widget

from services.models import LabelCount, MailboxCounts, RowFlag, SyncPhase, SyncState
from services.safe_text import SafeText, clean_line, clean_text, clean_url, ui
from services.shown_mail import (
    AttachmentView,
    BodyLine,
    HeaderLine,
    LineKind,
    Link,
    RenderedMessage,
    TrustFacts,
)
from tests.fakes.rows import NOON, FakeManyRows, FakeRows, make_row
from tests.widgets.terminal import painted_mark
from tui import themes
from widgets.attachment_list import AttachmentList
from widgets.hint_bar import Hint, HintBar
from widgets.link_list import LinkList
from widgets.mailbox_list import MailboxList
from widgets.message_list import MessageList
from widgets.plain import Plain
from widgets.query_line import QueryLine
from widgets.reader_pane import ReaderPane
from widgets.status_line import StatusLine


class Stage(App[None]):
    """Shows widgets under one of our themes and keeps the messages that they post."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        *shown: Widget,
        theme: str = "dark",
        driver_class: type[Driver] | None = None,
        ready: Callable[[Stage], None] | None = None,
    ) -> None:
        super().__init__(driver_class=driver_class)
        self.shown = shown
        self.ready = ready
        self.heard: list[Message] = []
        themes.install(self, theme)
        self.animation_level = "none"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variable_defaults()

    def compose(self) -> ComposeResult:
        yield from self.shown

    def on_mount(self) -> None:
        if self.ready is not None:
            self.ready(self)

    def on_message_list_opened(self, message: MessageList.Opened) -> None:
        self.heard.append(message)

    def on_message_list_cursor_moved(self, message: MessageList.CursorMoved) -> None:
        self.heard.append(message)

    def on_message_list_selection_changed(self, message: MessageList.SelectionChanged) -> None:
        self.heard.append(message)

    def on_mailbox_list_chosen(self, message: MailboxList.Chosen) -> None:
        self.heard.append(message)

    def on_link_list_chosen(self, message: LinkList.Chosen) -> None:
        self.heard.append(message)

    def on_attachment_list_chosen(self, message: AttachmentList.Chosen) -> None:
        self.heard.append(message)

    def on_query_line_changed(self, message: QueryLine.Changed) -> None:
        self.heard.append(message)

    def on_query_line_submitted(self, message: QueryLine.Submitted) -> None:
        self.heard.append(message)

    def on_query_line_cancelled(self, message: QueryLine.Cancelled) -> None:
        self.heard.append(message)


def screen_rows(app: App[None]) -> list[str]:
    """The screen as plain rows (the one place that knows the compositor's private name)."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def clock() -> float:
    return NOON + 1_800


# ── hostile text in every place of every widget ──────────────────────────────────────────────────


def hostile_strings() -> list[tuple[str, str]]:
    folder = os.environ.get("MAIL_CORPORA")
    here = Path(folder) if folder else Path(__file__).resolve().parents[3] / "shared" / "corpora"
    found = json.loads((here / "generated" / "strings.json").read_text())["strings"]
    return [(name, text) for name, text in found]


def body_of(text: str) -> tuple[BodyLine, ...]:
    cleaned = clean_text(text).text
    lines = [SafeText(line) for line in cleaned.split("\n")]
    return (
        *(BodyLine(line) for line in lines),
        *(BodyLine(line, LineKind.QUOTE, 2) for line in lines),
        BodyLine(clean_line(text), LineKind.NOTICE),
    )


def hostile_message(text: str) -> RenderedMessage:
    line = clean_line(text)
    return RenderedMessage(
        from_name=line,
        from_address=line,
        to=line,
        cc=line,
        reply_to=line,
        subject=line,
        date=NOON,
        body=body_of(text),
        headers=(HeaderLine(line, line),),
        links=(Link(1, line, clean_url(text), line, line),),
        attachments=(AttachmentView(0, line, line, 1_400_000, line),),
        notes=(line,),
    )


class Gallery:
    """All widgets at once, and one call that puts a text into every place of them."""

    def __init__(self) -> None:
        self.status = StatusLine()
        self.plain = Plain()
        self.places = MailboxList()
        self.messages = MessageList(clock=clock)
        self.pane = ReaderPane(clock=clock)
        self.query = QueryLine(ui("find"))
        self.hints = HintBar()
        self.messages.styles.height = 4
        self.places.styles.height = 8
        self.places.styles.width = 30

    def widgets(self) -> Sequence[Widget]:
        return (
            self.status,
            self.plain,
            self.places,
            self.messages,
            self.pane,
            self.query,
            self.hints,
        )

    def show(self, text: str) -> None:
        line = clean_line(text)
        flags = RowFlag.UNREAD | RowFlag.FIRST_CONTACT
        rows = [
            make_row(1, subject=line, sender=line, flags=flags, labels=(line, line)),
            make_row(2, subject=ui("after"), sender=line, attachments=2),
        ]
        labels = (LabelCount(text, line, 3),)
        self.status.show_state(SyncState(SyncPhase.FAILED, sentence=line), MailboxCounts(), line)
        self.status.show_place(line, 12_345, 678)
        self.status.show_notice(line, "error", line)
        self.plain.show(line)
        self.places.show_counts(MailboxCounts(labels=labels))
        self.messages.show(FakeRows(rows), keep=False)
        trust = TrustFacts(False, True, True, 214, (line,))
        self.pane.show_message(hostile_message(text), trust, rows[0])
        self.pane.reader.show_headers(True)
        self.pane.links.remove_class("hidden")
        self.hints.show_hints([Hint(line, line, 1), Hint(ui("?"), ui("help"), 0)])


# ── as a program ─────────────────────────────────────────────────────────────────────────────────


async def settled(app: App[Any]) -> None:
    """Let the app work until every widget waits for its next message, and all is painted."""
    quiet = 0
    while quiet < 2 and not app._exit:
        await Pilot(app)._wait_for_screen()
        screen = app.screen
        pumps = (app, *screen.walk_children(with_self=True))
        unpainted = screen._layout_required or screen._repaint_required or screen._dirty_widgets
        works = not all(_at_rest(pump) for pump in pumps)
        # Twice: what a widget did last may have been to ask the screen for a new layout.
        quiet = 0 if works or unpainted or screen._callbacks else quiet + 1
        screen.call_later(screen._on_timer_update)


def key_event(key: str) -> events.Key:
    """A key as the terminal's reader makes it: a letter, or the name of another key."""
    name = _character_to_key(key) if len(key) == 1 else key
    character = " " if key == "space" else key if len(key) == 1 else None
    return events.Key(name, character)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys; each has done all that it does before the next.

    The pilot's own way goes on when the process is idle, and so it is while others have the machine.
    """
    for key in keys:
        pilot.app.post_message(key_event(key))
        await settled(pilot.app)


async def click(pilot: Pilot[Any], place: type[Widget], offset: tuple[int, int]) -> None:
    """Click on a widget; return when the click has done all that it does."""
    await pilot.click(place, offset=offset)
    await settled(pilot.app)


async def resized(pilot: Pilot[Any], width: int, height: int) -> None:
    """Give the terminal another size; Textual waits some milliseconds for more before it lays out."""
    app = pilot.app
    await pilot.resize_terminal(width, height)
    await settled(app)
    while app._resize_event is not None or app._resize_timer is not None:
        await pilot.pause(0.01)
    await settled(app)


def _at_rest(pump: MessagePump) -> bool:
    """It waits for a message. An empty queue says less: the last one may still be under way."""
    if not pump.is_running:
        # Either it has ended, or its start is still to come.
        return pump._task is None or pump._task.done()
    return any(not waiter.done() for waiter in pump._message_queue.ready_event._waiters)  # type: ignore[attr-defined]


async def say_painted(app: App[Any], number: int) -> None:
    """Set the mark in the terminal when all that has been said so far is painted."""
    await settled(app)
    assert app._driver is not None
    app._driver.write(painted_mark(number))


class Done(Message):
    """Follows the messages of a list to the app."""


class KeyStage(Stage):
    """A list with its status line, driven by keys; F12 says when what earlier keys did is painted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("j", "do('action_cursor_down')", ""),
        ("k", "do('action_cursor_up')", ""),
        ("space", "do('action_page_down')", ""),
        ("G", "do('action_last')", ""),
        ("n", "newer", ""),
        ("f12", "say_painted", ""),
        ("q", "quit", ""),
    ]
    arrived = 0
    marks = 0

    def action_do(self, name: str) -> None:
        getattr(self.query_one(MessageList), name)()

    def action_newer(self) -> None:
        self.arrived += 1
        self.query_one(MessageList).show(FakeManyRows(100_000 + self.arrived, self.arrived))
        self.show_place()

    def action_say_painted(self) -> None:
        # By the way that the list's own messages take, so behind all that earlier keys have posted.
        self.query_one(MessageList).post_message(Done())

    def on_done(self) -> None:
        self.marks += 1
        self.run_worker(say_painted(self, self.marks))

    def on_message_list_cursor_moved(self, message: MessageList.CursorMoved) -> None:
        self.show_place()

    def show_place(self) -> None:
        messages = self.query_one(MessageList)
        if os.environ.get("STAGE_PLACE") and messages.position is not None:
            status = self.query_one(StatusLine)
            status.show_place(ui("Inbox"), messages.count, messages.position + 1)


def key_stage(driver_class: type[Driver] | None) -> Stage:
    status, messages = StatusLine(), MessageList(clock=clock)
    hints = HintBar([Hint(ui("Enter"), ui("read"), 1), Hint(ui("?"), ui("help"), 0)])

    def ready(_stage: Stage) -> None:
        state = SyncState(SyncPhase.SYNCED, synced_at=NOON)
        status.show_state(state, MailboxCounts(unread=12), ui("ops-bot@agents.example.com"))
        status.show_place(ui("Inbox"), 100_000)
        messages.show(FakeManyRows(100_000))
        messages.focus()

    theme = os.environ.get("STAGE_THEME", "dark")
    return KeyStage(status, messages, hints, theme=theme, driver_class=driver_class, ready=ready)


def gallery_stage(driver_class: type[Driver] | None, texts: Sequence[str]) -> Stage:
    """Shows every text in every place, one after the other, then ends."""
    gallery = Gallery()
    left = list(texts)

    def following(stage: Stage) -> None:
        if not left:
            stage.exit()
            return
        gallery.show(left.pop(0))
        stage.call_after_refresh(stage.call_later, following, stage)

    return Stage(*gallery.widgets(), driver_class=driver_class, ready=following)


def main() -> None:
    from tui.lean_driver import LeanDriver

    driver = None if os.environ.get("STAGE_STOCK") else LeanDriver
    if sys.argv[1] == "gallery":
        gallery_stage(driver, [text for _name, text in hostile_strings()]).run()
    else:
        key_stage(driver).run()


if __name__ == "__main__":
    main()
