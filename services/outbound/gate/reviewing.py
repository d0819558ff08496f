"""A plan as a person reads it, and what is different between two plans, as sentences.

Closes the trap of a review that shows something else than what leaves: everything shown here is read
from the plan whose digest the decision carries, with invisible characters made visible, and nothing
that would be sent is left out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from services.draft import BodyFormat, Metering
from services.outbound.gate.plan import Plan, PlannedFile, RecipientFacts, Refusal, RefusalKind
from services.outbound.gate.policy import PERSON_DECIDES
from services.outbound_models import (
    CheckLevel,
    CheckView,
    ReviewFile,
    ReviewRecipient,
    ReviewView,
)
from services.safe_text import EMPTY, SafeText, clean_address, clean_line, reveal_text, ui

MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_SERVICE_KNOWS: Final = "the address of this account's token"
_OWN_SERVICE: Final = "the account's own service"
_SENTENCE_LIMIT: Final = 2_000


def review(plan: Plan, *, pricing: Iterable[SafeText] = ()) -> ReviewView:
    """Return what the review screen shows of a plan; `pricing` is what a seller charges."""
    sender = clean_address(plan.sender) if plan.sender else ui(_SERVICE_KNOWS)
    return ReviewView(
        account=sender if plan.sender else clean_line(plan.account),
        account_name=plan.account,
        draft_id=plan.draft_id,
        revision=plan.revision,
        digest=plan.digest,
        sender=sender,
        recipients=tuple(_recipient(facts) for facts in plan.recipients),
        subject=clean_line(plan.subject, _SENTENCE_LIMIT),
        body=_text_part(plan),
        service=clean_line(plan.service, 300) if plan.via else EMPTY,
        html=_html_part(plan),
        is_html_made=plan.format is BodyFormat.MARKDOWN,
        headers=tuple(_headers(plan)),
        files=tuple(_file(file, plan) for file in plan.files),
        encrypted=plan.encrypted,
        in_clear=_in_clear(plan),
        usage=tuple(map(clean_line, _usage(plan.usage))),
        pricing=tuple(pricing),
        send_at=plan.send_at,
        undo_seconds=plan.undo_seconds,
        checks=(*map(_refused, plan.refusals), *_checks(plan)),
        refusal=_said(refusal.sentence for refusal in plan.refusals),
        next_step=_said(refusal.next_step for refusal in plan.refusals),
        approval=_approval(plan),
        agent=clean_line(plan.agent, 100),
        agent_says=clean_line(plan.agent_says, _SENTENCE_LIMIT),
        expires_at=plan.expires_at,
    )


def _file(file: PlannedFile, plan: Plan) -> ReviewFile:
    name, kind = clean_line(file.name, 300), clean_line(file.content_type, 255)
    return ReviewFile(name, kind, file.size, file.sha256, plan.encrypted)


def changed(old: Plan, new: Plan) -> tuple[SafeText, ...]:
    """Return what is different in `new`, a sentence each; never empty when the digests differ."""
    if old.digest == new.digest:
        return ()
    found = [
        *_changed_recipients(old, new),
        *_changed_text(old, new),
        *_changed_files(old, new),
        *_changed_keys(old, new),
        *_changed_details(old, new),
    ]
    if not found and new.refusals:
        found = [refusal.sentence for refusal in new.refusals]
    told = found or ["Something else of what would be sent is different."]
    return tuple(clean_line(sentence, _SENTENCE_LIMIT) for sentence in told)


def moment(seconds: int) -> str:
    """Return a moment in the operator's time zone: `12 Oct 2026 09:30`."""
    when = datetime.fromtimestamp(seconds).astimezone()
    return f"{when.day} {MONTHS[when.month - 1]} {when.year} {when:%H:%M}"


def day(seconds: int) -> str:
    """Return a day in the operator's time zone: `12 Oct 2026`."""
    return moment(seconds)[:-6]


# ── the parts of a review ────────────────────────────────────────────────────────────────────────


def _recipient(facts: RecipientFacts) -> ReviewRecipient:
    groups = " ".join(facts.fingerprint[at : at + 4] for at in range(0, len(facts.fingerprint), 4))
    warnings = list(facts.warnings)
    if facts.fingerprint and not facts.verified_at:
        warnings.append("the key was never compared with its owner")
    return ReviewRecipient(
        address=clean_address(facts.address),
        role=ui(facts.role.value),
        is_external=facts.is_external,
        is_first_contact=facts.is_first_contact,
        fingerprint=clean_line(groups),
        pinned=_pinned(facts),
        warning=clean_line("; ".join(warnings)),
    )


def _text_part(plan: Plan) -> tuple[SafeText, ...]:
    if plan.format is BodyFormat.PLAIN:
        return _lines_of(plan.body)
    text = plan.alternative if plan.format is BodyFormat.HTML else plan.body
    return _lines_of(text.removesuffix("\n"))


def _html_part(plan: Plan) -> tuple[SafeText, ...]:
    sources = {BodyFormat.HTML: plan.body, BodyFormat.MARKDOWN: plan.alternative}
    source = sources.get(plan.format, "")
    return _lines_of(source.removesuffix("\n")) if source else ()


def _lines_of(text: str) -> tuple[SafeText, ...]:
    return tuple(map(SafeText, reveal_text(text).text.split("\n")))


def _pinned(facts: RecipientFacts) -> SafeText:
    if not facts.fingerprint:
        return EMPTY
    if not facts.pinned_at:
        return ui("your own key")
    told = f"pinned {day(facts.pinned_at)}"
    if not facts.is_looked_up:
        told = f"no directory: key imported on {day(facts.pinned_at)}"
        told += "" if facts.verified_at else ", never compared"
    if facts.verified_at:
        told += f", verified {facts.verified_how or day(facts.verified_at)}"
    return clean_line(told)


def _headers(plan: Plan) -> Iterator[tuple[SafeText, SafeText]]:
    told = [*plan.headers]
    keyed = next((mail for mail in plan.mails if not mail.is_copy), None)
    correlation = keyed.correlation_id if keyed else plan.correlation_id
    if correlation:
        told.append(("Correlation id", correlation))
    if plan.marketplace_request_id:
        told.append(("Marketplace request", plan.marketplace_request_id))
    told += [(f"Idempotency key, {mail.to}", mail.idempotency_key) for mail in plan.mails]
    if plan.encrypted and plan.mails and not plan.mails[0].own_key:
        told.append(("Own copy", "cannot be read: there is no usable key of your own"))
    for name, value in told:
        yield clean_line(name, 400), clean_line(value, _SENTENCE_LIMIT)


def _in_clear(plan: Plan) -> SafeText:
    if not plan.encrypted:
        return ui("all of it")
    parts = ["the subject", "the addresses", "the headers"]
    if plan.files:
        parts.append("the names and sizes of the files")
    if plan.usage is not None:
        parts.append("the usage")
    return ui(f"{', '.join(parts[:-1])} and {parts[-1]}")


def _usage(usage: Metering | None) -> Iterator[str]:
    if usage is None:
        return
    counts = (
        ("Outcomes returned", usage.outcomes_returned),
        ("Tokens in", usage.tokens_input),
        ("Tokens out", usage.tokens_output),
        ("Compute, ms", usage.compute_ms),
        *usage.custom_units.items(),
    )
    for name, count in counts:
        if count is not None:
            yield f"{name}: {count:,}"


_REFUSED_NAMES: Final = {
    RefusalKind.DRAFT: "cannot_be_written",
    RefusalKind.POLICY: "against_the_policy",
    RefusalKind.CRYPTO: "cannot_be_encrypted",
    RefusalKind.SERVICE: "key_not_looked_up",
}


def _refused(refusal: Refusal) -> CheckView:
    sentence = clean_line(refusal.sentence, _SENTENCE_LIMIT)
    return CheckView(_REFUSED_NAMES[refusal.kind], CheckLevel.REFUSED, sentence)


def _checks(plan: Plan) -> Iterator[CheckView]:
    if plan.why_encrypted:
        how = "Encrypted" if plan.encrypted else "In clear"
        sentence = clean_line(f"{how}: {plan.why_encrypted}.")
        level = CheckLevel.FINE if plan.encrypted else CheckLevel.CAUTION
        yield CheckView("encryption", level, sentence)
    for check in plan.checks:
        yield CheckView(check.name, check.level, clean_line(check.sentence, _SENTENCE_LIMIT))


def _said(sentences: Iterable[str]) -> SafeText:
    return clean_line(" ".join(dict.fromkeys(filter(None, sentences))), _SENTENCE_LIMIT)


def _approval(plan: Plan) -> SafeText:
    if plan.person:
        # Scripts are told that somebody has to; here that is who reads it.
        return clean_line(f"You decide: {plan.person.removeprefix(PERSON_DECIDES)}")
    if plan.agent:
        # It waits whatever the policy says: agents only propose.
        return clean_line(f"The policy would let it go without you: {plan.why_alone}.")
    return clean_line(f"Approval not needed: {plan.why_alone}.")


# ── what is different ────────────────────────────────────────────────────────────────────────────


def _changed_recipients(old: Plan, new: Plan) -> Iterator[str]:
    if (old.account, old.sender) != (new.account, new.sender):
        yield f"It would leave from {new.sender or new.account}."
    if (old.via, old.service) != (new.via, new.service):
        yield f"It would leave by {new.service or _OWN_SERVICE}."
    before = {facts.address.lower(): facts for facts in old.recipients}
    after = {facts.address.lower(): facts for facts in new.recipients}
    for name, facts in after.items():
        if name not in before:
            yield f"{facts.address} is new ({facts.role.value})."
        elif before[name].role is not facts.role:
            yield f"{facts.address} is in {facts.role.value} now, not in {before[name].role.value}."
        elif before[name].address != facts.address:
            yield f"{before[name].address} is written {facts.address} now."
    for name, facts in before.items():
        if name not in after:
            yield f"{facts.address} is no recipient any more ({facts.role.value})."


def _changed_text(old: Plan, new: Plan) -> Iterator[str]:
    if old.subject != new.subject:
        yield f"The subject is “{new.subject}” now; it was “{old.subject}”."
    if old.body != new.body:
        came, went = _lines_changed(old.body, new.body)
        yield f"The text is different: {_lines(came)} came, {_lines(went)} went."
    if old.format is not new.format:
        yield f"The text is {new.format.value} now; it was {old.format.value}."
    elif old.body == new.body and old.alternative != new.alternative:
        yield "The other part, which is made of the text, is different."
    if (old.agent, old.agent_says) != (new.agent, new.agent_says):
        yield "What the agent says about it is different."


def _lines_changed(old: str, new: str) -> tuple[int, int]:
    before, after = old.split("\n"), new.split("\n")
    if len(before) + len(after) > 4_000:
        return len(after), len(before)
    # Whole lines only: comparing the letters of similar ones as well takes minutes.
    steps = difflib.SequenceMatcher(None, before, after).get_opcodes()
    changes = [step for step in steps if step[0] != "equal"]
    return sum(one[4] - one[3] for one in changes), sum(one[2] - one[1] for one in changes)


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def _changed_files(old: Plan, new: Plan) -> Iterator[str]:
    before = {file.name: file for file in old.files}
    after = {file.name: file for file in new.files}
    for name, file in after.items():
        if name not in before:
            yield f"The file {name} is new."
        elif (before[name].sha256, before[name].size) != (file.sha256, file.size):
            yield f"The content of {name} is different."
        elif before[name] != file:
            yield f"The file {name} lies somewhere else or has another type."
    for name in before:
        if name not in after:
            yield f"The file {name} is not attached any more."
    if [*before] != [*after] and sorted(before) == sorted(after):
        yield "The files are in another order."


def _changed_keys(old: Plan, new: Plan) -> Iterator[str]:
    if old.encrypted != new.encrypted:
        yield "It would be encrypted now." if new.encrypted else "It would go in clear now."
        return
    before = {facts.address.lower(): facts.fingerprint for facts in old.recipients}
    for facts in new.recipients:
        known = before.get(facts.address.lower(), facts.fingerprint)
        if known != facts.fingerprint:
            yield (
                f"{facts.address} has another key: {facts.fingerprint or 'none'}; "
                f"it was {known or 'none'}."
            )
    own = {mail.own_key for mail in old.mails}, {mail.own_key for mail in new.mails}
    if all(own) and own[0] != own[1]:
        yield "Your own key, to which a copy is encrypted, is another one."


def _changed_details(old: Plan, new: Plan) -> Iterator[str]:
    if old.send_at != new.send_at:
        yield f"It would leave {moment(new.send_at) if new.send_at else 'at once'}."
    if old.headers != new.headers:
        names = {name for name, _ in set(old.headers) ^ set(new.headers)}
        yield f"Headers are different: {', '.join(sorted(names)) or 'their order'}."
    if old.usage != new.usage:
        yield "The reported usage is different."
    ids = (old.correlation_id, old.marketplace_request_id)
    if ids != (new.correlation_id, new.marketplace_request_id):
        yield "The correlation id or the marketplace request is different."
    if old.draft_id != new.draft_id:
        yield "It is another draft."
