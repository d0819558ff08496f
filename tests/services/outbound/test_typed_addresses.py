"""One recipient as it is typed: read whole, or refused."""

from __future__ import annotations

import pytest

from services.errors import UsageError
from services.outbound.writing.typed_addresses import read_address


@pytest.mark.parametrize(
    "typed", ["ann@x.example", " Ann <ann@x.example> ", f"{'A' * 900} <ann@x.example>"]
)
def test_a_name_and_an_address_are_one_recipient(typed: str) -> None:
    assert read_address(typed).address == "ann@x.example"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "empty"),
        ("ann@x.example, bob@x.example", "several"),
        ("ann@x.example\r\nBcc: eve@x.example", "line end"),
        ("ann", "no mail address|not a mail address"),
        # Far behind the first, where nobody looks: neither dropped nor taken along.
        (f"ann@x.example{' ' * 2_000}, bob@x.example", "too long"),
        ("a" * 1_000_000, "too long"),
    ],
    ids=["nothing", "two", "a header", "a word", "two far apart", "a megabyte"],
)
def test_anything_else_is_refused_and_nobody_is_dropped_unseen(typed: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_address(typed)
