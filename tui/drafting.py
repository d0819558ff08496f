"""From what was given on the command line to a draft: files looked at, the answered mail quoted.

Closes the trap of a verb that reads encrypted mail with keys that happen to be open: what an agent
answers is never decrypted for it, so nothing of it can be quoted by one.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from services.draft import VIA_SES, BodyFormat, Draft, DraftFile, DraftKind, Encryption
from services.errors import MailError, NotFound
from services.outbound.approvals.agent_door import AgentDoor, Parts, named_by
from services.outbound.approvals.draft_input import (
    PLAIN_ONLY,
    DraftInput,
    InputRefused,
    Problem,
)
from services.outbound.drafts.attaching import look_at
from services.outbound.writing.replying import Begun, Desktop, begin_answer, begin_blank
from services.outbound.writing.templates import Stationery, Template
from services.safe_text import EMPTY, SafeText, join, ui
from tui.carried_along import with_files
from tui.change import mailbox_of
from tui.profile import Profile

if TYPE_CHECKING:
    from services.outbound.log.lending import Original
    from services.outbound.office import Office
    from services.sync.mailbox import Mailbox

HOUR: Final = 3_600
_CLOSED: Final = ui("The answered message is encrypted: none of its text is quoted.")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A draft that is ready to be handed in, and what is to be said about it."""

    draft: Draft
    remark: SafeText = EMPTY


@asynccontextmanager
async def office_and_door(profile: Profile) -> AsyncIterator[tuple[Office, AgentDoor]]:
    """Open what is outbound of an account, and the door to its drafts."""
    async with profile.office() as office:
        yield office, door_of(office)


def door_of(office: Office) -> AgentDoor:
    """Return what agents and scripts may do with the drafts of an office."""
    return AgentDoor(
        Parts(
            store=office.store,
            drafts=office.drafts,
            proposals=office.proposals,
            outbox=office.outbox,
            audit=office.audit,
            seconds=office.account.policy.approval_hours * HOUR,
            clock=office.clock,
        )
    )


async def prepare(profile: Profile, office: Office, given: DraftInput, agent: str) -> Prepared:
    """Return the draft that was asked for, by an `agent` or ("") the operator.

    The files of a message that is sent on are fetched for it. Raises InputRefused for what is wrong with it, NotFound, PolicyRefused, or a ServiceError when
    the answered message cannot be had.
    """
    now = int(time.time())
    require_way_out(profile, given)
    files = looked_at(profile, given)
    begun = await _begun(profile, office, given, now, agent)
    if begun.draft.files:
        files = (*begun.draft.files, *(files or ()))
    draft = replace(
        replace(given, body=None, kind=None).applied(begun.draft, files, now),
        idempotency_key=given.idempotency_key or begun.draft.idempotency_key,
    )
    check(draft, given, is_agent=bool(agent))
    # It was not even tried to open it, so unlocking a key is no remedy here.
    quoted = _CLOSED if draft.answers_encrypted and begun.quoted else begun.quoted
    return Prepared(draft, join(" ", [text for text in (begun.remark, quoted) if text]))


def check(draft: Draft, given: DraftInput, *, is_agent: bool) -> None:
    """Raise InputRefused for what no field alone shows."""
    problems = []
    if is_agent and not draft.recipients:
        problems.append(Problem("to", "At least one recipient is needed."))
    if is_agent and not (draft.subject.strip() or draft.body.strip() or draft.files):
        problems.append(Problem("body", "A subject, a text or a file is needed."))
    if draft.answers_encrypted and given.encrypt is False:
        problems.append(
            Problem("encrypt", "The answered message was encrypted: so is every answer to it.")
        )
    if draft.format is not BodyFormat.PLAIN and draft.via != VIA_SES:
        problems.append(Problem("format", PLAIN_ONLY))
    if problems:
        raise InputRefused(tuple(problems), given)


def require_way_out(profile: Profile, given: DraftInput) -> None:
    """Raise InputRefused for Amazon SES where the account has none set up."""
    if given.via == VIA_SES and profile.account.ses is None:
        place = f"[accounts.{profile.account.name}.ses]"
        told = f"This account does not send by Amazon SES: the operator sets it up in {place}."
        raise InputRefused((Problem("via", told),), given)


def looked_at(profile: Profile, given: DraftInput) -> tuple[DraftFile, ...] | None:
    """Look at the files; InputRefused names all that cannot go along, PolicyRefused if that is why."""
    if given.files is None:
        return None
    barred = profile.paths.own
    found, problems = [], []
    refusal: MailError | None = None
    for number, wish in enumerate(given.files):
        try:
            file = look_at(wish.path, name=wish.name, content_type=wish.content_type, barred=barred)
            found.append(file)
        except MailError as error:
            problems.append(Problem(f"files[{number}].path", str(error)))
            refusal = error if error.exit_code != InputRefused.exit_code else refusal
    if refusal is not None and len(problems) == 1:
        raise refusal
    if problems:
        raise InputRefused(tuple(problems), given)
    return tuple(found)


async def _begun(
    profile: Profile, office: Office, given: DraftInput, now: int, agent: str
) -> Begun:
    kind = given.kind or (DraftKind.REPLY if given.answers else DraftKind.NEW)
    template = Template()
    if given.template:
        template = _template(profile, given.template)
    body = "\n\n".join(part for part in (given.body or "", template.body) if part)
    desktop = Desktop(
        profile.account.address,
        now=now,
        template=replace(template, body=body),
        quotes=(kind is DraftKind.FORWARD) if given.quote is None else given.quote,
        carried=office.carried,
    )
    if not given.answers:
        return begin_blank(kind, desktop)
    with profile.store(for_reading=True) as store:
        async with mailbox_of(profile, store, with_keys=False) as mailbox:
            begun = begin_answer(kind, await _original(mailbox, given.answers), desktop)
            if agent and given.idempotency_key:
                begun = replace(begun, draft=named_by(agent, given.idempotency_key, begun.draft))
            return await with_files(begun, office, mailbox) if begun.draft.files else begun


def _template(profile: Profile, name: str) -> Template:
    try:
        return Stationery(profile.paths.config_dir).template(name)
    except NotFound as error:
        raise InputRefused((Problem("template", str(error)),)) from None


async def _original(mailbox: Mailbox, message_id: str) -> Original:
    from services.outbound.log.lending import Original

    opened = await mailbox.open(message_id)
    mail = opened.mail
    return Original(mail.item, mail.raw, opened.message, mail.attachments, mail.is_sent)


def changing(
    given: DraftInput, files: tuple[DraftFile, ...] | None, now: int
) -> Callable[[Draft], Draft]:
    """Return what an edit does to a draft: what was given is put in, all else stays."""

    def change(draft: Draft) -> Draft:
        changed = given.applied(draft, files, now)
        check(changed, given, is_agent=bool(draft.agent))
        if draft.answers_encrypted:
            return replace(changed, encryption=Encryption.REQUIRED)
        return changed

    return change
