"""A shell with one job in a terminal of its own: starts it, notices that it stops, brings it back.

`python -m tests.tui.job_shell MODULE` prints `STOPPED n` with what the terminal is set to, and reads
lines: `fg` and `bg` continue the job, before or behind the shell.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import termios


def main() -> int:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if not job:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execv(sys.executable, [sys.executable, "-m", sys.argv[1]])
    count = 0
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        count += 1
        os.tcsetpgrp(0, os.getpgrp())
        is_cooked = bool(termios.tcgetattr(0)[3] & termios.ICANON)
        print(f"STOPPED {count} {'cooked' if is_cooked else 'raw'}", flush=True)
        if sys.stdin.readline().strip() == "fg":
            os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)


if __name__ == "__main__":
    raise SystemExit(main())
