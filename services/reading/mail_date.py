"""The Date header as seconds since the epoch.

Closes the trap of date parsers that raise, or that believe a year 9999 with a zone of 99 hours: what
does not make sense is no date (0), and the list falls back on when the service received the mail.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_MONTHS: Final = {
    name: number
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)  # noqa: SIM905
}
_ZONES: Final = {
    "est": -5,
    "edt": -4,
    "cst": -6,
    "cdt": -5,
    "mst": -7,
    "mdt": -6,
    "pst": -8,
    "pdt": -7,
}
_MAIL: Final = re.compile(
    r"(\d{1,2})[ \-]+([A-Za-z]{3})[a-z]*\.?[ \-]+(\d{2,4}),?[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?"
    r"\s*([+-]\d{4}|[A-Za-z]{1,5})?"
)
_ISO: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*([+-]\d{2}:?\d{2}|[Zz])?"
)
_ASCTIME: Final = re.compile(
    r"([A-Za-z]{3})[a-z]* +(\d{1,2}),? +(\d{1,2}):(\d{2})(?::(\d{2}))? +(?:[A-Z]{1,5} +)?(\d{4})"
)
_COMMENT: Final = re.compile(r"\([^()]{0,200}\)")


def parse_date(text: str) -> int:
    """Read a date; 0 when there is none or it cannot be."""
    text = _COMMENT.sub(" ", text[:200])
    text = re.sub(r"\s+", " ", text).strip()
    found = _MAIL.search(text)
    if found is not None:
        day, month, year, hour, minute, second, zone = found.groups()
        return _seconds(year, _MONTHS.get(month.lower()), day, (hour, minute, second), zone)
    found = _ISO.search(text)
    if found is not None:
        year, number, day, hour, minute, second, zone = found.groups()
        return _seconds(year, int(number), day, (hour, minute, second), zone)
    found = _ASCTIME.search(text)
    if found is None:
        return 0
    month, day, hour, minute, second, year = found.groups()
    return _seconds(year, _MONTHS.get(month.lower()), day, (hour, minute, second), None)


def _seconds(
    year: str, month: int | None, day: str, clock: tuple[str, str, str | None], zone: str | None
) -> int:
    full = int(year)
    if len(year) < 4:
        full += 2000 if full < 50 else 1900
    hour, minute, second = (int(part or 0) for part in clock)
    try:
        moment = datetime(full, month or 0, int(day), hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return 0
    return max(0, int(moment.timestamp()) - _offset(zone))


def _offset(zone: str | None) -> int:
    """Seconds east of Greenwich; an unknown zone counts as UTC."""
    if not zone:
        return 0
    digits = zone[1:].replace(":", "")
    if zone[0] in "+-" and len(digits) == 4:
        seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
        return 0 if seconds > 15 * 3600 else (-seconds if zone[0] == "-" else seconds)
    return _ZONES.get(zone.lower(), 0) * 3600
