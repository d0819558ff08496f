"""What an answer has to know of the mail that it answers, read from its raw header.

Closes two traps: thread headers that break the chain of others (RFC 5322 §3.6.4 says what goes into
them), and values of a stranger's header that travel on into ours: ids, subjects and correlation ids
are taken over only in a form that no header can be broken with.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.addresses import Address, parse_mailboxes, parse_sender
from services.outbound.log.lending import Original
from services.outbound.writing.typed_addresses import is_address, same_key
from services.reading.mime_headers import HeaderBlock, raw_text, read_block

REFERENCES_LIMIT: Final = 20
"""Ids kept of a chain: the first, which is the thread's, and the newest."""
SUBJECT_LIMIT: Final = 900
HEAD_LIMIT: Final = 256 * 1024
"""Bytes of a mail in which its header is looked for: more is no header that anybody needs."""

_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]{1,250}>")
_TOKEN: Final = re.compile(r"[!-~]{1,200}")
_SPACE: Final = re.compile(r"\s+")
_REPLY: Final = re.compile(
    r"(?:(?:re|aw|antw|sv|vs|odp|ynt|res|rif|回复|答复|Ответ)(?:\[\d{1,4}\]|\(\d{1,4}\)|\^\d{1,4})?"
    r"\s?[:：]\s{0,9}){1,50}",
    re.IGNORECASE,
)
_FORWARD: Final = re.compile(
    r"(?:(?:fwd?|wg|tr|rv|enc|i|转发)\s?[:：]\s{0,9}){1,50}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Answered:
    """The header of a mail as far as an answer needs it; everything in it is fit for a header."""

    senders: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    message_id: str
    references: tuple[str, ...]
    """The References of an answer to it."""
    correlation_id: str = ""
    marketplace_request_id: str = ""


def read_answered(original: Original) -> Answered:
    """Read what an answer needs; what the raw mail does not say is taken from the inbox entry."""
    item = original.item
    head = read_block(original.raw, 0, min(len(original.raw), HEAD_LIMIT))
    senders = _usable(parse_sender(_raw(head, "from"))) or _usable(parse_sender(item.sender))
    found = message_ids(_raw(head, "message-id"))
    message_id = found[0] if found else ""
    return Answered(
        senders=senders,
        reply_to=_usable(parse_mailboxes(_raw(head, "reply-to"))),
        to=_people(head, "to") or _usable(parse_mailboxes(item.recipient)),
        cc=_people(head, "cc"),
        subject=plain_subject(head.first("subject") or item.subject),
        message_id=message_id,
        references=references_of(
            message_ids(" ".join(map(raw_text, head.all_raw("references")))),
            message_ids(_raw(head, "in-reply-to")),
            message_id,
        ),
        correlation_id=_token(item.correlation_id, head, "x-agentmail-correlation-id"),
        marketplace_request_id=_token(
            item.marketplace_request_id, head, "x-agentmail-marketplace-request-id"
        ),
    )


def references_of(
    references: tuple[str, ...], in_reply_to: tuple[str, ...], message_id: str
) -> tuple[str, ...]:
    """Return the References of an answer (RFC 5322 §3.6.4).

    The chain of the mail and its own id behind; without a chain its In-Reply-To if that is one id.
    A chain that is too long keeps its first id and its newest ones.
    """
    chain = references or (in_reply_to if len(in_reply_to) == 1 else ())
    whole = [*(entry for entry in dict.fromkeys(chain) if entry != message_id)]
    if message_id:
        whole.append(message_id)
    if len(whole) > REFERENCES_LIMIT:
        whole = [whole[0], *whole[1 - REFERENCES_LIMIT :]]
    return tuple(whole)


def message_ids(value: str) -> tuple[str, ...]:
    """Return the ids in angle brackets that a header value holds, in order; damaged ones are not."""
    return tuple(_MESSAGE_ID.findall(value[:100_000]))


def plain_subject(text: str) -> str:
    """Return a subject on one line, without what does not print or turns text around."""
    kept = "".join(char for char in text[: 4 * SUBJECT_LIMIT] if _prints(char))
    line = _SPACE.sub(" ", kept).strip()
    return line if len(line) <= SUBJECT_LIMIT else f"{line[: SUBJECT_LIMIT - 1]}…"


def reply_subject(subject: str) -> str:
    """Return `Re: subject` with one prefix, however many answers (and languages) came before."""
    return f"Re: {_without(_REPLY, subject)}".rstrip()


def forward_subject(subject: str) -> str:
    """Return `Fwd: subject` with one prefix."""
    return f"Fwd: {_without(_FORWARD, subject)}".rstrip()


def _without(prefix: re.Pattern[str], subject: str) -> str:
    found = prefix.match(subject)
    return subject[found.end() :] if found else subject


def _prints(char: str) -> bool:
    if char in "\t\r\n\u200c\u200d":
        return True
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def _raw(head: HeaderBlock, name: str) -> str:
    values = head.all_raw(name)
    return raw_text(values[0]) if values else ""


def _people(head: HeaderBlock, name: str) -> tuple[Address, ...]:
    found = [parse_mailboxes(raw_text(value)) for value in head.all_raw(name)]
    return _usable(address for addresses in found for address in addresses)


def _usable(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """Keep what can be written to, each once."""
    kept: dict[str, Address] = {}
    for address in addresses:
        if is_address(address.address):
            kept.setdefault(same_key(address.address), address)
    return tuple(kept.values())


def _token(told: str, head: HeaderBlock, name: str) -> str:
    for value in (told, head.first(name)):
        if _TOKEN.fullmatch(value.strip()):
            return value.strip()
    return ""
