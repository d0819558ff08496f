"""Drafts as they are stored: what may be read without a key, and the content, which may be sealed.

Closes the trap of an approval list or an agent's `draft status` that needs an unlocked key: state,
agent and dates stand in the head; addresses, subject, text, file names and headers are content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from services.draft import (
    BodyFormat,
    Draft,
    DraftFile,
    DraftKind,
    DraftState,
    Encryption,
    FileOrigin,
    Metering,
)
from services.errors import CacheDamaged

Document = dict[str, Any]
_T = TypeVar("_T")

_TEXTS: Final = (
    "subject", "body", "answers", "in_reply_to", "correlation_id", "marketplace_request_id",
    "reason", "via",
)  # fmt: skip
_LISTS: Final = ("to", "cc", "bcc", "references")
SCRIPT: Final = "command-line"
"""The author of what a verb saved and no agent."""
_COUNTS: Final = ("outcomes_returned", "tokens_input", "tokens_output", "compute_ms")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list shows of a draft; text as typed."""

    recipients: tuple[str, ...] = ()
    subject: str = ""


@dataclass(frozen=True, slots=True)
class DraftHead:
    """What is known of a draft without opening it.

    `reason` says why it has its state (why it came back, why it was rejected); times are seconds
    since the epoch; `kept` are the numbers of the revisions that are kept, the newest last.
    """

    draft_id: str
    revision: int
    state: DraftState
    idempotency_key: str
    agent: str = ""
    reason: str = ""
    made_at: int = 0
    changed_at: int = 0
    is_encrypted: bool = False
    is_sealed: bool = False
    hindrance: str = ""
    """Why an encrypted draft lies here in clear, "" when it does not."""
    files: int = 0
    summary: Summary | None = None
    """None for a sealed draft."""
    kept: tuple[int, ...] = ()
    discarded_at: int = 0
    author: str = ""
    """Who saved the newest revision: an agent's name, `SCRIPT`, "" for the operator on the screen."""
    is_settled: bool = False
    """It has left: its text is gone from here, and the outbox tells the rest."""


def content_document(draft: Draft) -> Document:
    """Return the content of a draft: everything that the head does not say."""
    document: Document = {"kind": draft.kind.value, "encryption": draft.encryption.value}
    document |= {name: text for name in _TEXTS if (text := getattr(draft, name))}
    document |= {name: list(texts) for name in _LISTS if (texts := getattr(draft, name))}
    if draft.answers_encrypted:
        document["answers_encrypted"] = True
    if draft.send_at:
        document["send_at"] = draft.send_at
    if draft.format is not BodyFormat.PLAIN:
        document["format"] = draft.format.value
    if draft.headers:
        document["headers"] = [list(header) for header in draft.headers]
    if draft.files:
        document["files"] = [_file_document(file) for file in draft.files]
    if draft.usage is not None:
        document["usage"] = _usage_document(draft.usage)
    return document


def draft_from(head: DraftHead, content: Mapping[str, Any]) -> Draft:
    """Return the draft of a head and a content; CacheDamaged when they make none."""
    return _reading(
        lambda: Draft(
            head.draft_id,
            revision=head.revision,
            state=head.state,
            idempotency_key=head.idempotency_key,
            agent=head.agent,
            made_at=head.made_at,
            changed_at=head.changed_at,
            kind=DraftKind(content["kind"]),
            encryption=Encryption(content["encryption"]),
            files=tuple(_file(file) for file in content.get("files", ())),
            headers=tuple((str(name), str(value)) for name, value in content.get("headers", ())),
            usage=_usage(content["usage"]) if "usage" in content else None,
            answers_encrypted=content.get("answers_encrypted") is True,
            send_at=int(content.get("send_at", 0)),
            format=BodyFormat(content.get("format", BodyFormat.PLAIN.value)),
            **_content(content, head),
        )
    )


def head_document(head: DraftHead) -> Document:
    """Return a head as it is stored."""
    document: Document = {
        "revision": head.revision,
        "state": head.state.value,
        "key": head.idempotency_key,
        "agent": head.agent,
        "reason": head.reason,
        "made": head.made_at,
        "changed": head.changed_at,
        "encrypted": head.is_encrypted,
        "sealed": head.is_sealed,
        "hindrance": head.hindrance,
        "files": head.files,
        "kept": list(head.kept),
        "discarded": head.discarded_at,
        "settled": head.is_settled,
        "author": head.author,
    }
    if head.summary is not None:
        document["to"] = list(head.summary.recipients)
        document["subject"] = head.summary.subject
    return document


def head_from(draft_id: str, document: Mapping[str, Any]) -> DraftHead:
    """Return a stored head; CacheDamaged when it is none."""
    return _reading(
        lambda: DraftHead(
            draft_id,
            revision=int(document["revision"]),
            state=DraftState(document["state"]),
            idempotency_key=str(document["key"]),
            agent=str(document["agent"]),
            reason=str(document["reason"]),
            made_at=int(document["made"]),
            changed_at=int(document["changed"]),
            is_encrypted=document["encrypted"] is True,
            is_sealed=document["sealed"] is True,
            hindrance=str(document["hindrance"]),
            files=int(document["files"]),
            summary=_summary(document),
            kept=tuple(int(number) for number in document["kept"]),
            discarded_at=int(document["discarded"]),
            is_settled=document["settled"] is True,
            author=str(document.get("author", "")),
        )
    )


def summary_of(content: Mapping[str, Any]) -> Summary:
    """Return what a list shows of a content."""
    lists = _lists(content)
    recipients = (*lists.get("to", ()), *lists.get("cc", ()), *lists.get("bcc", ()))
    return Summary(recipients, str(content.get("subject", "")))


def _summary(document: Mapping[str, Any]) -> Summary | None:
    if "subject" not in document:
        return None
    return Summary(tuple(str(one) for one in document["to"]), str(document["subject"]))


def _lists(content: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(map(str, content[name])) for name in _LISTS if name in content}


def _content(content: Mapping[str, Any], head: DraftHead) -> dict[str, Any]:
    found: dict[str, Any] = {name: str(content[name]) for name in _TEXTS if name in content}
    if head.state in (DraftState.REJECTED, DraftState.EXPIRED) and head.reason:
        found["reason"] = head.reason
    return {**found, **_lists(content)}


def _file_document(file: DraftFile) -> Document:
    document: Document = {
        "path": str(file.path),
        "name": file.name,
        "type": file.content_type,
        "size": file.size,
        "modified": file.modified,
    }
    if file.origin is not None:
        origin = file.origin
        document["origin"] = [origin.message_id, origin.index, origin.is_part]
    return document


def _file(document: Mapping[str, Any]) -> DraftFile:
    return DraftFile(
        Path(document["path"]),
        str(document["name"]),
        str(document["type"]),
        int(document["size"]),
        int(document["modified"]),
        _origin(document["origin"]) if "origin" in document else None,
    )


def _origin(stored: Sequence[Any]) -> FileOrigin:
    message_id, index, is_part = stored
    return FileOrigin(str(message_id), int(index), is_part is True)


def _usage_document(usage: Metering) -> Document:
    counts = {name: getattr(usage, name) for name in _COUNTS}
    return {**counts, "custom_units": dict(usage.custom_units)}


def _usage(document: Mapping[str, Any]) -> Metering:
    counts = {name: document[name] for name in _COUNTS}
    return Metering(**counts, custom_units=dict(document["custom_units"]))


def _reading(read: Callable[[], _T]) -> _T:
    try:
        return read()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CacheDamaged(
            "A draft on this disk is damaged, or a newer version of this program wrote it.",
            "Use the newest version; nothing was removed.",
        ) from error
