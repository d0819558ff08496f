"""Markdown that is made to be read for hours is refused before it is read."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from services.draft import VIA_SES, BodyFormat, Draft
from services.errors import UsageError
from services.outbound.gate.html_parts import LONGEST_MARKDOWN, OtherPart, other_part


@pytest.mark.parametrize(
    "piece", ["[", "[a](b", "a|b\n", "*"], ids=["brackets", "links", "table", "stars"]
)
def test_long_markdown_is_not_read_at_all(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "markdown_it", None)  # whoever reads it ends with ConfigError
    body = (piece * 1_000_000)[: LONGEST_MARKDOWN + 1]
    draft = replace(Draft.begin(), body=body, via=VIA_SES, format=BodyFormat.MARKDOWN)
    with pytest.raises(UsageError, match="at most 100,000 characters"):
        other_part(draft)


def test_the_other_part_stands_in_no_repr() -> None:
    assert "secret" not in repr(OtherPart("secret words"))
