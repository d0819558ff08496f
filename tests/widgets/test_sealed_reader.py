"""What stands outside of an encrypted block is marked on every row, wherever one has scrolled to."""

from __future__ import annotations

from services.reading.opened import outside_lines
from services.safe_text import SafeText, ui
from services.shown_mail import BodyLine, LineKind, Link
from tests.widgets.stage import Stage, body_of, hostile_strings, screen_rows, settled
from tests.widgets.test_reading import TRUSTED, message
from widgets.glyphs import ASCII
from widgets.link_list import link_parts
from widgets.reader import Reader


def lines(*texts: str, quote: int = 0) -> tuple[BodyLine, ...]:
    kind = LineKind.QUOTE if quote else LineKind.TEXT
    return tuple(BodyLine(SafeText(text), kind, quote) for text in texts)


async def shown(body: list[BodyLine], size: tuple[int, int], *, scroll: int = 0) -> list[str]:
    reader = Reader()
    app = Stage(reader, ready=lambda _stage: reader.show_message(message(body), TRUSTED))
    async with app.run_test(size=size) as pilot:
        await settled(pilot.app)
        reader.scroll_rows(scroll)
        await settled(pilot.app)
        return [row.rstrip() for row in screen_rows(app)]


async def test_a_rule_says_what_begins_behind_it_and_each_row_after_it_has_a_mark() -> None:
    around = outside_lines((*lines("pay here", ""), *lines("q", quote=1), *lines("x " * 60)))
    rows = await shown([*lines("the secret"), *around], (80, 12))
    assert rows[0] == " the secret"
    assert rows[1].startswith("── Not encrypted: anybody may have written what follows ─")
    assert rows[2:5] == ["!pay here", "!", "!│ q"]
    assert rows[5].startswith("!x x")
    assert rows[6].startswith("!x x"), "a wrapped line is marked on each of its rows"


async def test_the_mark_stays_in_sight_when_the_rule_is_scrolled_away() -> None:
    around = outside_lines(lines(*("." for _ in range(200)), "decrypted for you"))
    rows = await shown([*lines("the secret"), *around], (80, 10), scroll=500)
    assert "!decrypted for you" in rows
    assert all(row.startswith("!") for row in rows if row)


async def test_folded_quotations_outside_are_marked_too() -> None:
    quoted = outside_lines((*lines("see"), *lines(*"abcdefgh", quote=1)))
    rows = await shown([*lines("the secret"), *quoted], (80, 12))
    assert "!▸ 8 quoted lines" in rows


async def test_a_narrow_pane_shows_all_words_of_the_rule() -> None:
    rows = await shown([*lines("a"), *outside_lines(lines("b"))], (40, 12))
    assert "anybody may have" in " ".join(rows)
    assert "what follows" in " ".join(row.replace("─", "") for row in rows)


async def test_no_protected_text_reaches_the_column_of_the_mark() -> None:
    body = [
        line
        for _, text in hostile_strings()
        for line in body_of(text)
        if line.kind in (LineKind.TEXT, LineKind.QUOTE)
    ]
    assert len(body) > 50
    rows = await shown(body, (80, 200))
    assert [row for row in rows if row[:1] not in ("", " ")] == []


def test_a_link_outside_is_told_as_not_encrypted() -> None:
    link = Link(1, ui("x"), ui("https://a.example/"), ui("a.example"), outside=True)
    row = "".join(text for text, _ in link_parts(link, 80, ASCII))
    assert "not encrypted" in row
