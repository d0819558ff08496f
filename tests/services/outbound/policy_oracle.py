"""What may leave and in which form, from the documents alone: the program's rules are not asked.

Written from reference 004 (bcc for externals, approval for outreach, the four body keys), reference
000 (the fields of a mail by SES) and api/agentmail_to.md §13.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any, Final

OVERSEER: Final = "eyes@people.example"
NOTE: Final = b"enclosed"
"""The file that goes along where a profile has files."""
STRICT, WIDE = "agentmail.to", "agentmail.to wide"
SERVICES: Final = ("assmbl", STRICT, WIDE, "ses")
PATHS: Final = ("send", "reply", "reply-all", "forward", "draft-send", "scheduled", "cli")
SERVER_PATHS: Final = ("server draft", "scheduled server draft")
"""A draft that somebody with a key has put on the service."""
RECIPIENTS: Final = ("internal", "external", "mixed", "look-alike", "unparseable")
APPROVALS: Final = ("approved", "not approved", "stale approval")


@dataclass(frozen=True)
class Case:
    service: str
    path: str
    recipients: str
    has_oversight: bool
    approval: str

    def __str__(self) -> str:
        oversight = "oversight" if self.has_oversight else "no oversight"
        return f"{self.service}-{self.path}-{self.recipients}-{oversight}-{self.approval}"

    @property
    def is_on_server(self) -> bool:
        return self.path in SERVER_PATHS

    @property
    def is_answer(self) -> bool:
        return self.path in ("reply", "reply-all")


def _cases(services: tuple[str, ...], paths: tuple[str, ...]) -> tuple[Case, ...]:
    every = itertools.product(services, paths, RECIPIENTS, (True, False), APPROVALS)
    return tuple(itertools.starmap(Case, every))


CASES: Final = (*_cases(SERVICES, PATHS), *_cases((STRICT, WIDE), SERVER_PATHS))


# ── whether ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Left:
    """One mail that left: to whom it was addressed, and who got it unseen."""

    to: str
    bcc: frozenset[str] = frozenset()


def allowed(case: Case, named: tuple[str, ...]) -> frozenset[Left]:
    """Return the mails that may leave, all of them or none."""
    if case.recipients == "unparseable" or case.approval == "stale approval":
        # §13.5: what cannot be parsed is refused. §13.7: any edit voids an approval.
        return frozenset()
    if case.is_on_server and case.approval != "approved":
        # R6, draft → review → send: what others can still change or send waits for a person.
        return frozenset()
    # §13.5: one external recipient makes the message external; a domain is never matched by suffix.
    if case.recipients == "internal":
        # R5: no bcc, §13.8: no approval among the swarm's own.
        return frozenset(map(Left, named))
    if not case.has_oversight or case.approval != "approved":
        # R4, §13.6: blocked without oversight. R6, §13.8: approval for every external send.
        return frozenset()
    if case.service == "assmbl":
        # §13.13: its service has no bcc, so oversight gets a logged copy of its own.
        return frozenset(map(Left, (*named, OVERSEER)))
    return frozenset(Left(to, frozenset({OVERSEER})) for to in named)


def exit_code(case: Case) -> int:
    """Return what `send` says about a mail that nobody has approved (issue 3: 3 or 7)."""
    if case.recipients == "unparseable":
        return 2
    if case.recipients == "internal":
        return 3 if case.is_on_server else 0
    return 3 if case.has_oversight else 7


# ── how ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Sent:
    """A mail as the sandbox has recorded it; `reached` is everybody to whom it was delivered."""

    left: Left
    operation: str
    request: Mapping[str, Any]
    raw: bytes
    reached: frozenset[str]


ASSMBL_KEYS: Final = {"to", "subject", "body", "idempotency_key"}
ASSMBL_FURTHER: Final = {"headers", "correlation_id"}
"""api/assmbl.md §5.1: threads travel in `headers`, copies are linked by the correlation id."""
ASSMBL_HEADERS: Final = {"In-Reply-To", "References", "X-Oversight-Copy"}
WIDE_HEADERS: Final = {"X-Case", "X-AgentMail-Correlation-Id"}
MIME_FIELDS: Final = {
    "from", "to", "subject", "date", "message-id", "mime-version", "content-type",
    "content-transfer-encoding", "in-reply-to", "references", "x-agentmail-idempotency-key",
    "x-agentmail-correlation-id",
}  # fmt: skip
"""Of a plain mail by SES: reference 000, options 1 and 3. Never Bcc."""
SES_ADDS: Final = {"received", "return-path", "x-ses-outgoing"}
"""What the service itself writes above a mail that it has taken."""


def check_form(case: Case, sent: Sent, subject: str) -> None:
    """Fail unless a mail has exactly the fields that its service's document allows."""
    request, mail = sent.request, message_from_bytes(sent.raw)
    assert mail["Subject"] == subject
    assert sent.reached == {sent.left.to, *sent.left.bcc}
    match case.service:
        case "assmbl":
            assert set(request) >= ASSMBL_KEYS
            assert set(request) <= ASSMBL_KEYS | ASSMBL_FURTHER
            assert set(request.get("headers", {})) <= ASSMBL_HEADERS
        case "agentmail.to":
            # Reference 004: exactly to, bcc, subject, text; internal mail has no bcc.
            assert sent.operation == "v0_send_message"
            assert set(request) == {"to", "subject", "text"} | ({"bcc"} & set(request))
        case "agentmail.to wide":
            _check_wide(case, sent)
        case _:
            assert {name.lower() for name in mail} <= MIME_FIELDS | SES_ADDS
            assert mail.get_content_type() == "text/plain"
    if case.service in (STRICT, WIDE):
        assert request["text"]
        assert request.get("bcc", [OVERSEER]) == [OVERSEER]


def _check_wide(case: Case, sent: Sent) -> None:
    """§13.2: attachments, headers and answers, visibly configured; html and track_opens never.

    §13.4: an answer names everybody it goes to (its subject is the service's), never reply-all.
    """
    request = sent.request
    assert sent.operation == ("v0_reply_message" if case.is_answer else "v0_send_message")
    keys = {"to", "text", "attachments"} | (set() if case.is_answer else {"subject"})
    assert set(request) >= keys
    assert set(request) <= keys | {"bcc", "headers"}
    assert set(request.get("headers", {})) <= WIDE_HEADERS
    assert case.is_on_server or "X-Case" in request["headers"]
    (file,) = request["attachments"]
    assert set(file) == {"filename", "content_type", "content"}
    assert base64.b64decode(file["content"]) == NOTE
