"""Asking for a passphrase on the command line: on the terminal without echo, or from a descriptor.

Closes the trap of a passphrase in argv or in the environment, where every process of the machine can
read it, and of Python's `getpass`, which falls back to an echoing prompt without saying so.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from typing import Final

from services.errors import UsageError
from services.redact import Secret

_LONGEST: Final = 4_096
"""Bytes that are read from a descriptor."""


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add `--passphrase-fd N`."""
    parser.add_argument(
        "--passphrase-fd",
        type=int,
        metavar="N",
        help="read the passphrase from this file descriptor (0: standard input) instead of asking",
    )


def passphrase(arguments: argparse.Namespace, prompt: str, *, twice: bool = False) -> Secret:
    """Return the passphrase, "" when an empty one was given; `twice` asks again when typed.

    UsageError when nobody can be asked or the descriptor cannot be read.
    """
    if arguments.passphrase_fd is not None:
        return from_descriptor(arguments.passphrase_fd)
    typed = _typed(f"{prompt}: ")
    if twice and typed and typed != _typed("The same again: "):
        raise UsageError("The two passphrases differ.", "Nothing was done; start again.")
    return typed


def _typed(prompt: str) -> Secret:
    import getpass

    try:
        # Opened here only to see whether there is a terminal at all.
        with open("/dev/tty", "rb+", buffering=0):  # noqa: PTH123 - a device
            pass
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return Secret(getpass.getpass(prompt))
    except (OSError, getpass.GetPassWarning) as error:
        raise UsageError(
            "There is no terminal to ask for the passphrase.", "Use --passphrase-fd N."
        ) from error
    except EOFError as error:
        raise UsageError("No passphrase was given.") from error


def token(number: int | None) -> Secret:
    """Return a token: from a descriptor, from a pipe at standard input, or typed unseen.

    UsageError when nobody can be asked, and for what cannot be a token.
    """
    from services.secrets import clean_token

    if number is None and not sys.stdin.isatty():
        number = sys.stdin.fileno()
    given = _typed("API token (it is not shown): ") if number is None else from_descriptor(number)
    return clean_token(given.reveal())


def from_descriptor(number: int) -> Secret:
    """Return the first line of what a file descriptor gives; UsageError when it cannot be read."""
    try:
        with os.fdopen(os.dup(number), "rb") as file:
            return Secret(_first_line(file.read(_LONGEST)))
    except OSError as error:
        raise UsageError(f"File descriptor {number} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        pass
    raise UsageError("The passphrase is not UTF-8 text.")


def _first_line(data: bytes) -> str:
    return data.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")


def confirmed(question: str, word: str, *, is_agreed: bool) -> bool:
    """Ask for a word to be typed before what cannot be undone; `is_agreed` (--yes) asks nothing.

    UsageError when nobody can be asked.
    """
    if is_agreed:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"{question} No one can be asked.", "Add --yes to agree.")
    sys.stderr.write(f"{question} Type {word}: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == word
