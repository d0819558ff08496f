"""The program's top level: decides between the app and a verb, and what a failure looks like.

Closes two traps: paying for Textual when a verb was asked for, and showing a traceback (with tokens
and mail text in its locals) for something that the operator can cause. This is one of the two places
that may catch every exception; the other is the engine's loop.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What writing our output to a full or broken device ends with."""


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit code (design: 0 ok, 1 failed, 2 usage, … 8 crypto)."""
    arguments = sys.argv[1:] if argv is None else argv
    from services.errors import MailError

    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except MailError as error:
        return _tell(str(error), error.exit_code)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): not an error, and nothing more can be said.
        _drop_output()
        return 0
    except Exception as error:  # noqa: BLE001 - the top-level boundary
        if isinstance(error, OSError) and error.errno in _NO_ROOM and not error.filename:
            _drop_output()
            return _tell(f"The output could not be written: {error.strerror}.", 1)
        from services.paths import Paths
        from tui import crash

        said = crash.sentence(crash.write_report(Paths.from_environment().state_dir, error))
        sys.stderr.write(f"{said}\n")
        return 1


def _tell(said: str, code: int) -> int:
    """Print one sentence, which may quote what was typed or a path."""
    from services.safe_text import clean_line

    sys.stderr.write(f"agentmail-tui: {clean_line(said)}\n")
    return code


def _drop_output() -> None:
    """Let what is still in the buffer of standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    if not arguments:
        from tui.start import start_app

        return start_app()
    from tui.cli import run

    return run(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
