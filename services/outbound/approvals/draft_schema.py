"""The JSON Schema of what `draft --stdin` takes, for programs that write it.

Closes the trap of a document that says something else than the door: limits and names come from the
door's own tables, and a test feeds both with the same values.
"""

from __future__ import annotations

from typing import Any, Final

from services.outbound.approvals import input_values as limits

_ABOUT: Final = {
    "to": "Recipients: name@host.example, or Name <name@host.example>.",
    "cc": "Further recipients; each gets a mail of its own.",
    "bcc": "Recipients that the others do not see.",
    "subject": "One line.",
    "body": "Plain text, or what `format` says.",
    "files": "Absolute paths, or objects.",
    "encrypt": "true: it leaves encrypted or not at all.",
    "kind": "How it begins; all but new and request need `answers`.",
    "answers": "The id of the message that it answers, as `agentmail-tui list` prints it.",
    "quote": "Put the text of that message under yours (not of an encrypted one).",
    "in_reply_to": "The Message-ID that it answers, when the message is not in this mailbox.",
    "references": "The chain of Message-IDs before it.",
    "headers": "Further MIME headers.",
    "correlation_id": "One id for all messages of a workflow.",
    "idempotency_key": "Your own name for this mail: giving it twice makes no second mail.",
    "marketplace_request_id": "The id of a marketplace transaction.",
    "usage": "What the work took, for a marketplace response.",
    "send_at": "Not before this time: ISO 8601 with a zone, or seconds since the epoch.",
    "via": "By which service it leaves: the account's own, or Amazon SES where it is set up.",
    "format": "What the text is; markdown and html need `via` ses, and leave with HTML in them.",
    "template": "The name of one of the operator's templates, as the text to begin with.",
    "reason": "Why you want to send it: the person who decides reads this.",
}  # fmt: skip


def draft_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12)."""
    properties = {name: _nullable(schema) for name, schema in _properties().items()}
    for name, about in _ABOUT.items():
        properties[name]["description"] = about
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A mail that an agent proposes",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _properties() -> dict[str, dict[str, Any]]:
    line = {"type": "string", "maxLength": limits.LINE_LIMIT}
    people = {"anyOf": [line, _list(line, limits.PEOPLE_LIMIT)]}
    key = {"type": "string", "pattern": r"^[!-~]{1,200}$"}
    thread_id = {"type": "string", "pattern": r"^<[!-;=?-~]{1,250}>$"}
    return {
        "to": people,
        "cc": dict(people),
        "bcc": dict(people),
        "subject": {"type": "string", "maxLength": limits.SUBJECT_LIMIT},
        "body": {"type": "string", "maxLength": limits.BODY_LIMIT},
        "files": _list(_file(), limits.FILES_LIMIT),
        "encrypt": {"type": "boolean"},
        "kind": {"enum": list(limits.KINDS)},
        "answers": {**line, "minLength": 1},
        "quote": {"type": "boolean"},
        "in_reply_to": thread_id,
        "references": _list(thread_id, 100),
        "headers": {
            "type": "object",
            "maxProperties": limits.HEADERS_LIMIT,
            "additionalProperties": dict(line),
        },
        "correlation_id": key,
        "idempotency_key": dict(key),
        "marketplace_request_id": dict(key),
        "usage": _usage(),
        "send_at": {"anyOf": [{"type": "string", "format": "date-time"}, _count()]},
        "via": {"enum": list(limits.WAYS_OUT)},
        "format": {"enum": list(limits.FORMATS)},
        "template": dict(line),
        "reason": dict(line),
    }


def _file() -> dict[str, Any]:
    path = {"type": "string", "pattern": "^/", "maxLength": 4_096}
    fields = {
        "path": path,
        "name": {"type": "string", "pattern": "^[^/]*$", "maxLength": 255},
        "content_type": {"type": "string"},
    }
    whole = {
        "type": "object",
        "properties": fields,
        "required": ["path"],
        "additionalProperties": False,
    }
    return {"anyOf": [dict(path), whole]}


def _usage() -> dict[str, Any]:
    units = {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}
    fields = {name: _count() for name in limits.USAGE_COUNTS} | {"custom_units": units}
    return {"type": "object", "properties": fields, "additionalProperties": False}


def _count() -> dict[str, Any]:
    return {"type": "integer", "minimum": 0}


def _list(entry: dict[str, Any], most: int) -> dict[str, Any]:
    return {"type": "array", "items": entry, "maxItems": most}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """A null is a field that is not given."""
    return {"anyOf": [schema, {"type": "null"}]}
