"""The text under the editor: what gets in, what is undone, and where the cursor goes."""

from __future__ import annotations

import random

import pytest

from tests.widgets.stage import hostile_strings
from tests.widgets.test_terminal_bytes import foreign
from widgets.text_buffer import Kind, TextBuffer
from widgets.text_flow import TextFlow


def typed(text: str) -> TextBuffer:
    buffer = TextBuffer()
    for letter in text:
        buffer.insert(letter, Kind.TYPED)
    return buffer


@pytest.mark.parametrize(("name", "text"), hostile_strings(), ids=lambda value: str(value)[:20])
def test_nothing_hostile_gets_in_by_loading_pasting_or_typing(name: str, text: str) -> None:
    pasted = TextBuffer()
    pasted.insert(text)
    for buffer in (TextBuffer(text), pasted, typed(text[:500])):
        shown = buffer.text.replace("\n", "")
        for allowed in "\u200c\u200d":
            # Some scripts are not spelt right without them.
            shown = shown.replace(allowed, "")
        assert foreign(shown.encode("utf-8")) == [], name


def test_a_burst_of_letters_is_undone_word_by_word_and_done_again() -> None:
    buffer = typed("one two three")
    seen = []
    while buffer.undo():
        seen.append(str(buffer.text))
    assert seen == ["one two ", "one ", ""]
    while buffer.redo():
        pass
    assert buffer.text == "one two three"


def test_deleted_letters_come_back_together_with_the_cursor_behind_them() -> None:
    buffer = typed("abcdef")
    for _ in range(3):
        buffer.delete(buffer.left_of(buffer.cursor))
    assert buffer.text == "abc"
    buffer.undo()
    assert (buffer.text, buffer.cursor) == ("abcdef", (0, 6))


def test_a_letter_with_its_marks_is_one_step() -> None:
    buffer = TextBuffer("a👩\u200d💻é漢")
    places = [0]
    while (place := buffer.right_of((0, places[-1]))[1]) != places[-1]:
        places.append(place)
    assert places == [0, 1, 4, 5, 6]
    back = [6]
    while back[-1]:
        back.append(buffer.left_of((0, back[-1]))[1])
    assert back == [6, 5, 4, 1, 0]


def test_words_are_steps_in_both_directions() -> None:
    buffer = TextBuffer("Dear Maria, see: below")
    place, stops = (0, 0), []
    while place != buffer.end:
        place = buffer.word_right_of(place)
        stops.append(place[1])
    assert stops == [4, 10, 11, 15, 16, 22]
    assert buffer.word_left_of((0, 22)) == (0, 17)
    assert buffer.word_left_of((0, 10)) == (0, 5)


def test_a_thousand_random_changes_are_undone_to_the_start_and_done_again_to_the_end() -> None:
    chance = random.Random(4)
    buffer = TextBuffer("a first line\nand a second one\n\n> quoted")
    first = buffer.text
    for _ in range(900):
        line = chance.randrange(len(buffer.lines))
        buffer.go((line, chance.randrange(len(buffer.lines[line]) + 1)))
        if chance.random() < 0.3:
            other = chance.randrange(len(buffer.lines))
            buffer.go((other, chance.randrange(len(buffer.lines[other]) + 1)), selecting=True)
        chance.choice(
            (
                lambda: buffer.insert(chance.choice(("x", "words here", "two\nlines", "漢字"))),
                lambda: buffer.insert("t", Kind.TYPED),
                lambda: buffer.delete(buffer.left_of(buffer.cursor)),
                lambda: buffer.delete(buffer.word_right_of(buffer.cursor)),
            )
        )()
    last = buffer.text
    while buffer.undo():
        pass
    assert buffer.text == first
    while buffer.redo():
        pass
    assert buffer.text == last


@pytest.mark.parametrize("width", [2, 7, 20, 78])
def test_rows_that_are_kept_over_changes_are_the_rows_of_a_fresh_text(width: int) -> None:
    chance = random.Random(width)
    buffer = TextBuffer("lorem ipsum dolor sit amet " * 8 + "\n" + "漢字" * 30 + "\n" + "x" * 99)
    flow = TextFlow(buffer, width)
    for _ in range(300):
        line = chance.randrange(len(buffer.lines))
        buffer.go((line, chance.randrange(len(buffer.lines[line]) + 1)))
        buffer.insert(chance.choice(("a", " ", "  long words ", "字", "\n"))) if (
            chance.random() < 0.6
        ) else buffer.delete(buffer.left_of(buffer.cursor))
        fresh = TextFlow(TextBuffer(buffer.text), width)
        assert _rows(flow) == _rows(fresh)


def _rows(flow: TextFlow) -> list[tuple[int, int, int]]:
    row, found = (0, 0), []
    while row is not None:
        found.append((row[0], *flow.span(row)))
        row = flow.below(row)  # type: ignore[assignment]
    return found


def test_every_place_is_in_the_row_that_shows_it() -> None:
    buffer = TextBuffer("some words and aVeryLongWordThatIsBroken 漢字漢字漢字 end  with   gaps")
    flow = TextFlow(buffer, 10)
    for column in range(len(buffer.lines[0]) + 1):
        row = flow.row_of((0, column))
        start, _ = flow.span(row)
        following = flow.below(row)
        end = flow.span(following)[0] if following else len(buffer.lines[0]) + 1
        assert start <= column < end
        assert flow.cell_of((0, column)) <= 10
