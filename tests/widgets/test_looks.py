"""How the widgets look: the screen as plain rows, kept under tests/snapshots, and two pictures.

A changed look fails here with a readable difference. `UPDATE_SNAPSHOTS=1` writes the files anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from services.models import LabelCount, MailboxCounts, SyncPhase, SyncState
from services.safe_text import SafeText, ui
from services.shown_mail import (
    AttachmentView,
    BodyLine,
    LineKind,
    Link,
    RenderedMessage,
    TrustFacts,
)
from tests.fakes.rows import NOON, FakeRows, sample_rows
from tests.widgets.stage import Stage, clock, screen_rows, settled
from widgets.glyphs import ASCII, UNICODE, Glyphs
from widgets.hint_bar import Hint, HintBar
from widgets.mailbox_list import MailboxList
from widgets.message_list import MessageList
from widgets.query_line import QueryLine
from widgets.reader_pane import ReaderPane
from widgets.status_line import StatusLine

FOLDER = Path(__file__).resolve().parents[1] / "snapshots"
SIZES = [(80, 24), (140, 40), (60, 20)]
COUNTS = MailboxCounts(
    inbox=128,
    unread=12,
    unverified=9,
    archived=3,
    total=131,
    labels=(LabelCount("ci", ui("ci"), 3), LabelCount("invoices", ui("invoices"), 18)),
)
HINTS = [
    Hint(ui(key), ui(words), rank)
    for key, words, rank in (
        ("Enter", "read", 1), ("e", "archive", 2), ("l", "label", 4), ("u", "unread", 5),
        ("x", "select", 6), ("/", "find", 3), ("z", "undo", 7), ("?", "help", 0),
    )
]  # fmt: skip


def sample_message() -> RenderedMessage:
    quote = [
        BodyLine(SafeText(f"line {n} of the mail before"), LineKind.QUOTE, 1) for n in range(14)
    ]
    body = [
        BodyLine(ui("Dear colleague,")),
        BodyLine(ui("")),
        BodyLine(ui("please process the attached payment today. " * 4)),
        BodyLine(ui("[1] View invoice")),
        BodyLine(ui("")),
        BodyLine(ui("> two lines are answered"), LineKind.TEXT),
        BodyLine(ui("in place, so they stay"), LineKind.QUOTE, 1),
        BodyLine(ui("and this one deeper"), LineKind.QUOTE, 3),
        BodyLine(ui("as they are."), LineKind.TEXT),
        *quote,
        BodyLine(ui("A part was cut at 2 MB."), LineKind.NOTICE),
        BodyLine(ui(""), LineKind.RULE),
        BodyLine(ui("漢字 and emoji 🎉 keep their cells.")),
    ]
    return RenderedMessage(
        from_name=ui("Accounts Payable"),
        from_address=ui("unknown@mail.biz"),
        to=ui("ops-bot@agents.example.com"),
        subject=ui("[URGENT] wire transfer today"),
        date=NOON,
        body=tuple(body),
        reply_to=ui("collector@elsewhere.biz"),
        links=(
            Link(1, ui("example.com/invoice"), ui("https://pay.example.biz/4821"),
                 ui("pay.example.biz"), ui("text says example.com")),
        ),
        attachments=(
            AttachmentView(0, ui("invoice.pdf"), ui("application/pdf"), 212_000, ui("ready")),
            AttachmentView(1, ui("sheet.xlsx"), ui("application/vnd.ms-excel"), None, ui("pending"), True),
        ),
    )  # fmt: skip


TRUST = TrustFacts(
    False, True, False, 214, (ui("The address looks like one that you know: unknown@mail.bit"),)
)


def status_of(glyphs: Glyphs) -> tuple[StatusLine, Callable[[], None]]:
    status = StatusLine(glyphs=glyphs)

    def fill() -> None:
        state = SyncState(SyncPhase.SYNCED, synced_at=NOON, waiting=2)
        status.show_state(state, COUNTS, ui("ops-bot@agents.example.com"))
        status.show_place(ui("Inbox"), 128, 1)

    return status, fill


def list_screen(glyphs: Glyphs = UNICODE, theme: str = "dark") -> Stage:
    status, fill = status_of(glyphs)
    messages = MessageList(glyphs=glyphs, clock=clock)

    def ready(_stage: Stage) -> None:
        fill()
        messages.show(sample_rows())
        messages.action_cursor_down()
        messages.action_toggle_select()
        messages.focus()

    return Stage(status, messages, HintBar(HINTS), theme=theme, ready=ready)


def reader_screen(glyphs: Glyphs = UNICODE, theme: str = "dark") -> Stage:
    status, fill = status_of(glyphs)
    pane = ReaderPane(glyphs=glyphs, clock=clock)

    def ready(_stage: Stage) -> None:
        fill()
        pane.show_message(sample_message(), TRUST)
        pane.links.remove_class("hidden")
        pane.reader.focus()

    return Stage(status, pane, HintBar(HINTS), theme=theme, ready=ready)


def three_panes(glyphs: Glyphs = UNICODE, theme: str = "dark") -> Stage:
    status, fill = status_of(glyphs)
    places = MailboxList(glyphs=glyphs)
    messages = MessageList(glyphs=glyphs, clock=clock)
    pane = ReaderPane(glyphs=glyphs, clock=clock)
    query = QueryLine(ui("find"))
    panes: list[Widget] = [places, messages, pane]

    def ready(_stage: Stage) -> None:
        fill()
        places.show_counts(COUNTS)
        messages.show(sample_rows())
        pane.show_message(sample_message(), TRUST)
        query.start(ui("find"), "invoice from:ledger")

    main = Vertical(status, Horizontal(*panes), query, HintBar(HINTS))
    return Stage(main, theme=theme, ready=ready)


def empty_list(glyphs: Glyphs = UNICODE) -> Stage:
    messages = MessageList(glyphs=glyphs, clock=clock)

    def ready(_stage: Stage) -> None:
        messages.show(FakeRows([]))
        messages.show_empty(ui("No mail here. r looks for new mail, g a shows all mail."))

    return Stage(messages, HintBar(HINTS), ready=ready)


SCREENS: dict[str, Callable[[], Stage]] = {
    "list": list_screen,
    "list-ascii": lambda: list_screen(ASCII),
    "reader": reader_screen,
    "reader-ascii": lambda: reader_screen(ASCII),
    "three-panes": three_panes,
    "empty": empty_list,
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", list(SCREENS))
async def test_a_screen_looks_as_it_did(name: str, size: tuple[int, int]) -> None:
    app = SCREENS[name]()
    async with app.run_test(size=size) as pilot:
        await settled(pilot.app)
        rows = screen_rows(app)
    text = "\n".join(row.rstrip() for row in rows) + "\n"
    kept = FOLDER / f"widgets-{name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        kept.write_text(text)
    assert text.splitlines() == kept.read_text().splitlines()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_three_panes_look_as_they_did_in_colour(theme: str, snap_compare: object) -> None:
    assert snap_compare(  # type: ignore[operator]
        three_panes(theme=theme),
        terminal_size=(140, 30),
        run_before=lambda pilot: settled(pilot.app),
    )
