"""The program's top level: decides between the app and a verb, and what a failure looks like.

Closes two traps: paying for Textual when a verb was asked for, and showing a traceback (with tokens
and mail text in its locals) for something that the operator can cause. This is one of the two places
that may catch every exception; the other is the engine's loop.
"""

from __future__ import annotations

import os
import sys


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit code (design: 0 ok, 1 failed, 2 usage, … 8 crypto)."""
    arguments = sys.argv[1:] if argv is None else argv
    from services.errors import MailError

    try:
        return _run(arguments)
    except MailError as error:
        sys.stderr.write(f"agentmail-tui: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): not an error, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the top-level boundary
        from services.paths import Paths
        from tui import crash

        said = crash.sentence(crash.write_report(Paths.from_environment().state_dir, error))
        sys.stderr.write(f"{said}\n")
        return 1


def _run(arguments: list[str]) -> int:
    if not arguments:
        from tui.start import start_app

        return start_app()
    from tui.cli import run

    return run(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
