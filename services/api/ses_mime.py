"""The mail as Amazon SES gets it: the bytes, written by us, the same every time.

Closes four traps. A retry that writes the mail anew would be another mail: no clock and no chance
is in here, the boundaries and the Message-ID are made of the contents. A readable part beside the
ciphertext: an encrypted mail is armor and sealed files, or it is refused. Fields that steer SES or
forge the sender: they are ours alone, line ends included. And a long value that the standard
library would turn into an encoded word, which a program that reads raw headers does not understand.
Source: reference 000, options 1 to 3 and 5 (the wire shape of the vendor's SDK).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate
from typing import Final

from services.errors import CryptoError, UsageError
from services.policy_config import is_plain_address
from services.sealed_names import SEALED_TYPE, UNKNOWN_TYPE

ENCRYPTED: Final = "X-AgentMail-Encrypted"
CORRELATION: Final = "X-AgentMail-Correlation-Id"
IDEMPOTENCY: Final = "X-AgentMail-Idempotency-Key"
LARGEST: Final = 40 * 2**20
"""Bytes of a whole mail that SES takes by the API that is used here."""
_BEGIN: Final = "-----BEGIN PGP MESSAGE-----"
_END: Final = "-----END PGP MESSAGE-----"
_OWNED: Final = frozenset({
    "from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "mime-version",
    "return-path", "received", "delivered-to", "errors-to", "x-agentmail-attachments",
})  # fmt: skip
_OWNED_KINDS: Final = ("content-", "resent-", "dkim-", "arc-", "x-ses-")
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,76}")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,120}/[A-Za-z0-9!#$&^_.+-]{1,120}")
_LINE: Final = 998
_FOLD: Final = 76
_POLICY: Final = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class MimeFile:
    """A file that goes along inside the mail."""

    name: str
    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MimeMail:
    """One mail to one address; `date` is seconds since the epoch.

    `is_encrypted`: `text` is armor, every file is sealed, and there is no `html`.
    """

    sender: str
    """The bare address."""
    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    files: tuple[MimeFile, ...] = ()
    correlation_id: str = ""
    idempotency_key: str = ""
    is_encrypted: bool = False
    date: int = 0
    sender_name: str = ""


def written(mail: MimeMail) -> bytes:
    """Return the whole mail with CRLF line ends, below 998 bytes a line, all ASCII.

    Raises CryptoError when a part of an encrypted mail can be read, UsageError for what no mail can
    carry or SES does not take.
    """
    if mail.is_encrypted:
        _check_sealed(mail)
    for address in (mail.sender, mail.to):
        if not is_plain_address(address):
            raise UsageError("Amazon SES takes plain ASCII addresses only.", "Check the address.")
    head = b"".join(_field(name, value) for name, value in _fields(mail).items())
    try:
        raw = head + _content(mail)
    except (ValueError, LookupError, TypeError, MessageError) as error:
        raise UsageError("This mail cannot be written: its text or a file name is odd.") from error
    if len(raw) > LARGEST:
        raise UsageError(
            f"The mail has {len(raw) / 2**20:.1f} MB as it is sent; Amazon SES takes 40 MB.",
            "Leave a file out, or send it by the mail service's own attachments.",
        )
    return raw


def _check_sealed(mail: MimeMail) -> None:
    body = mail.text.strip()
    is_armor = body.startswith(_BEGIN) and body.endswith(_END) and body.count("-----") == 4
    sealed = all(
        file.content_type == SEALED_TYPE and file.data.lstrip().startswith(_BEGIN.encode())
        for file in mail.files
    )
    if mail.html or not (is_armor and sealed):
        raise CryptoError(
            "A part of this mail is not encrypted although all of it must be.",
            "Nothing was sent. Write it anew.",
        )


# ── the header ───────────────────────────────────────────────────────────────────────────────────


def _fields(mail: MimeMail) -> Mapping[str, str]:
    fields = {
        "From": formataddr((_plain_name(mail.sender_name), mail.sender)),
        "To": mail.to,
        "Subject": mail.subject,
        "Date": formatdate(mail.date),
        "Message-ID": _message_id(mail),
    }
    tracking = (
        (ENCRYPTED, "body" if mail.is_encrypted else ""),
        (CORRELATION, mail.correlation_id),
        (IDEMPOTENCY, mail.idempotency_key),
    )
    fields.update((name, value) for name, value in tracking if value)
    ours = {name.lower(): value for name, value in tracking}
    known = {name.lower() for name in fields}
    for name, value in mail.headers:
        low = name.lower()
        if low in _OWNED or low.startswith(_OWNED_KINDS) or ours.get(low, value) != value:
            raise UsageError(f"The header {_shown(name)} is written by the program itself.")
        if low in known and low not in ours:
            raise UsageError(f"The header {_shown(name)} is there twice.")
        if low not in known:
            fields[name] = value
            known.add(low)
    return fields


def _field(name: str, value: str) -> bytes:
    """Write one field; a value without blanks stays in one piece, whatever its length."""
    if not _NAME.fullmatch(name) or _CONTROL.search(value):
        raise UsageError(f"The header {_shown(name)} cannot be written.", "Leave it out.")
    is_plain = value.isascii() and "=?" not in value  # a text that looks encoded would be decoded
    charset = "us-ascii" if is_plain else "utf-8"
    # One word behind its name, not below it: a raw reader would see a blank in front of it.
    width = _FOLD if not is_plain or " " in value else _LINE
    coded = Header(value, charset, width, name).encode(linesep="\r\n")
    line = f"{name}: {coded}\r\n".encode("ascii")
    if max(map(len, line.split(b"\r\n"))) > _LINE:
        raise UsageError(f"The header {_shown(name)} is too long for a mail.", "Make it shorter.")
    return line


def _plain_name(name: str) -> str:
    return _CONTROL.sub(" ", name).strip()


def _shown(name: str) -> str:
    return re.sub(r"[^!-~]", "?", name)[:40]


def _message_id(mail: MimeMail) -> str:
    """SES writes its own over it; this one is for a log and for other carriers."""
    seed = f"{mail.idempotency_key}\0{mail.sender}\0{mail.to}\0{mail.date}\0{mail.subject}"
    made = hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()[:32]
    return f"<{made}@{mail.sender.rpartition('@')[2]}>"


# ── what follows it ──────────────────────────────────────────────────────────────────────────────


def _content(mail: MimeMail) -> bytes:
    """Return the fields about the content, the blank line and the content."""
    content = EmailMessage(_POLICY)
    content.set_content(mail.text, subtype="plain", charset="utf-8")
    if mail.html:
        content.add_alternative(mail.html, subtype="html", charset="utf-8")
    for file in mail.files:
        if _CONTROL.search(file.name):
            raise ValueError(file.name)
        kind, _, subtype = _type_of(file).partition("/")
        content.add_attachment(file.data, maintype=kind, subtype=subtype, filename=file.name)
    seed = hashlib.sha256()
    for piece in _pieces(mail):
        seed.update(len(piece).to_bytes(8, "big") + piece)
    for number, part in enumerate(part for part in content.walk() if part.is_multipart()):
        part.set_boundary(f"=_{seed.hexdigest()[:40]}_{number}")
    return content.as_bytes()


def _type_of(file: MimeFile) -> str:
    """Return the type of a file; mail inside must not be encoded, so it goes as bytes."""
    kind = file.content_type.partition(";")[0].strip().lower()
    is_leaf = not kind.startswith(("message/", "multipart/"))
    return kind if is_leaf and _TYPE.fullmatch(kind) else UNKNOWN_TYPE


def _pieces(mail: MimeMail) -> Iterator[bytes]:
    for text in (mail.text, mail.html):
        yield text.encode("utf-8", "replace")
    for file in mail.files:
        yield file.name.encode("utf-8", "replace")
        yield file.data
