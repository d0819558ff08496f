"""`send`: send mail from a script, as far as the policy lets it go without a person.

Takes what `draft` takes, or --draft ID for a draft that is there. What a person has to decide is kept
and waits on the Approvals screen: nothing on the command line approves it. Exit codes: 0 sent (or
scheduled), 2 something in it is wrong, 3 saved, not sent: a person has to approve it, do not send it
again, 4 no such draft, 5 no token, 6 not sent yet: the service was not reached, it stays in the
outbox, 7 refused by the policy, or the operator still writes on this draft, 8 it cannot be encrypted
or a key is locked, 1 it may have been sent, or was refused.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from services.errors import MailError, UsageError
from tui import draft_flags
from tui.cli import VerbParsers
from tui.listing import print_json
from tui.passphrase import add_option, passphrase
from tui.profile import Profile, open_profile

if TYPE_CHECKING:
    from services.outbound.approvals.agent_door import AgentDoor
    from services.outbound.approvals.draft_status import DraftStatus
    from services.outbound.gate.plan import Plan
    from services.outbound.office import Office
    from services.outbound.outbox.outbox_documents import OutboxEntry

WAIT: Final = 120.0
"""Seconds that sending may take before the rest is left to the outbox."""
NOBODY: Final = "command-line"
"""Whose proposal it is when no agent is named."""
_LATER: Final = 6
_DECIDED_BY_POLICY: Final = "the policy"


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("send", help="send mail", description=__doc__ or "")
    draft_flags.add_flags(parser)
    parser.add_argument("--draft", metavar="ID", help="send a draft that is kept already")
    parser.add_argument("--from-agent", metavar="NAME", help="the agent who speaks")
    parser.add_argument(
        "--wait",
        type=float,
        default=WAIT,
        metavar="SECONDS",
        help="how long to wait until it is sent (default: 120)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, also for errors"
    )
    add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Send one mail, or say why it waits."""
    from services.outbound.approvals.draft_input import InputRefused

    try:
        return asyncio.run(_run(open_profile(arguments.profile), arguments))
    except InputRefused as error:
        from tui.draft_listing import print_refused

        print_refused(error, {}, "", as_json=arguments.json)
        return error.exit_code
    except MailError as error:
        if not arguments.json:
            raise
        print_json({"error": error.sentence, "next": error.next_step, "sent": False})
        return error.exit_code


async def _run(profile: Profile, arguments: argparse.Namespace) -> int:
    from tui.drafting import office_and_door

    async with office_and_door(profile) as (office, door):
        draft_id = arguments.draft or await _hand_in(profile, office, door, arguments)
        status = door.status(draft_id, arguments.from_agent or "")
        if status.standing.value not in ("draft", "waiting", "paused"):
            # It was handed in before, under the same key.
            return _tell(status, arguments, status.exit_code)
        if not _is_attended():
            door.require_finished(draft_id)
        try:
            return await _send(office, door, arguments, status)
        except MailError as error:
            error.next_step = f"{error.next_step} It is kept as {draft_id}.".strip()
            raise


def _is_attended() -> bool:
    """Whether a person sits in front of this."""
    return sys.stdin.isatty() and sys.stdout.isatty()


async def _hand_in(
    profile: Profile, office: Office, door: AgentDoor, arguments: argparse.Namespace
) -> str:
    """Keep what was given as a proposal, before anything is looked up; return its id."""
    from services.outbound.approvals.draft_input import read_draft
    from services.outbound.approvals.input_values import given_agent_name
    from tui.carried_along import let_go
    from tui.drafting import prepare

    agent = given_agent_name(arguments.from_agent or NOBODY)
    document = draft_flags.read_document(arguments, draft_flags.standard_input())
    if not document:
        raise UsageError("Nothing was given to send.", "See: agentmail-tui send --help")
    given = read_draft(document, now=int(time.time()))
    prepared = await prepare(profile, office, given, agent)
    done = door.propose(prepared.draft, agent, given.idempotency_key or "")
    let_go(office, prepared.draft)
    if prepared.remark:
        sys.stderr.write(f"{prepared.remark}\n")
    return done.status.draft_id


async def _send(
    office: Office, door: AgentDoor, arguments: argparse.Namespace, status: DraftStatus
) -> int:
    await _unlock(office, arguments)
    _, plan = await office.plan(status.draft_id)
    if plan.is_refused:
        return _tell(status, arguments, _refused(plan), reason=_reasons(plan), is_barred=True)
    if plan.person:
        code = status.exit_code or 3
        return _tell(status, arguments, code, reason=plan.person)
    actor = f"agent {status.agent}" if status.agent else _DECIDED_BY_POLICY
    if not _is_attended():
        # Once more: what is queued is the revision that was planned, and this is its author.
        door.require_finished(status.draft_id)
    queued = await office.enqueue(plan, by_person=False, actor=actor, undo=False)
    entries = await office.sending.push([entry.entry_id for entry in queued], arguments.wait)
    after = door.status(status.draft_id)
    return _tell(after, arguments, exit_code(office, entries))


async def _unlock(office: Office, arguments: argparse.Namespace) -> None:
    """Open the own keys where that was asked for; sealing needs none, a sealed draft does."""
    await office.unlock_silently()
    chain = office.chain
    if arguments.passphrase_fd is not None and chain is not None and not chain.is_unlocked:
        await chain.unlock(passphrase(arguments, "Passphrase of your key"))


def exit_code(office: Office, entries: tuple[OutboxEntry, ...]) -> int:
    """Return the worst of what became of these: refused, in doubt, waiting for the service, sent."""
    from services.outbound_models import OutboxState

    codes = []
    for entry in entries:
        failure = office.carrier.failures.get(entry.entry_id)
        if entry.state in (OutboxState.REFUSED, OutboxState.EXPIRED, OutboxState.CANCELLED):
            codes.append(failure.exit_code if failure is not None else 1)
        elif entry.state is OutboxState.UNCERTAIN:
            codes.append(1)
        elif entry.state is not OutboxState.SENT and (failure is not None or entry.reason):
            codes.append(failure.exit_code if failure is not None else _LATER)
    return max(codes, default=0)


def _refused(plan: Plan) -> int:
    """Return the exit code of what speaks against a plan; the policy's comes first."""
    from services.outbound.gate.plan import RefusalKind

    codes = {
        RefusalKind.POLICY: 7,
        RefusalKind.CRYPTO: 8,
        RefusalKind.DRAFT: 2,
        RefusalKind.SERVICE: 6,
    }
    kinds = {refusal.kind for refusal in plan.refusals}
    return next(code for kind, code in codes.items() if kind in kinds)


def _reasons(plan: Plan) -> str:
    told = (f"{one.sentence} {one.next_step}".strip() for one in plan.refusals)
    return " ".join(dict.fromkeys(told))


def _tell(
    status: DraftStatus,
    arguments: argparse.Namespace,
    code: int,
    reason: str = "",
    *,
    is_barred: bool = False,
) -> int:
    from dataclasses import replace

    from tui.draft_listing import print_status

    more: dict[str, Any] = {"exit_code": code}
    told = replace(status, reason=reason or status.reason, is_barred=is_barred)
    print_status(told, as_json=arguments.json, **(more if arguments.json else {}))
    return code
