"""The OpenAPI 3.1 document of the Assmbl API as this project knows it, built from the route table.

Closes the trap of a description that is written by hand and drifts: bodies come from the structs,
paths, errors and evidence from the table. `x-evidence` marks how much of an operation is known, and
the sandbox cannot prove what is assumed (design: contract first).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from services.api import wire
from services.api.routes import ROUTES, Operation

_REFS: Final = "#/components/schemas/{name}"
_ALWAYS: Final = (404, 405, 413, 429, 500, 503)
_WORDS: Final = {
    200: "Done", 400: "The request is not valid", 401: "The token is missing or wrong",
    403: "Not allowed", 404: "Not found", 405: "Another method is needed",
    409: "The state is another one", 413: "The body is too large", 429: "Too many requests",
    500: "The service failed", 503: "The service cannot answer now",
}  # fmt: skip
_MESSAGE_ID: Final = "$response.body#/items/0/MessageID"
_FIRST_FILE: Final = {
    "message_id": "$response.body#/MessageID",
    "index": "$response.body#/attachments/0/index",
}
_LINKS: Final[Mapping[str, tuple[tuple[str, Mapping[str, str]], ...]]] = {
    "list_inbox": tuple(
        (name, {"message_id": _MESSAGE_ID})
        for name in ("get_message", "patch_message_labels", "patch_message_read",
                     "patch_message_archive", "delete_message")
    ),
    "get_message": (
        ("get_inbound_attachment_status", _FIRST_FILE),
        ("request_inbound_attachment_download", _FIRST_FILE),
    ),
}  # fmt: skip
"""Where the answer of one operation names what another one takes."""
_ID: Final = {"type": "string", "minLength": 1}
_INDEX: Final = {"type": "integer", "minimum": 0, "maximum": 999_999}


def document() -> dict[str, Any]:
    """Return the whole document as plain values, ready for JSON."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in ROUTES.values():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Assmbl AgentMail, as agentmail-tui knows it",
            "version": "1",
            "description": "Reconstructed from public documents. `x-evidence` tells what is known.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _types() -> Iterable[type]:
    for operation in ROUTES.values():
        yield operation.response
        if operation.request is not None:
            yield operation.request
    yield wire.Error


def _schemas() -> dict[str, Any]:
    kinds = list(dict.fromkeys(_types()))
    _, components = msgspec.json.schema_components(kinds, ref_template=_REFS)
    return {name: _described(schema) for name, schema in sorted(components.items())}


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """Drop what msgspec adds for readers of Python: titles that only repeat names."""
    kept = copy.deepcopy(schema)
    kept.pop("title", None)
    return kept


def _reference(kind: type) -> dict[str, str]:
    return {"$ref": _REFS.format(name=kind.__name__)}


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "x-evidence": operation.evidence,
        "x-row": operation.row,
        "responses": _responses(operation),
    }
    if operation.also:
        described["x-sdk-methods"] = [operation.name, *operation.also]
    if parameters := [*_path_parameters(operation), *_query_parameters(operation)]:
        described["parameters"] = parameters
    if operation.request is not None:
        content = {"application/json": {"schema": _reference(operation.request)}}
        described["requestBody"] = {"required": True, "content": content}
    if not operation.auth:
        described["security"] = []
    return described


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _INDEX if name == "index" else _ID,
        }
        for name in operation.parameters
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    (_,), components = msgspec.json.schema_components([operation.query], ref_template=_REFS)
    properties: Mapping[str, Any] = components[operation.query.__name__]["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": _without_null(schema)}
        for name, schema in properties.items()
    ]


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a query value: absent is what null is in a body."""
    choices = [c for c in schema.get("anyOf", ()) if c != {"type": "null"}]
    kept = dict(choices[0]) if len(choices) == 1 else dict(schema)
    if kept.get("default", 0) is None:
        del kept["default"]
    return kept


def _responses(operation: Operation) -> dict[str, Any]:
    errors = {status: operation.errors.get(status, ()) for status in _ALWAYS}
    errors.update(operation.errors)
    if operation.auth:
        errors[401] = ("unauthorized",)
    answers: dict[str, Any] = {"200": _response(200, operation.response)}
    if links := _LINKS.get(operation.name):
        answers["200"]["links"] = {
            name: {"operationId": name, "parameters": dict(parameters)}
            for name, parameters in links
        }
    for status in sorted(errors):
        answers[str(status)] = _response(status, wire.Error, errors[status])
    return answers


def _response(status: int, kind: type, names: tuple[str, ...] = ()) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": _WORDS[status],
        "content": {"application/json": {"schema": _reference(kind)}},
    }
    if names:
        described["x-errors"] = list(names)
    if status == 405:
        described["headers"] = {"Allow": {"required": True, "schema": {"type": "string"}}}
    if status == 429:
        described["headers"] = {"Retry-After": {"schema": {"type": "string"}}}
    return described
