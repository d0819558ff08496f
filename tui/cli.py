"""The command line: which verbs there are, and how bad input is answered.

A verb is a module in `tui/verbs` with `add(verbs)` and `run(arguments)`. Verb modules are imported
only for the verb that was asked for, so that `--version` costs nothing. Closes the trap of argparse's
own errors: usage walls of ten lines become one sentence and exit code 2.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol, cast

PROGRAM = "agentmail-tui"
VERBS: dict[str, str] = {
    "demo": "start a sandbox with a sample mailbox and open the app on it",
    "sandbox": "run the sandbox mail service alone",
    "sync": "fetch new mail into the cache and send waiting changes",
    "list": "list cached messages, newest first",
    "show": "show one message as safe text",
    "search": "search cached messages, or the service with --server",
    "label": "add and remove labels",
    "read": "mark messages read or unread",
    "archive": "archive messages or bring them back",
    "delete": "delete messages",
    "attach": "list the attachments of a message, or save them",
    "draft": "write mail, or let an agent propose it; nothing is sent by it",
    "send": "send mail, as far as the policy lets it go without a person",
    "outbox": "what waits, leaves or has left: list, show, cancel, send what is due",
    "approvals": "what agents want to send: list, show, reject, pause an agent",
    "render": "show mail files as safe text; needs no account",
    "keys": "own OpenPGP keys and their entry in the directory",
    "peers": "keys of others: look up, compare, accept, require encryption",
    "audit": "who did what with outgoing mail, and proof that nobody changed that",
    "accounts": "the mailboxes that are set up: list, add, remove, test",
    "doctor": "check configuration, secrets, terminal and connection",
}


_OWN: frozenset[str] = frozenset({"demo", "sandbox", "render"})
"""Verbs that use none of the operator's accounts."""


class VerbParsers(Protocol):
    """Where a verb adds its parser (argparse's sub-parsers, typed)."""

    def add_parser(
        self,
        name: str,
        *,
        help: str,  # noqa: A002 - argparse's own word
        description: str,
    ) -> argparse.ArgumentParser: ...


Act = Callable[[str, str], argparse.ArgumentParser]
"""Adds an act of a verb, by its name and its words for a person."""


class Verb(Protocol):
    """What a module in `tui/verbs` offers."""

    def add(self, verbs: VerbParsers) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence on stderr and exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Say what was wrong and where to read more."""
        from services.safe_text import clean_line  # the message quotes what was typed

        sys.stderr.write(f"{self.prog}: {clean_line(message)}. See `{self.prog} --help`.\n")
        raise SystemExit(2)


def run(arguments: Sequence[str]) -> int:
    """Parse the command line, run the verb, return its exit code."""
    if arguments[0] in ("-V", "--version"):
        sys.stdout.write(f"{PROGRAM} {version()}\n")
        return 0
    parser = _parser(_verb_in(arguments))
    try:
        parsed = parser.parse_args(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    if parsed.verb in _OWN and parsed.profile is not None:
        message = f"{parsed.verb} uses none of your accounts: leave --profile out"
        sys.stderr.write(f"{PROGRAM}: {message}.\n")
        return 2
    if parsed.debug:
        from services.paths import Paths
        from services.redact import open_debug_log

        open_debug_log(Paths.from_environment().debug_log)
    if parsed.verb is None:
        from tui.start import start_app

        return start_app(profile=parsed.profile)
    verb: Verb = _module(parsed.verb)
    return verb.run(parsed)


def version() -> str:
    """The installed version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed(PROGRAM)
    except PackageNotFoundError:
        return "unknown (not installed)"


def _verb_in(arguments: Sequence[str]) -> str:
    """Return the first word that is neither an option nor an option's value; "" without one."""
    words = iter(arguments)
    for word in words:
        if word == "--profile":
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


def _parser(chosen: str) -> Parser:
    about = "The terminal mail client for agents' mailboxes."
    parser = Parser(prog=PROGRAM, description=about, allow_abbrev=False)
    parser.add_argument("-V", "--version", action="store_true", help="print the version")
    add_common(parser)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs (none: open the app)")
    for name, summary in VERBS.items():
        if name == chosen:
            _module(name).add(cast("VerbParsers", verbs))
        else:
            verbs.add_parser(name, help=summary, add_help=False)
    if chosen in VERBS:
        add_common(verbs.choices[chosen], again=True, is_told=chosen not in _OWN)
    return parser


def add_common(
    parser: argparse.ArgumentParser, *, again: bool = False, is_told: bool = True
) -> None:
    """Options that may stand before or after the verb; `again` for the parsers below the first.

    `is_told`: the help names the account.
    """
    default = argparse.SUPPRESS if again else None
    words = "this account alone (default: the app shows all, a verb takes the default account)"
    parser.add_argument(
        "--profile",
        metavar="NAME",
        default=default,
        help=words if is_told else argparse.SUPPRESS,
    )
    parser.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS if again else False,
        help="write a redacted log to the state folder",
    )


def acts_of(parser: argparse.ArgumentParser) -> Act:
    """Let a verb have acts, of which one must be named; returns what adds one by its name and words.

    Each act takes `--json` and the common options.
    """
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)

    def act(name: str, text: str) -> argparse.ArgumentParser:
        one = acts.add_parser(name, help=text, description=text)
        one.add_argument("--json", action="store_true", help="print JSON")
        add_common(one, again=True)
        return one

    return act


def _module(name: str) -> Verb:
    return cast("Verb", importlib.import_module(f"tui.verbs.{name}"))
