"""One call of the contract: route, checked request, answer, error, retry, one log line.

Closes the trap of every operation doing that by itself and one forgetting a part. Requests are
checked against the same structs that the sandbox enforces, before anything is sent; answers are read
as plain JSON first, so that an odd field costs no more than it must.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from services.api import failures, wire
from services.api.failures import Answer
from services.api.http import LARGEST, SECONDS, HttpDoor
from services.api.retry import Retrier
from services.api.routes import ROUTES
from services.api.url_paths import Route
from services.errors import BadAnswer, ServiceError, UsageError
from services.redact import LOGGER

_log: Final = logging.getLogger(f"{LOGGER}.api")

S = TypeVar("S")
_NO_TEXT: Final = (UnicodeEncodeError, RecursionError)
"""What msgspec ends with at lone surrogates, and at values nested without end."""
_TEXT: Final = re.compile(rb'([^"]*+)"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
"""The next text of JSON with what stands before it; never looks at a byte twice."""
_OF_A_TEXT: Final = 16
"""Bytes that count for a text of any length, for what it costs to keep it."""


class Exchange:
    """Calls the operations of one table through one door; `error_of` reads the service's errors."""

    def __init__(
        self,
        door: HttpDoor,
        retrier: Retrier,
        routes: Mapping[str, Route] = ROUTES,
        error_of: Callable[[Answer], ServiceError | None] = failures.of_answer,
    ) -> None:
        self._door = door
        self._routes = routes
        self._error_of = error_of
        self.retrier = retrier

    async def call(
        self,
        name: str,
        *,
        ids: Mapping[str, str | int] | None = None,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        cleared: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        safe: bool = True,
        seconds: float = SECONDS,
        largest: int = LARGEST,
    ) -> object:
        """Call one operation and return the JSON of its answer (None for an empty body).

        `query` and `body` leave out what is None and must fit the operation's structs (UsageError);
        the fields of `cleared` are sent as null. `safe`: doing it twice is the same as once. Raises
        ServiceError.
        """
        operation = self._routes.get(name)
        if operation is None:
            raise UsageError(f'"{name}" is not among the operations of this client.')
        path = operation.url_path(**(ids or {}))
        pairs = _query(operation, query or {})
        content = None if operation.request is None else _body(operation, body or {}, cleared)

        ask = partial(
            self._door.ask,
            operation.method,
            path,
            query=pairs,
            body=content,
            headers=headers,
            auth=operation.auth,
            seconds=seconds,
            largest=largest,
        )
        return await self.retrier.run(partial(self._once, name, ask), safe=safe)

    async def _once(self, name: str, ask: Callable[[], Awaitable[Answer]]) -> object:
        started = time.monotonic()
        answer = await ask()
        spent = (time.monotonic() - started) * 1000
        _log.debug("%s %d %d bytes %.0f ms", name, answer.status, len(answer.body), spent)
        error = self._error_of(answer)
        if error is not None:
            raise error
        try:
            return decode(answer.body)
        except BadAnswer as unread:
            unread.uncertain = True
            raise


def typed(data: object, kind: type[S]) -> S:
    """Return JSON as one of the structs of `services.api.wire`; BadAnswer when it does not fit."""
    try:
        return msgspec.convert(data, kind, strict=False)
    except (msgspec.ValidationError, *_NO_TEXT):
        pass
    raise BadAnswer("The service sent an answer of another shape than expected.", uncertain=True)


def decode(body: bytes) -> object:
    """Return the JSON of a body, None for an empty one; BadAnswer when it is not JSON.

    Texts may hold lone surrogates (mail that was not UTF-8), which only the slower reader takes.
    What is large must be texts: 64 MB of empty lists fill 1.6 GB.
    """
    if not body.strip():
        return None
    if len(body) > LARGEST and not _is_mostly_text(body):
        raise BadAnswer("The service sent an answer that is too large to be read.")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        pass
    raise BadAnswer("The service sent something that is not JSON.", "Check the base URL.")


def _is_mostly_text(body: bytes) -> bool:
    """Tell whether what is not inside of texts stays within the size of an ordinary answer."""
    at = beside = 0
    while beside <= LARGEST and (found := _TEXT.match(body, at)):
        beside += found.end(1) - at + _OF_A_TEXT
        at = found.end()
    return beside + len(body) - at <= LARGEST


def without_none(value: Any) -> Any:
    """Return JSON values without the keys whose value is None."""
    if isinstance(value, dict):
        return {key: without_none(entry) for key, entry in value.items() if entry is not None}
    return [without_none(entry) for entry in value] if isinstance(value, list | tuple) else value


def _body(operation: Route, fields: Mapping[str, object], cleared: tuple[str, ...]) -> bytes:
    plain = {**without_none(dict(fields)), **dict.fromkeys(cleared)}
    _check(plain, operation.request)
    return _encoded(plain)


def _query(operation: Route, fields: Mapping[str, object]) -> list[tuple[str, str]]:
    plain = without_none(dict(fields))
    if operation.query is not None:
        _check(plain, operation.query)
    return [(key, _query_text(value)) for key, value in plain.items()]


def _query_text(value: object) -> str:
    if isinstance(value, list | tuple):
        # One parameter that holds a JSON array, as the SDKs of AgentMail.to send it (§1).
        return _encoded(value).decode()
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _encoded(value: object) -> bytes:
    try:
        return wire.encode(value)
    except UnicodeEncodeError:
        pass
    raise UsageError("The request holds something that is not valid text.")


def _check(plain: object, kind: type | None) -> None:
    try:
        msgspec.convert(plain, kind)
        return
    except msgspec.ValidationError as error:
        problem = str(error)
    except _NO_TEXT:
        problem = "it holds something that is not valid text"
    raise UsageError(f"The request does not fit the contract: {problem}.")
