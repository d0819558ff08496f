"""The flags of the `draft` verb as the same document that standard input may hold.

Closes the trap of two ways in that allow different things: flags only fill in fields, and one door
(services/outbound/approvals/draft_input.py) reads them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

from services.errors import UsageError
from services.outbound.approvals.draft_input import BYTES_LIMIT, read_json
from services.outbound.approvals.input_values import FORMATS, KINDS, USAGE_COUNTS, WAYS_OUT
from services.outbound.drafts.attaching import check_place
from services.outbound.drafts.files import place_of
from services.paths import Paths

_LISTS: Final = (
    ("--to", "to", "a recipient (repeatable)"),
    ("--cc", "cc", "a further recipient (repeatable)"),
    ("--bcc", "bcc", "a recipient that the others do not see (repeatable)"),
    ("--references", "references", "a Message-ID of the chain before (repeatable)"),
)
_TEXTS: Final = (
    ("--subject", "subject", "the subject"),
    ("--body", "body", "the text; other processes see it: prefer --body-file or --stdin"),
    ("--answers", "answers", "the id of the message that it answers, as `list` prints it"),
    ("--in-reply-to", "in_reply_to", "the Message-ID that it answers, of a mail elsewhere"),
    ("--correlation-id", "correlation_id", "one id for all messages of a workflow"),
    ("--idempotency-key", "idempotency_key", "your name for this mail: twice makes no second one"),
    ("--marketplace-request-id", "marketplace_request_id", "the id of a transaction"),
    ("--send-at", "send_at", "not before this time: ISO 8601 with a zone"),
    ("--template", "template", "begin with this template of the operator's"),
    ("--reason", "reason", "why it should be sent: the person who decides reads this"),
)

_CHOICES: Final = (
    ("--kind", KINDS, "how it begins"),
    ("--via", WAYS_OUT, "by which service it leaves: the account's own, or Amazon SES"),
    ("--format", FORMATS, "what the text is; markdown and html leave with HTML in them, by SES"),
)
_MANY: Final = (
    ("--attach", "FILE", "a file to go along (repeatable)"),
    ("--header", "NAME:VALUE", "a further header (repeatable)"),
    ("--usage", "NAME=NUMBER", "metering (repeatable)"),
)


def add_flags(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Add the flags that fill in a draft; `again` for a parser below one that has them.

    What is not given is None, or, `again`, what the parser above has found.
    """
    nothing: dict[str, Any] = {"default": argparse.SUPPRESS if again else None}
    either: dict[str, Any] = {"action": argparse.BooleanOptionalAction, **nothing}
    for flag, name, about in _LISTS:
        parser.add_argument(flag, dest=name, action="append", metavar="TEXT", help=about, **nothing)
    for flag, name, about in _TEXTS:
        parser.add_argument(flag, dest=name, metavar="TEXT", help=about, **nothing)
    for flag, metavar, about in _MANY:
        parser.add_argument(flag, action="append", metavar=metavar, help=about, **nothing)
    parser.add_argument(
        "--body-file", metavar="FILE", help="read the text from a file (-: stdin)", **nothing
    )
    for flag, known, about in _CHOICES:
        parser.add_argument(flag, choices=tuple(known), help=about, **nothing)
    parser.add_argument("--encrypt", help="it leaves encrypted or not at all", **either)
    parser.add_argument("--quote", help="put the answered text under it", **either)
    parser.add_argument(
        "--stdin",
        action="store_true",
        default=argparse.SUPPRESS if again else False,
        help="read one JSON object from standard input; `draft schema` prints its form",
    )


def read_document(arguments: argparse.Namespace, stdin: BinaryIO) -> dict[str, Any]:
    """Return the document that flags and standard input make; UsageError, InputRefused."""
    document = _from_flags(arguments, stdin)
    if not arguments.stdin:
        return document
    if arguments.body_file == "-":
        raise UsageError("Standard input is JSON or the text, not both.", "Leave one of them out.")
    found = dict(read_json(stdin.read(BYTES_LIMIT + 1)))
    twice = sorted(found.keys() & document.keys())
    if twice:
        raise UsageError(
            f"Given both as a flag and in the JSON: {', '.join(twice)}.", "Leave one of them out."
        )
    return {**found, **document}


def _from_flags(arguments: argparse.Namespace, stdin: BinaryIO) -> dict[str, Any]:
    names = [name for _, name, _ in (*_LISTS, *_TEXTS)]
    document = {
        name: value
        for name in (*names, "kind", "via", "format", "encrypt", "quote")
        if (value := getattr(arguments, name)) is not None
    }
    if "send_at" in document and document["send_at"].isdecimal():
        document["send_at"] = int(document["send_at"][:20])
    if arguments.body_file is not None:
        if "body" in document:
            raise UsageError("The text is given twice.", "Use --body or --body-file.")
        document["body"] = _text_of(arguments.body_file, stdin)
    if arguments.attach:
        document["files"] = [str(Path(path).expanduser().absolute()) for path in arguments.attach]
    if arguments.header:
        document["headers"] = dict(_header(text) for text in arguments.header)
    if arguments.usage:
        document["usage"] = _usage(arguments.usage)
    return document


def _text_of(name: str, stdin: BinaryIO) -> str:
    try:
        if name == "-":
            data = stdin.read(BYTES_LIMIT + 1)
        else:
            with Path(name).open("rb") as file:
                check_place(place_of(file, Path(name)), Paths.from_environment().own)
                data = file.read(BYTES_LIMIT + 1)
    except OSError as error:
        raise UsageError(
            f"The text cannot be read from {name[:300]!a}: {error.strerror}."
        ) from None
    if len(data) > BYTES_LIMIT:
        raise UsageError(f"The text is larger than {BYTES_LIMIT // 1024 // 1024} MB.")
    try:
        return data.decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"The text is not UTF-8 (byte {error.start}).") from None


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise UsageError(f"{text[:100]!a} is no header.", "Write it as NAME:VALUE.")
    return name.strip(), value.strip()


def _usage(given: list[str]) -> dict[str, Any]:
    usage: dict[str, Any] = {}
    units: dict[str, float] = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            if name in USAGE_COUNTS:
                usage[name] = int(value)
            else:
                units[name] = float(value)
        except ValueError:
            raise UsageError(
                f"{text[:100]!a} is no metering.", "Write it as NAME=NUMBER."
            ) from None
    return {**usage, "custom_units": units} if units else usage


def standard_input() -> BinaryIO:
    """Return standard input as bytes."""
    return sys.stdin.buffer
