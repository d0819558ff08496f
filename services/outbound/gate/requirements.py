"""What a draft must be like whatever the policy says: the contract of the service, told beforehand.

Closes the trap of a draft that is approved, sealed and uploaded, and then cannot be written on the
wire, and of headers that a draft smuggles in: what the service or the gate writes, what routes a
mail elsewhere, line ends. Source: api/assmbl.md §5.1, §12, services/api/wire_types.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from services.draft import Draft, DraftFile, Metering
from services.outbound.gate.plan import Refusal, RefusalKind

FILES_LIMIT: Final = 100
NAME_LIMIT: Final = 250
"""Characters of a file name; encryption adds four more to 255."""
LINE_LIMIT: Final = 10_000
BODY_LIMIT: Final = 4 * 1024 * 1024
"""Characters of a body that are sent; a file carries more."""
_OURS: Final = frozenset({
    "from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "mime-version",
    "return-path", "received", "delivered-to", "errors-to", "x-oversight-copy",
    "apparently-to", "envelope-to", "x-envelope-to", "original-recipient", "alternate-recipient",
    "x-original-to", "x-rcpt-to", "x-receiver", "x-smtpapi",
})  # fmt: skip
_OUR_KINDS: Final = (
    "x-agentmail-", "content-", "resent-", "dkim-", "arc-", "authentication-", "list-", "auto-",
    "x-ses-", "x-mailgun-", "x-msys-", "x-mc-", "x-mj-", "x-pm-", "x-postmark-",
)  # fmt: skip
"""The later ones tell services that send mail whom to deliver to, and under which account."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_HEADER_NAME: Final = re.compile(r"[!-9;-~]{1,76}")
_KEY: Final = re.compile(r"[!-~]{1,200}")
_CONTENT_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,120}/[A-Za-z0-9!#$&^_.+-]{1,120}")
_COUNT: Final = 2**53


def headers_of(draft: Draft, *, threads: bool = True) -> tuple[tuple[str, str], ...]:
    """Return the further headers of a draft's mails; with `threads` what it answers as well."""
    headers = [(name.strip(), value.strip()) for name, value in draft.headers]
    if not threads:
        return tuple(headers)
    if draft.in_reply_to:
        headers.append(("In-Reply-To", draft.in_reply_to.strip()))
    if draft.references:
        headers.append(("References", _references(draft.references)))
    return tuple(headers)


def is_ours(name: str) -> bool:
    """Tell the name of a header that the program or a service writes, and nobody else."""
    lower = name.lower()
    return lower in _OURS or lower.startswith(_OUR_KINDS)


def faults(draft: Draft) -> tuple[Refusal, ...]:
    """Return what cannot be sent whatever the policy says, the recipients left aside."""
    found = (
        *_subject_and_body(draft),
        *_headers(draft),
        *_ids(draft),
        *_usage(draft.usage),
        *_files(draft.files),
    )
    return tuple(Refusal(RefusalKind.DRAFT, sentence, step) for sentence, step in found)


def content_type_of(file: DraftFile) -> str:
    """Return a file's type, the unknown one when it could not be written."""
    known = _CONTENT_TYPE.fullmatch(file.content_type)
    return file.content_type if known else "application/octet-stream"


_Fault = tuple[str, str]


def _subject_and_body(draft: Draft) -> Iterator[_Fault]:
    if _CONTROL.search(draft.subject):
        yield "The subject holds line ends or control characters.", "Take them out."
    if len(draft.subject) > LINE_LIMIT:
        yield f"The subject is longer than {LINE_LIMIT} characters.", "Shorten it."
    if len(draft.body) > BODY_LIMIT:
        yield "The text is longer than 4 MB.", "Attach it as a file."
    if any("\ud800" <= char <= "\udfff" for char in draft.subject + draft.body):
        yield "The text holds characters that cannot be written as UTF-8.", "Take them out."


def _headers(draft: Draft) -> Iterator[_Fault]:
    seen: set[str] = set()
    for name, value in headers_of(draft):
        lower = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            yield f"{name!a} is no name of a header.", "Use letters, digits and hyphens."
        elif is_ours(name):
            yield (
                f"The header {name} is written by the program or the service itself.",
                "Remove it.",
            )
        elif lower in seen:
            yield f"The header {name} is there twice.", "Keep one of them."
        if _CONTROL.search(value) or len(value) > LINE_LIMIT or not value.isprintable():
            yield f"The value of the header {name!a} is not one line of text.", "Correct it."
        seen.add(lower)


def _ids(draft: Draft) -> Iterator[_Fault]:
    ids = (
        ("correlation id", draft.correlation_id, False),
        ("marketplace request id", draft.marketplace_request_id, False),
        ("idempotency key", draft.idempotency_key, True),
    )
    for name, value, needed in ids:
        if (needed or value) and not _KEY.fullmatch(value):
            yield (
                f"The {name} is not 1 to 200 visible ASCII characters.",
                "Correct it in the details of the mail.",
            )
    if draft.marketplace_request_id and len(draft.recipients) > 1:
        yield "Mail of the marketplace has exactly one recipient.", "Write the others a mail apart."


def _usage(usage: Metering | None) -> Iterator[_Fault]:
    if usage is None:
        return
    counts = (
        usage.outcomes_returned, usage.tokens_input, usage.tokens_output, usage.compute_ms,
    )  # fmt: skip
    if any(count is not None and not 0 <= count <= _COUNT for count in counts):
        yield "A count of the usage is negative or too large.", "Correct it."
    units = usage.custom_units.items()
    if any(not name or not 0 <= float(value) < float("inf") for name, value in units):
        yield "A custom unit of the usage has no name or no plain number.", "Correct it."


def _files(files: tuple[DraftFile, ...]) -> Iterator[_Fault]:
    if len(files) > FILES_LIMIT:
        yield f"A mail carries at most {FILES_LIMIT} files.", "Take some out, or pack them."
    for file in files:
        if not 0 < len(file.name) <= NAME_LIMIT:
            yield f"A file's name must have 1 to {NAME_LIMIT} characters.", "Name it otherwise."
        elif _CONTROL.search(file.name) or "/" in file.name or "\\" in file.name:
            yield f"The file name {file.name!a} cannot be sent.", "Name it otherwise."


def _references(references: tuple[str, ...]) -> str:
    """Join the ids of a conversation, the oldest and the newest when there are too many."""
    ids = [one.strip() for one in references if one.strip()]
    if len(" ".join(ids)) > LINE_LIMIT // 10:
        ids = [*ids[:1], *ids[-8:]]
    return " ".join(ids)
