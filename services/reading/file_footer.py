"""The list of files that the service writes under a mail, told apart from words of somebody else.

An encrypted mail with files always ends in it (api/assmbl.md §5.3: links that live for seven days),
so an alarm about text outside of the encrypted block would ring for every one of them and soon be
heard by nobody. Closes that trap, and the one behind it: only lines that say nothing but the name and
the size of a file of this mail, and where it lies, count as that list. Shown behind the rule, and
marked as not encrypted, it is all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

LINES: Final = 600
_RULE: Final = re.compile(r"(?:--|---+|___+|===+) ?")
_HEADING: Final = re.compile(
    r"attachments?(?:[ (),.]{1,3}(?:and|are|days?|downloads?|expires?|files?|for|hours?|in|is|links?"
    r"|the|these|until|valid|\d{1,4}(?:-\d\d-\d\d)?)){0,12}[ ).]{0,3}:?",
    re.IGNORECASE,
)
_URL: Final = re.compile(r"https?://[^\s<>\"]{1,4000}")
_REST: Final = re.compile(
    r"[\s\-*•:|,.<>()\[\]\d]*(?:(?:bytes|[KMG]i?B|B)\b[\s\-*•:|,.<>()\[\]\d]*)?"
)


def is_file_list(lines: Sequence[str], names: Iterable[str]) -> bool:
    """Whether the lines are a list of files called `names`, under one heading, and nothing else.

    All links must lead to one host.
    """
    left = sorted({name for name in names if name.strip()}, key=len, reverse=True)
    told = [line.strip() for line in lines if line.strip()]
    if not left or not told or len(told) > LINES:
        return False
    if _RULE.fullmatch(told[0]):
        told = told[1:]
    if told and _HEADING.fullmatch(told[0]):
        told = told[1:]
    hosts: set[str] = set()
    return bool(told) and all(_is_entry(line, left, hosts) for line in told) and len(hosts) <= 1


def _is_entry(line: str, names: Sequence[str], hosts: set[str]) -> bool:
    """One file: its name, perhaps its size and one link; or the link alone, on a line of its own."""
    links = _URL.findall(line)
    if len(links) > 1:
        return False
    if links:
        try:
            hosts.add(urlsplit(links[0]).netloc.lower())
        except ValueError:
            return False
        line = line.replace(links[0], " ", 1)
    named = next((name for name in names if name in line), "")
    if not (named or links):
        return False
    return _REST.fullmatch(line.replace(named, " ", 1) if named else line) is not None
