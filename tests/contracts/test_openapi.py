"""The generated OpenAPI document: valid, complete, with the evidence of every operation."""

from __future__ import annotations

import json

import pytest

from services.api import wire
from services.api.openapi import document
from services.api.routes import ROUTES
from services.errors import UsageError


@pytest.fixture(scope="module")
def told():
    return document()


def operations(told):
    return {
        operation["operationId"]: (method, path, operation)
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
    }


def test_the_document_is_valid_openapi_3_1(told):
    from openapi_spec_validator import validate

    validate(told)
    assert json.loads(json.dumps(told)) == told


def test_every_operation_of_the_table_is_in_it_with_its_evidence(told):
    found = operations(told)
    assert set(found) == set(ROUTES)
    for name, operation in ROUTES.items():
        method, path, described = found[name]
        assert (method, path) == (operation.method.lower(), operation.path)
        assert described["x-evidence"] == operation.evidence


def test_all_27_rows_of_the_contract_are_covered():
    assert {operation.row for operation in ROUTES.values()} == set(range(1, 28))


def test_the_literally_documented_paths_are_marked_and_no_others():
    known = {name for name, op in ROUTES.items() if op.evidence == "reference"}
    assert known == {
        "send_mail", "list_inbox", "get_message", "patch_message_labels", "patch_message_archive",
        "request_inbound_attachment_download",
    }  # fmt: skip
    docs = {name for name, op in ROUTES.items() if op.evidence == "docs"}
    assert docs == {
        "register_directory_key", "lookup_public_agent", "lookup_public_pricing",
        "get_notifications", "put_notifications",
    }  # fmt: skip


def test_only_public_paths_need_no_token(told):
    for _, path, described in operations(told).values():
        assert (described.get("security") == []) == path.startswith("/public/")
        assert ("401" in described["responses"]) != path.startswith("/public/")


def test_every_error_is_the_one_error_body(told):
    for _, _, described in operations(told).values():
        for status, answer in described["responses"].items():
            schema = answer["content"]["application/json"]["schema"]
            assert (schema == {"$ref": "#/components/schemas/Error"}) == (status != "200")


def test_limits_of_the_contract_stand_in_the_schema(told):
    label = told["components"]["schemas"]["LabelsPatch"]["properties"]["add"]["anyOf"][0]["items"]
    assert (label["minLength"], label["maxLength"], label["pattern"]) == (1, 64, r"\S")
    query = {p["name"]: p["schema"] for p in operations(told)["list_inbox"][2]["parameters"]}
    assert (query["limit"]["minimum"], query["limit"]["maximum"]) == (1, 100)
    assert query["q"]["minLength"] == 1
    assert set(query) == set(wire.InboxQuery.__struct_fields__)


@pytest.mark.parametrize(
    ("message_id", "path"),
    [
        ("msg-abc123", "/messages/msg-abc123/read"),
        ("<a/b+c@x y>%", "/messages/%3Ca%2Fb%2Bc%40x%20y%3E%25/read"),
        ("...", "/messages/.../read"),
        ("é~", "/messages/%C3%A9~/read"),
    ],
)
def test_ids_are_encoded_without_safe_characters(message_id, path):
    assert ROUTES["patch_message_read"].url_path(message_id=message_id) == path


@pytest.mark.parametrize("message_id", ["", ".", "..", "a\nb", "\x00", "\x7f", "\x9b", "\ud800"])
def test_ids_that_cannot_be_a_path_segment_are_refused(message_id):
    with pytest.raises(UsageError):
        ROUTES["get_message"].url_path(message_id=message_id)


def test_a_missing_id_is_refused():
    with pytest.raises(UsageError):
        ROUTES["get_inbound_attachment_status"].url_path(message_id="m")


def test_a_number_is_an_id_too():
    path = ROUTES["get_inbound_attachment_status"].url_path(message_id="m", index=0)
    assert path == "/messages/m/attachments/0/status"
