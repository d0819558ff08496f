"""What a way out cannot carry of a draft, told before anything is sealed, with the way around it.

Closes two traps: a part of a mail that a service silently leaves out, and one that is found out at
the last step, when the others have left. What a service must not be given (reference 004: files,
further headers, HTML) is refused here; what it merely does not pass on is told as a check.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from services.draft import VIA_SES, BodyFormat, Draft, DraftKind, Encryption
from services.outbound.gate.plan import Check, PlannedFile, Refusal, RefusalKind
from services.outbound.gate.transport import Carries, ServiceRules
from services.outbound_models import CheckLevel

_ARMOR: Final = 1.37
"""Armor is that much longer than what is in it."""
_OVERHEAD: Final = 4_096
"""Bytes of a request besides its text and files."""
_VIA_SES: Final = "Send it by Amazon SES."


def no_way(draft: Draft, rules: ServiceRules, *, is_known: bool) -> tuple[Refusal, ...]:
    """Return why a draft cannot leave by the way that it names."""
    if is_known:
        return (Refusal(RefusalKind.POLICY, rules.barred),) if rules.barred else ()
    if draft.via == VIA_SES:
        said = (
            "This account is not set up to send by Amazon SES.",
            "Add its [accounts.NAME.ses] table, or choose the account's own service.",
        )
        return (Refusal(RefusalKind.POLICY, *said),)
    told = f"There is no way out called {draft.via!a}."
    return (Refusal(RefusalKind.DRAFT, told, "Choose another."),)


def uncarried(
    draft: Draft, files: tuple[PlannedFile, ...], rules: ServiceRules, *, encrypted: bool
) -> tuple[Refusal, ...]:
    """Return what the service cannot carry, each with its next step."""
    sizes = [file.size for file in files]
    said = [*_form(draft, rules, sizes, encrypted=encrypted), *_text(draft, rules)]
    return _refused(said)


def uncarried_form(draft: Draft, rules: ServiceRules) -> tuple[Refusal, ...]:
    """Return what of it is seen to be too much while a draft is written, before it is whole."""
    sizes = [file.size for file in draft.files]
    is_sealed = draft.encryption is Encryption.REQUIRED
    return _refused(_form(draft, rules, sizes, encrypted=is_sealed))


def left_out(draft: Draft, rules: ServiceRules) -> tuple[Check, ...]:
    """Return what does not reach the recipient, although nothing stands against sending it."""
    said = []
    answers = bool(draft.in_reply_to or draft.references)
    if answers and not rules.threads and not answered_natively(draft, rules):
        said.append("is not told which mail this answers")
    if draft.correlation_id and not rules.headers:
        said.append("does not pass the correlation id on")
    return tuple(
        Check("left_out", CheckLevel.CAUTION, f"{rules.name} {one} as it is set up here.")
        for one in said
    )


def answered_natively(draft: Draft, rules: ServiceRules) -> str:
    """Return the service's id of the message that a mail answers, where it can be named; else ""."""
    is_answer = draft.kind in (DraftKind.REPLY, DraftKind.REPLY_ALL)
    is_named = bool(draft.answers) and draft.in_reply_to.strip() == draft.answers
    keeps_subject = draft.subject.lower().startswith("re:")
    fits = rules.replies and is_answer and is_named and keeps_subject
    return draft.answers if fits else ""


_Said = tuple[str, str]


def _refused(said: Iterable[_Said]) -> tuple[Refusal, ...]:
    return tuple(Refusal(RefusalKind.POLICY, sentence, step) for sentence, step in said)


def _form(
    draft: Draft, rules: ServiceRules, sizes: Iterable[int], *, encrypted: bool
) -> Iterator[_Said]:
    yield from _parts(draft, rules)
    if draft.format is not BodyFormat.PLAIN and not rules.html:
        yield f"{rules.name} is never given HTML.", f"Write plain text. {_VIA_SES}"
    elif draft.format is not BodyFormat.PLAIN and encrypted:
        yield "An encrypted mail is plain text only.", "Write plain text, or send it in clear."
    if rules.files is not Carries.NONE:
        yield from _size(draft, sizes, rules, encrypted=encrypted)


def _parts(draft: Draft, rules: ServiceRules) -> Iterator[_Said]:
    wider = rules.wider or _VIA_SES
    if draft.files and rules.files is Carries.NONE:
        yield f"{rules.name} is not given files as it is set up here.", wider
    if draft.headers and not rules.headers:
        names = ", ".join(name for name, _ in draft.headers)
        yield f"{rules.name} is not given further headers as it is set up here: {names}.", wider
    owned = [name for name, _ in draft.headers if name.strip().lower() in rules.owns]
    if owned and rules.headers:
        yield f"{rules.name} writes {', '.join(owned)} itself.", f"Remove it. {rules.wider}"
    if draft.usage is not None and not rules.metering:
        yield f"{rules.name} does not take usage.", "Remove it from the details of the mail."
    if draft.marketplace_request_id and not rules.metering:
        yield f"{rules.name} knows no marketplace.", "Remove the marketplace request."


def _text(draft: Draft, rules: ServiceRules) -> Iterator[_Said]:
    if rules.needs_text and not draft.body.strip():
        yield f"{rules.name} takes no mail without a text.", "Write one."
    if rules.most_text and len(draft.body) > rules.most_text:
        yield f"The text is longer than {rules.name} takes.", "Shorten it."


def _size(
    draft: Draft, files: Iterable[int], rules: ServiceRules, *, encrypted: bool
) -> Iterator[_Said]:
    if not rules.most_bytes:
        return
    growth = _ARMOR if encrypted else 1.0
    written = json.dumps(draft.body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    text = len(written) * growth
    sizes = sum(max(size, 0) for size in files) * growth * 4 / 3
    total = text + sizes + _OVERHEAD
    if total > rules.most_bytes:
        most = f"{rules.name} takes {rules.most_bytes / 2**20:.0f} MB"
        yield (
            f"The mail would have {total / 2**20:.1f} MB as it is sent; {most}.",
            f"Leave a file out, or make it smaller. {rules.wider}".rstrip(),
        )
