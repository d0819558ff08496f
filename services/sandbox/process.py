"""Starts the sandbox as a child process and ends it again; used by the demo and by tests.

Closes two traps: the child finds the same packages as the parent, in a checkout and in the wheel,
and nothing in the current folder; and it ends when the parent ends, however that happens (its stdin
is our pipe).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from services.errors import ServiceError
from services.sandbox.records import Agent, AgentmailAccess, SesAccess

_CHILD: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from services.sandbox.process import run_child; raise SystemExit(run_child(sys.argv[2:]))"
)
_START_LIMIT: Final = 30.0
_STOP_LIMIT: Final = 5.0
_PER_MESSAGE: Final = 0.002
"""Seconds that a sample mail may take in addition."""


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    """A running sandbox: where its doors are and who lives there."""

    base_url: str
    s3_url: str
    smtp: str
    """`host:port`."""
    accounts: tuple[Agent, ...]
    ses: SesAccess
    agentmail_to: AgentmailAccess
    _child: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls, messages: int = 0, data: Path | None = None, *, port: int = 0, smtp_port: int = 0
    ) -> SandboxProcess:
        """Start a sandbox and wait until its doors are open; raises ServiceError when it fails."""
        home = str(Path(__file__).resolve().parents[2])
        wanted = json.dumps(
            {"messages": messages, "data": data and str(data), "port": port, "smtp": smtp_port}
        )
        with tempfile.TemporaryFile() as errors:
            # A file, because nobody reads a pipe for as long as the sandbox runs.
            child = subprocess.Popen(
                [sys.executable, "-P", "-c", _CHILD, home, wanted],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
            line = _first_line(child, _START_LIMIT + messages * _PER_MESSAGE)
            if not line:
                child.kill()
                child.wait()
                raise ServiceError(f"The sandbox did not start. {_last_words(errors)}".rstrip())
        about = json.loads(line)
        accounts = tuple(Agent(a["agent_id"], a["address"], a["token"]) for a in about["accounts"])
        ses = SesAccess(**about["ses"])
        v0 = _agentmail_access(about["agentmail_to"])
        return cls(about["base_url"], about["s3_url"], about["smtp"], accounts, ses, v0, child)

    def stop(self) -> int:
        """End the sandbox and return its exit code; may be repeated."""
        self._child.terminate()
        try:
            self._child.wait(_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return int(self._child.returncode)


def run_child(arguments: list[str]) -> int:
    """Run in the child: the options are one JSON object; returns the exit code."""
    from services.errors import MailError
    from services.sandbox.serve import Options, serve

    wanted = json.loads(arguments[0])
    options = Options(
        data=Path(wanted["data"]) if wanted["data"] else None,
        port=wanted["port"],
        smtp_port=wanted["smtp"],
        messages=wanted["messages"],
        ends_with_parent=True,
    )
    try:
        return serve(options)
    except MailError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def _agentmail_access(about: dict[str, Any]) -> AgentmailAccess:
    keys = {inbox["inbox_id"]: inbox["api_key"] for inbox in about["inboxes"]}
    return AgentmailAccess(
        about["base_url"], about["ws_url"], about["organization_id"], about["api_key"], keys
    )


def _first_line(child: subprocess.Popen[bytes], limit: float) -> bytes:
    assert child.stdout is not None
    deadline = time.monotonic() + limit
    line = b""
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([child.stdout], [], [], left)[0]:
            return b""
        piece = os.read(child.stdout.fileno(), 65_536)
        if not piece:
            return b""
        line += piece
    return line


def _last_words(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
