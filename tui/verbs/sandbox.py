"""`sandbox`: runs the local mail service alone, or prints its OpenAPI document.

Closes the trap of a server that a script cannot use: one JSON line with addresses and tokens comes
first on stdout, nothing else follows, and SIGTERM ends it with exit code 0.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.cli import VerbParsers


def add(verbs: VerbParsers) -> None:
    """Describe the verb's options."""
    text = (
        "Run a local mail service on loopback: the Assmbl API with presigned uploads, SMTP, "
        "AgentMail.to with its WebSocket, and Amazon SES. The first line of output has all "
        "addresses and keys."
    )
    parser = verbs.add_parser(
        "sandbox", help="run the sandbox mail service alone", description=text
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="keep the data here (default: a temporary folder)"
    )
    parser.add_argument(
        "--messages", type=_count, default=0, metavar="N", help="fill ops-bot with N sample mails"
    )
    for name, what in (
        ("port", "Assmbl API"),
        ("s3-port", "object store"),
        ("smtp-port", "SMTP"),
        ("agentmail-to-port", "AgentMail.to API"),
        ("ses-port", "SES API"),
    ):
        parser.add_argument(
            f"--{name}",
            type=_port,
            default=0,
            metavar="N",
            help=f"port of the {what} (default: free)",
        )
    parser.add_argument(
        "--openapi", action="store_true", help="print the OpenAPI document and leave"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    if arguments.openapi:
        from services.api.openapi import document

        print(json.dumps(document(), indent=2))
        return 0
    from services.sandbox.serve import Options, serve

    options = Options(
        data=arguments.data,
        port=arguments.port,
        s3_port=arguments.s3_port,
        smtp_port=arguments.smtp_port,
        v0_port=arguments.agentmail_to_port,
        ses_port=arguments.ses_port,
        messages=arguments.messages,
    )
    return serve(options)


def _port(text: str) -> int:
    return _number(text, 65_535)


def _count(text: str) -> int:
    return _number(text, 1_000_000)


def _number(text: str, largest: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 7 or int(text) > largest:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {largest}")
    return int(text)
