"""Makes the official SDK a real check: its models accept anything unless they are asked.

`checked` calls through `with_raw_response`, validates the raw JSON against the model that the SDK
itself chose, and finds fields that the model does not know (api/agentmail_to.md §14).
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import pydantic


class Deviation(AssertionError):
    """The door answered something that the SDK's model does not say."""


CALLS: list[str] = []
"""The operations that were checked, in order."""


def checked(method: Any, *args: Any, **named: Any) -> Any:
    """Call an SDK method bound to a client and return its data; raises Deviation."""
    raw_client = method.__self__.with_raw_response
    name = method.__name__
    options = {"max_retries": 0, **named.pop("request_options", {})}
    response = getattr(raw_client, name)(*args, **named, request_options=options)
    CALLS.append(f"{type(method.__self__).__name__}.{name}")
    if response.data is not None:
        check(type(response.data), response._response.json())
    return response.data


def check(model: type[pydantic.BaseModel], raw: Any) -> None:
    """Raise Deviation unless the JSON is what the model says, with nothing added."""
    try:
        value = model.model_validate(raw)
    except pydantic.ValidationError as error:
        raise Deviation(f"{model.__name__}: {error}") from error
    invented = [*invented_fields(value, model.__name__)]
    if invented:
        raise Deviation(", ".join(invented))
    nulls = [*null_fields(raw, model.__name__)]
    if nulls:
        raise Deviation(f"null instead of nothing: {', '.join(nulls)}")


def invented_fields(value: Any, path: str) -> Iterator[str]:
    """Yield the fields that no model knows."""
    if isinstance(value, pydantic.BaseModel):
        for name in value.model_extra or {}:
            yield f"{path}.{name}"
        for name in type(value).model_fields:
            inner = getattr(value, name)
            yield from invented_fields(inner, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            yield from invented_fields(inner, f"{path}[{at}]")


def null_fields(raw: Any, path: str) -> Iterator[str]:
    """Yield the fields that are null: the door leaves out what it does not have."""
    if isinstance(raw, dict):
        for name, inner in raw.items():
            if inner is None:
                yield f"{path}.{name}"
            yield from null_fields(inner, f"{path}.{name}")
    elif isinstance(raw, list):
        for at, inner in enumerate(raw):
            yield from null_fields(inner, f"{path}[{at}]")


def literals(annotation: Any) -> set[str]:
    """Return the values of an enum of the SDK, which is `Union[Literal[...], Any]`."""
    found: set[str] = set()
    for part in typing.get_args(annotation):
        if typing.get_origin(part) is typing.Literal:
            found.update(typing.get_args(part))
    return found
