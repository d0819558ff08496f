"""How each field of a draft that an agent hands in is read: strictly, with one sentence per mistake.

Closes the trap of text that changes meaning on its way: line ends in a header, control characters in
a body, half of a surrogate pair, a number that is true or false, an address with two readings.
Limits are those of the wire contract (services/api/wire_types.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from services.addresses import addresses_within
from services.draft import SERVICE_AGENT, VIA_SES, BodyFormat, DraftKind, Metering
from services.errors import UsageError
from services.outbound.gate.policy import RECIPIENTS_LIMIT
from services.outbound.gate.requirements import is_ours
from services.outbound.writing.typed_addresses import read_address, same_key, written

PEOPLE_LIMIT: Final = RECIPIENTS_LIMIT
FILES_LIMIT: Final = 100
HEADERS_LIMIT: Final = 50
SUBJECT_LIMIT: Final = 998
BODY_LIMIT: Final = 2_000_000
LINE_LIMIT: Final = 2_000
AHEAD_LIMIT: Final = 366 * 86_400
"""Seconds that a mail may be scheduled ahead."""
_COUNT_LIMIT: Final = 2**53

KINDS: Final = {
    "new": DraftKind.NEW,
    "reply": DraftKind.REPLY,
    "reply_all": DraftKind.REPLY_ALL,
    "forward": DraftKind.FORWARD,
    "request": DraftKind.MARKET_REQUEST,
    "response": DraftKind.MARKET_RESPONSE,
}
WAYS_OUT: Final = {"service": "", VIA_SES: VIA_SES}
"""By which service it leaves: the account's own, or Amazon SES."""
FORMATS: Final = {one.value: one for one in BodyFormat}
USAGE_COUNTS: Final = ("outcomes_returned", "tokens_input", "tokens_output", "compute_ms")
_THREAD_HEADERS: Final = frozenset({"in-reply-to", "references"})
"""They have fields of their own."""
_HEADER: Final = re.compile(r"[!-9;-~]{1,76}")
_KEY: Final = re.compile(r"[!-~]{1,200}")
_THREAD_ID: Final = re.compile(r"<[!-;=?-~]{1,250}>")
_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")
_LINE_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BODY_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")
_AGENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+-]{0,63}")

Wish = tuple[Path, str, str]


class Reader:
    """Reads fields and gathers what is wrong with them: (place, sentence)."""

    def __init__(self, now: int) -> None:
        self._now = now
        self.problems: list[tuple[str, str]] = []

    def wrong(self, place: str, sentence: str) -> None:
        """Note a mistake."""
        self.problems.append((place, sentence))

    # ── texts ────────────────────────────────────────────────────────────────────────────────────

    def text(self, place: str, value: Any, limit: int) -> str:
        """Read a text of at most `limit` characters that UTF-8 can hold."""
        if not isinstance(value, str):
            self.wrong(place, f"This must be a text, not {_kind_of(value)}.")
        elif len(value) > limit:
            self.wrong(place, f"This has {len(value):,} characters; at most {limit:,} are taken.")
        elif found := _SURROGATES.search(value):
            self.wrong(place, f"Character {found.start() + 1} is half of a surrogate pair.")
        else:
            return value
        return ""

    def line(self, place: str, value: Any, limit: int = LINE_LIMIT) -> str:
        """Read one line without control characters."""
        text = self.text(place, value, limit)
        if found := _LINE_CONTROLS.search(text):
            self.wrong(place, f"{_named(found)} is not allowed in one line.")
        return text

    def subject(self, place: str, value: Any) -> str:
        """Read a subject."""
        return self.line(place, value, SUBJECT_LIMIT)

    def body(self, place: str, value: Any) -> str:
        """Read the text of a mail; line ends become line feeds."""
        text = self.text(place, value, BODY_LIMIT).replace("\r\n", "\n").replace("\r", "\n")
        if found := _BODY_CONTROLS.search(text):
            self.wrong(place, f"{_named(found)} is not allowed in a mail.")
        return text

    def key(self, place: str, value: Any) -> str:
        """Read an id that a program made."""
        return self._fitting(place, value, _KEY, "1 to 200 visible ASCII characters without blanks")

    def message(self, place: str, value: Any) -> str:
        """Read the id of a message in the cache, as `list` prints it."""
        text = self.line(place, value)
        if isinstance(value, str) and not value.strip():
            self.wrong(place, "The id of a message is empty.")
        return text

    def thread_id(self, place: str, value: Any) -> str:
        """Read a Message-ID."""
        return self._fitting(place, value, _THREAD_ID, "a Message-ID such as <1234@host.example>")

    def thread_ids(self, place: str, value: Any) -> tuple[str, ...]:
        """Read a list of Message-IDs."""
        return tuple(self.thread_id(*entry) for entry in self._entries(place, value, 100))

    def _fitting(self, place: str, value: Any, form: re.Pattern[str], needed: str) -> str:
        if isinstance(value, str) and form.fullmatch(value):
            return value
        self.wrong(place, f"This must be {needed}.")
        return ""

    # ── people ───────────────────────────────────────────────────────────────────────────────────

    def people(self, place: str, value: Any) -> tuple[str, ...]:
        """Read recipients: a list of addresses, or one as a text."""
        if isinstance(value, str):
            return (self._person(place, value),)
        found: dict[str, str] = {}
        for where, entry in self._entries(place, value, PEOPLE_LIMIT):
            person = self._person(where, entry)
            found.setdefault(same_key(person), person)
        return tuple(found.values())

    def _person(self, place: str, value: Any) -> str:
        text = self.line(place, value)
        if not isinstance(value, str) or (not text and value):
            return ""
        try:
            address = read_address(text)
        except UsageError as error:
            self.wrong(place, str(error))
            return ""
        if addresses_within(address.name):
            self.wrong(place, "The name in front of the address shows another address.")
        return written(address)

    # ── choices and numbers ──────────────────────────────────────────────────────────────────────

    def yes_or_no(self, place: str, value: Any) -> bool:
        """Read true or false."""
        if not isinstance(value, bool):
            self.wrong(place, f"This must be true or false, not {_kind_of(value)}.")
        return value is True

    def kind(self, place: str, value: Any) -> DraftKind:
        """Read how a draft begins."""
        if isinstance(value, str) and value in KINDS:
            return KINDS[value]
        self.wrong(place, f"This must be one of {', '.join(KINDS)}.")
        return DraftKind.NEW

    def way_out(self, place: str, value: Any) -> str:
        """Read by which service it leaves."""
        if isinstance(value, str) and value in WAYS_OUT:
            return WAYS_OUT[value]
        self.wrong(place, f"This must be one of {', '.join(WAYS_OUT)}.")
        return ""

    def body_format(self, place: str, value: Any) -> BodyFormat:
        """Read what the text is."""
        if isinstance(value, str) and value in FORMATS:
            return FORMATS[value]
        self.wrong(place, f"This must be one of {', '.join(FORMATS)}.")
        return BodyFormat.PLAIN

    def moment(self, place: str, value: Any) -> int:
        """Read a time to come: ISO 8601 with its zone, or seconds since the epoch; 0 for at once."""
        at = _seconds(value)
        if at is None:
            self.wrong(
                place,
                "This must be a time with its zone, such as 2026-10-12T08:00:00Z, or seconds.",
            )
        elif at and at <= self._now:
            self.wrong(place, "This time is past.")
        elif at and at > self._now + AHEAD_LIMIT:
            self.wrong(place, "This time is more than a year ahead.")
        return at or 0

    def usage(self, place: str, value: Any) -> Metering:
        """Read the metering of a marketplace response (api/assmbl.md §5.1)."""
        table = self._table(place, value)
        counts: dict[str, int] = {}
        units: dict[str, float] = {}
        for name, entry in table.items():
            where = f"{place}.{name[:60]}"
            if name in USAGE_COUNTS:
                counts[name] = self._count(where, entry)
            elif name == "custom_units":
                units = self._units(where, entry)
            else:
                known = ", ".join((*USAGE_COUNTS, "custom_units"))
                self.wrong(where, f"This field is not known. Known: {known}.")
        return Metering(**counts, custom_units=units)

    def _count(self, place: str, value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _COUNT_LIMIT:
            return value
        self.wrong(place, "This must be a whole number from 0.")
        return 0

    def _units(self, place: str, value: Any) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, entry in self._table(place, value).items():
            is_number = isinstance(entry, int | float) and not isinstance(entry, bool)
            if not (is_number and 0 <= entry <= _COUNT_LIMIT):
                self.wrong(f"{place}.{name[:60]}", "This must be a number from 0.")
            elif _KEY.fullmatch(name) is None:
                self.wrong(place, f"{name[:60]!a} is no name of a unit.")
            else:
                found[name] = float(entry)
        return found

    # ── lists ────────────────────────────────────────────────────────────────────────────────────

    def headers(self, place: str, value: Any) -> tuple[tuple[str, str], ...]:
        """Read further MIME headers: names and one-line values."""
        found: dict[str, tuple[str, str]] = {}
        for name, text in self._table(place, value).items():
            where = f"{place}.{name[:60]}"
            lowered = name.lower()
            if _HEADER.fullmatch(name) is None:
                self.wrong(place, f"{name[:60]!a} is no name of a header.")
            elif lowered in _THREAD_HEADERS or is_ours(name):
                self.wrong(where, "This header is written by the program itself.")
            elif lowered in found:
                self.wrong(where, "This header is named twice.")
            value = self.line(where, text)
            if not value.isprintable() and not _LINE_CONTROLS.search(value):
                self.wrong(where, "The value holds a character that does not print.")
            found[lowered] = (name, value)
        if len(found) > HEADERS_LIMIT:
            self.wrong(place, f"At most {HEADERS_LIMIT} headers are taken.")
        return tuple(found.values())

    def files(self, place: str, value: Any) -> tuple[Wish, ...]:
        """Read files: paths, or objects with `path`, `name` and `content_type`."""
        return tuple(self._file(*entry) for entry in self._entries(place, value, FILES_LIMIT))

    def _file(self, place: str, value: Any) -> Wish:
        table = {"path": value} if isinstance(value, str) else self._table(place, value)
        for name in table:
            if name not in ("path", "name", "content_type"):
                known = "path, name, content_type"
                self.wrong(f"{place}.{name[:60]}", f"This field is not known. Known: {known}.")
        path = self.line(f"{place}.path", table.get("path", ""), 4_096)
        if not path:
            self.wrong(f"{place}.path", "The path of a file is needed.")
        elif not Path(path).is_absolute():
            self.wrong(f"{place}.path", "The path must be absolute: it begins with /.")
        name = self.line(f"{place}.name", table.get("name", ""), 255)
        if "/" in name:
            self.wrong(f"{place}.name", "The name of a file holds no slash.")
        kind = table.get("content_type", "")
        if kind != "":
            kind = self._fitting(f"{place}.content_type", kind, _TYPE, "a type such as text/plain")
        return Path(path), name, kind

    def _entries(self, place: str, value: Any, limit: int) -> list[tuple[str, Any]]:
        if not isinstance(value, list):
            self.wrong(place, f"This must be a list, not {_kind_of(value)}.")
            return []
        if len(value) > limit:
            self.wrong(place, f"This has {len(value):,} entries; at most {limit} are taken.")
        return [(f"{place}[{number}]", entry) for number, entry in enumerate(value[:limit])]

    def _table(self, place: str, value: Any) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        self.wrong(place, f"This must be an object, not {_kind_of(value)}.")
        return {}


def check_agent_name(name: str) -> str:
    """Return the name of an agent; UsageError when it cannot be one."""
    if _AGENT.fullmatch(name) is None:
        raise UsageError(
            "The name of an agent has 1 to 64 letters, digits or . _ @ + -.",
            "Give it with --from-agent NAME.",
        )
    return name


def given_agent_name(name: str) -> str:
    """Return the name that a program gives itself; UsageError also for the service's own."""
    if name.casefold() == SERVICE_AGENT:
        raise UsageError(
            f"{SERVICE_AGENT} stands for drafts that lie on that service.",
            "Give another name with --from-agent NAME.",
        )
    return check_agent_name(name)


def _seconds(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 <= value < 2**40 else None
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        return int(found.timestamp()) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _named(found: re.Match[str]) -> str:
    code = ord(found.group())
    name = {9: "A tab", 10: "A line end", 13: "A line end", 27: "An escape character"}.get(code)
    return f"{name or f'The control character U+{code:04X}'} (character {found.start() + 1})"


_NAMES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "true or false"),
    (str, "a text"),
    (int, "a number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "an object"),
)


def _kind_of(value: Any) -> str:
    return next((name for kind, name in _NAMES if isinstance(value, kind)), "null")
