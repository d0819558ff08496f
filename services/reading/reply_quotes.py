"""Quoted replies that no markup marks: found by the header lines that mail programs put above them.

Closes the trap of folding away what the person wrote: a quote is only marked when own text stands
before it, and a forwarded message is never one.
"""

from __future__ import annotations

import re
from typing import Final

from services.reading.parsed_mail import ParsedLine
from services.reading.plain_text import QUOTE_DEPTH_LIMIT

_ORIGINAL: Final = re.compile(
    r"\s*[-_]{2,40}\s*(?:original (?:message|appointment)|ursprüngliche nachricht"
    r"|message d'origine|mensaje original|messaggio originale|исходное сообщение)\s*[-_]{2,40}\s*",
    re.IGNORECASE,
)
_FORWARDED: Final = re.compile(
    r"forwarded message|begin forwarded|weitergeleitete|message transféré|mensaje reenviado"
    r"|пересылаемое",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(
    r"[\s*>]{0,8}(from|sent|date|to|cc|subject|von|gesendet|an|datum|betreff|de|envoyé|date|à|objet"
    r"|para|enviado|asunto|от|отправлено|дата|кому|тема|da|inviato|oggetto)\s?:\*?\s?",
    re.IGNORECASE,
)
_LABELS_NEEDED: Final = 3
_WINDOW: Final = 8
"""Lines in which the labels must stand."""


def mark_reply_quotes(lines: list[ParsedLine]) -> list[ParsedLine]:
    """Raise the quote level of what follows a reply header, when own text stands before it."""
    own = False
    for number, line in enumerate(lines):
        if line.quote == 0 and own and _begins_quote(lines, number):
            return [*lines[:number], *(_deeper(tail) for tail in lines[number:])]
        if _FORWARDED.search(line.text[:200]):
            return lines
        own = own or bool(line.quote == 0 and line.text.strip())
    return lines


def _begins_quote(lines: list[ParsedLine], number: int) -> bool:
    text = lines[number].text
    if text[:1] in "-_ " and _ORIGINAL.fullmatch(text[:200]):
        return True
    if _LABEL.match(text) is None:
        return False
    found = [_LABEL.match(line.text) for line in lines[number : number + _WINDOW]]
    return len({match.group(1).lower() for match in found if match}) >= _LABELS_NEEDED


def _deeper(line: ParsedLine) -> ParsedLine:
    return ParsedLine(line.text, min(line.quote + 1, QUOTE_DEPTH_LIMIT), "quote")
