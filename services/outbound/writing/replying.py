"""How a draft begins: blank, or as reply, reply to all, forward, or another edition of a mail.

Pure functions over what is cached. Closes these traps: an answer to an encrypted mail that leaves in
clear (it begins as REQUIRED), an answer that goes elsewhere than to the sender without a word
(Reply-To is told), and an answer that is mailed to oneself: what was sent from here is answered to
the people that it was sent to.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from services.addresses import Address
from services.draft import Draft, DraftKind, DraftState, Encryption, Metering
from services.errors import UsageError
from services.outbound.drafts.carried_folders import CarriedFolders
from services.outbound.log.lending import Original
from services.outbound.writing.answered import (
    Answered,
    forward_subject,
    read_answered,
    reply_subject,
)
from services.outbound.writing.enclosures import enclosures_of
from services.outbound.writing.quoting import (
    SIGNATURE_RULE,
    Quote,
    moment,
    plain_text,
    quote_forward,
    quote_reply,
)
from services.outbound.writing.templates import Template
from services.outbound.writing.typed_addresses import same_key, written
from services.safe_text import EMPTY, SafeText, clean_address, join, phrase, ui

RECIPIENTS_LIMIT: Final = 100
"""People that a reply to all takes over; the rest is told about."""


@dataclass(frozen=True, slots=True)
class Desktop:
    """Who writes: the own address ("" unknown), the time, the signature and a template's text."""

    own: str = ""
    now: int = 0
    signature: str = ""
    template: Template | None = None
    quotes: bool = True
    """Whether the text of the answered mail is put into the draft."""
    carried: CarriedFolders | None = None
    """Where the files of a mail that is sent on are to lie; None: they do not go along."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A draft to write on, a remark about its recipients and files, and why nothing is quoted."""

    draft: Draft
    remark: SafeText = EMPTY
    quoted: SafeText = EMPTY


def new_request_id() -> str:
    """Return the id of a marketplace request that nobody has made yet."""
    return f"mkt-{uuid.uuid4()}"


def begin_blank(kind: DraftKind, desktop: Desktop, *, to: Iterable[str] = ()) -> Begun:
    """Begin a mail that answers nothing: NEW, or MARKET_REQUEST with an id of its own."""
    draft = Draft.begin(kind, now=desktop.now)
    if kind is DraftKind.MARKET_REQUEST:
        draft = replace(draft, marketplace_request_id=new_request_id())
    return Begun(_with_template(replace(draft, to=tuple(to)), desktop, ""))


def begin_answer(kind: DraftKind, original: Original, desktop: Desktop) -> Begun:
    """Begin a draft from a mail: REPLY, REPLY_ALL, FORWARD, EDIT_AS_NEW or MARKET_RESPONSE.

    UsageError when the mail cannot be answered like that.
    """
    answered = read_answered(original)
    if kind is DraftKind.FORWARD:
        return _forward(original, answered, desktop)
    if kind is DraftKind.EDIT_AS_NEW:
        return _as_new(original, answered, desktop)
    if kind not in _ANSWERS:
        raise UsageError(f"A {kind.value} mail answers nothing.")
    if kind is DraftKind.MARKET_RESPONSE and not answered.marketplace_request_id:
        raise UsageError(
            "This message is no marketplace request.", "Reply to it like to any other mail."
        )
    return _reply(kind, original, answered, desktop)


def again(draft: Draft, now: int) -> Draft:
    """Return a draft with the same content as one that was sent, under ids of its own."""
    fresh = Draft.begin(DraftKind.EDIT_AS_NEW, now=now)
    return replace(
        draft,
        draft_id=fresh.draft_id,
        idempotency_key=fresh.idempotency_key,
        revision=0,
        kind=DraftKind.EDIT_AS_NEW,
        state=DraftState.EDITING,
        send_at=0,
        agent="",
        reason="",
        made_at=now,
        changed_at=now,
    )


_UNVERIFIED: Final = ui("The sender of the message is not verified.")
_ANSWERS: Final = (DraftKind.REPLY, DraftKind.REPLY_ALL, DraftKind.MARKET_RESPONSE)


def _reply(kind: DraftKind, original: Original, answered: Answered, desktop: Desktop) -> Begun:
    own = same_key(desktop.own or original.item.recipient)
    to = _without(_directly(original, answered, own), ())
    cc: tuple[Address, ...] = ()
    if kind is DraftKind.REPLY_ALL:
        leave_out = {own, *(same_key(one.address) for one in to)}
        cc = _without((*answered.to, *answered.cc), leave_out)
    taken = cc[: max(0, RECIPIENTS_LIMIT - len(to))]
    draft = replace(
        _begin(kind, original, desktop),
        to=tuple(map(written, to)),
        cc=tuple(map(written, taken)),
        subject=reply_subject(answered.subject),
        in_reply_to=answered.message_id,
        references=answered.references,
        correlation_id=answered.correlation_id,
        marketplace_request_id=answered.marketplace_request_id,
        usage=Metering() if kind is DraftKind.MARKET_RESPONSE else None,
    )
    quote = Quote("")
    if desktop.quotes:
        who = written(answered.senders[0]) if answered.senders else "somebody"
        quote = quote_reply(original.message, who=who, at=_date(original))
    remark = _sentences(
        _where_it_goes(original, answered, to),
        EMPTY if original.item.sender_verified or original.is_sent else _UNVERIFIED,
        _left_out(len(cc) - len(taken)),
    )
    return Begun(_with_template(draft, desktop, quote.text), remark, quote.remark)


def _forward(original: Original, answered: Answered, desktop: Desktop) -> Begun:
    draft = replace(
        _begin(DraftKind.FORWARD, original, desktop),
        subject=forward_subject(answered.subject),
        correlation_id=answered.correlation_id,
    )
    fields = (
        ("From", _people(answered.senders)),
        ("Date", moment(_date(original))),
        ("Subject", answered.subject),
        ("To", _people(answered.to)),
        ("Cc", _people(answered.cc)),
    )
    quote = quote_forward(original.message, fields) if desktop.quotes else Quote("")
    draft = _with_template(draft, desktop, quote.text)
    files = enclosures_of(original, draft.draft_id, desktop.carried)
    draft = replace(draft, files=files.files)
    return Begun(draft, files.remark, quote.remark)


def _as_new(original: Original, answered: Answered, desktop: Desktop) -> Begun:
    # Whoever wrote it to oneself meant it so.
    own = set() if original.is_sent else {same_key(desktop.own or original.item.recipient)}
    quote = plain_text(original.message)
    draft = replace(
        _begin(DraftKind.EDIT_AS_NEW, original, desktop),
        to=tuple(map(written, _without(answered.to, own)[:RECIPIENTS_LIMIT])),
        cc=tuple(map(written, _without(answered.cc, own)[:RECIPIENTS_LIMIT])),
        subject=answered.subject,
        body=quote.text,
    )
    files = enclosures_of(original, draft.draft_id, desktop.carried)
    return Begun(replace(draft, files=files.files), files.remark, quote.remark)


def _begin(kind: DraftKind, original: Original, desktop: Desktop) -> Draft:
    draft = Draft.begin(kind, now=desktop.now)
    was_encrypted = original.was_encrypted
    return replace(
        draft,
        answers="" if kind is DraftKind.EDIT_AS_NEW else original.item.message_id,
        answers_encrypted=was_encrypted,
        encryption=Encryption.REQUIRED if was_encrypted else Encryption.NONE,
    )


def _with_template(draft: Draft, desktop: Desktop, quote: str) -> Draft:
    """Put together: what the template says, the signature, the quote."""
    template = desktop.template or Template()
    signature = desktop.signature.strip("\n")
    parts = [template.body.rstrip("\n")]
    if signature:
        parts.append(f"{SIGNATURE_RULE}\n{signature}")
    if quote:
        parts.append(quote)
    body = "\n\n".join(parts) if len(parts) > 1 else parts[0]
    return replace(
        draft,
        to=draft.to or template.to,
        cc=draft.cc or template.cc,
        subject=draft.subject or template.subject,
        body=f"{body}\n" if body else "",
    )


def _directly(original: Original, answered: Answered, own: str) -> tuple[Address, ...]:
    """Return who a reply goes to: Reply-To, else the sender; of own mail, whom it went to."""
    wanted = () if original.is_sent else answered.reply_to or answered.senders
    others = (_without(people, {own}) for people in (wanted, answered.to, answered.cc))
    return next(filter(None, others), answered.to or wanted)


def _without(addresses: Iterable[Address], leave_out: Iterable[str]) -> tuple[Address, ...]:
    out = set(leave_out)
    kept: dict[str, Address] = {}
    for address in addresses:
        key = same_key(address.address)
        if key not in out:
            kept.setdefault(key, address)
    return tuple(kept.values())


def _where_it_goes(original: Original, answered: Answered, to: tuple[Address, ...]) -> SafeText:
    if not to:
        return ui("The message names nobody to answer to: write the recipient yourself.")
    if original.is_sent or not answered.senders:
        return EMPTY
    senders, asked = _keys_of(answered.senders), _keys_of(answered.reply_to)
    elsewhere = [one for one in to if same_key(one.address) in asked - senders]
    if not elsewhere:
        if len(to) > 1 and not answered.reply_to and _keys_of(to) <= senders:
            return phrase("The message names {} senders; the answer goes to all of them.", len(to))
        return EMPTY
    return phrase(
        "The answer goes to {}, as the message asks (Reply-To), not to its sender {}.",
        _shown(elsewhere),
        _shown(answered.senders),
    )


def _keys_of(addresses: Iterable[Address]) -> set[str]:
    return {same_key(one.address) for one in addresses}


def _left_out(count: int) -> SafeText:
    if count <= 0:
        return EMPTY
    return phrase("{} more recipients of the message are left out: too many.", count)


def _sentences(*told: SafeText) -> SafeText:
    return join(" ", [sentence for sentence in told if sentence])


def _shown(addresses: Iterable[Address]) -> SafeText:
    return join(", ", [clean_address(one.address) for one in addresses][:5])


def _people(addresses: tuple[Address, ...]) -> str:
    shown = ", ".join(map(written, addresses[:RECIPIENTS_LIMIT]))
    more = len(addresses) - RECIPIENTS_LIMIT
    return f"{shown} and {more} more" if more > 0 else shown


def _date(original: Original) -> int:
    return original.message.date or original.item.received_at
