"""Ratios of the widgets' costs: a list and a body must not cost more because they are long.

Run with `pytest tests/bench/test_widget_bench.py -s`; the ratios are printed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from services.safe_text import EMPTY, SafeText
from services.shown_mail import BodyLine, RenderedMessage, TrustFacts
from tests.fakes.rows import FakeManyRows
from tests.widgets.stage import Stage, clock, screen_rows
from widgets.message_list import MessageList
from widgets.reader import Reader

TRUST = TrustFacts(True, False, False)


def best(work: Callable[[], object], rounds: int = 7) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def drawn(widget: MessageList | Reader) -> None:
    widget.render_lines(widget.size.region)


async def list_times(count: int) -> dict[str, float]:
    messages = MessageList(clock=clock)
    app = Stage(messages, ready=lambda _stage: messages.show(FakeManyRows(count)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()

        def show() -> None:
            messages.show(FakeManyRows(count, shift=1), keep=False)
            drawn(messages)

        def step() -> None:
            messages.action_cursor_down()
            messages.action_cursor_up()
            drawn(messages)

        def page() -> None:
            messages.action_page_down()
            drawn(messages)
            messages.action_page_up()
            drawn(messages)

        return {"show": best(show), "step": best(step), "page": best(page)}


@pytest.mark.parametrize("what", ["show", "step", "page"])
async def test_a_list_of_100_000_costs_no_more_than_one_of_1_000(what: str) -> None:
    small = await list_times(1_000)
    large = await list_times(100_000)
    print(f"\n{what}: {small[what] * 1e3:.2f} ms, {large[what] * 1e3:.2f} ms at 100,000")
    assert large[what] <= 1.5 * small[what] + 0.000_5


async def test_a_huge_body_shows_its_first_screen_as_fast_as_a_short_one() -> None:
    def mail(text: str, lines: int) -> RenderedMessage:
        body = tuple(BodyLine(SafeText(text)) for _ in range(lines))
        return RenderedMessage(EMPTY, EMPTY, EMPTY, EMPTY, 0, body)

    reader = Reader()
    app = Stage(reader)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()

        def opened(message: RenderedMessage) -> Callable[[], None]:
            def work() -> None:
                reader.show_message(message, TRUST)
                drawn(reader)

            return work

        short = best(opened(mail("a line of text " * 4, 100)))
        long_line = best(opened(mail("x" * 1_000_000, 1)))
        many = best(opened(mail("a line of text " * 4, 50_000)))
        start = time.perf_counter()
        reader.action_last()
        drawn(reader)
        end = time.perf_counter() - start
        assert "a line" in "\n".join(screen_rows(app))
    print(f"\nshort {short * 1e3:.2f} ms, 1 MB line {long_line * 1e3:.2f} ms, ", end="")
    print(f"50,000 lines {many * 1e3:.2f} ms, to their end {end * 1e3:.0f} ms")
    assert long_line <= 5 * short + 0.005
    assert many <= 20 * short + 0.05
