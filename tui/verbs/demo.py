"""`demo`: a sandbox with a sample mailbox, and the app on it; both are gone when you quit.

Closes the trap of a trial that leaves traces or touches the real mailbox: configuration, cache and
token of the demo live in a temporary folder and in memory.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.config import Account, Settings, load
from services.errors import UsageError
from services.paths import Paths
from services.policy_config import Policy, Repeats
from services.secrets import Secret, SecretStore
from tui.cli import VerbParsers
from tui.profile import Profile

ACCOUNT = "demo"
MESSAGES = 600
MOST = 1_000_000


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("demo", help="try the app", description=__doc__ or "")
    parser.add_argument("--messages", type=int, default=MESSAGES, help="size of the mailbox")


def run(arguments: argparse.Namespace) -> int:
    """Start the sandbox, open the app on it, take both away again."""
    if not 0 <= arguments.messages <= MOST:
        raise UsageError(f"--messages takes a number from 0 to {MOST}.")
    from services.sandbox.process import SandboxProcess
    from tui.start import need_a_terminal, open_app

    need_a_terminal()

    settings = _own_settings()
    with tempfile.TemporaryDirectory(prefix="agentmail-demo-") as folder:
        paths = _paths_under(Path(folder))
        with _drafts_written(paths, wanted=bool(arguments.messages)):
            sandbox = SandboxProcess.start(messages=arguments.messages)
        try:
            first = sandbox.accounts[0]
            account = Account(
                ACCOUNT,
                "assmbl",
                sandbox.base_url,
                mail_domain=first.address.partition("@")[2],
                address=first.address,
                policy=Policy(oversight="oversight@example.com"),
                repeats=Repeats.SUPPRESSED,
            )
            secrets = SecretStore(paths)
            secrets.keep_for_session(account, Secret(first.token))
            profile = Profile(account, paths, secrets)
            if arguments.messages:
                from tui.demo_keys import furnish

                whom = (first.agent_id, first.address, first.token)
                furnish(sandbox.base_url, *whom, profile.keychain())
            return open_app((profile,), settings)
        finally:
            sandbox.stop()


@contextmanager
def _drafts_written(paths: Paths, *, wanted: bool) -> Iterator[None]:
    """Write the demo's drafts and proposals while the sandbox starts, which takes longer."""
    writing = threading.Thread(target=_write_drafts, args=(paths,))
    if wanted:
        writing.start()
    try:
        yield
    finally:
        if wanted:
            writing.join()


def _write_drafts(paths: Paths) -> None:
    from services.sandbox.store import MAIL_DOMAIN
    from tui.demo_drafts import furnish

    furnish(paths.account_dir(ACCOUNT), MAIL_DOMAIN)


def _own_settings() -> Settings:
    """The demo looks as the operator has set the app up."""
    return load(Paths.from_environment(), environ={}).settings


def _paths_under(root: Path) -> Paths:
    """All but the crash reports: they are of use once the demo is over."""
    own = Paths.from_environment()
    return Paths(root / "config", root / "data", own.state_dir, root / "cache")
