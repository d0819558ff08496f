"""Reader, header card, trust panel and the lists below: what is shown, and what can never be faked."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from rich.cells import cell_len
from rich.color import Color as RichColor

from services.models import MessageRow
from services.safe_text import SafeText, clean_line, clean_text, ui
from services.shown_mail import (
    AttachmentView,
    BodyLine,
    HeaderLine,
    LineKind,
    Link,
    RenderedMessage,
    TrustFacts,
)
from tests.fakes.rows import NOON, make_row
from tests.widgets.stage import (
    Stage,
    body_of,
    click,
    clock,
    hostile_strings,
    press,
    resized,
    screen_rows,
    settled,
)
from widgets.attachment_list import AttachmentList, attachment_parts
from widgets.body_rows import BodyRows, pieces
from widgets.dates import Calendar
from widgets.glyphs import ASCII, UNICODE
from widgets.header_card import header_lines
from widgets.link_list import LinkList, link_parts
from widgets.reader import Reader
from widgets.reader_pane import ReaderPane
from widgets.rows import plain_row
from widgets.trust_panel import TrustPanel, trust_lines

TRUSTED = TrustFacts(verified=True, first_contact=False, encrypted=False)


def quoted(*lines: str, depth: int = 1) -> list[BodyLine]:
    return [BodyLine(SafeText(line), LineKind.QUOTE, depth) for line in lines]


def own(*lines: str) -> list[BodyLine]:
    return [BodyLine(SafeText(line)) for line in lines]


def message(body: Sequence[BodyLine], **fields: object) -> RenderedMessage:
    about: dict[str, object] = {
        "from_name": ui("Ledger Agent"),
        "from_address": ui("ledger@mail.example"),
        "to": ui("ops-bot@agents.example.com"),
        "subject": ui("Invoice 4821"),
        "date": NOON,
        "body": tuple(body),
    }
    return RenderedMessage(**{**about, **fields})  # type: ignore[arg-type]


LONG_QUOTE = quoted(*(f"quoted {number}" for number in range(14)))


# ── rows of a body ───────────────────────────────────────────────────────────────────────────────


def test_a_body_of_fifty_thousand_lines_makes_only_the_rows_that_are_seen() -> None:
    body = own(*(f"line {number}" for number in range(50_000)))
    rows = BodyRows(pieces(body, frozenset()), 80)
    assert rows.reach(24) == 24
    assert len(rows.rows) == 24
    assert rows.reach(10**9) == 50_000


def test_a_long_quotation_is_one_line_until_it_is_opened() -> None:
    body = [*own("Hello"), *LONG_QUOTE, *own("Bye")]
    closed = list(pieces(body, frozenset()))
    assert [piece.quoted for piece in closed] == [0, 14, 0]
    opened = list(pieces(body, frozenset({1})))
    assert len(opened) == 17
    assert opened[1].quoted == 14


def test_short_quotations_and_mails_of_nothing_else_are_not_folded() -> None:
    short = [*own("Hello"), *quoted("a", "b", "c"), *own("Bye")]
    assert all(not piece.quoted for piece in pieces(short, frozenset()))
    assert all(not piece.quoted for piece in pieces(LONG_QUOTE, frozenset()))


def test_a_blank_line_does_not_split_a_quotation() -> None:
    body = [*own("Hi"), *quoted("a", "b"), *own(""), *quoted("c", "d")]
    assert [piece.quoted for piece in pieces(body, frozenset())] == [0, 5]


# ── the reader ───────────────────────────────────────────────────────────────────────────────────


async def test_quotations_fold_open_and_close_by_key_and_by_click() -> None:
    reader = Reader()
    mail = message([*own("Hello"), *LONG_QUOTE, *own("Bye")])
    app = Stage(reader, ready=lambda _stage: reader.show_message(mail, TRUSTED))
    async with app.run_test(size=(60, 20)) as pilot:
        await settled(pilot.app)
        assert [row.rstrip() for row in screen_rows(app)[:3]] == [
            " Hello",
            " ▸ 14 quoted lines",
            " Bye",
        ]
        reader.toggle_quotes()
        await settled(pilot.app)
        assert [row.rstrip() for row in screen_rows(app)[1:3]] == [
            " ▾ 14 quoted lines",
            " │ quoted 0",
        ]
        reader.toggle_quotes()
        await settled(pilot.app)
        await click(pilot, Reader, (5, 1))
        await settled(pilot.app)
        assert screen_rows(app)[2].rstrip() == " │ quoted 0"
        reader.toggle_quote_here()
        await settled(pilot.app)
        assert screen_rows(app)[2].rstrip() == " Bye"


async def test_a_line_of_a_megabyte_and_fifty_thousand_lines_open_at_once() -> None:
    reader = Reader()
    huge = message([*own("x" * 1_000_000), *own(*(f"line {n}" for n in range(50_000)))])
    app = Stage(reader, ready=lambda _stage: reader.show_message(huge, TRUSTED))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot.app)
        assert screen_rows(app)[0].strip() == "x" * 78
        assert len(reader._rows.rows) <= 60
        reader.action_last()
        await settled(pilot.app)
        assert screen_rows(app)[23].strip() == "line 49999"
        assert reader.at_end
        reader.action_first()
        assert not reader.at_end


async def test_mail_text_never_stands_in_the_first_column() -> None:
    reader = Reader()
    app = Stage(reader)
    async with app.run_test(size=(60, 12)) as pilot:
        for name, text in hostile_strings():
            reader.show_message(message(body_of(text)[:-1]), TRUSTED)
            await settled(pilot.app)
            assert all(row[0] == " " for row in screen_rows(app)), name


async def test_our_own_notices_stand_in_the_first_column() -> None:
    reader = Reader()
    mail = message([*own("· cut at 2 MB"), BodyLine(ui("cut at 2 MB"), LineKind.NOTICE)])
    app = Stage(reader, ready=lambda _stage: reader.show_message(mail, TRUSTED))
    async with app.run_test(size=(60, 5)) as pilot:
        await settled(pilot.app)
        rows = screen_rows(app)
        assert rows[0].startswith(" · cut")
        assert rows[1].startswith("· cut")


async def test_a_resize_keeps_the_text_at_the_top() -> None:
    reader = Reader()
    words = " ".join(f"word{number}" for number in range(3_000))
    app = Stage(reader, ready=lambda _stage: reader.show_message(message(own(words)), TRUSTED))
    async with app.run_test(size=(80, 10)) as pilot:
        await settled(pilot.app)
        reader.scroll_rows(100)
        await settled(pilot.app)
        first = screen_rows(app)[0].split()[0]
        await resized(pilot, 50, 10)
        assert first in screen_rows(app)[0]


async def test_header_fields_are_shown_among_the_text_where_they_belong() -> None:
    reader = Reader()
    mail = message(own("Hello"), headers=(HeaderLine(ui("X-Spam"), ui("no")),))
    app = Stage(reader, ready=lambda _stage: reader.show_message(mail, TRUSTED))
    async with app.run_test(size=(60, 6)) as pilot:
        reader.show_headers(True)
        await settled(pilot.app)
        rows = [row.rstrip() for row in screen_rows(app)]
        assert rows[0] == " X-Spam: no"
        assert set(rows[1]) == {"─"}
        assert rows[2] == " Hello"


async def test_raw_lines_are_shown_as_they_are() -> None:
    reader = Reader()
    lines = tuple(clean_text(line).text for line in ("> a", "> b", "> c", "> d", "x [1]"))
    app = Stage(reader, ready=lambda _stage: reader.show_lines(lines))
    async with app.run_test(size=(60, 6)) as pilot:
        await settled(pilot.app)
        assert [row.strip() for row in screen_rows(app)[:5]] == list(lines)


# ── the card ─────────────────────────────────────────────────────────────────────────────────────


def card(mail: RenderedMessage, width: int, row: MessageRow | None = None) -> list[str]:
    lines = header_lines(mail, width, UNICODE, Calendar.at(clock()), row)
    return [plain_row(line) for line in lines]


@pytest.mark.parametrize("width", [20, 40, 58, 78, 138])
def test_every_line_of_the_card_is_as_wide_as_the_card(width: int) -> None:
    for name, text in hostile_strings():
        line = clean_line(text)
        mail = message((), from_name=line, from_address=line, to=line, cc=line, reply_to=line)
        assert {cell_len(one) for one in card(mail, width)} == {width}, name
        trust = TrustFacts(False, True, True, 3, (line,))
        lines = trust_lines(trust, width, UNICODE, ui("H"))
        assert {cell_len(plain_row(one)) for one in lines} == {width}, name


def test_the_address_stands_before_the_name() -> None:
    mail = message((), from_name=ui("security@bank.example"), from_address=ui("x@evil.example"))
    line = card(mail, 78)[1]
    assert line.index("x@evil.example") < line.index("security@bank.example")


def test_a_name_that_equals_the_address_is_not_said_twice() -> None:
    mail = message((), from_name=ui("a@b.example"), from_address=ui("a@b.example"))
    assert card(mail, 78)[1].count("a@b.example") == 1


def test_a_mail_without_a_date_shows_when_it_came() -> None:
    assert "Wed 18 Nov 11:50" in card(message((), date=0), 78, make_row(1))[1]


def test_answers_that_go_elsewhere_are_said() -> None:
    assert card(message((), reply_to=ui("other@evil.example")), 78)[-1].startswith("Reply to")


def test_the_trust_panel_says_the_worst_first_and_names_the_key() -> None:
    trust = TrustFacts(False, True, False, 214, (ui("The sender looks like a known one."),))
    lines = [plain_row(line) for line in trust_lines(trust, 90, UNICODE, ui("H"))]
    assert lines[0].rstrip() == (
        "! unverified sender · + first contact · 214 hidden characters (H show)"
    )
    assert lines[1].rstrip() == "! The sender looks like a known one."
    assert set(lines[-1]) == {"─"}
    narrow = [plain_row(line).rstrip() for line in trust_lines(trust, 40, ASCII, ui("H"))]
    assert narrow[0] == "! unverified sender - + first contact"


def test_a_flood_of_notes_leaves_room_for_the_text() -> None:
    trust = TrustFacts(True, False, True, 0, tuple(ui(f"note {n}") for n in range(50)))
    lines = [plain_row(line).rstrip() for line in trust_lines(trust, 60, UNICODE, ui("H"))]
    assert len(lines) == 6
    assert lines[4] == "  47 more lines of notes"


@pytest.mark.parametrize("theme", ["dark", "light", "contrast", "ansi"])
async def test_mail_text_never_gets_the_ground_of_the_card(theme: str) -> None:
    pane = ReaderPane(clock=clock)
    body = body_of("\x1b[48;5;236mforged\x1b[0m [1] text")
    trust = TrustFacts(False, True, True, 3, (ui("note"),))
    mail = message(body, links=(Link(1, ui("x"), ui("https://a.example"), ui("a.example")),))

    app = Stage(pane, theme=theme, ready=lambda _stage: pane.show_message(mail, trust))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot.app)
        card_grounds = grounds(pane.header.render_lines(pane.header.size.region))
        card_grounds |= grounds(pane.trust.render_lines(pane.trust.size.region))
        text_grounds = grounds(pane.reader.render_lines(pane.reader.size.region))
    assert len(card_grounds) == 1
    assert not card_grounds & text_grounds


def grounds(strips: Sequence[object]) -> set[RichColor | None]:
    found: set[RichColor | None] = set()
    for strip in strips:
        found |= {segment.style.bgcolor if segment.style else None for segment in strip}  # type: ignore[attr-defined]
    return found


async def test_the_next_message_replaces_every_fact_of_the_last_one() -> None:
    pane = ReaderPane(clock=clock)
    first = message(own("one"), subject=ui("FIRST"), reply_to=ui("r@x.example"))
    second = message(own("two"), subject=ui("SECOND"))
    app = Stage(pane, ready=lambda _stage: pane.show_empty(ui("Nothing is open.")))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot.app)
        assert "Nothing is open." in screen_rows(app)[1]
        pane.show_message(first, TrustFacts(False, True, True, 9, (ui("beware"),)))
        await settled(pilot.app)
        assert "unverified sender" in "\n".join(screen_rows(app))
        pane.show_empty(ui("Fetching …"))
        await settled(pilot.app)
        assert "FIRST" not in "\n".join(screen_rows(app))
        pane.show_message(second, TRUSTED)
        await settled(pilot.app)
        text = "\n".join(screen_rows(app))
        assert "SECOND" in text
        assert "✓ verified sender" in text
        for gone in ("FIRST", "beware", "first contact", "Reply to", "encrypted", "hidden"):
            assert gone not in text


async def test_the_card_does_not_scroll_with_the_text() -> None:
    pane = ReaderPane(clock=clock)
    mail = message(own(*(f"line {n}" for n in range(200))))
    app = Stage(pane, ready=lambda _stage: pane.show_message(mail, TRUSTED))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot.app)
        before = screen_rows(app)[:4]
        pane.reader.action_last()
        await settled(pilot.app)
        assert screen_rows(app)[:4] == before
        assert "line 199" in screen_rows(app)[-1]


# ── links and attachments ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("width", [36, 59, 79, 139])
def test_rows_of_links_and_attachments_keep_their_columns(width: int) -> None:
    for name, text in hostile_strings():
        line = clean_line(text)
        link = Link(7, line, line, line, line)
        assert cell_len(plain_row(link_parts(link, width, UNICODE))) == width, name
        file = AttachmentView(0, line, line, 1_400_000, line)
        assert cell_len(plain_row(attachment_parts(file, max(44, width), UNICODE))) == max(
            44, width
        ), name


def test_the_real_host_stands_before_the_words_of_a_link() -> None:
    link = Link(
        1, ui("https://bank.example/login"), ui("https://evil.example/"), ui("evil.example"),
        ui("text says bank.example"),
    )  # fmt: skip
    row = plain_row(link_parts(link, 100, UNICODE))
    assert row.index("evil.example") < row.index("bank.example/login")
    assert row.rstrip().endswith("! text says bank.example")


async def test_a_link_and_an_attachment_are_chosen_by_enter() -> None:
    pane = ReaderPane(clock=clock)
    links = tuple(
        Link(n, ui(f"link {n}"), ui(f"https://h{n}.example/"), ui(f"h{n}.example")) for n in (1, 2)
    )
    file = AttachmentView(0, ui("invoice.pdf"), ui("application/pdf"), 212_000, ui("ready"))
    mail = message(own("text"), links=links, attachments=(file,))
    app = Stage(pane, ready=lambda _stage: pane.show_message(mail, TRUSTED))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot.app)
        assert "∙ invoice.pdf" in screen_rows(app)[-1]
        pane.toggle_links()
        await settled(pilot.app)
        assert "h2.example" in screen_rows(app)[-1]
        await press(pilot, "down", "enter")
        chosen = [heard for heard in app.heard if isinstance(heard, LinkList.Chosen)]
        assert [one.url for one in chosen] == ["https://h2.example/"]
        pane.toggle_links()
        pane.attachments.focus()
        await press(pilot, "enter")
        assert [h.attachment for h in app.heard if isinstance(h, AttachmentList.Chosen)] == [file]


async def test_a_trust_panel_alone_shows_facts() -> None:
    panel = TrustPanel(glyphs=ASCII)
    app = Stage(panel, ready=lambda _stage: panel.show_facts(TRUSTED))
    async with app.run_test(size=(80, 6)) as pilot:
        await settled(pilot.app)
        assert "v verified sender" in screen_rows(app)[0]
