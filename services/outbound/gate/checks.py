"""What a person should see before a mail leaves; pure, and none of it ever changes the mail.

Closes the traps of haste: the attachment that the text promises, the address that reads like
another, the secret in the text, the answer in clear to an encrypted mail. The sentences never repeat
a secret. Source: the issue, item 4; research/mail_clients.md §3b.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from services.draft import Draft
from services.outbound.gate.addressing import Recipient
from services.outbound.gate.plan import Check, PlannedFile, RecipientFacts
from services.outbound_models import CheckLevel
from services.safe_text import inspect_line, reveal_text

_PROMISES: Final = re.compile(
    r"\b(?:attach(?:ed|ment|ments|ing)?|enclosed|find (?:the )?enclosed|im anhang|anbei|beigef(?:ü|ue)gt"
    r"|adjunt[oa]s?|ci-joint(?:e|s|es)?|en pi(?:è|e)ce jointe|in allegato|во вложении|прилагаю)\b",
    re.IGNORECASE,
)
_LOGIN: Final = (
    r"(?i)\b(?:pass(?:word|wd|phrase|wort)|(?:api|secret)[ _-]?key|client[ _-]?secret)\b"
    r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?=[^\s\"']{0,200}[\d!#$%^&*+_-])[^\s\"']{6,200}"
)
_SECRETS: Final = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("a private key", r"-----BEGIN (?:[A-Z]{2,10} ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
        ("a cloud access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        ("an access token", r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})"),
        ("an access token", r"\b(?:xox[abprs]-[A-Za-z0-9-]{10,}|glpat-[A-Za-z0-9_-]{16,})"),
        ("an API key", r"\b(?:sk|rk|pk)[-_](?:live|test|proj|ant|or)[-_][A-Za-z0-9_-]{16,}"),
        ("an API key", r"\bsk-[A-Za-z0-9]{32,}\b|\bAIza[0-9A-Za-z_-]{35}"),
        (
            "a signed token",
            r"\beyJ[A-Za-z0-9_-]{8,300}\.eyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8}",
        ),
        ("a bearer token", r"(?i)\bauthorization\s*:\s*(?:bearer|basic)\s+\S{12,}"),
        ("a password in an address", r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,64}:[^\s/@]{3,128}@"),
        ("a password", _LOGIN),
    )
)
_SECRET_FILES: Final = re.compile(
    r"(?i)(?:^id_(?:rsa|dsa|ecdsa|ed25519)$|^\.env(?:\..*)?$|\.(?:pem|key|p12|pfx|kdbx|jks|ppk)$"
    r"|^\.?(?:netrc|pgpass|npmrc|pypirc|htpasswd)$|^credentials(?:\.\w+)?$)"
)
_SECRET_FOLDERS: Final = frozenset({".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker"})
_QUOTED: Final = re.compile(r"^[^\S\n]*>.*$", re.MULTILINE)
"""Not over a line end: thousands of empty lines would each be looked through to the last."""
_LOOKED_AT: Final = 200_000
"""Characters of a text that are looked through."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the checks are made of."""

    draft: Draft
    recipients: tuple[Recipient, ...]
    facts: tuple[RecipientFacts, ...]
    files: tuple[PlannedFile, ...]
    heads: tuple[bytes, ...]
    """The first bytes of each file."""
    encrypted: bool
    own_key: str
    copy_to: str
    now: int
    bcc: str = ""
    left_out: tuple[Check, ...] = ()
    """What the way out does not pass on."""
    hidden_html: int = 0
    """Characters that HTML holds and does not show."""


def danger(draft: Draft, heads: Iterable[bytes], *, encrypted: bool) -> str:
    """Return what a person has to see where the recipients alone ask for nobody; "" for nothing.

    Only the policy `never` passes over it.
    """
    if draft.answers_encrypted and not encrypted:
        return "this answers an encrypted mail in clear."
    found = next(_secrets(draft, heads), "")
    return f"it seems to hold {found}." if found and not encrypted else ""


def check(found: Findings) -> tuple[Check, ...]:
    """Return what there is to say, the gravest first."""
    checks = [
        *_text_checks(found),
        *_file_checks(found),
        *_recipient_checks(found),
        *_key_checks(found),
        *_sending_checks(found),
    ]
    order = (CheckLevel.REFUSED, CheckLevel.DANGER, CheckLevel.CAUTION, CheckLevel.FINE)
    return tuple(sorted(checks, key=lambda one: order.index(one.level)))


# ── text and files ───────────────────────────────────────────────────────────────────────────────


def _text_checks(found: Findings) -> Iterator[Check]:
    draft = found.draft
    written = _QUOTED.sub("", draft.body[:_LOOKED_AT])
    if not draft.subject.strip():
        yield Check("empty_subject", CheckLevel.CAUTION, "The subject is empty.")
    if not draft.body.strip():
        yield Check("empty_body", CheckLevel.CAUTION, "There is no text.")
    promise = _PROMISES.search(f"{draft.subject}\n{written}")
    if promise:
        count = len(draft.files)
        level = CheckLevel.FINE if count else CheckLevel.CAUTION
        attached = {0: "no file is", 1: "1 file is"}.get(count, f"{count} files are")
        sentence = f"The text says “{promise.group()}”, and {attached} attached."
        yield Check("missing_attachment", level, sentence)
    hidden = inspect_line(draft.subject).hidden + reveal_text(draft.body[:_LOOKED_AT]).hidden
    if hidden:
        sentence = f"The text holds {hidden} invisible characters; they are shown as marks."
        yield Check("hidden_characters", CheckLevel.CAUTION, sentence)
    if found.hidden_html:
        sentence = f"The HTML holds {found.hidden_html} characters that it hides from its readers."
        yield Check("hidden_html", CheckLevel.CAUTION, sentence)
    for name in dict.fromkeys(_secrets(draft, found.heads)):
        level = CheckLevel.CAUTION if found.encrypted else CheckLevel.DANGER
        how = "encrypted, but the recipient can read it" if found.encrypted else "in clear"
        yield Check("secrets", level, f"It seems to hold {name}; it would leave {how}.")
    if draft.answers_encrypted and not found.encrypted:
        sentence = "The mail that this answers was encrypted; the answer would go in clear."
        yield Check("plain_answer", CheckLevel.DANGER, sentence)


def _secrets(draft: Draft, heads: Iterable[bytes]) -> Iterator[str]:
    written = f"{draft.subject}\n{draft.body[:_LOOKED_AT]}"
    for name, pattern in _SECRETS:
        if pattern.search(written):
            yield name
    for file, head in zip(draft.files, heads, strict=False):
        if _SECRET_FILES.search(file.name) or _SECRET_FILES.search(file.path.name):
            yield "a file of secrets, by its name"
        elif not _SECRET_FOLDERS.isdisjoint(file.path.parts):
            yield "a file of secrets, by its folder"
        elif _SECRETS[0][1].search(head.decode("latin-1")):
            yield "a private key in a file"


def _file_checks(found: Findings) -> Iterator[Check]:
    for drafted, planned in zip(found.draft.files, found.files, strict=False):
        if drafted.size >= 0 and drafted.size != planned.size:
            sentence = f"{planned.name} has changed since it was attached."
            yield Check("changed_file", CheckLevel.CAUTION, sentence)
        if drafted.origin is None and drafted.path.name != planned.name:
            sentence = f"{planned.name} is the file {drafted.path} under another name."
            yield Check("renamed_file", CheckLevel.CAUTION, sentence)
        if not planned.size:
            yield Check("empty_file", CheckLevel.CAUTION, f"{planned.name} is empty.")


# ── recipients ───────────────────────────────────────────────────────────────────────────────────


def _recipient_checks(found: Findings) -> Iterator[Check]:
    for recipient, facts in zip(found.recipients, found.facts, strict=False):
        if not recipient.address:
            continue
        for warning in facts.warnings:
            yield Check("look_alike", CheckLevel.DANGER, f"{recipient.address}: {warning}")
        if recipient.misnamed:
            sentence = f"{recipient.address} is named as if it were {recipient.misnamed}."
            yield Check("name_holds_address", CheckLevel.DANGER, sentence)
        if facts.is_external:
            yield Check("external", CheckLevel.CAUTION, f"{recipient.address} is outside.")
        if facts.is_first_contact:
            sentence = f"You have not exchanged mail with {recipient.address} before."
            yield Check("first_contact", CheckLevel.CAUTION, sentence)


def _key_checks(found: Findings) -> Iterator[Check]:
    if not found.encrypted:
        yield Check("in_clear", CheckLevel.CAUTION, "It goes in clear: the service can read it.")
        return
    for facts in found.facts:
        if facts.fingerprint and not facts.verified_at:
            sentence = f"The key of {facts.address} was never compared with its owner."
            yield Check("unverified", CheckLevel.CAUTION, sentence)
    if not found.own_key:
        sentence = "You have no usable key of your own, so you cannot read it once it has left."
        yield Check("own_copy", CheckLevel.CAUTION, sentence)


def _sending_checks(found: Findings) -> Iterator[Check]:
    count = len(found.recipients)
    if count > 1:
        sentence = f"Each of the {count} recipients gets a mail of its own and sees no other."
        yield Check("separate_sends", CheckLevel.FINE, sentence)
    if found.copy_to:
        sentence = f"{found.copy_to} gets a copy, as the policy demands of mail to outside."
        yield Check("oversight", CheckLevel.FINE, sentence)
    if found.bcc:
        sentence = f"{found.bcc} is in bcc of every mail, as the policy demands of mail to outside."
        yield Check("oversight", CheckLevel.FINE, sentence)
    yield from found.left_out
    if found.draft.send_at and found.draft.send_at <= found.now:
        sentence = "The time to send it has passed: it leaves at once."
        yield Check("late", CheckLevel.CAUTION, sentence)
    if found.draft.usage is not None and count > 1:
        sentence = f"Each of the {count} mails reports the usage, so it counts {count} times."
        yield Check("usage_repeated", CheckLevel.CAUTION, sentence)
