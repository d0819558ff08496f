"""The JSON door of agents: every mistake is named with its place, nothing is bent or dropped."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.draft import BodyFormat, Draft, Encryption
from services.errors import PolicyRefused, UsageError
from services.outbound.approvals.draft_input import (
    BYTES_LIMIT,
    FIELD_NAMES,
    DraftInput,
    InputRefused,
    read_draft,
    read_json,
)
from services.outbound.approvals.draft_schema import draft_schema
from services.outbound.approvals.input_values import check_agent_name
from services.outbound.drafts.attaching import look_at
from services.outbound.gate.addressing import recipients_of
from services.outbound.gate.requirements import faults

NOW = 1_790_000_000
PEOPLE = [f"a{number}@x.example" for number in range(60)]
WHOLE: dict[str, Any] = {
    "to": ["Bob <bob@x.example>", "carl@x.example"],
    "cc": "dora@x.example",
    "bcc": [],
    "subject": "Report",
    "body": "Done.\r\nSee file.",
    "files": ["/tmp/a.csv", {"path": "/tmp/b", "name": "b.pdf", "content_type": "application/pdf"}],
    "encrypt": True,
    "kind": "new",
    "headers": {"X-Ticket": "42"},
    "correlation_id": "wf:1",
    "idempotency_key": "job-1",
    "usage": {"tokens_input": 3, "custom_units": {"pages": 1.5}},
    "send_at": "2026-12-01T08:00:00+01:00",
    "via": "ses",
    "format": "markdown",
    "reason": "The weekly report is due.",
}


def problems(document: dict[str, Any]) -> list[str]:
    with pytest.raises(InputRefused) as refused:
        read_draft(document, now=NOW)
    return [str(problem) for problem in refused.value.problems]


def test_a_whole_document_becomes_a_draft() -> None:
    given = read_draft(WHOLE, now=NOW)
    draft = given.applied(Draft.begin(now=NOW), (), NOW + 1)
    assert draft.to == ("Bob <bob@x.example>", "carl@x.example")
    assert (draft.cc, draft.bcc, draft.subject) == (("dora@x.example",), (), "Report")
    assert draft.body == "Done.\nSee file."
    assert draft.encryption is Encryption.REQUIRED
    assert draft.headers == (("X-Ticket", "42"),)
    assert draft.usage is not None
    assert (draft.usage.tokens_input, draft.usage.custom_units) == (3, {"pages": 1.5})
    assert draft.send_at == 1_796_108_400
    assert (draft.via, draft.format) == ("ses", BodyFormat.MARKDOWN)
    assert (draft.idempotency_key, draft.reason) == ("job-1", "The weekly report is due.")
    assert draft.changed_at == NOW + 1
    assert [wish.path for wish in given.files or ()] == [Path("/tmp/a.csv"), Path("/tmp/b")]


def test_what_is_not_given_stays_as_it_was() -> None:
    draft = read_draft(WHOLE, now=NOW).applied(Draft.begin(now=NOW), (), NOW)
    changed = read_draft({"subject": "Other", "cc": None}, now=NOW).applied(draft, None, NOW)
    assert changed.subject == "Other"
    assert (changed.to, changed.cc, changed.body) == (draft.to, draft.cc, draft.body)
    assert read_draft({}, now=NOW) == DraftInput()
    assert read_draft({"to": None}, now=NOW).is_empty


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"attachments": []}, "attachments: This field is not known."),
        ({"subjct": "x"}, "Do you mean subject?"),
        ({"to": 5}, "to: This must be a list, not a number."),
        ({"to": [["a@b.example"]]}, "to[0]: This must be a text, not a list."),
        ({"to": "a@b.example, c@d.example"}, "to: 'a@b.example, c@d.example' names several"),
        ({"to": ["bob"]}, "to[0]: 'bob' is not a mail address."),
        ({"to": ["a@b.example\nBcc: e@f.example"]}, "to[0]: A line end (character 12)"),
        ({"to": ['"boss@x.example" <e@f.example>']}, "to[0]: The name in front of the address"),
        ({"to": [""]}, "to[0]: The recipient is empty."),
        ({"cc": ["ä@ö.example"]}, "cc[0]:"),
        ({"subject": "a\nBcc: e@f.example"}, "subject: A line end (character 2)"),
        ({"subject": "\x1b[31m"}, "subject: An escape character (character 1)"),
        ({"subject": "x" * 999}, "subject: This has 999 characters; at most 998"),
        ({"subject": "\ud800"}, "subject: Character 1 is half of a surrogate pair."),
        ({"body": "a\x00b"}, "body: The control character U+0000 (character 2)"),
        ({"body": ["a"]}, "body: This must be a text, not a list."),
        ({"via": "smtp"}, "via: This must be one of service, ses."),
        ({"via": ""}, "via: This must be one of service, ses."),
        ({"format": "rtf"}, "format: This must be one of plain, markdown, html."),
        ({"format": ["html"]}, "format: This must be one of plain, markdown, html."),
        ({"via": "service", "format": "html"}, "format: Only mail that leaves by Amazon SES"),
        ({"files": ["relative.txt"]}, "files[0].path: The path must be absolute"),
        ({"files": [{}]}, "files[0].path: The path of a file is needed."),
        ({"files": [{"path": "/a", "nam": "b"}]}, "files[0].nam: This field is not known."),
        ({"files": [{"path": "/a", "name": "../b"}]}, "files[0].name: The name of a file holds no"),
        ({"files": [{"path": "/a", "content_type": "x"}]}, "files[0].content_type:"),
        ({"encrypt": "yes"}, "encrypt: This must be true or false, not a text."),
        ({"encrypt": 1}, "encrypt: This must be true or false, not a number."),
        ({"kind": "bounce"}, "kind: This must be one of new, reply"),
        ({"kind": "reply"}, "answers: A reply needs the id"),
        ({"answers": " "}, "answers: The id of a message is empty."),
        ({"answers": "m1", "in_reply_to": "<a@b>"}, "in_reply_to: Leave it out"),
        ({"quote": True}, "quote: There is nothing to quote"),
        ({"in_reply_to": "a@b"}, "in_reply_to: This must be a Message-ID"),
        ({"references": ["<a@b>", "<c d>"]}, "references[1]: This must be a Message-ID"),
        ({"headers": {"Bcc": "e@f.example"}}, "headers.Bcc: This header is written by"),
        ({"headers": {"X-AgentMail-Encrypted": "body"}}, "is written by the program itself."),
        ({"headers": {"Content-Type": "text/html"}}, "is written by the program itself."),
        ({"headers": {"a b": "c"}}, "headers: 'a b' is no name of a header."),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers.x-a: This header is named twice."),
        ({"headers": {"X-A": "1\r\nBcc: e@f"}}, "headers.X-A: A line end"),
        ({"headers": {"X-A": "1\u200b"}}, "headers.X-A: The value holds a character that does not"),
        ({"headers": {"List-Unsubscribe": "<https://e.example>"}}, "is written by the program"),
        ({"headers": {"References": "<a@b>"}}, "is written by the program"),
        ({"to": PEOPLE[:30], "cc": PEOPLE[30:]}, "to: A mail has at most 50 recipients in all"),
        ({"to": PEOPLE[:2], "marketplace_request_id": "m"}, "to: Mail of the marketplace has"),
        ({"to": PEOPLE[:2], "kind": "request"}, "to: Mail of the marketplace has exactly one"),
        ({"headers": [["X-A", "1"]]}, "headers: This must be an object, not a list."),
        ({"correlation_id": "a b"}, "correlation_id: This must be 1 to 200 visible ASCII"),
        ({"idempotency_key": ""}, "idempotency_key: This must be 1 to 200 visible ASCII"),
        ({"usage": {"tokens": 1}}, "usage.tokens: This field is not known."),
        ({"usage": {"tokens_input": -1}}, "usage.tokens_input: This must be a whole number"),
        ({"usage": {"tokens_input": True}}, "usage.tokens_input: This must be a whole number"),
        ({"usage": {"custom_units": {"a": "b"}}}, "usage.custom_units.a: This must be a number from"),
        ({"usage": {"custom_units": {"a": -1}}}, "usage.custom_units.a: This must be a number from"),
        ({"send_at": "tomorrow"}, "send_at: This must be a time with its zone"),
        ({"send_at": "2026-12-01T08:00:00"}, "send_at: This must be a time with its zone"),
        ({"send_at": NOW}, "send_at: This time is past."),
        ({"send_at": NOW + 400 * 86_400}, "send_at: This time is more than a year ahead."),
        ({"send_at": 1e300}, "send_at: This must be a time with its zone"),
    ],
    ids=str,
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(document: dict[str, Any], told: str) -> None:
    assert any(told in problem for problem in problems(document))


def test_all_mistakes_are_told_at_once() -> None:
    found = problems({"to": ["bob"], "subject": 1, "files": ["a", "b"], "nonsense": 1})
    assert [problem.partition(":")[0] for problem in found] == [
        "to[0]", "subject", "files[0].path", "files[1].path", "nonsense",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "There is no JSON"),
        (b"  \n", "There is no JSON"),
        (b"[1]", "must be one object"),
        (b'"text"', "must be one object"),
        (b'{"to": ', "This is no JSON (line 1, column 8)"),
        (b'{"a": 1} {"b": 2}', "This is no JSON (line 1, column 10)"),
        (b'{"to": "a", "to": "b"}', "names 'to' twice"),
        (b'{"usage": {"a": 1, "a": 2}}', "names 'a' twice"),
        (b'{"a": NaN}', "NaN is no JSON"),
        (b'{"a": -Infinity}', "-Infinity is no JSON"),
        (b'{"a": "\xff"}', "not UTF-8 (byte 7)"),
        (b'{"a":' + b"[" * 100_000, "nested too deeply"),
        (b'{"a":' + b"9" * 10_000 + b"}", "no JSON that can be read"),
        (b" " * (BYTES_LIMIT + 1), "larger than 8 MB"),
    ],
    ids=["empty", "blank", "list", "text", "cut", "two", "twice", "twice-inside", "nan", "infinity",
         "latin", "deep", "digits", "large"],
)  # fmt: skip
def test_what_is_no_json_object_is_refused_with_its_place(data: bytes, told: str) -> None:
    with pytest.raises(InputRefused) as refused:
        read_json(data)
    assert told in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=10) | st.sampled_from(FIELD_NAMES), inner, max_size=4)
    ),
    max_leaves=15,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELD_NAMES) | st.text(max_size=8), JSON, max_size=8))
def test_no_document_breaks_the_door(document: dict[str, Any]) -> None:
    try:
        given = read_draft(document, now=NOW)
    except InputRefused:
        assert all(": " in problem for problem in problems(document))
        return
    draft = given.applied(Draft.begin(now=NOW), None, NOW)
    assert "\n" not in draft.subject
    assert all(recipient.address for recipient in recipients_of(draft))
    draft.body.encode()
    assert faults(draft) == ()


LARGEST = {
    "subject": "x" * 998, "body": "x" * 2_000_000, "correlation_id": "c" * 200,
    "idempotency_key": "k" * 200, "marketplace_request_id": "m" * 200,
    "headers": {"X" * 76: "v" * 2_000, "Reply-To": "a@b.example"},
    "references": [f"<{n:0248}@x>" for n in range(100)], "in_reply_to": f"<{'x' * 250}>",
    "usage": {"tokens_input": 2**53, "custom_units": {"u" * 200: 2**53}},
}  # fmt: skip


@pytest.mark.parametrize("name", LARGEST)
def test_the_gate_has_nothing_against_the_largest_that_is_let_in(name: str) -> None:
    given = read_draft({name: LARGEST[name]}, now=NOW)
    assert faults(given.applied(Draft.begin(now=NOW), None, NOW)) == ()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_door(data: bytes) -> None:
    with suppress(InputRefused):
        assert isinstance(read_json(data), dict)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_the_gate_reads_each_recipient_that_is_let_in(typed: str) -> None:
    try:
        given = read_draft({"to": [typed, f"{typed} <bob@x.example>"]}, now=NOW)
    except InputRefused:
        return
    draft = given.applied(Draft.begin(), None, NOW)
    assert all(one.address and not one.misnamed for one in recipients_of(draft))


@cache
def of_the_schema() -> Any:
    """The validator, made once: to check the schema itself takes longer than all that it lets in."""
    jsonschema = pytest.importorskip("jsonschema")
    return jsonschema.Draft202012Validator(draft_schema())


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELD_NAMES), JSON, max_size=5))
def test_the_schema_lets_in_whatever_the_door_lets_in(document: dict[str, Any]) -> None:
    try:
        read_draft(document, now=NOW)
    except InputRefused:
        return
    of_the_schema().validate(document)


def test_the_schema_names_every_field_of_the_door() -> None:
    schema = draft_schema()
    assert tuple(schema["properties"]) == FIELD_NAMES
    assert all(field["description"] for field in schema["properties"].values())
    of_the_schema().check_schema(schema)
    of_the_schema().validate(WHOLE)
    json.dumps(schema)


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 65, "ä", "-x", "a\n"])
def test_an_agent_has_a_plain_name(name: str) -> None:
    with pytest.raises(UsageError, match="name of an agent"):
        check_agent_name(name)
    assert check_agent_name("research.bot-2@x") == "research.bot-2@x"


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_looked_at_through_its_links(tmp_path: Path) -> None:
    real = tmp_path / "real.csv"
    real.write_text("1;2")
    link = tmp_path / "link.pdf"
    link.symlink_to(real)
    file = look_at(link)
    assert (file.path, file.name, file.size) == (real, "link.pdf", 3)
    assert file.content_type == "application/pdf"
    assert file.modified == real.stat().st_mtime_ns
    named = look_at(real, name="\u202efdp.x", content_type="text/x-odd")
    assert (named.name, named.content_type) == ("_fdp.x", "text/x-odd")


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (tmp_path / "none", tmp_path / "folder", tmp_path / "loop", Path("/dev/null")):
        with pytest.raises(UsageError):
            look_at(path)


def test_the_programs_own_files_are_not_attached(tmp_path: Path) -> None:
    own = tmp_path / "data"
    own.mkdir()
    (own / "key.asc").write_text("secret")
    link = tmp_path / "innocent.txt"
    link.symlink_to(own / "key.asc")
    for path in (own / "key.asc", link):
        with pytest.raises(PolicyRefused, match="own data"):
            look_at(path, barred=(own,))
