"""Which address a header names: the one a person would be answered at, never a chosen fake."""

from __future__ import annotations

import json

import pytest

from services.addresses import (
    Address,
    addresses_within,
    parse_mailbox,
    parse_mailboxes,
    parse_sender,
)
from services.limits import HEADER_LIMIT
from tests.services.mail_corpora import corpora


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("John <a@b.example>", "John", "a@b.example"),
        ("a@b.example (Bob)", "Bob", "a@b.example"),
        ("a@b.example", "", "a@b.example"),
        ('"Joe \\"Q\\" X" <j@x.example>', 'Joe "Q" X', "j@x.example"),
        ("=?utf-8?q?E=E2=82?= =?utf-8?q?=AC?= <a@b.example>", "E€", "a@b.example"),
        ('"offers@shop.example", <eve@evil.example>', "offers@shop.example", "eve@evil.example"),
        ('"boss <boss@corp.example>" <eve@evil.example>', "boss <boss@corp.example>", "eve@evil.example"),
        ("boss@corp.example, <eve@evil.example>", "boss@corp.example", "eve@evil.example"),
        ("Moderator-Address <moderator>", "Moderator-Address", "moderator"),
        ("undisclosed-recipients:;", "undisclosed-recipients:", ""),
        ("Bob", "Bob", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_one_mailbox_is_read_as_a_person_reads_it(text: str, name: str, address: str) -> None:
    assert parse_mailbox(text) == Address(name, address)


def test_two_bare_addresses_are_both_told_and_none_is_chosen() -> None:
    assert [one.address for one in parse_sender("boss@corp.example, eve@evil.example")] == [
        "boss@corp.example",
        "eve@evil.example",
    ]
    assert parse_mailbox("boss@corp.example, eve@evil.example").address == ""


def test_lists_groups_and_comments_are_split_outside_quotes() -> None:
    text = 'Team: "Doe, Jane" <jane@x.example>, bob@x.example (Bob, the second);, carol@y.example'
    assert parse_mailboxes(text) == (
        Address("Doe, Jane", "jane@x.example"),
        Address("Bob, the second", "bob@x.example"),
        Address("", "carol@y.example"),
    )


def test_an_encoded_word_cannot_smuggle_a_second_recipient_into_a_list() -> None:
    found = parse_mailboxes("=?utf-8?q?Bob=2C_eve=40evil=2Eexample?= <bob@x.example>")
    assert found == (Address("Bob, eve@evil.example", "bob@x.example"),)


def test_an_address_in_a_name_is_found() -> None:
    assert addresses_within("boss@corp.example via list") == ("boss@corp.example",)


@pytest.mark.parametrize(
    "text",
    ['"' * 60_000, "(" * 60_000, "(" * 5_000 + "x" + ")" * 5_000, "<" * 60_000, "<a" * 30_000,
     "a." * 30_000 + "@b", "g:" * 5_000, '"\\' * 30_000, "@" * 60_000, "<" + " " * 60_000, "a" * 60_000],
    ids=["quotes", "open", "nested", "angles", "angle-a", "dots", "groups", "escapes", "ats",
         "blank-angle", "letters"],
)  # fmt: skip
@pytest.mark.timeout(20)
def test_a_hostile_field_is_read_in_one_pass(text: str) -> None:
    for reading in (parse_sender, parse_mailboxes):
        reading(text[:HEADER_LIMIT] + " <a@example.org>")


def test_the_addresses_of_another_parser_are_found() -> None:
    """The header table of stalwart's mail-parser; plain lists only."""
    table = json.loads((corpora() / "stalwart/resources/address.json").read_text())
    seen = same = 0
    for case in table:
        expected = [entry.get("address") for entry in (case["expected"] or {}).get("List", [])]
        if not expected or None in expected or "mailto:" in case["header"]:
            continue
        if any("@" not in address for address in expected):
            continue
        seen += 1
        same += [one.address for one in parse_mailboxes(case["header"])] == expected
    assert seen >= 20
    assert same / seen >= 0.85, f"{same} of {seen}"
