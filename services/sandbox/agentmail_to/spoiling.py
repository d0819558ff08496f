"""Answers as tomorrow's service may give them: unknown fields, unknown labels, texts left out.

Closes the trap of a client that was only ever shown what it knows: the service adds fields, labels
and events as it likes (api/agentmail_to.md §0), and this makes it do so on order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.sandbox.agentmail_to.shapes import Json
from services.sandbox.faults import Fault

UNKNOWN_LABEL: Final = "label-of-tomorrow"
_TEXTS: Final = frozenset({"text", "html", "preview", "extracted_text", "extracted_html"})


def spoilt(answer: Json, faults: Mapping[str, Fault]) -> Json:
    """Return the answer with what the ordered faults do to it."""
    if not faults.keys() & {"unknown_fields", "unknown_labels", "absent_text"}:
        return answer
    changed: Json = _walk(answer, faults)
    return changed


def _walk(value: Any, faults: Mapping[str, Fault]) -> Any:
    if isinstance(value, list):
        return [_walk(inner, faults) for inner in value]
    if not isinstance(value, dict):
        return value
    walked = {name: _walk(inner, faults) for name, inner in value.items()}
    if "absent_text" in faults:
        walked = {name: inner for name, inner in walked.items() if name not in _TEXTS}
    if "unknown_labels" in faults and isinstance(walked.get("labels"), list):
        walked["labels"] = [*walked["labels"], UNKNOWN_LABEL]
    if "unknown_fields" in faults:
        walked["field_of_tomorrow"] = {"nested": [1, None, "text"]}
    return walked
