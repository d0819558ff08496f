"""The other part of a mail with HTML: HTML made of Markdown, or plain text made of HTML.

Closes three traps. A recipient's program that shows text and one that shows HTML must show the same
mail: one part is made of the other, when the mail is planned, and both are under its digest. And
HTML of an agent taken apart in this process: the worker that reads received mail does that, within
its limits, and what it cannot read does not leave. And Markdown made to be read for hours: its time
grows with the square of its length, so that is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING, Final

from services.api.ses_html import html_of
from services.draft import BodyFormat, Draft
from services.errors import MailError, UsageError

if TYPE_CHECKING:
    from services.reading.parsed_mail import ParsedLine, ParsedMail
    from services.reading.render_process import WorkerChild

LONGEST_MARKDOWN: Final = 100_000
"""Characters: the worst of them takes some seconds in a thread, ten times as much ten minutes."""
_PLAINER: Final = "Write it more simply, or as plain text."
_OURS: Final = frozenset({"notice", "rule"})
"""Kinds of lines that the reader of mail puts in itself."""


@dataclass(frozen=True, slots=True)
class OtherPart:
    """What goes beside the text as written, raw; "" for plain text.

    `hidden`: characters that the HTML has and does not show to who reads it.
    """

    text: str = field(default="", repr=False)
    hidden: int = 0


def other_part(draft: Draft, worker: WorkerChild | None = None) -> OtherPart:
    """Return the part that goes beside the text of a draft. Runs in a thread.

    `worker` reads the HTML when there is much to read; without it one is started for this alone.
    Raises ConfigError when the extra is not installed, UsageError when HTML cannot be read as text
    and for Markdown that is too long.
    """
    if draft.format is BodyFormat.MARKDOWN:
        if len(draft.body) > LONGEST_MARKDOWN:
            raise UsageError(
                f"Markdown has at most {LONGEST_MARKDOWN:,} characters; this has more.",
                "Send it as plain text, or attach it as a file.",
            )
        return OtherPart(html_of(draft.body))
    return _read(draft.body, worker) if draft.format is BodyFormat.HTML else OtherPart()


def _read(html: str, worker: WorkerChild | None) -> OtherPart:
    """Return HTML as plain text, its links numbered and listed."""
    parsed = _parsed(html, worker)
    if parsed.encrypted or any(note.code.startswith("cut-") for note in parsed.notes):
        raise UsageError("The HTML cannot be read as text to its end.", _PLAINER)
    return OtherPart(_text(parsed), parsed.hidden_characters)


def _parsed(html: str, worker: WorkerChild | None) -> ParsedMail:
    from services.reading.render_process import WorkerChild

    mail = EmailMessage(SMTP)
    reader = worker or WorkerChild()
    try:
        mail.set_content(html, subtype="html", charset="utf-8")
        return reader.ask(mail.as_bytes())
    except (MailError, ValueError) as error:
        raise UsageError("The HTML cannot be read as text within limits.", _PLAINER) from error
    finally:
        if worker is None:
            reader.close()


def _text(parsed: ParsedMail) -> str:
    lines = [_line(line) for line in parsed.lines if line.kind not in _OURS]
    if parsed.links:
        lines += ["", *(f"[{link.number}] {link.url}" for link in parsed.links)]
    text = "\n".join(lines).strip("\n")
    return f"{text}\n" if text else ""


def _line(line: ParsedLine) -> str:
    marks = "> " * line.quote
    return f"{marks}{line.text}".rstrip()
