"""`audit`: who did what with outgoing mail, and proof that no line of that was changed.

`verify` follows the chain from the first line to the last and compares its end with what the store
knows; exit code 1 when it does not hold. It proves nothing against somebody who can rewrite both
the log and the store of this account: keep exported copies elsewhere.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tui.cli import VerbParsers, acts_of
from tui.listing import fit, iso_date, print_json
from tui.profile import Profile, open_profile

if TYPE_CHECKING:
    from services.outbound.log.audit import AuditLog
    from services.outbound_models import AuditRow

Work = Callable[["AuditLog", argparse.Namespace], int]


def add(verbs: VerbParsers) -> None:
    """Add the verb's parsers."""
    parser = verbs.add_parser("audit", help="what was done with mail", description=__doc__ or "")
    act = acts_of(parser)

    showing = act("show", "the newest lines that hold all the words")
    showing.add_argument("words", nargs="*", metavar="WORD", help="in any case")
    showing.add_argument("--limit", type=int, default=50, help="at most this many (default: 50)")
    act("verify", "check every line and the end of the log; exit code 1 when it was changed")
    exporting = act("export", "print all lines, or write them to a new file (0600)")
    exporting.add_argument("file", nargs="?", type=Path, help="a file that is not there yet")


def run(arguments: argparse.Namespace) -> int:
    """Carry out one act; exit code 1 for a log that does not hold."""
    with _log_of(open_profile(arguments.profile)) as log:
        return _ACTS[arguments.act](log, arguments)


@contextmanager
def _log_of(profile: Profile) -> Iterator[AuditLog]:
    from services.outbound.log.audit import AUDIT_FILE, AuditLog
    from services.outbound.log.store import OutboundStore

    folder = profile.folder
    store = OutboundStore.open(folder)
    try:
        for sentence in store.repairs:
            sys.stderr.write(f"{sentence}\n")
        yield AuditLog(folder / AUDIT_FILE, store)
    finally:
        store.close()


def _show(log: AuditLog, arguments: argparse.Namespace) -> int:
    page = log.rows(" ".join(arguments.words), arguments.limit)
    if arguments.json:
        print_json({"total": page.total, "rows": [_row_json(row) for row in page.rows]})
        return 0
    for row in page.rows:
        sys.stdout.write(f"{_row_line(row)}\n")
    if not page.rows:
        said = "No line holds all of that." if page.total else "Nothing was recorded yet."
        sys.stdout.write(f"{said}\n")
    return 0


def _verify(log: AuditLog, arguments: argparse.Namespace) -> int:
    trouble = log.verify()
    total = log.rows(limit=0).total
    if arguments.json:
        told: dict[str, Any] = {"ok": trouble is None, "lines": total}
        if trouble is not None:
            told |= {"line": trouble.line, "sentence": trouble.sentence}
        print_json(told)
    elif trouble is None:
        sys.stdout.write(f"The audit log holds: {_lines(total)}.\n")
    else:
        sys.stdout.write(f"The audit log does not hold, line {trouble.line}: {trouble.sentence}\n")
    return 0 if trouble is None else 1


def _export(log: AuditLog, arguments: argparse.Namespace) -> int:
    if arguments.file is None:
        for line in log.lines():
            sys.stdout.write(f"{_printable(line)}\n")
        return 0
    count = log.export(arguments.file)
    if arguments.json:
        print_json({"lines": count, "file": str(arguments.file)})
    else:
        sys.stdout.write(f"Written to {arguments.file}: {_lines(count)}.\n")
    return 0


def _row_json(row: AuditRow) -> dict[str, Any]:
    return {
        "line": row.number,
        "at": iso_date(row.at),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "digest": row.digest,
        "reason": row.reason,
        "answer": row.answer,
    }


def _row_line(row: AuditRow) -> str:
    date = (iso_date(row.at) or "")[:19].replace("T", " ")
    more = "  ".join(text for text in (row.subject, row.reason, row.answer) if text)
    digest = f"  [{row.digest[:12]}]" if row.digest else ""
    line = f"{row.number:>6}  {date:19}  {fit(row.actor, 18)}  {fit(row.action, 14)}  {more}"
    return f"{line}{digest}".rstrip()


def _printable(line: str) -> str:
    """Return a line as it is, or escaped when it holds what a terminal would act on."""
    if line.isascii() and line.isprintable():
        return line
    return line.encode("unicode_escape").decode("ascii")


def _lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


_ACTS: Final[dict[str, Work]] = {"show": _show, "verify": _verify, "export": _export}
