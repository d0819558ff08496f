"""`demo`: a sandbox with three sample mailboxes, and the app on them; all are gone when you quit.

Two are agents of Assmbl, one is an inbox of AgentMail.to. Closes the trap of a trial that leaves
traces or touches the real mailbox: configuration, cache and tokens of the demo live in a temporary
folder and in memory.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.config import Account, Settings, load
from services.errors import UsageError
from services.paths import Paths
from services.policy_config import Policy, Repeats
from services.secrets import Secret, SecretStore
from services.service_config import AGENTMAIL_TO, ASSMBL
from tui.cli import VerbParsers
from tui.profile import Profile

if TYPE_CHECKING:
    from services.sandbox.process import SandboxProcess

FIRST: Final = "ops-bot"
"""The account whose mailbox is filled most; it has keys, drafts and proposals."""
SECOND: Final = "research"
INBOX: Final = "billing"
"""The one at AgentMail.to."""
MESSAGES: Final = 600
MOST: Final = 1_000_000
_SHARES: Final = {SECOND: 4, INBOX: 6}
"""The other mailboxes hold this part of the first one's messages."""


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
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="agentmail-demo-"))
        paths = _paths_under(Path(folder))
        with _meanwhile(lambda: _write_drafts(paths), wanted=bool(arguments.messages)):
            sandbox = SandboxProcess.start(messages=arguments.messages)
        stack.callback(sandbox.stop)
        profiles = profiles_on(sandbox, paths)
        if arguments.messages:
            with _meanwhile(lambda: fill_others(sandbox, arguments.messages)):
                _furnish(sandbox, profiles[0])
        return open_app(profiles, settings)


def profiles_on(sandbox: SandboxProcess, paths: Paths) -> tuple[Profile, ...]:
    """The demo's accounts on a sandbox: two agents of Assmbl and an inbox of AgentMail.to."""
    secrets = SecretStore(paths)
    agents = {agent.agent_id: agent for agent in sandbox.accounts}
    found = []
    for name, kind in ((FIRST, ASSMBL), (SECOND, ASSMBL), (INBOX, AGENTMAIL_TO)):
        address = agents[name].address
        is_inbox = kind == AGENTMAIL_TO
        place = sandbox.agentmail_to.base_url if is_inbox else sandbox.base_url
        account = Account(
            name,
            kind,
            place.rstrip("/"),
            mail_domain="" if is_inbox else address.partition("@")[2],
            address=address,
            policy=Policy(oversight="oversight@example.com"),
            repeats=Repeats.SUPPRESSED,
        )
        keys = sandbox.agentmail_to.inbox_keys
        secrets.keep_for_session(account, Secret(keys[address] if is_inbox else agents[name].token))
        found.append(Profile(account, paths, secrets))
    return tuple(found)


def _furnish(sandbox: SandboxProcess, profile: Profile) -> None:
    """Give the first account keys, peers and encrypted mail."""
    from tui.demo.demo_keys import furnish

    agent = next(one for one in sandbox.accounts if one.agent_id == profile.account.name)
    whom = (agent.agent_id, agent.address, agent.token)
    furnish(sandbox.base_url, *whom, profile.keychain())


def fill_others(sandbox: SandboxProcess, messages: int) -> None:
    """Fill the other mailboxes; without them the demo goes on."""
    from tui.demo.demo_calls import control
    from tui.demo.demo_inbox import InboxFurnisher

    for agent, share in _SHARES.items():
        count = max(1, messages // share)
        wanted = {"agent_id": agent, "count": count, "seed": share, "front": False}
        control(sandbox.base_url, "/_sandbox/fill", wanted)
    inbox = next(one.address for one in sandbox.accounts if one.agent_id == INBOX)
    there = sandbox.agentmail_to
    InboxFurnisher(there.base_url, inbox, there.inbox_keys[inbox]).furnish()


@contextmanager
def _meanwhile(work: Callable[[], None], *, wanted: bool = True) -> Iterator[None]:
    """Do some work beside what takes longer anyway, so that the first frame comes no later."""
    working = threading.Thread(target=work)
    if wanted:
        working.start()
    try:
        yield
    finally:
        if wanted:
            working.join()


def _write_drafts(paths: Paths) -> None:
    from services.sandbox.store import MAIL_DOMAIN
    from tui.demo.demo_drafts import furnish

    furnish(paths.account_dir(FIRST), MAIL_DOMAIN)


def _own_settings() -> Settings:
    """The demo looks as the operator has set the app up."""
    return load(Paths.from_environment(), environ={}).settings


def _paths_under(root: Path) -> Paths:
    """All but the crash reports: they are of use once the demo is over."""
    own = Paths.from_environment()
    return Paths(root / "config", root / "data", own.state_dir, root / "cache")
