"""`approvals`: what agents want to send; reject it, pause an agent. Approving is done in the app only.

Rejecting and pausing stop mail, so anybody who may run this may do them. Letting an agent go on
needs a person at a terminal: a paused agent must not be able to resume itself. Exit codes: 4 no such
proposal, 7 refused.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from services.errors import MailError, NotFound, PolicyRefused, UsageError
from services.safe_text import clean_line
from tui.cli import VerbParsers, acts_of
from tui.listing import fit, iso_date, print_json
from tui.passphrase import add_option, passphrase
from tui.profile import Profile, open_profile

if TYPE_CHECKING:
    from services.outbound.office import Office
    from services.outbound_models import AgentView, DiffLine, ProposalRow

Work = Callable[[Profile, argparse.Namespace], Coroutine[Any, Any, int]]


def add(verbs: VerbParsers) -> None:
    """Add the verb's parsers."""
    parser = verbs.add_parser(
        "approvals", help="what agents want to send", description=__doc__ or ""
    )
    plain = acts_of(parser)

    def act(name: str, text: str, names: str = "") -> argparse.ArgumentParser:
        one = plain(name, text)
        if names:
            one.add_argument(names, metavar=names.upper())
        return one

    listing = act("list", "list what waits, the oldest first, and the agents")
    listing.add_argument("--all", action="store_true", help="also what was decided")
    add_option(act("show", "show one proposal and what changed in it last", "id"))
    rejecting = act("reject", "refuse a proposal", "id")
    rejecting.add_argument("--reason", default="", help="what its agent is told")
    rejecting.add_argument(
        "--revision", type=int, default=0, help="only if it is still this revision"
    )
    act("pause", "stop an agent from sending anything", "agent")
    act("resume", "let a paused agent go on; needs a terminal", "agent")
    act("approve", "not here: a person approves in the app", "id")


def run(arguments: argparse.Namespace) -> int:
    """Carry out one act."""
    try:
        return asyncio.run(_ACTS[arguments.act](open_profile(arguments.profile), arguments))
    except MailError as error:
        if not arguments.json:
            raise
        print_json({"error": error.sentence, "next": error.next_step})
        return error.exit_code


# ── looking ──────────────────────────────────────────────────────────────────────────────────────


async def _list(profile: Profile, arguments: argparse.Namespace) -> int:
    async with profile.office() as office:
        await office.unlock_silently()
        rows = office.proposals.rows(with_decided=arguments.all)
        agents = office.proposals.agents()
    if arguments.json:
        print_json({
            "proposals": [_row_json(row) for row in rows],
            "agents": [_agent_json(agent) for agent in agents],
        })  # fmt: skip
        return 0
    width = shutil.get_terminal_size().columns
    for row in rows:
        sys.stdout.write(f"{_row_line(row, width)}\n")
    for agent in agents:
        if agent.paused:
            sys.stdout.write(f"Paused: {agent.shown}\n")
    if not rows:
        sys.stdout.write("Nothing waits for a decision.\n")
    return 0


async def _show(profile: Profile, arguments: argparse.Namespace) -> int:
    from services.outbound.approvals.draft_status import Standing
    from tui.draft_listing import draft_json, print_draft
    from tui.drafting import door_of

    async with profile.office() as office:
        await _unlock(office, arguments)
        draft = door_of(office).read(arguments.id)
        if not draft.agent:
            raise NotFound("There is no such proposal.", "See: agentmail-tui approvals list")
        status = door_of(office).status(arguments.id)
        changed = office.proposals.compare(arguments.id)
    if arguments.json:
        print_json({
            "proposal": draft_json(draft),
            "state": status.standing.value,
            "reason": status.reason,
            "expires_at": iso_date(status.expires_at),
            "compared": {"older": changed.older, "newer": changed.newer},
            "changes": [f"{line.sign}{line.text}" for line in changed.lines],
        })  # fmt: skip
        return 0
    sys.stdout.write(f"{draft.draft_id}  {status.standing.words}  revision {draft.revision}\n")
    print_draft(draft)
    _print_changes(changed.older, changed.lines)
    if status.standing is Standing.WAITING:
        sys.stdout.write("Approve it in the app: agentmail-tui, then g p.\n")
    return 0


def _print_changes(older: int, lines: tuple[DiffLine, ...]) -> None:
    if lines:
        sys.stdout.write(f"Changed since revision {older}:\n")
    for line in lines:
        sys.stdout.write(f"{line.sign} {line.text}\n")


async def _unlock(office: Office, arguments: argparse.Namespace) -> None:
    await office.unlock_silently()
    chain = office.chain
    if chain is not None and arguments.passphrase_fd is not None and not chain.is_unlocked:
        await chain.unlock(passphrase(arguments, "Passphrase of your key"))


# ── deciding ─────────────────────────────────────────────────────────────────────────────────────


async def _reject(profile: Profile, arguments: argparse.Namespace) -> int:
    if not arguments.reason.strip():
        raise UsageError("Its agent needs a reason.", "Give it with --reason TEXT.")
    async with profile.office() as office:
        if not office.drafts.head(arguments.id).agent:
            raise NotFound("There is no such proposal.", "See: agentmail-tui approvals list")
        office.proposals.reject(arguments.id, arguments.reason, revision=arguments.revision)
    return _done(arguments, "rejected", f"Rejected {arguments.id}; its agent is told why.")


async def _pause(profile: Profile, arguments: argparse.Namespace) -> int:
    async with profile.office() as office:
        office.proposals.pause(arguments.agent, is_paused=True)
    said = f"{arguments.agent} is paused: what it hands in is kept and not sent."
    return _done(arguments, "paused", said)


async def _resume(profile: Profile, arguments: argparse.Namespace) -> int:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise PolicyRefused(
            "Letting an agent go on needs a person at a terminal.",
            "Run this by hand, or resume it on the Approvals screen.",
        )
    async with profile.office() as office:
        office.proposals.pause(arguments.agent, is_paused=False)
    return _done(arguments, "resumed", f"{arguments.agent} may send again.")


async def _approve(_profile: Profile, _arguments: argparse.Namespace) -> int:
    raise PolicyRefused(
        "Nothing is approved from the command line: a person reads the whole mail and approves it.",
        "Start agentmail-tui and go to Approvals with g p.",
    )


def _done(arguments: argparse.Namespace, state: str, said: str) -> int:
    if arguments.json:
        name = "agent" if "agent" in arguments else "id"
        print_json({name: getattr(arguments, name), "state": state})
    else:
        sys.stdout.write(f"{clean_line(said)}\n")
    return 0


# ── printing ─────────────────────────────────────────────────────────────────────────────────────


def _row_json(row: ProposalRow) -> dict[str, Any]:
    return {
        "id": row.draft_id,
        "agent": row.agent,
        "to": row.to,
        "subject": row.subject,
        "state": row.state,
        "waiting": row.is_waiting,
        "revision": row.revision,
        "marks": list(row.marks),
        "paused": row.is_paused,
        "unseen": row.unseen,
        "made_at": iso_date(row.made_at),
        "expires_at": iso_date(row.expires_at),
    }


def _agent_json(agent: AgentView) -> dict[str, Any]:
    return {"agent": agent.name, "paused": agent.paused, "waiting": agent.waiting}


def _row_line(row: ProposalRow, width: int) -> str:
    date = (iso_date(row.made_at) or "")[:16].replace("T", " ")
    marks = ", ".join(row.marks)
    subject = fit(row.subject, max(20, width - 110))
    line = (
        f"{row.draft_id}  {date:16}  {fit(row.agent, 12)}  {fit(row.to, 24)}  {subject}  "
        f"{row.state}  {marks}"
    )
    return line.rstrip()


_ACTS: Final[dict[str, Work]] = {
    "list": _list,
    "show": _show,
    "reject": _reject,
    "pause": _pause,
    "resume": _resume,
    "approve": _approve,
}
