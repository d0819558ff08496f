"""Reading the wire tolerantly and writing it strictly (services/api/codec.py)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api import codec
from services.errors import BadAnswer
from services.wire_values import InboxItem

FULL = InboxItem(
    message_id="<a@b>", sender_verified=True, sender="A <a@b.example>", recipient="r@x.example",
    subject="s", body_preview="p", received_at=1_763_717_400, labels=("x", "y"), is_read=True,
    archived=True, encrypted=True, attachment_count=2, trust_tier="verified",
    traffic_type="marketplace", correlation_id="c", marketplace_request_id="m",
    extra={"Novel": {"k": [1]}},
)  # fmt: skip

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
wire_names = st.sampled_from([*codec.item_to_wire(FULL), "messageId", "sender_verified", "is_read"])


def test_an_item_survives_the_wire_and_the_cache():
    assert codec.inbox_item(json.loads(json.dumps(codec.item_to_wire(FULL)))) == FULL
    assert codec.item_from_document(json.loads(json.dumps(codec.item_document(FULL)))) == FULL
    bare = InboxItem("x")
    assert codec.item_from_document(codec.item_document(bare)) == bare
    assert codec.item_document(bare) == {"message_id": "x"}


@pytest.mark.parametrize(
    "spelled", ["MessageID", "message_id", "messageId", "MESSAGEID", "Message_Id"]
)
def test_case_and_underscores_of_names_are_ignored(spelled):
    data = {spelled: "m", "sender_verified": True, "BODYPREVIEW": "p", "isRead": True}
    item = codec.inbox_item(data)
    assert (item.message_id, item.sender_verified, item.body_preview) == ("m", True, "p")
    assert item.is_read
    assert item.extra == {}


@pytest.mark.parametrize("value", ["true", "True", 1, 1.0, "yes", [True], {"v": True}, None, False])
def test_only_json_true_makes_a_sender_verified(value):
    assert codec.inbox_item({"MessageID": "m", "SenderVerified": value}).sender_verified is False


@pytest.mark.parametrize(
    "data", [None, [], "x", 7, {}, {"MessageID": ""}, {"MessageID": None}, {"MessageID": 7}]
)
def test_an_entry_without_an_id_is_refused(data):
    with pytest.raises(BadAnswer):
        codec.inbox_item(data)


def test_fields_of_the_wrong_type_keep_their_default_and_the_value():
    item = codec.inbox_item({
        "MessageID": "m", "Subject": 7, "Labels": "x", "IsRead": "yes", "AttachmentCount": -1,
        "Sender": None, "Novel": 1,
    })  # fmt: skip
    assert (item.subject, item.labels, item.is_read, item.attachment_count) == ("", (), False, 0)
    assert item.extra == {
        "Subject": 7, "Labels": "x", "IsRead": "yes", "AttachmentCount": -1, "Novel": 1,
    }  # fmt: skip


def test_labels_that_are_not_text_are_left_out():
    assert codec.inbox_item({"MessageID": "m", "Labels": ["a", 1, "", "a", None]}).labels == ("a",)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2025-11-21T09:30:00Z", 1_763_717_400), ("2025-11-21T09:30:00.999Z", 1_763_717_400),
        ("2025-11-21T10:30:00+01:00", 1_763_717_400), ("2025-11-21T09:30:00", 1_763_717_400),
        ("2025-11-21 09:30:00", 1_763_717_400), ("2025-11-21", 1_763_683_200),
        (1_763_717_400, 1_763_717_400), (1_763_717_400.9, 1_763_717_400),
        (1_763_717_400_123, 1_763_717_400), ("1763717400", 1_763_717_400),
        ("1763717400123", 1_763_717_400), (" 1763717400 ", 1_763_717_400),
        ("", 0), ("yesterday", 0), (None, 0), (True, 0), ([], 0), (-5, 0), ("1900-01-01", 0),
        ("0001-01-01T00:00:00+14:00", 0), (float("nan"), 0), (float("inf"), 0), (10**400, 0),
        ("9999-12-31T23:59:59Z", 253_402_300_799), ("6000-01-01", 127_174_492_800),
        ("1e400", 0), ("nan", 0), ("٣", 0), (10**17, 0), ("9" * 5000, 0),
    ],
)  # fmt: skip
def test_times_are_read_in_every_usual_form(value, seconds):
    assert codec.received_at(value) == seconds


def test_times_are_written_as_iso_utc():
    assert codec.iso_time(1_763_717_400.7) == "2025-11-21T09:30:00Z"
    assert codec.iso_time(0) == ""


@pytest.mark.parametrize(
    ("data", "cursor"),
    [
        ({"items": [], "next_cursor": "c"}, "c"), ({"items": [], "cursor": "c"}, "c"),
        ({"items": [], "NextCursor": "c"}, "c"), ({"Items": []}, None),
        ({"items": [], "next_cursor": None, "cursor": "d"}, "d"), ({}, None),
        ({"items": None, "next_cursor": ""}, None), ({"next_cursor": "a", "cursor": "b"}, "a"),
    ],
)  # fmt: skip
def test_the_next_cursor_is_found_under_its_names(data, cursor):
    assert codec.inbox_page(data).next_cursor == cursor


def test_one_odd_entry_does_not_cost_the_page():
    page = codec.inbox_page({"items": [{"MessageID": "a"}, {}, None, 5, {"message_id": "b"}]})
    assert [item.message_id for item in page.items] == ["a", "b"]
    assert page.skipped == 3


@pytest.mark.parametrize(
    "data", [None, [], "x", {"items": {}}, {"items": "x"}, {"items": [], "next_cursor": 5}]
)
def test_what_is_no_page_is_refused(data):
    with pytest.raises(BadAnswer):
        codec.inbox_page(data)


def test_a_message_has_its_text_and_its_manifest():
    told = codec.fetched_message({
        "MessageID": "m", "raw_mime": "Subject: x\r\n\r\n", "encrypted": True, "Encrypted": False,
        "attachments": [
            {"index": 3, "file_name": "a.pdf", "content_type": "application/pdf", "size": 5,
             "status": "ready", "encrypted": True},
            {"name": "b", "size": -1, "encrypted": "true"}, 7,
        ],
    })  # fmt: skip
    assert told.item.encrypted
    assert told.item.extra == {}
    first, second = told.attachments
    assert (first.index, first.file_name, first.size, first.encrypted) == (3, "a.pdf", 5, True)
    assert (second.index, second.file_name, second.size, second.status) == (1, "b", None, "")
    assert not second.encrypted


@pytest.mark.parametrize("data", [{"MessageID": "m"}, {"raw_mime": "x"}, [], {"raw_mime": 5}])
def test_a_message_without_id_or_text_is_refused(data):
    with pytest.raises(BadAnswer):
        codec.fetched_message(data)


@given(st.dictionaries(wire_names | st.text(), json_values, max_size=8))
def test_whatever_the_service_sends_is_an_item_or_a_bad_answer(data):
    try:
        item = codec.inbox_item(data)
    except BadAnswer:
        return
    assert codec.item_from_document(codec.item_document(item)) == item


@pytest.mark.parametrize(
    "cursor", ["c" * 100_000, "a\ud800", 5, ["x"]], ids=["long", "surrogate", "number", "list"]
)
def test_a_cursor_that_could_never_be_sent_back_is_refused_before_it_is_kept(cursor):
    with pytest.raises(BadAnswer):
        codec.inbox_page({"items": [], "next_cursor": cursor})


@pytest.mark.parametrize("levels", [33, 900])
def test_an_unknown_field_nested_too_deep_is_dropped_and_the_item_kept(levels):
    value: object = 1
    for _ in range(levels):
        value = [{"a": value}]
    item = codec.inbox_item({"MessageID": "m", "Deep": value, "Flat": {"k": [1]}})
    assert item.extra == {"Flat": {"k": [1]}}
