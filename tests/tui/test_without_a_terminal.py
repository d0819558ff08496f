"""The app started where it cannot draw: it says so at once, and writes no screen into a file."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("stdin", "The app needs a terminal."),
        ("stdout", "The app needs a terminal."),
        ("stderr", "draws on standard error, and that is no terminal here."),
    ],
)
@pytest.mark.parametrize("verb", [(), ("demo",)], ids=["app", "demo"])
def test_each_of_the_three_has_to_be_a_terminal(
    missing: str, said: str, verb: tuple[str, ...]
) -> None:
    outer, inner = pty.openpty()
    ends: dict[str, int] = dict.fromkeys(("stdin", "stdout", "stderr"), inner)
    ends[missing] = subprocess.DEVNULL if missing == "stdin" else subprocess.PIPE
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tui", *verb],
            **ends,
            cwd=ROOT,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        told = (done.stderr or b"") if missing == "stderr" else os.read(outer, 10_000)
    finally:
        os.close(inner)
        os.close(outer)
    assert done.returncode == 2
    assert said in " ".join(told.decode().split())
    assert b"\x1b[?1049h" not in told + (done.stdout or b"")
