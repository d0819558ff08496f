"""What keeps secrets out of everything that is printed: the `Secret` type and the debug log's filter.

Closes the trap of a token in a log, a `repr` or a crash report (research/reliability.md TH10): httpx
logs URLs with their signatures, and tracebacks print locals. A secret shows itself as `***` in every
form of text; the debug log passes through a filter that knows what tokens and signatures look like.
"""

from __future__ import annotations

import hmac
import logging
import os
import re
from pathlib import Path
from typing import Final, NoReturn

from services.errors import ConfigError
from services.paths import private_folder, tighten_file

LOGGER: Final = "agentmail"
"""The parent of every logger of this program."""
_OTHERS: Final = ("httpx", "httpcore", "keyring", "hpack", "h11", "websockets")
"""Loggers of libraries that print URLs, headers or bodies."""

_LONGEST: Final = 4_000

_HIDDEN: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s'\",;]+"), r"\1 ***"),
    (
        re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(['\"]?\s*[:=,]\s*).+"),
        r"\1\2***",
    ),
    (re.compile(r"(https?://)[^/\s'\"@]+@"), r"\1***@"),
    (re.compile(r"(https?://[^\s?#'\"<>]*)[?#][^\s'\"<>]*"), r"\1?***"),
    (
        re.compile(r"(?i)\b(x-amz-[a-z-]+|signature|policy|token|secret|pass\w+)=[^&\s]+"),
        r"\1=***",
    ),
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY[\s\S]*?(?:-----END [A-Z ]*-----|$)"),
        "***private key***",
    ),
)


class Secret:
    """A text that never shows itself; only `reveal` gives it away, at the place of use."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself. Do not bind it to a name: tracebacks print names."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not copied or stored this way")


def redact(text: str) -> str:
    """Return a text without what looks like a token, a signature, a query or a private key.

    Cut at 4,000 characters: the patterns are quadratic on lines made for that.
    """
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Formats a record as one redacted line; of an exception only the type is told."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one redacted line."""
        line = f"{self.formatTime(record)} {record.levelname} {record.name} {record.getMessage()}"
        kind = record.exc_info[0] if record.exc_info else None
        line = f"{line} ({kind.__name__})" if kind else line
        return redact(line.replace("\r", " ").replace("\n", " "))


def silence_libraries() -> None:
    """Keep the loggers of libraries from printing URLs and headers anywhere."""
    for name in _OTHERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False


def open_debug_log(path: Path) -> logging.Handler:
    """Write our own log records to a 0600 file, redacted; ConfigError when it cannot be opened.

    Nobody but our loggers writes there; end it with `close_debug_log`.
    """
    silence_libraries()
    private_folder(path.parent)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        os.close(os.open(path, flags, 0o600))
        tighten_file(path)
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ConfigError(f"The debug log {path} cannot be opened: {error.strerror}.") from error
    handler.setFormatter(RedactingFormatter())
    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(handler)
    return handler


def close_debug_log(handler: logging.Handler) -> None:
    """Stop writing to a debug log."""
    logging.getLogger(LOGGER).removeHandler(handler)
    handler.close()
