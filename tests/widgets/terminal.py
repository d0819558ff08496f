"""Runs a program of the tests in a real terminal device and keeps what it writes."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pyte

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
_QUERY = re.compile(rb"\x1b\[\?(\d+)\$p")
# pyte prints private sequences that it does not know; a terminal swallows them.
_UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[<>=][0-?]*[ -/]*[@-~]|\x1b\[\?[0-9;]*\$p|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
)
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?)?\Z")
"""The beginning of a sequence that is cut in two: the device hands over what fits."""
ESCAPE = "\x1b[27u"
"""The key as terminals send it that tell it from the start of a sequence."""
_F12 = "\x1b[24~"


def painted_mark(number: int) -> str:
    """A mode that no terminal has: a program of the tests sets it when it has painted everything."""
    return f"\x1b[?{7_000 + number}h"


def _surroundings() -> dict[str, str]:
    """The environment without a size: the device has one, and pytest-xdist gives its workers 80x24."""
    return {name: said for name, said in os.environ.items() if name not in ("COLUMNS", "LINES")}


class Terminal:
    """A pseudo-terminal with a program in it and a screen behind it."""

    def __init__(
        self,
        arguments: list[str],
        columns: int = 80,
        rows: int = 24,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.written = bytearray()
        self._begun = b""
        self._marks = 0
        self._is_open = True
        master, slave = os.openpty()
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        self.settings = termios.tcgetattr(slave)
        """Those of the device before the program is in it."""
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env={**_surroundings(), "COLORTERM": "truecolor", **(environ or {})},
            start_new_session=True,
        )
        os.close(slave)
        self._master = master

    def read(self, seconds: float) -> bytes:
        """One chunk, or nothing after so many seconds or at the end."""
        if not select.select([self._master], [], [], seconds)[0]:
            return b""
        try:
            chunk = os.read(self._master, 1 << 16)
        except OSError:
            return b""
        self.written += chunk
        self._take(self._begun + chunk)
        return chunk

    def _take(self, said: bytes) -> None:
        """Answer what is asked and draw the rest; what is no whole sequence waits for its end."""
        cut = _UNFINISHED.search(said)
        whole, self._begun = (said[: cut.start()], cut[0]) if cut else (said, b"")
        for query in _QUERY.finditer(whole):
            answer = b"2" if query[1] == b"2026" else b"0"
            os.write(self._master, b"\x1b[?%s;%s$y" % (query[1], answer))
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", whole))

    def until(self, seen: Callable[[pyte.Screen], bool]) -> bytes:
        """What is written until the screen shows what is waited for."""
        start = len(self.written)
        self._read_until(lambda: seen(self.screen))
        return bytes(self.written[start:])

    def painted(self, keys: str = "") -> bytes:
        """What is written until all that these keys and those before did is painted.

        For programs that answer F12 with a mark. An Escape must be `ESCAPE`, not a lone byte.
        """
        start = len(self.written)
        self.press(keys + _F12)
        self._marks += 1
        mark = painted_mark(self._marks).encode()
        self._read_until(lambda: mark in self.written[start:])
        end = self.written.index(mark, start)
        del self.written[end : end + len(mark)]
        return bytes(self.written[start:end])

    def _read_until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, "\n".join(self.screen.display)
            self.read(1.0)

    @property
    def descriptor(self) -> int:
        """The device, to ask for its settings."""
        return self._master

    def press(self, keys: str) -> None:
        self.press_bytes(keys.encode())

    def press_bytes(self, typed: bytes) -> None:
        os.write(self._master, typed)

    def finish(self) -> bytes:
        """Everything written until the program ends by itself."""
        while self.read(PATIENCE):
            pass
        self.process.wait(PATIENCE)
        return bytes(self.written)

    def hang_up(self) -> None:
        """Close the terminal while the program runs in it."""
        os.close(self._master)
        self._is_open = False

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._is_open:
            self.hang_up()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def gutter_row(screen: pyte.Screen) -> int | None:
    """The screen row of the cursor bar."""
    rows = [y for y, row in enumerate(screen.display) if row.startswith("▌")]
    return rows[0] if rows else None
