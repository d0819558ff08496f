"""What screens and verbs are shown of the outbox: rows, sentences, and the local copy of a mail.

Closes the trap of a state that is a word and no help: each says what it means here and what happens
next. Everything that came from outside is made safe text here.
"""

from __future__ import annotations

from typing import Final

from services.outbound.gate.plan import OutboundMail
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound.outbox.verdicts import OWED
from services.outbound_models import OutboxRow, OutboxState
from services.safe_text import EMPTY, SafeText, clean_line, clean_text, phrase, ui

_ASKS: Final = ui("It may have left. Send the same again, or count it as sent.")
_LOOKED_FOR: Final = ui("Who got it is still to be looked at.")
_SOON: Final = ui("It may have left; the same is sent again by itself.")


def row_of(entry: OutboxEntry, now: int, progress: SafeText = EMPTY) -> OutboxRow:
    """Return an entry as a row."""
    return OutboxRow(
        entry.entry_id,
        entry.state,
        clean_line(entry.to),
        clean_line(entry.subject),
        entry.changed_at,
        send_at=entry.leaves_at(now),
        tries=entry.tries,
        sentence=sentence_of(entry, now),
        encrypted=entry.is_encrypted,
        files=entry.files,
        is_copy=entry.is_copy,
        server_id=clean_line(entry.server_id),
        progress=progress,
    )


def sentence_of(entry: OutboxEntry, now: int) -> SafeText:
    """Return what the state of an entry means here."""
    reason = clean_line(entry.reason)
    match entry.state:
        case OutboxState.PENDING:
            return _waits(entry, now, reason)
        case OutboxState.CLAIMED:
            return ui("It is being sent.")
        case OutboxState.SENT:
            if entry.settled_by_hand:
                return ui("You counted it as sent.")
            # What a look at it told afterwards.
            told = reason or (_LOOKED_FOR if entry.verdict == OWED else EMPTY)
            return phrase("Sent. {}", told) if told else ui("Sent.")
        case OutboxState.REFUSED:
            return _with(ui("It did not leave; its draft is there again."), reason)
        case OutboxState.UNCERTAIN:
            return _with(_SOON if entry.next_try or entry.may_repeat else _ASKS, reason)
        case OutboxState.CANCELLED:
            return ui("Taken back; its draft is there again.")
        case OutboxState.EXPIRED:
            return _with(ui("It did not leave."), reason)


def _waits(entry: OutboxEntry, now: int, reason: SafeText) -> SafeText:
    if reason:
        return phrase("{} Next try in {}.", reason, span(max(0, entry.next_try - now)))
    if (left := entry.leaves_at(now) - now) > 0:
        return phrase("It leaves in {}; until then it can be taken back.", span(left))
    return ui("It leaves now.")


def span(seconds: int) -> SafeText:
    """Return a span of time in the two units that matter."""
    if seconds < 90:
        return phrase("{} s", seconds)
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if minutes < 90:
        return phrase("{} min", minutes)
    if hours < 48:
        return phrase("{} h {} min", hours, minutes % 60)
    return phrase("{} days {} h", days, hours % 24)


def _with(sentence: SafeText, reason: SafeText) -> SafeText:
    return phrase("{} Reason: {}", sentence, reason) if reason else sentence


def facts_of(entry: OutboxEntry, mail: OutboundMail) -> tuple[tuple[SafeText, SafeText], ...]:
    """Return the facts about a mail as it left or waits: name and value."""
    told: list[tuple[str, SafeText]] = [
        ("To", clean_line(mail.to)),
        ("Subject", clean_line(mail.subject)),
        ("State", sentence_of(entry, entry.changed_at)),
        ("Service's id", clean_line(entry.server_id)),
        ("Idempotency key", clean_line(entry.idempotency_key)),
        ("Correlation id", clean_line(mail.correlation_id)),
        ("Marketplace request", clean_line(mail.marketplace_request_id)),
        ("Proposed by", clean_line(mail.agent)),
        ("By", phrase("Amazon SES as {}", clean_line(mail.sender)) if mail.via else EMPTY),
        ("Bcc", clean_line(", ".join(mail.bcc))),
        ("Encrypted to", clean_line(mail.key)),
        ("Decided digest", clean_line(entry.digest[:12])),
    ]
    told += [(name, clean_line(value)) for name, value in mail.headers]
    told += [
        ("File", phrase("{}, {} bytes, {}", clean_line(file.name), file.size, _hash(file.sha256)))
        for file in mail.files
    ]
    return tuple((clean_line(name), value) for name, value in told if value)


def body_of(mail: OutboundMail) -> tuple[SafeText, ...]:
    """Return the text of a mail as lines."""
    return tuple(SafeText(line) for line in clean_text(mail.body).text.split("\n"))


def _hash(sha256: str) -> SafeText:
    return phrase("SHA-256 {}", clean_line(sha256))
