"""From a draft on AgentMail.to to a proposal: text only, nothing left out without a word.

Closes four traps: HTML that leaves because nobody saw it (it is read as text by the worker that
reads received mail, and that text is what a person approves), a draft of which a part is missing here
(then it is not proposed at all), a change there that leaves the words as they were (the time of the
last change is part of what is approved), and a process that is started for each of thousands of drafts
in HTML (one reads them all). Source: api/agentmail_to.md §3, §13 rules 3 and 7.
"""

from __future__ import annotations

import asyncio
import re
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services.api.agentmail_to.drafts import ServerDraft
from services.api.codec import received_at
from services.draft import BodyFormat, Draft, DraftFile, DraftKind
from services.errors import UsageError
from services.outbound.approvals.input_values import SUBJECT_LIMIT
from services.outbound.gate.html_parts import other_part
from services.outbound.gate.reviewing import moment
from services.outbound.outbox.outbox_contents import durable

if TYPE_CHECKING:
    from services.reading.render_process import WorkerChild

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BODY_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")
_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]{1,250}>")
_UNUSUAL: Final = re.compile(r"[^0-9A-Za-z:.+-]")
_STAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:(?P<seconds>[0-9]{2}(\.[0-9]+)?)"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
)
_LONGEST_ADDRESS: Final = 2_000
_SHORT_TEXT: Final = 20_000
"""Characters that are read without a thread, within a millisecond."""


class DraftReader:
    """Reads drafts, those in HTML by one worker process, one after the other; `close` ends it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._worker: WorkerChild | None = None
        self._is_closed = False

    async def read(
        self, found: ServerDraft, draft_id: str, files: tuple[DraftFile, ...] = ()
    ) -> Draft:
        """Return what is proposed of a draft; raises as `proposal_of`."""
        if found.html or len(found.text) > _SHORT_TEXT:
            return await asyncio.to_thread(self._read, found, draft_id, files)
        return proposal_of(found, draft_id, files)

    async def close(self) -> None:
        """End the worker; what it reads at this moment is read by nobody."""
        self._is_closed = True
        if self._worker is not None:
            self._worker.kill()
            await durable(self._end)

    def _read(self, found: ServerDraft, draft_id: str, files: tuple[DraftFile, ...]) -> Draft:
        from services.reading.render_process import WorkerChild

        with self._turn:
            if self._is_closed:
                raise UsageError("Nobody reads it any more.")
            self._worker = self._worker or WorkerChild()
            return proposal_of(found, draft_id, files, self._worker)

    def _end(self) -> None:
        with self._turn:
            if self._worker is not None:
                self._worker.close()


def proposal_of(
    found: ServerDraft,
    draft_id: str,
    files: tuple[DraftFile, ...] = (),
    worker: WorkerChild | None = None,
) -> Draft:
    """Return what is proposed of a draft of the service. Runs in a thread: it may read HTML.

    UsageError when it holds more than is read of one, or HTML that cannot be read to its end.
    """
    if found.is_too_much or len(found.subject) > SUBJECT_LIMIT:
        raise UsageError("It is too large.")
    draft = replace(
        Draft.begin(_kind(found)),
        draft_id=draft_id,
        to=_people(found.to),
        cc=_people(found.cc),
        bcc=_people(found.bcc),
        subject=_line(found.subject),
        body=_text(found.text),
        files=files,
        answers=found.in_reply_to or found.forward_of,
        in_reply_to=found.in_reply_to if _MESSAGE_ID.fullmatch(found.in_reply_to) else "",
        references=tuple(one for one in found.references if _MESSAGE_ID.fullmatch(one)),
        headers=_headers(found),
        send_at=found.send_at,
        reason=_about(found),
    )
    return draft if draft.body.strip() or not found.html else _from_html(draft, found.html, worker)


def _from_html(draft: Draft, html: str, worker: WorkerChild | None) -> Draft:
    written = replace(draft, body=_SURROGATES.sub("\ufffd", html), format=BodyFormat.HTML)
    part = other_part(written, worker)
    reason = draft.reason
    if part.hidden:
        reason += f" The HTML hides {part.hidden} characters, which are not part of the text."
    return replace(draft, body=part.text, reason=reason)


def _about(found: ServerDraft) -> str:
    """Say where it comes from and what is different from what lies there; part of the digest."""
    told = [f"A draft on AgentMail.to{_changed_at(found.head.version)}."]
    if found.send_at and found.send_status == "scheduled":
        told.append("AgentMail.to sends it by itself at its time, unless it is decided on here.")
    if found.send_status == "failed":
        told.append("AgentMail.to was to send it and could not.")
    if found.html:
        how = "the text is its own" if found.text.strip() else "the text is made of it"
        told.append(f"Its HTML is not sent; {how}.")
    if found.forward_of:
        told.append("It forwards a message there; here only its text is sent.")
    return " ".join(told)


def _changed_at(version: str) -> str:
    """Return when it was changed, in the operator's zone; "" when nothing tells.

    As exactly as the service tells it: two versions that a decision tells apart read differently.
    """
    shown, stamp, at = _UNUSUAL.sub("?", version), _STAMP.fullmatch(version), received_at(version)
    if stamp is not None and at:
        # The last hours of the year 9999 are past the end of time in some zones.
        with suppress(OverflowError, ValueError):
            shown = f"{moment(at)}:{stamp['seconds']}"
    return f", changed there {shown}" if shown else ""


def _kind(found: ServerDraft) -> DraftKind:
    if found.forward_of:
        return DraftKind.FORWARD
    return DraftKind.REPLY if found.in_reply_to else DraftKind.NEW


def _headers(found: ServerDraft) -> tuple[tuple[str, str], ...]:
    answers_to = ", ".join(_people(found.reply_to))
    return (("Reply-To", answers_to),) if answers_to else ()


def _people(typed: tuple[str, ...]) -> tuple[str, ...]:
    """Return recipients as written; what is no address the plan refuses, by name."""
    if any(len(one) > _LONGEST_ADDRESS for one in typed):
        raise UsageError("It has a recipient without end.")
    return tuple(dict.fromkeys(line for one in typed if (line := _line(one))))


def _line(text: str) -> str:
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub(" ", text)).strip()


def _text(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATES.sub("\ufffd", _BODY_CONTROLS.sub("", lines))
