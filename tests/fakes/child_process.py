"""A child process that works on files and tells over a pipe what was acknowledged to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

Tell = Callable[[str], None]


class Child:
    """A fork of this process that runs `work(tell)` and ends; `lines` yields what it told."""

    def __init__(self, work: Callable[[Tell], None]) -> None:
        ours, theirs = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(ours)
            _run(work, theirs)
        os.close(theirs)
        self.lines = os.fdopen(ours, encoding="utf-8")

    def kill(self) -> list[str]:
        """End it with SIGKILL and return what it had told and was not read yet."""
        os.kill(self.pid, signal.SIGKILL)
        return self.rest()

    def rest(self) -> list[str]:
        """Wait for its end and return what was not read yet (whole lines only)."""
        with self.lines:
            rest = [line.strip() for line in self.lines if line.endswith("\n")]
        os.waitpid(self.pid, 0)
        return rest


def _run(work: Callable[[Tell], None], pipe: int) -> None:
    code = 1
    try:
        work(lambda text: os.write(pipe, f"{text}\n".encode()) and None)
        code = 0
    finally:
        os._exit(code)
