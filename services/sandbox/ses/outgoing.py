"""The mail that a request asks for: its envelope, and its bytes as they leave SES.

Closes two traps. Whom a mail goes to and what its header says are two things: blind copies are in
the envelope only, and their header field is taken out. And SES owns some fields: it writes its own
Message-ID over that of the sender, and takes out the fields that steer SES.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, getaddresses, parseaddr
from typing import Final

from services.sandbox.ses.errors import Reason, SesError

RECIPIENT_LIMIT: Final = 50
_ADDRESS: Final = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,255}")
_FIELD: Final = re.compile(rb"([!-9;-~]+)[ \t]*:", re.ASCII)
_TAKEN_OUT: Final = (b"bcc", b"return-path", b"message-id", b"received", b"dkim-signature")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One mail that is to leave: `source` and `recipients` are bare addresses."""

    source: str
    recipients: tuple[str, ...]
    raw: bytes = field(repr=False)
    configuration_set: str = ""
    senders: tuple[str, ...] = ()
    """All that have to be verified."""


@dataclass(frozen=True, slots=True)
class Simple:
    """A mail in pieces, as the simple calls take it; None for a body that is not given."""

    source: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    reply_to: tuple[str, ...]
    subject: str
    text: str | None
    html: str | None
    headers: tuple[tuple[str, str], ...] = ()
    configuration_set: str = ""


def simple_mail(asked: Simple) -> Outgoing:
    """Write a mail from its pieces; raises SesError."""
    source = bare_address(asked.source)
    recipients = _recipients([*asked.to, *asked.cc, *asked.bcc])
    if asked.text is None and asked.html is None:
        raise SesError(Reason.INVALID, "Message body is empty.")
    mail = EmailMessage(SMTP.clone(cte_type="7bit"))
    if asked.text is not None:
        mail.set_content(asked.text)
    if asked.html is not None and asked.text is not None:
        mail.add_alternative(asked.html, subtype="html")
    elif asked.html is not None:
        mail.set_content(asked.html, subtype="html")
    fields = [("From", asked.source), ("Subject", asked.subject), *asked.headers]
    lists = (("To", asked.to), ("Cc", asked.cc), ("Reply-To", asked.reply_to))
    fields += [(name, ", ".join(values)) for name, values in lists if values]
    head = b"".join(_field(name, value) for name, value in fields)
    return Outgoing(source, recipients, head + mail.as_bytes(), asked.configuration_set, (source,))


def raw_mail(
    raw: bytes, source: str, destinations: Sequence[str], configuration_set: str
) -> Outgoing:
    """Take a mail that the sender wrote; without source or destinations its header names them."""
    raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    mail = message_from_bytes(raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    for name in ("From", "Subject", "Date", "Message-ID", "Return-Path"):
        if len(mail.get_all(name, [])) > 1:
            raise SesError(Reason.INVALID, f"Duplicate header '{name}'.")
    if not mail["From"]:
        raise SesError(Reason.INVALID, "Missing required header 'From'.")
    author = bare_address(str(mail["From"]))
    named = [str(value) for name in ("To", "Cc", "Bcc") for value in mail.get_all(name, [])]
    recipients = list(destinations) or [address for _, address in getaddresses(named)]
    envelope = bare_address(source) if source else author
    steered = configuration_set or str(mail["X-SES-CONFIGURATION-SET"] or "").strip()
    returns = [bare_address(str(path)) for path in mail.get_all("Return-Path", [])]
    senders = (envelope, author, *returns)
    return Outgoing(envelope, _recipients(recipients), raw, steered, senders)


def bare_address(text: str) -> str:
    """Return the address in a value that may carry a name; raises SesError."""
    address = parseaddr(text)[1]
    if "@" not in address:
        raise SesError(Reason.INVALID, "Missing final '@domain'")
    if not address.isascii():
        raise SesError(Reason.INVALID, "Local or domain part contains non-ASCII characters")
    if not _ADDRESS.fullmatch(address):
        raise SesError(Reason.INVALID, "Illegal address")
    return address


def _recipients(texts: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(bare_address(text) for text in texts))
    if not found:
        raise SesError(Reason.INVALID, "Missing required parameter: no recipients.")
    if len(texts) > RECIPIENT_LIMIT:
        raise SesError(Reason.INVALID, f"Recipient count exceeds {RECIPIENT_LIMIT}.")
    return found


def _field(name: str, value: str) -> bytes:
    if "\r" in value or "\n" in value or not _FIELD.fullmatch(f"{name}:".encode()):
        raise SesError(Reason.INVALID, "Header fields must not contain control characters.")
    coded = Header(value, "us-ascii" if value.isascii() else "utf-8", 76, name)
    return f"{name}: {coded.encode(linesep=chr(13) + chr(10))}\r\n".encode("ascii", "replace")


# ── as it leaves ─────────────────────────────────────────────────────────────────────────────────


def as_sent(mail: Outgoing, message_id: str, region: str, now: float) -> bytes:
    """Return the bytes that recipients get: trace fields on top, SES's own Message-ID."""
    host = "email" if region == "us-east-1" else region
    head, _, body = mail.raw.partition(b"\r\n\r\n")
    fields = [line for line in _unfolded(head) if not _is_ours(line)]
    top = [
        f"Return-Path: <{message_id}@amazonses.com>",
        f"Received: by a.{region}.amazonses.com with HTTPS; {formatdate(now)}",
        f"Message-ID: <{message_id}@{host}.amazonses.com>",
        "X-SES-Outgoing: 127.0.0.1",
    ]
    if not any(line.lower().startswith(b"date:") for line in fields):
        top.append(f"Date: {formatdate(now)}")
    lines = [*(line.encode("ascii") for line in top), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _unfolded(head: bytes) -> list[bytes]:
    """Split a header into its fields; a folded one stays whole."""
    fields: list[bytes] = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += b"\r\n" + line
        elif line:
            fields.append(line)
    return fields


def _is_ours(line: bytes) -> bool:
    name = line.partition(b":")[0].strip().lower()
    return name in _TAKEN_OUT or name.startswith(b"x-ses-")
