"""Statuses become sentences, a server's own words are never shown, waits are capped (N01, N02)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from services.api.failures import Answer, of_answer, retry_after
from services.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    ServerBroken,
    ServiceError,
    SignedOut,
)

CANARY = "tok_canary"


def failure(status: int, body: object = None, **headers: str) -> ServiceError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    error = of_answer(Answer(status, named, content))
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("status", "kind", "exit_code"),
    [
        (400, Rejected, 1), (401, SignedOut, 5), (403, Forbidden, 5), (404, NotFound, 4),
        (405, Rejected, 1), (408, ServerBroken, 6), (409, Conflict, 1), (412, Conflict, 1),
        (413, Rejected, 1), (418, Rejected, 1), (422, Rejected, 1), (429, RateLimited, 6),
        (500, ServerBroken, 6), (502, ServerBroken, 6), (503, ServerBroken, 6),
        (599, ServerBroken, 6), (304, BadAnswer, 6), (301, BadAnswer, 6), (999, BadAnswer, 6),
    ],
)  # fmt: skip
def test_every_status_has_its_member_and_a_sentence(
    status: int, kind: type[ServiceError], exit_code: int
) -> None:
    error = failure(status, {"error": "unheard_of"})
    assert type(error) is kind
    assert error.status == status
    assert error.exit_code == exit_code
    assert error.sentence.endswith(".")
    assert error.next_step == "" or error.next_step.endswith(".")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_no_error(status: int) -> None:
    assert of_answer(Answer(status, {}, b"")) is None


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (400, "too_many_labels", "at most 20 labels"),
        (400, "invalid_query", "search text"),
        (404, "agent_not_found", "directory knows no such agent"),
        (409, "version_conflict", "key in the directory has changed"),
        (409, "already_archived", "archived already"),
        (403, "forbidden_object_key", "another agent"),
    ],
)
def test_a_known_error_name_makes_the_sentence_exact(status: int, code: str, words: str) -> None:
    error = failure(status, {"error": code, "message": "ignored"})
    assert words in error.sentence
    assert error.code == code


@pytest.mark.parametrize(
    "body",
    [
        {"error": "\x1b]0;owned\x07"},
        {"error": "x" * 5_000},
        {"error": {"nested": 1}},
        {"error": "no such thing <script>"},
        {"message": "Bearer tok-1f"},
        {"error": "tok_9f3a1"},
        ["error"],
        b"<html>Bad gateway</html>",
        b"",
        b"\xff\xfe",
        b"[" * 200_000,
        {"error": "message_not_found", "message": "\x1b[2J" + CANARY},
    ],
)
def test_the_servers_own_words_are_never_shown(body: object) -> None:
    for status in (400, 404, 500):
        error = failure(status, body)
        shown = f"{error}{error.code}{error!r}"
        assert all(char.isprintable() for char in shown)
        for word in ("owned", "script", "Bearer", "html", "tok", "xxxx"):
            assert word not in shown


def test_a_status_wins_over_the_name() -> None:
    error = failure(401, {"error": "message_not_found"})
    assert isinstance(error, SignedOut)
    assert "token" in error.sentence


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0), ("3", 3), ("3600", 3600), (" 7 ", 7), ("1.5", 1.5), ("-1", None), ("abc", None),
        ("", None), (None, None), ("1e9", None), ("inf", None), ("nan", None), ("9" * 30, None),
        ("٣", None), ("0x10", None), ("3, 4", None), ("Mon, 99 Foo 2026 00:00:00 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None), ("x" * 100_000, None),
    ],
)  # fmt: skip
def test_retry_after_takes_numbers_and_nothing_odd(
    value: str | None, seconds: float | None
) -> None:
    assert retry_after(value) == seconds


def test_retry_after_takes_a_date() -> None:
    moment = datetime.now(UTC) + timedelta(minutes=10)
    seconds = retry_after(format_datetime(moment, usegmt=True))
    assert seconds is not None
    assert 500 < seconds <= 600


@pytest.mark.parametrize(
    ("value", "shown", "waited"),
    [("5", "5 s", 5.0), ("600", "10 minutes", 300.0), ("86400", "24 hours", 300.0)],
)
def test_a_long_wait_is_told_in_full_and_waited_in_part(
    value: str, shown: str, waited: float
) -> None:
    error = failure(429, {"error": "rate_limited"}, retry_after=value)
    assert shown in error.sentence
    assert error.retry_after == waited


@pytest.mark.parametrize("value", ["-1", "abc"])
def test_a_nonsense_wait_is_none(value: str) -> None:
    assert failure(429, {}, retry_after=value).retry_after is None


@pytest.mark.parametrize(("status", "uncertain"), [(400, False), (429, False), (500, True)])
def test_only_a_server_fault_leaves_the_outcome_open(status: int, uncertain: bool) -> None:
    assert failure(status).uncertain is uncertain
