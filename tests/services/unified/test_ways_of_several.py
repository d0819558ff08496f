"""Which ways out a mail has is told for the account that it leaves from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.draft import VIA_SES, BodyFormat, Draft, DraftFile, Encryption
from services.way_events import AskCarriage, AskWays, CarriageTold, WaysTold
from tests.services.unified.household import Household


def test_each_account_tells_its_own_ways_out(household: Callable[..., Household]) -> None:
    one = household("work", "home")
    for asked, named in (("home", "home"), ("work", "work"), ("", "work")):
        told = one.answer(AskWays(asked), WaysTold)
        assert [(way.via, way.format) for way in told.ways] == [
            ("", BodyFormat.PLAIN), ("ses", BodyFormat.PLAIN), ("ses", BodyFormat.MARKDOWN),
            ("ses", BodyFormat.HTML),
        ]  # fmt: skip
        assert not told.ways[0].hindrance
        assert all(f"[accounts.{named}.ses]" in way.hindrance for way in told.ways[1:])


FILE = DraftFile(Path("/somewhere/a.pdf"), "a.pdf", "application/pdf", 2_000)


@pytest.mark.parametrize(
    ("fields", "told", "step"),
    [
        ({"files": (FILE,)}, "AgentMail.to is not given files", "by Amazon SES"),
        ({"headers": (("X-Case", "7"),)}, "not given further headers", 'profile = "wide"'),
        ({"format": BodyFormat.HTML}, "AgentMail.to is never given HTML", "Write plain text"),
        ({"marketplace_request_id": "mkt-1"}, "knows no marketplace", "Remove"),
        ({"encryption": Encryption.REQUIRED}, "no key directory", "peers import"),
        ({"via": VIA_SES}, "not set up to send by Amazon SES", "choose the account's own"),
        ({}, "", ""),
    ],
    ids=["file", "header", "html", "marketplace", "encryption", "ses", "plain"],
)
def test_what_an_account_cannot_carry_is_told_while_it_is_written(
    both: Household, fields: dict[str, Any], told: str, step: str
) -> None:
    """Of a draft that has no subject and no text yet."""
    both.synced()
    draft = replace(Draft.begin(), to=("bo@big.example",), **fields)
    answer = both.answer(AskCarriage(draft, "t1"), CarriageTold)
    assert answer.draft_id == draft.draft_id
    if not told:
        assert answer.hindrances == ()
        return
    said = [(told in sentence, step in next_step) for sentence, next_step in answer.hindrances]
    assert (True, True) in said
    if draft.files or draft.headers:
        other = both.answer(AskCarriage(draft, "a1"), CarriageTold)
        assert other.hindrances == ()
