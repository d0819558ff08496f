"""The attachment manifest that a mail carries in a header of its own (api/assmbl.md §7.5).

Closes the trap of folding: writers cut the JSON into encoded words, and only the header parser of
the standard library's `policy.default` puts it together again in all measured variants. That parser
is given nothing but this one header, within the header limit; what it cannot read is no manifest.
"""

from __future__ import annotations

import json
from typing import Final

from services.reading.mime_headers import HeaderBlock, header_text
from services.reading.parsed_mail import ParsedAttachment

HEADER: Final = "x-agentmail-attachments"
ENTRIES_LIMIT: Final = 500
_PARSER_LIMIT: Final = 20_000
"""Characters that the standard library's parser is given; it is not linear."""


def manifest_of(headers: HeaderBlock) -> tuple[ParsedAttachment, ...]:
    """Read the manifest; empty when there is none or it is no list of entries."""
    values = headers.all_raw(HEADER)
    if not values:
        return ()
    for text in (_by_standard_library(values[0]), header_text(values[0])):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            found = found.get("attachments")
        if isinstance(found, list):
            entries = (_entry(entry) for entry in found[:ENTRIES_LIMIT])
            return tuple(entry for entry in entries if entry is not None)
    return ()


def load_header_parser() -> None:
    """Use the parser once, for a process that may open no file later."""
    _by_standard_library(b"=?utf-8?q?=7B=7D?= x")


def _by_standard_library(value: bytes) -> str:
    text = value.decode("utf-8", "replace")
    if len(text) > _PARSER_LIMIT:
        return ""
    from email.headerregistry import HeaderRegistry, UnstructuredHeader

    registry = HeaderRegistry(default_class=UnstructuredHeader, use_default_map=False)
    try:
        return str(registry(HEADER, text))
    except (ValueError, LookupError, AttributeError, RecursionError, TypeError):
        return ""


def _entry(entry: object) -> ParsedAttachment | None:
    if not isinstance(entry, dict):
        return None
    known = {str(key).lower().replace("_", ""): value for key, value in entry.items()}
    name = known.get("name") or known.get("filename") or ""
    size = known.get("size")
    return ParsedAttachment(
        str(name),
        str(known.get("contenttype") or ""),
        size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        known.get("encrypted") is True,
    )
