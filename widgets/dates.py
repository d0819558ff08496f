"""Dates as a person says them: `14:05` today, `Mon` this week, `3 Nov` this year, else `2025`.

Closes the trap of asking the clock at every row: a `Calendar` is made once and holds for a day. The
zone is the environment's (TZ); month names are ours, so that no locale widens the column.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from services.safe_text import EMPTY, SafeText, clean_line, phrase

DATE_CELLS: Final = 6
"""The widest short date: `23 Nov`."""

_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEK: Final = 6
_LATEST: Final = 253_402_300_799
"""The end of the year 9999."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """What today is; `year`, `month`, `day` as on the wall."""

    year: int
    day_of_year: int
    weekday: int
    now: float

    @classmethod
    def at(cls, now: float) -> Calendar:
        """The calendar of the day that holds `now` (seconds since the epoch)."""
        today = time.localtime(now)
        return cls(today.tm_year, today.tm_yday, today.tm_wday, now)

    def same_day(self, now: float) -> bool:
        """Whether short dates made a while ago still hold."""
        today = time.localtime(now)
        return (today.tm_year, today.tm_yday) == (self.year, self.day_of_year)

    def short(self, moment: int) -> str:
        """At most six cells; empty for an unknown date."""
        if not 0 < moment <= _LATEST:
            return ""
        return _short(moment, self.year, self.day_of_year)

    def full(self, moment: int) -> str:
        """`Mon 3 Nov 13:57`, with the year when it is another one; empty for an unknown date."""
        if not 0 < moment <= _LATEST:
            return ""
        then = time.localtime(moment)
        year = "" if then.tm_year == self.year else f" {then.tm_year}"
        return (
            f"{_DAYS[then.tm_wday]} {then.tm_mday} {_MONTHS[then.tm_mon - 1]}{year} "
            f"{then.tm_hour:02}:{then.tm_min:02}"
        )


@lru_cache(maxsize=4_096)
def _short(moment: int, year: int, day_of_year: int) -> str:
    then = time.localtime(moment)
    if then.tm_year != year:
        ago = _days_back(then, year, day_of_year)
        return _DAYS[then.tm_wday] if 0 < ago <= _WEEK else str(then.tm_year)
    ago = day_of_year - then.tm_yday
    if ago == 0:
        return f"{then.tm_hour:02}:{then.tm_min:02}"
    if 0 < ago <= _WEEK:
        return _DAYS[then.tm_wday]
    return f"{then.tm_mday} {_MONTHS[then.tm_mon - 1]}"


def _days_back(then: time.struct_time, year: int, day_of_year: int) -> int:
    """Days from a day of last year to today; -1 when it is further away."""
    if then.tm_year != year - 1:
        return -1
    leap = then.tm_year % 4 == 0 and (then.tm_year % 100 != 0 or then.tm_year % 400 == 0)
    return day_of_year + (366 if leap else 365) - then.tm_yday


def clock_words(moment: int) -> SafeText:
    """The time of day: `14:05`."""
    then = time.localtime(moment)
    return phrase("{:02}:{:02}", then.tm_hour, then.tm_min)


def day_words(moment: int) -> SafeText:
    """The day with its year: `12 Oct 2026`; empty for an unknown date."""
    if not 0 < moment <= _LATEST:
        return EMPTY
    then = time.localtime(moment)
    return phrase("{} {} {}", then.tm_mday, clean_line(_MONTHS[then.tm_mon - 1]), then.tm_year)


def time_left(seconds: float) -> SafeText:
    """How long until something happens, in one unit: `14 min`, `3 h`, `21 days`."""
    minutes = max(0, round(seconds / 60))
    if minutes < 100:
        return phrase("{} min", minutes)
    hours = round(minutes / 60)
    return phrase("{} h", hours) if hours < 49 else phrase("{:,} days", round(hours / 24))
