"""How drafts and what became of them are printed: one JSON shape each, and lines for a person.

Closes the trap of an answer that a program has to guess from: `saved`, `sent` and `state` stand in
every object, `sent` is null when nobody knows.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from services.draft import BodyFormat, Draft, DraftFile, Encryption, Metering
from services.outbound.approvals.agent_door import HandedIn
from services.outbound.approvals.draft_input import InputRefused
from services.outbound.approvals.draft_status import DraftStatus
from services.outbound.drafts.draft_documents import DraftHead
from services.safe_text import clean_line, clean_text
from tui.listing import fit, iso_date, print_json


def status_json(status: DraftStatus) -> dict[str, Any]:
    """Return the JSON object of where a draft stands."""
    return {
        "id": status.draft_id,
        "state": status.standing.value,
        "saved": True,
        "sent": status.was_sent,
        "final": status.is_final,
        "sentence": status.sentence,
        "reason": status.reason,
        "next": status.next_step,
        "agent": status.agent,
        "revision": status.revision,
        "made_at": iso_date(status.made_at),
        "changed_at": iso_date(status.changed_at),
        "expires_at": iso_date(status.expires_at),
        "mails": [
            {
                "to": mail.to,
                "state": mail.state.value,
                "reason": mail.reason,
                "server_id": mail.server_id,
                "send_at": iso_date(mail.send_at),
            }
            for mail in status.mails
        ],
    }


def print_status(status: DraftStatus, *, as_json: bool, **more: Any) -> None:
    """Print where a draft stands; `more` goes into the JSON object."""
    if as_json:
        print_json({**status_json(status), **more})
        return
    sys.stdout.write(f"{status.draft_id}  {status.standing.words}\n{status.sentence}\n")
    if status.reason:
        sys.stdout.write(f"Reason: {clean_line(status.reason)}\n")
    for mail in status.mails:
        reason = f": {clean_line(mail.reason)}" if mail.reason else ""
        sys.stdout.write(f"  {clean_line(mail.to, 320)}  {mail.state.words}{reason}\n")
    for line in (more.get("remark", ""), status.next_step):
        if line:
            sys.stdout.write(f"{line}\n")


def print_handed_in(done: HandedIn, *, as_json: bool, remark: str = "") -> None:
    """Print what became of what was handed in."""
    told = "" if done.is_new else "It was handed in before; nothing was saved a second time."
    said = " ".join(text for text in (told, remark) if text)
    print_status(done.status, as_json=as_json, new=done.is_new, remark=said)


def print_refused(
    error: InputRefused, document: Mapping[str, Any], kept: str, *, agent: str = "", as_json: bool
) -> None:
    """Print every mistake, what was kept of whose mail, and what was not taken."""
    where = f"What could be read is kept as {kept}, proposed to nobody." if kept else ""
    said = f"Not sent and not proposed. {where or 'Nothing was saved.'}"
    whose = f" --from-agent {agent}" if agent else ""
    step = f"Correct it: agentmail-tui draft edit {kept}{whose} …" if kept else ""
    if as_json:
        print_json({
            "id": kept or None,
            "state": "unfinished" if kept else None,
            "saved": bool(kept),
            "sent": False,
            "sentence": said,
            "next": step,
            "problems": [
                {"place": problem.place, "problem": problem.sentence} for problem in error.problems
            ],
            "not_taken": {name: document[name] for name in error.fields if name in document},
        })  # fmt: skip
        return
    for problem in error.problems:
        sys.stderr.write(f"agentmail-tui: {clean_line(str(problem))}\n")
    sys.stderr.write(f"{said}\n")
    if step:
        sys.stderr.write(f"{step}\n")


def draft_json(draft: Draft) -> dict[str, Any]:
    """Return the JSON object of what a draft says; its fields are those that `--stdin` takes."""
    return {
        "id": draft.draft_id,
        "revision": draft.revision,
        "state": draft.state.value,
        "agent": draft.agent,
        "kind": draft.kind.value,
        "to": list(draft.to),
        "cc": list(draft.cc),
        "bcc": list(draft.bcc),
        "subject": draft.subject,
        "body": draft.body,
        "files": [_file_json(file) for file in draft.files],
        "encrypt": draft.encryption is Encryption.REQUIRED,
        "answers": draft.answers,
        "in_reply_to": draft.in_reply_to,
        "references": list(draft.references),
        "headers": dict(draft.headers),
        "correlation_id": draft.correlation_id,
        "marketplace_request_id": draft.marketplace_request_id,
        "usage": None if draft.usage is None else _usage_json(draft.usage),
        "send_at": iso_date(draft.send_at),
        "via": draft.via or "service",
        "format": draft.format.value,
        "reason": draft.reason,
        "made_at": iso_date(draft.made_at),
        "changed_at": iso_date(draft.changed_at),
    }


def _file_json(file: DraftFile) -> dict[str, Any]:
    return {
        "path": str(file.path),
        "name": file.name,
        "content_type": file.content_type,
        "size": file.size if file.size >= 0 else None,
    }


def _usage_json(usage: Metering) -> dict[str, Any]:
    return {
        "outcomes_returned": usage.outcomes_returned,
        "tokens_input": usage.tokens_input,
        "tokens_output": usage.tokens_output,
        "compute_ms": usage.compute_ms,
        "custom_units": dict(usage.custom_units),
    }


def print_draft(draft: Draft) -> None:
    """Print a draft as safe text."""
    facts = (
        ("To", ", ".join(draft.to)), ("Cc", ", ".join(draft.cc)), ("Bcc", ", ".join(draft.bcc)),
        ("Subject", draft.subject), ("Agent", draft.agent), ("Reason", draft.reason),
        ("Encrypted", "required" if draft.encryption is Encryption.REQUIRED else "no"),
        ("Send at", iso_date(draft.send_at) or ""),
        ("Leaves by", "Amazon SES" if draft.via else ""),
        ("Format", draft.format.value if draft.format is not BodyFormat.PLAIN else ""),
    )  # fmt: skip
    for name, value in facts:
        if value:
            sys.stdout.write(f"{name}: {clean_line(value, 2_000)}\n")
    for file in draft.files:
        size = f"  {file.size:,} bytes" if file.size >= 0 else ""
        sys.stdout.write(f"File: {clean_line(file.name, 300)}{size}\n")
    sys.stdout.write(f"\n{clean_text(draft.body).text}\n")


def head_json(head: DraftHead, status: DraftStatus) -> dict[str, Any]:
    """Return the JSON object of one line of the list; no `to` and `subject` for a sealed draft."""
    summary = head.summary
    return {
        "id": head.draft_id,
        "state": status.standing.value,
        "agent": head.agent,
        "revision": head.revision,
        "to": list(summary.recipients) if summary else None,
        "subject": summary.subject if summary else None,
        "encrypted": head.is_encrypted,
        "files": head.files,
        "reason": status.reason,
        "made_at": iso_date(head.made_at),
        "changed_at": iso_date(status.changed_at),
    }


def print_heads(found: Sequence[tuple[DraftHead, DraftStatus]], width: int) -> None:
    """Print the list of drafts, or that there is none."""
    room = max(20, width - 86)
    if not found:
        sys.stdout.write("No draft. What was sent or refused: agentmail-tui draft list --all\n")
    for head, status in found:
        summary = head.summary
        to = clean_line(", ".join(summary.recipients), 100) if summary else "(encrypted)"
        subject = clean_line(summary.subject, 200) if summary else ""
        date = (iso_date(status.changed_at) or "")[:16].replace("T", " ")
        who = clean_line(head.agent, 64) or "you"
        line = (
            f"{head.draft_id}  {status.standing.words:10}  {date:16}  {fit(who, 12)}  "
            f"{fit(to, 24)}  {fit(subject, room)}"
        )
        sys.stdout.write(f"{line.rstrip()}\n")
