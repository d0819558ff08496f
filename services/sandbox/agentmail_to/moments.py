"""Moments on the wire: ISO-8601 with milliseconds and `Z`, as the service writes them.

Closes the trap of moments cut to seconds: a client that lists `after` the last one it saw would get
the same messages for ever, or miss some.
"""

from __future__ import annotations

from datetime import UTC, datetime

from services.sandbox.agentmail_to.failures import invalid


def iso(seconds: float) -> str:
    """Return seconds since the epoch as `2026-11-21T09:30:00.125Z`."""
    whole = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{whole.isoformat(timespec='milliseconds')}Z"


def moment(text: str, *path: str | int) -> float:
    """Return the seconds since the epoch of an ISO-8601 text with a zone; raises 400."""
    try:
        read = datetime.fromisoformat(text)
        if read.tzinfo is None:
            raise ValueError(text)
        # As it would be written: what was read from an answer must name the same moment again.
        return round(read.timestamp(), 3)
    except (ValueError, OverflowError) as error:
        raise invalid("Invalid datetime", *path) from error
