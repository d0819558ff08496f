"""What reading a mail costs in processor time, as ratios: rates and limits hold on any machine.

Run with `python -m pytest tests/bench/test_reading_rate.py -s` to see the figures.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path

from services.reading.html_text import load_parser
from services.reading.render import parse_mail, present
from services.reading.render_process import RenderWorker
from tests.services.mail_corpora import all_mails, generate_hostile_mails

_STEPS = 2_000_000


def _unit() -> float:
    """Processor seconds that this machine takes for a fixed loop: the yardstick of the ratios."""
    start = time.process_time()
    for _ in range(_STEPS):
        pass
    return time.process_time() - start


def _spent(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _read(raw: bytes) -> None:
    present(parse_mail(raw))


def test_an_ordinary_mail_costs_a_small_part_of_the_yardstick() -> None:
    load_parser()
    mails = [path.read_bytes() for path in all_mails()]
    spent = _spent(lambda: [_read(raw) for raw in mails])
    print(f"\n{len(mails) / spent:.0f} mails a processor second, {len(mails)} mails")
    assert spent / len(mails) / _unit() < 0.1


def test_no_bomb_costs_more_than_a_second_on_a_slow_machine(tmp_path: Path) -> None:
    load_parser()
    costs = []
    for path in generate_hostile_mails(tmp_path / "mails"):
        raw = path.read_bytes()
        costs.append((_spent(lambda raw=raw: _read(raw)), path.name))  # type: ignore[misc]
    print("\nworst:", [(f"{spent:.2f} s", name) for spent, name in sorted(costs, reverse=True)[:5]])
    assert max(costs)[0] / _unit() < 20


def test_cost_grows_with_size_not_faster() -> None:
    load_parser()
    for head, piece in ((b"From: ", b'"a" <a@b.example>, '), (b"Content-Type: text/html\n\n", b"<p>x <a href=y>z</a>"),
                        (b"Content-Type: text/plain; x", b"; p=v"), (b"\n", b"> quoted text https://x.example/\n")):  # fmt: skip
        small, large = head + piece * 500 + b"\n\nx", head + piece * 2_500 + b"\n\nx"
        once = min(_spent(lambda: _read(small)) for _ in range(5))  # noqa: B023
        five = min(_spent(lambda: _read(large)) for _ in range(5))  # noqa: B023
        print(f"\n{piece[:12]!r}: five times the size costs {five / once:.1f} times the time")
        assert five / once < 12


def test_the_worker_stays_small_over_all_mails() -> None:
    worker = RenderWorker()
    start = time.monotonic()
    mails = [path.read_bytes() for path in all_mails()]
    for raw in mails:
        worker.render_sync(raw)
    passed = time.monotonic() - start
    status = Path(f"/proc/{worker.pid}/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    worker.close()
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"\n{len(mails) / passed:.0f} mails/s by the clock; worker peak {peak} MB, this process {ours} MB"
    )
    assert peak < 300
