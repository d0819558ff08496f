"""`draft`: write mail from a script, or let an agent propose it. Nothing is ever sent by it.

With --from-agent NAME the mail waits until a person approves it in the app; without, it is one of
your own drafts. Exit codes: 0 kept, 2 something in it is wrong (each mistake is named), 3 saved and
waiting for a person, 4 no such draft or message, 7 refused by policy or the agent is paused,
8 a key is needed. `draft schema` prints what --stdin takes.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from services.errors import MailError, UsageError
from tui import draft_flags
from tui.cli import VerbParsers, add_common
from tui.listing import print_json
from tui.passphrase import add_option, passphrase
from tui.profile import Profile, open_profile

if TYPE_CHECKING:
    from services.outbound.approvals.agent_door import AgentDoor
    from services.outbound.approvals.draft_input import DraftInput, InputRefused
    from services.outbound.approvals.draft_status import DraftStatus
    from services.outbound.office import Office

WAITED: Final = 24 * 3_600.0
LOOK_EVERY: Final = 0.5
"""Seconds between two looks whether a draft was decided; a look reads a few bytes."""

Work = Callable[[Profile, argparse.Namespace], Coroutine[Any, Any, int]]


def add(verbs: VerbParsers) -> None:
    """Add the verb's parsers."""
    parser = verbs.add_parser("draft", help="write or propose mail", description=__doc__ or "")
    draft_flags.add_flags(parser)
    _add_agent(parser)
    acts = parser.add_subparsers(dest="act", metavar="ACT", title="acts (none: a new draft)")

    def act(name: str, text: str, *, names_draft: bool = True) -> argparse.ArgumentParser:
        one = acts.add_parser(name, help=text, description=text)
        if names_draft:
            one.add_argument("id", help="the draft's id")
        _add_agent(one, again=True)
        add_common(one, again=True)
        return one

    asking = act("status", "tell where a draft stands; exit code 3 while it waits")
    asking.add_argument(
        "--wait",
        nargs="?",
        type=float,
        const=WAITED,
        metavar="SECONDS",
        help="wait until it is decided and sent, or refused (default: a day)",
    )
    listing = act("list", "list drafts, newest first", names_draft=False)
    listing.add_argument("--all", action="store_true", help="also those that were sent")
    showing = act("show", "show what a draft says")
    add_option(showing)
    editing = act("edit", "change what is given; all else stays")
    draft_flags.add_flags(editing, again=True)
    add_option(editing)
    act("cancel", "withdraw a proposal, or drop a draft of your own")
    act("schema", "print the JSON Schema of what --stdin takes", names_draft=False)


def _add_agent(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    parser.add_argument(
        "--from-agent",
        metavar="NAME",
        default=argparse.SUPPRESS if again else None,
        help="the agent who speaks",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS if again else False,
        help="print one JSON object, also for errors",
    )


def run(arguments: argparse.Namespace) -> int:
    """Carry out one act."""
    if arguments.act == "schema":
        from services.outbound.approvals.draft_schema import draft_schema

        print_json(draft_schema())
        return 0
    from services.outbound.approvals.draft_input import InputRefused

    try:
        return _run(arguments)
    except InputRefused as error:
        from tui.draft_listing import print_refused

        print_refused(error, {}, "", as_json=arguments.json)
        return error.exit_code
    except MailError as error:
        if not arguments.json:
            raise
        _print_error(error, **({} if arguments.act else {"saved": False}))
        return error.exit_code


def _print_error(error: MailError, **more: Any) -> None:
    print_json({"error": error.sentence, "next": error.next_step, "sent": False, **more})


def _run(arguments: argparse.Namespace) -> int:
    if arguments.from_agent is not None:
        from services.outbound.approvals.input_values import given_agent_name

        given_agent_name(arguments.from_agent)
    return asyncio.run(_ACTS[arguments.act](open_profile(arguments.profile), arguments))


# ── handing in ───────────────────────────────────────────────────────────────────────────────────


async def _new(profile: Profile, arguments: argparse.Namespace) -> int:
    from services.outbound.approvals.draft_input import InputRefused, read_draft

    agent = arguments.from_agent or ""
    document = draft_flags.read_document(arguments, draft_flags.standard_input())
    if not document:
        raise UsageError("Nothing was given for the draft.", "See: agentmail-tui draft --help")
    from tui.drafting import office_and_door

    async with office_and_door(profile) as (office, door):
        try:
            given = read_draft(document, now=int(time.time()))
        except InputRefused as error:
            return _refused(door, arguments, error, error.readable, document)
        try:
            return await _hand_in(profile, office, door, given, arguments)
        except InputRefused as error:
            return _refused(door, arguments, error, given, document)
        except MailError as error:
            kept = _kept(door, agent, given, error)
            if kept:
                error.next_step = f"{error.next_step} What was given is kept as {kept}.".strip()
            if not arguments.json:
                raise
            _print_error(error, id=kept or None, saved=bool(kept))
            return error.exit_code


async def _hand_in(
    profile: Profile,
    office: Office,
    door: AgentDoor,
    given: DraftInput,
    arguments: argparse.Namespace,
) -> int:
    from tui.carried_along import let_go
    from tui.draft_listing import print_handed_in
    from tui.drafting import prepare

    agent = arguments.from_agent or ""
    prepared = await prepare(profile, office, given, agent)
    if agent:
        done = door.propose(prepared.draft, agent, given.idempotency_key or "")
    else:
        done = door.keep(prepared.draft)
    let_go(office, prepared.draft)
    print_handed_in(done, as_json=arguments.json, remark=prepared.remark)
    return done.status.exit_code


def _refused(
    door: AgentDoor,
    arguments: argparse.Namespace,
    error: InputRefused,
    readable: DraftInput | None,
    document: dict[str, Any],
) -> int:
    from tui.draft_listing import print_refused

    agent = arguments.from_agent or ""
    kept = _kept(door, agent, readable, error) if readable else ""
    print_refused(error, document, kept, agent=agent, as_json=arguments.json)
    return error.exit_code


def _kept(door: AgentDoor, agent: str, given: DraftInput, error: MailError) -> str:
    """Keep what an agent gave although it cannot be proposed; "" if it cannot be kept either."""
    from services.draft import Draft

    now = int(time.time())
    draft = given.unlooked(Draft.begin(now=now), now)
    if agent:
        return door.keep_unfinished(draft, agent, error.sentence)
    return "" if draft.is_blank else door.keep(draft).status.draft_id


async def _edit(profile: Profile, arguments: argparse.Namespace) -> int:
    from services.outbound.approvals.draft_input import InputRefused, read_draft
    from tui.draft_listing import print_handed_in, print_refused
    from tui.drafting import changing, looked_at, office_and_door, require_way_out

    document = draft_flags.read_document(arguments, draft_flags.standard_input())
    fixed = [name for name in ("kind", "answers", "quote", "template", "idempotency_key")
             if name in document]  # fmt: skip
    if fixed or not document:
        what = f"{', '.join(fixed)} cannot be changed" if fixed else "Nothing was given to change"
        raise UsageError(
            f"{what}.", "Propose another mail, or see: agentmail-tui draft edit --help"
        )
    async with office_and_door(profile) as (office, door):
        await _unlock(office, arguments)
        try:
            now = int(time.time())
            given = read_draft(document, now=now)
            require_way_out(profile, given)
            change = changing(given, looked_at(profile, given), now)
            done = door.edit(arguments.id, arguments.from_agent or "", change)
        except InputRefused as error:
            print_refused(error, document, "", as_json=arguments.json)
            return error.exit_code
    print_handed_in(done, as_json=arguments.json)
    return done.status.exit_code


async def _cancel(profile: Profile, arguments: argparse.Namespace) -> int:
    from tui.drafting import office_and_door

    async with office_and_door(profile) as (_, door):
        door.withdraw(arguments.id, arguments.from_agent or "")
    if arguments.json:
        print_json({"id": arguments.id, "state": "withdrawn", "saved": True, "sent": False})
    else:
        sys.stdout.write("Withdrawn; it was not sent.\n")
    return 0


# ── asking ───────────────────────────────────────────────────────────────────────────────────────


async def _status(profile: Profile, arguments: argparse.Namespace) -> int:
    from tui.draft_listing import print_status
    from tui.drafting import office_and_door

    async with office_and_door(profile) as (office, door):
        status = door.status(arguments.id, arguments.from_agent or "")
        if arguments.wait is not None:
            status = await _wait(office, door, arguments, status)
    print_status(status, as_json=arguments.json)
    return status.exit_code


async def _wait(
    office: Office, door: AgentDoor, arguments: argparse.Namespace, status: DraftStatus
) -> DraftStatus:
    """Look until nothing more happens by itself, or the time is over."""
    until, seen = time.monotonic() + arguments.wait, -1
    while not status.is_final and (left := until - time.monotonic()) > 0:
        await asyncio.sleep(min(LOOK_EVERY, left))
        version = office.look()
        if version != seen or 0 < status.expires_at <= office.now:
            seen = version
            status = door.status(arguments.id, arguments.from_agent or "")
    return status


async def _list(profile: Profile, arguments: argparse.Namespace) -> int:
    from tui.draft_listing import head_json, print_heads
    from tui.drafting import office_and_door

    async with office_and_door(profile) as (_, door):
        found = door.list(arguments.from_agent or "", with_settled=arguments.all)
    if arguments.json:
        print_json({"drafts": [head_json(*one) for one in found]})
    else:
        print_heads(found, shutil.get_terminal_size().columns)
    return 0


async def _show(profile: Profile, arguments: argparse.Namespace) -> int:
    from tui.draft_listing import draft_json, print_draft
    from tui.drafting import office_and_door

    async with office_and_door(profile) as (office, door):
        await _unlock(office, arguments)
        draft = door.read(arguments.id, arguments.from_agent or "")
    if arguments.json:
        print_json(draft_json(draft))
    else:
        print_draft(draft)
    return 0


async def _unlock(office: Office, arguments: argparse.Namespace) -> None:
    """Open the own keys for the operator, when asked to; never for an agent."""
    if arguments.from_agent is None and office.chain is not None:
        await office.unlock_silently()
        if arguments.passphrase_fd is not None and not office.chain.is_unlocked:
            await office.chain.unlock(passphrase(arguments, "Passphrase of your key"))


_ACTS: Final[dict[str | None, Work]] = {
    None: _new,
    "status": _status,
    "list": _list,
    "show": _show,
    "edit": _edit,
    "cancel": _cancel,
}
