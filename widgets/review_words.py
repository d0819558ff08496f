"""What a review says in words: recipients, files, encryption, when it leaves, which checks weigh most.

Closes the trap of one fact told in two ways: the head, the scrolled part and the Approvals screen of
a review all take their words from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from services.outbound_models import (
    CheckLevel,
    CheckView,
    ReviewFile,
    ReviewRecipient,
    ReviewView,
)
from services.safe_text import SafeText, clean_line, phrase, ui
from widgets.cells import size_words
from widgets.dates import Calendar, time_left
from widgets.flowing import Fact
from widgets.glyphs import Glyphs

_WEIGHT: Final = {
    CheckLevel.REFUSED: 0,
    CheckLevel.DANGER: 1,
    CheckLevel.CAUTION: 2,
    CheckLevel.FINE: 3,
}
_ROLES: Final = {
    CheckLevel.REFUSED: "danger",
    CheckLevel.DANGER: "danger",
    CheckLevel.CAUTION: "caution",
    CheckLevel.FINE: "text",
}
_SHORT_HASH: Final = 16


def by_weight(checks: Sequence[CheckView]) -> list[CheckView]:
    """The checks, what speaks most against the mail first."""
    return sorted(checks, key=lambda check: _WEIGHT[check.level])


def check_fact(check: CheckView, glyphs: Glyphs) -> Fact:
    """A check's sentence behind its mark."""
    mark = glyphs.verified if check.level is CheckLevel.FINE else glyphs.unverified
    return phrase("{} {}", mark, check.sentence), _ROLES[check.level]


def more_checks(count: int, against: int) -> SafeText:
    """How many checks stand above only, and how many of them speak against the mail."""
    words = ui("1 more check above") if count == 1 else phrase("{:,} more checks above", count)
    return phrase("{}, {:,} against it", words, against) if against else phrase("{}: fine", words)


def where_words(recipient: ReviewRecipient) -> Fact:
    """Whether it stays in the house."""
    return (ui("external"), "caution") if recipient.is_external else (ui("internal"), "text")


def recipient_facts(recipient: ReviewRecipient, view: ReviewView, glyphs: Glyphs) -> list[Fact]:
    """What is known of a recipient besides where it is: warnings first, the fingerprint last."""
    facts: list[Fact] = []
    if recipient.is_first_contact:
        facts.append((phrase("{} first contact", glyphs.first_contact), "caution"))
    if recipient.warning:
        facts.append((phrase("{} {}", glyphs.unverified, recipient.warning), "alarm"))
    if recipient.pinned:
        facts.append((recipient.pinned, "text"))
    if recipient.fingerprint:
        facts.append((phrase("{} {}", glyphs.encrypted, recipient.fingerprint), "good"))
    elif view.encrypted:
        facts.append((phrase("{} no key to encrypt to", glyphs.unreadable), "alarm"))
    return facts


def address_facts(recipient: ReviewRecipient) -> list[Fact]:
    """Inside or outside of the house, then the address: it can pretend nothing about itself."""
    facts = [where_words(recipient)]
    if "oversight" in recipient.role and "copy" not in recipient.role:
        facts.append((ui("oversight"), "text"))
    return [*facts, (recipient.address, "strong")]


def role_words(recipient: ReviewRecipient) -> SafeText:
    """`To`, `Cc`, `Copy`: the name of the recipient's line."""
    if "copy" in recipient.role:
        return ui("Copy")
    if "oversight" in recipient.role:
        return ui("Bcc")
    return clean_line(recipient.role.capitalize())


def secrecy_facts(view: ReviewView, glyphs: Glyphs) -> list[Fact]:
    """Whether it is encrypted, and what can be read on the way."""
    if not view.encrypted:
        return [(ui("in clear: everybody on the way can read all of it"), "caution")]
    facts: list[Fact] = [(phrase("{} encrypted", glyphs.encrypted), "good")]
    if view.in_clear:
        facts.append((phrase("in clear: {}", view.in_clear), "text"))
    return facts


def leaving_words(view: ReviewView, now: float) -> SafeText:
    """When it leaves, once it is decided."""
    if view.send_at > now:
        return phrase("leaves {}, with undo", clean_line(Calendar.at(now).full(view.send_at)))
    if not view.undo_seconds:
        return ui("leaves at once, no undo")
    return phrase("leaves {} s later, with undo", view.undo_seconds)


def lapse_words(view: ReviewView, now: float) -> SafeText:
    """How long it can still be decided."""
    if not view.expires_at:
        return ui("")
    if view.expires_at <= now:
        return ui("lapsed: it can no longer be approved")
    return phrase("lapses in {}", time_left(view.expires_at - now))


def agent_facts(view: ReviewView, now: float) -> list[Fact]:
    """Who proposed it, which of its revisions this is, how long it can be decided."""
    facts: list[Fact] = [(view.agent, "strong"), (phrase("revision {}", view.revision), "text")]
    lapse = lapse_words(view, now)
    if lapse:
        facts.append((lapse, "alarm" if view.expires_at <= now else "text"))
    return facts


def decision_facts(view: ReviewView, now: float) -> Iterator[tuple[SafeText, list[Fact]]]:
    """Whose mail it is and whether a person has to decide, behind a name; nothing to say is nothing."""
    approval: list[Fact] = [(view.approval, "text")] if view.approval else []
    if view.agent:
        yield ui("Agent"), [*agent_facts(view, now), *approval]
    elif approval:
        yield ui("Policy"), approval


def file_facts(file: ReviewFile, glyphs: Glyphs) -> Iterator[Fact]:
    """A file in one row; its name stands last, where it can pretend nothing about the rest."""
    yield phrase("{} {}", glyphs.attachment, clean_line(size_words(file.size))), "text"
    if file.encrypted:
        yield phrase("{} encrypted", glyphs.encrypted), "good"
    else:
        yield ui("in clear"), "caution"
    yield phrase("sha256 {}", short_hash(file.sha256, glyphs)), "muted"
    yield file.name, "strong"


def short_hash(sha256: str, glyphs: Glyphs) -> SafeText:
    """Both ends of a hash; the digest on screen covers the whole of it."""
    return phrase(
        "{}{}{}", clean_line(sha256[:_SHORT_HASH]), glyphs.ellipsis, clean_line(sha256[-4:])
    )


def files_words(files: Sequence[ReviewFile]) -> SafeText:
    """`3 files, 51 MB`."""
    size = clean_line(size_words(sum(file.size for file in files)))
    return (
        phrase("1 file, {}", size)
        if len(files) == 1
        else phrase("{:,} files, {}", len(files), size)
    )


def lines_words(count: int) -> SafeText:
    """`1 line`, `14 lines`."""
    return ui("1 line") if count == 1 else phrase("{:,} lines", count)
