"""`outbox`: what waits, leaves or has left: list it, show it, take it back, send what is due.

Mail that may have left is never sent again by a script: `outbox settle` asks a person at a terminal.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from services.errors import UsageError
from services.safe_text import SafeText, clean_line
from tui.cli import VerbParsers, acts_of
from tui.listing import iso_date, print_json
from tui.passphrase import add_option, passphrase
from tui.profile import Profile, open_profile

if TYPE_CHECKING:
    from services.outbound.office import Office
    from services.outbound.outbox.outbox_documents import OutboxEntry

Work = Callable[[Profile, argparse.Namespace], Coroutine[Any, Any, int]]


def add(verbs: VerbParsers) -> None:
    """Add the verb's parsers."""
    parser = verbs.add_parser("outbox", help="what waits or has left", description=__doc__ or "")
    plain = acts_of(parser)

    def act(name: str, text: str, *, names_mail: bool = True) -> argparse.ArgumentParser:
        one = plain(name, text)
        if names_mail:
            one.add_argument("id", help="as `outbox list` prints it")
        return one

    listing = act("list", "what waits, newest first; with --sent what has left", names_mail=False)
    listing.add_argument("--sent", action="store_true", help="what has left")
    listing.add_argument("--all", action="store_true", help="everything, refused and cancelled too")
    listing.add_argument("--limit", type=int, help="at most this many")
    add_option(act("show", "the local copy of one mail"))
    act("cancel", "take a mail back that has not left; its draft is there again")
    sending = act("send", "send what is due now, and what waits for its next try", names_mail=False)
    sending.add_argument(
        "--wait", type=float, default=120.0, metavar="SECONDS", help="at most (default: 120)"
    )
    add_option(sending)
    settling = act("settle", "decide about a mail that may have left; asks at the terminal")
    settling.add_argument("how", choices=("sent", "resend"), help="it counts as sent, or again")


def run(arguments: argparse.Namespace) -> int:
    """Carry out one act."""
    return asyncio.run(_ACTS[arguments.act](open_profile(arguments.profile), arguments))


async def _list(profile: Profile, arguments: argparse.Namespace) -> int:
    from services.outbound_models import OutboxState

    async with profile.office() as office:
        settled, waiting = office.outbox.settled(), office.outbox.open()
    found = list(waiting)
    if arguments.all:
        found = [*settled, *waiting]
    elif arguments.sent:
        found = [entry for entry in settled if entry.state is OutboxState.SENT]
    newest = found[::-1][: arguments.limit]
    if arguments.json:
        print_json({"mails": [_json(entry, office.now) for entry in newest]})
        return 0
    for entry in newest:
        sys.stdout.write(f"{_line(entry, office.now)}\n")
    if not newest:
        sys.stderr.write(_nothing(arguments))
    return 0


def _nothing(arguments: argparse.Namespace) -> str:
    if arguments.sent or arguments.all:
        return "Nothing was sent from here yet.\n"
    return "Nothing waits to leave. What has left: agentmail-tui outbox list --sent\n"


def _json(entry: OutboxEntry, now: int) -> dict[str, Any]:
    from services.outbound.outbox.outbox_views import sentence_of

    return {
        "id": entry.entry_id,
        "draft_id": entry.draft_id,
        "state": entry.state.value,
        "to": entry.to,
        "subject": entry.subject,
        "sentence": str(sentence_of(entry, now)),
        "reason": entry.reason,
        "encrypted": entry.is_encrypted,
        "files": entry.files,
        "oversight_copy": entry.is_copy,
        "agent": entry.agent,
        "tries": entry.tries,
        "send_at": iso_date(entry.send_at),
        "next_try": iso_date(entry.next_try),
        "changed_at": iso_date(entry.changed_at),
        "idempotency_key": entry.idempotency_key,
        "server_id": entry.server_id,
    }


def _line(entry: OutboxEntry, now: int) -> SafeText:
    from services.outbound.outbox.outbox_views import sentence_of
    from services.safe_text import phrase

    mark = " (oversight copy)" if entry.is_copy else ""
    head = phrase("{}  {}", clean_line(entry.entry_id), entry.state.words)
    to, subject = clean_line(entry.to + mark, 320), clean_line(entry.subject, 100)
    return phrase("{}  {}: {}\n    {}", head, to, subject, sentence_of(entry, now))


async def _show(profile: Profile, arguments: argparse.Namespace) -> int:
    from services.outbound.outbox.outbox_contents import whole_mail
    from services.outbound.outbox.outbox_views import body_of, facts_of

    async with profile.office() as office:
        await _unlock(office, arguments)
        entry = office.outbox.get(arguments.id)
        content = office.outbox.content(arguments.id)
        mail = await whole_mail(content, office.open_text)
    if arguments.json:
        told = {"body": mail.body, "headers": dict(mail.headers)}
        print_json({**_json(entry, office.now), **told})
        return 0
    for name, value in facts_of(entry, mail):
        sys.stdout.write(f"{name}: {value}\n")
    sys.stdout.write("\n".join(("", *body_of(mail), "")))
    return 0


async def _unlock(office: Office, arguments: argparse.Namespace) -> None:
    await office.unlock_silently()
    chain = office.chain
    if arguments.passphrase_fd is not None and chain is not None and not chain.is_unlocked:
        await chain.unlock(passphrase(arguments, "Passphrase of your key"))


async def _cancel(profile: Profile, arguments: argparse.Namespace) -> int:
    async with profile.office() as office:
        taken = await office.take_back((arguments.id,))
    if arguments.json:
        print_json({"cancelled": [_json(entry, office.now) for entry in taken]})
    else:
        sys.stdout.write(f"Taken back; the draft {taken[0].draft_id} is there again.\n")
    return 0


async def _send(profile: Profile, arguments: argparse.Namespace) -> int:
    from tui.verbs.send import exit_code

    async with profile.office() as office:
        await _unlock(office, arguments)
        await office.retry_now()
        waiting = [entry.entry_id for entry in office.outbox.open()]
        after = await office.sending.push(waiting, arguments.wait)
        code = exit_code(office, after)
    if arguments.json:
        print_json({"mails": [_json(entry, office.now) for entry in after]})
    else:
        for entry in after:
            sys.stdout.write(f"{_line(entry, office.now)}\n")
    return code


async def _settle(profile: Profile, arguments: argparse.Namespace) -> int:
    if not sys.stdin.isatty():
        raise UsageError(
            "A person has to decide about mail that may have left.",
            "Run it at a terminal, or decide on the Outbox screen.",
        )
    async with profile.office() as office:
        entry = office.outbox.get(arguments.id)
        sys.stderr.write(f"{_line(entry, office.now)}\nType {arguments.how} to do it: ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() != arguments.how:
            sys.stderr.write("Nothing was decided.\n")
            return 1
        entry = await office.settle_uncertain(arguments.id, resend=arguments.how == "resend")
        if arguments.how == "resend":
            (entry,) = await office.sending.push([arguments.id], 120.0)
    if arguments.json:
        print_json(_json(entry, office.now))
    else:
        sys.stdout.write(f"{_line(entry, office.now)}\n")
    return 0


_ACTS: Final[dict[str, Work]] = {
    "list": _list,
    "show": _show,
    "cancel": _cancel,
    "send": _send,
    "settle": _settle,
}
