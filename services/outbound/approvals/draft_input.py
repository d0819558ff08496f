"""The door through which agents hand in mail: one JSON object, read strictly.

Closes three traps: a field that is misspelt and silently dropped (a mail without its attachment), a
value that is bent into shape (a list read as one address), and an error that names the first of five
mistakes: all of them are told at once, each with its place, in words that an agent can act on.

Command-line flags come through here too, so that there is one idea of what is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from services.draft import BodyFormat, Draft, DraftFile, DraftKind, Encryption, Metering
from services.errors import UsageError
from services.outbound.approvals.input_values import PEOPLE_LIMIT, Reader
from services.outbound.drafts.attaching import ANY_TYPE

BYTES_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of JSON that are read."""
DEPTH_LIMIT: Final = 20
PLAIN_ONLY: Final = "Only mail that leaves by Amazon SES carries HTML: give `via` as ses."


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it is (`files[2].path`, "" for the whole) and what is wrong."""

    place: str
    sentence: str

    @property
    def field(self) -> str:
        """The field that the place is in."""
        return self.place.partition(".")[0].partition("[")[0]

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}" if self.place else self.sentence


class InputRefused(UsageError):
    """What was handed in cannot be a draft; `problems` names every mistake.

    `readable` is what the other fields hold, None when nothing could be read.
    """

    def __init__(self, problems: tuple[Problem, ...], readable: DraftInput | None = None) -> None:
        told = " ".join(map(str, problems[:10]))
        more = f" And {len(problems) - 10} more." if len(problems) > 10 else ""
        super().__init__(f"{told}{more}")
        self.problems = problems
        self.readable = readable

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that something is wrong with."""
        return tuple(dict.fromkeys(problem.field for problem in self.problems if problem.field))


@dataclass(frozen=True, slots=True)
class FileWish:
    """A file that is to go along; `name` and `content_type` "" are taken from the path."""

    path: Path
    name: str = ""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class DraftInput:
    """What was given; None is not given and leaves what an edited draft has."""

    to: tuple[str, ...] | None = None
    cc: tuple[str, ...] | None = None
    bcc: tuple[str, ...] | None = None
    subject: str | None = None
    body: str | None = None
    files: tuple[FileWish, ...] | None = None
    encrypt: bool | None = None
    kind: DraftKind | None = None
    answers: str | None = None
    quote: bool | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] | None = None
    headers: tuple[tuple[str, str], ...] | None = None
    correlation_id: str | None = None
    idempotency_key: str | None = None
    marketplace_request_id: str | None = None
    usage: Metering | None = None
    send_at: int | None = None
    via: str | None = None
    format: BodyFormat | None = None
    template: str | None = None
    reason: str | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing was given."""
        return self == DraftInput()

    def unlooked(self, draft: Draft, now: int) -> Draft:
        """Return a draft with what was given put in as it is: files unseen, nothing answered.

        The answered message was not looked at either, so it counts as encrypted.
        """
        wishes = None if self.files is None else tuple(map(_unseen, self.files))
        kept = self.applied(draft, wishes, now)
        if not self.answers:
            return kept
        return replace(
            kept, answers=self.answers, answers_encrypted=True, encryption=Encryption.REQUIRED
        )

    def applied(self, draft: Draft, files: tuple[DraftFile, ...] | None, now: int) -> Draft:
        """Return a draft with what was given put in; `files` are the wishes, looked at."""
        given = {
            name: value for name in _DRAFT_FIELDS if (value := getattr(self, name)) is not None
        }
        if self.encrypt is not None:
            given["encryption"] = Encryption.REQUIRED if self.encrypt else Encryption.NONE
        if files is not None:
            given["files"] = files
        return replace(draft, changed_at=now, **given)


def _unseen(wish: FileWish) -> DraftFile:
    return DraftFile(wish.path, wish.name or wish.path.name, wish.content_type or ANY_TYPE)


_DRAFT_FIELDS: Final = tuple(
    field.name
    for field in fields(DraftInput)
    if field.name not in ("files", "encrypt", "answers", "quote", "template")
)


def read_json(data: bytes) -> Mapping[str, Any]:
    """Return the one JSON object that bytes hold; InputRefused says where they do not."""
    if len(data) > BYTES_LIMIT:
        raise _refused(f"The JSON is larger than {BYTES_LIMIT // 1024 // 1024} MB.")
    if not data.strip():
        raise _refused("There is no JSON: standard input is empty.")
    try:
        found = json.loads(
            data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise _refused(f"The JSON is not UTF-8 (byte {error.start}).") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _refused(f"This is no JSON ({where}): {error.msg}.") from None
    except RecursionError:
        raise _refused("The JSON is nested too deeply.") from None
    except ValueError as error:
        # Too many digits of a number.
        raise _refused(f"This is no JSON that can be read: {str(error)[:100]}.") from None
    if not isinstance(found, dict):
        raise _refused("The JSON must be one object: { … }.")
    return found


def read_draft(document: Mapping[str, Any], *, now: int) -> DraftInput:
    """Return what a document asks for; InputRefused names everything that is wrong with it.

    `now` is seconds since the epoch, for `send_at`.
    """
    reader = Reader(now)
    given: dict[str, Any] = {}
    for name, value in document.items():
        read = _FIELDS.get(name)
        if read is None:
            reader.wrong(name[:60], _unknown(name))
        elif value is not None:
            given[name] = read(reader, name, value)
    _contradictions(reader, given)
    if "files" in given:
        given["files"] = tuple(FileWish(*wish) for wish in given["files"])
    if reader.problems:
        problems = tuple(Problem(*problem) for problem in reader.problems)
        wrong = {problem.field for problem in problems}
        kept = {name: value for name, value in given.items() if name not in wrong}
        raise InputRefused(problems, DraftInput(**kept))
    return DraftInput(**given)


Read = Callable[[Reader, str, Any], Any]
_FIELDS: Final[dict[str, Read]] = {
    "to": Reader.people,
    "cc": Reader.people,
    "bcc": Reader.people,
    "subject": Reader.subject,
    "body": Reader.body,
    "files": Reader.files,
    "encrypt": Reader.yes_or_no,
    "kind": Reader.kind,
    "answers": Reader.message,
    "quote": Reader.yes_or_no,
    "in_reply_to": Reader.thread_id,
    "references": Reader.thread_ids,
    "headers": Reader.headers,
    "correlation_id": Reader.key,
    "idempotency_key": Reader.key,
    "marketplace_request_id": Reader.key,
    "usage": Reader.usage,
    "send_at": Reader.moment,
    "via": Reader.way_out,
    "format": Reader.body_format,
    "template": Reader.line,
    "reason": Reader.line,
}
FIELD_NAMES: Final = tuple(_FIELDS)


def _contradictions(reader: Reader, given: Mapping[str, Any]) -> None:
    kind = given.get("kind")
    answering = (
        DraftKind.REPLY, DraftKind.REPLY_ALL, DraftKind.FORWARD, DraftKind.MARKET_RESPONSE,
    )  # fmt: skip
    if given.get("answers"):
        if kind is not None and kind not in answering:
            reader.wrong(
                "kind", "A mail with `answers` is a reply, reply_all, forward or response."
            )
        for name in ("in_reply_to", "references"):
            if name in given:
                reader.wrong(name, "Leave it out: `answers` says what is answered.")
    elif kind in answering:
        reader.wrong("answers", f"A {kind.value} needs the id of the message that it answers.")
    elif given.get("quote"):
        reader.wrong("quote", "There is nothing to quote without `answers`.")
    people = sum(len(given.get(name, ())) for name in ("to", "cc", "bcc"))
    if people > PEOPLE_LIMIT:
        reader.wrong("to", f"A mail has at most {PEOPLE_LIMIT} recipients in all, not {people}.")
    if people > 1 and (kind is DraftKind.MARKET_REQUEST or given.get("marketplace_request_id")):
        reader.wrong("to", "Mail of the marketplace has exactly one recipient.")
    if given.get("via") == "" and given.get("format", BodyFormat.PLAIN) is not BodyFormat.PLAIN:
        reader.wrong("format", PLAIN_ONLY)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _refused(f"The JSON names {name[:60]!a} twice.")
        found[name] = value
    return found


def _no_constant(name: str) -> None:
    raise _refused(f"{name} is no JSON.")


def _refused(sentence: str) -> InputRefused:
    return InputRefused((Problem("", sentence),))


def _unknown(name: str) -> str:
    near = get_close_matches(name[:60], FIELD_NAMES, 1)
    if near:
        return f"This field is not known. Do you mean {near[0]}?"
    return f"This field is not known. Known: {', '.join(FIELD_NAMES)}."
