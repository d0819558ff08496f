"""Bodies that the /v0 door refuses, its limits, and sends that happen once a key."""

from __future__ import annotations

import json
import secrets
from typing import Any

import httpx
import pytest

from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail, seg

LIMIT = 6 * 2**20


# ── bodies ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "path"),
    [(b"{", None), (b"[]", []), (b'"x"', []), (b"\xff", None),
     pytest.param(b"[" * 100_000, None, id="deep"),
     (b'{"to":1}', ["to"]), (b'{"to":["a@x.example",2]}', ["to"]),
     (b'{"to":"a@x.example","text":5}', ["text"]),
     (b'{"to":"a@x.example","headers":{"a":1}}', ["headers", "..."]),
     (b'{"to":"a@x.example","attachments":[{"content":1}]}', ["attachments", 0, "content"]),
     (b'{"to":"a@x.example","attachments":[{}]}', ["attachments", 0]),
     (b'{"to":"a@x.example","attachments":[{"content":"*"}]}', ["attachments", 0, "content"]),
     (b'{"to":"not an address"}', ["to", 0]), (b'{"to":"a@x.example, b@x.example"}', ["to", 0]),
     (b'{"to":"a@x.example\\r\\nBcc: b@x.example"}', ["to", 0]),
     (b'{"to":"a@x.example","labels":["sent"]}', ["labels", 0]),
     (b'{"to":"a@x.example","headers":{"From":"x"}}', ["headers", "From"]),
     (b'{"to":"a@x.example","headers":{"X":"a\\r\\nBcc: b"}}', []),
     (b'{"to":"a@x.example","subject":"a\\nBcc: b"}', [])],
)  # fmt: skip
def test_a_body_that_makes_no_sense_is_refused_with_its_place(
    v0: V0Control, org: Org, api_v0: httpx.Client, body: bytes, path: list[Any] | None
) -> None:
    answer = api_v0.post(f"inboxes/{seg(org.one)}/messages/send", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    if path:
        assert answer.json()["errors"][0]["path"][: len(path)] == path
    assert v0.sent(org.one) == []


def test_six_megabytes_are_taken_and_one_byte_more_is_not(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    head = json.dumps({"to": org.two, "text": ""})[:-2].encode()
    body = head + b"x" * (LIMIT - len(head) - 2) + b'"}'
    path = f"inboxes/{seg(org.one)}/messages/send"
    assert len(body) == LIMIT
    assert api_v0.post(path, content=body).status_code == 200
    for content in (body + b" ", iter([body, b" "])):
        answer = api_v0.post(path, content=content)
        assert (answer.status_code, answer.json()) == (413, {"message": "Request Too Long"})
    assert len(v0.sent(org.one)) == 1


def test_recipients_are_counted_over_all_fields(org: Org, api_v0: httpx.Client) -> None:
    path = f"inboxes/{seg(org.one)}/messages/send"
    some = [f"a{n}@x.example" for n in range(20)]
    body = {"to": some, "cc": some, "bcc": some[:10], "text": "x"}
    assert api_v0.post(path, json=body).status_code == 200
    body["bcc"] = some[:11]
    assert api_v0.post(path, json=body).status_code == 400
    nobody = api_v0.post(path, json={"to": [], "text": "x"})
    assert (nobody.status_code, nobody.json()["code"]) == (422, "unprocessable")


@pytest.mark.parametrize("label", ["received", "sent", "Delivered", "bounced", "opened",
                                   "scheduled", " "])  # fmt: skip
def test_the_systems_labels_cannot_be_set(
    v0: V0Control, org: Org, api_v0: httpx.Client, label: str
) -> None:
    message_id = v0.receive(org.one, mail())["message_id"]
    path = f"inboxes/{seg(org.one)}/messages/{seg(message_id)}"
    for name in ("add_labels", "remove_labels"):
        answer = api_v0.patch(path, json={name: label})
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


@pytest.mark.parametrize("body", [{"message_ids": []}, {"message_ids": ["a"] * 2},
                                  {"message_ids": [str(n) for n in range(51)]}, {}],
                         ids=["none", "twice", "many", "missing"])  # fmt: skip
def test_a_batch_has_its_limits(org: Org, api_v0: httpx.Client, body: dict[str, Any]) -> None:
    path = f"inboxes/{seg(org.one)}/messages/batch-update"
    assert api_v0.post(path, json={**body, "add_labels": "x"}).status_code == 400


# ── once ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "key", ["", "a b", "a@b", "ü".encode().decode("latin-1"), pytest.param("x" * 257, id="long")]
)
def test_a_malformed_idempotency_key_is_refused(
    v0: V0Control, org: Org, api_v0: httpx.Client, key: str
) -> None:
    answer = api_v0.post(
        f"inboxes/{seg(org.one)}/messages/send", json={"to": org.two, "text": "x"},
        headers={"Idempotency-Key": key.encode("latin-1")},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert v0.sent(org.one) == []


def test_a_key_of_the_organization_sends_once_wherever_it_comes_again(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    key = {"Idempotency-Key": f"k-{secrets.token_hex(4)}"}
    source = v0.receive(org.one, mail("Ask"))["message_id"]
    inbox = f"inboxes/{seg(org.one)}"
    body = {"to": org.two, "text": "x", "subject": "s"}
    first = api_v0.post(f"{inbox}/messages/send", json=body, headers=key).json()
    reordered = json.dumps(dict(reversed(body.items())), indent=2)
    assert api_v0.post(f"{inbox}/messages/send", content=reordered, headers=key).json() == first
    for path, other in (
        (f"{inbox}/messages/send", {**body, "text": "y"}),
        (f"inboxes/{seg(org.two)}/messages/send", body),
        (f"{inbox}/messages/{seg(source)}/reply", {"text": "x"}),
    ):
        answer = api_v0.post(path, json=other, headers=key)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert len(v0.sent(org.one)) == 1
    v0.sandbox.settings(clock_offset=25 * 3600.0)
    again = api_v0.post(f"{inbox}/messages/send", json=body, headers=key).json()
    assert again["message_id"] != first["message_id"]


@pytest.mark.parametrize("fault", [{"kind": "status_after", "status": 500}, {"kind": "drop_after"}])
def test_a_send_that_was_taken_before_the_failure_is_not_sent_again(
    v0: V0Control, org: Org, api_v0: httpx.Client, fault: dict[str, Any]
) -> None:
    given = {name: value for name, value in fault.items() if name != "kind"}
    v0.sandbox.fault(fault["kind"], operation="v0_send_message", **given)
    path, body = f"inboxes/{seg(org.one)}/messages/send", {"to": org.two, "text": "x"}
    key = {"Idempotency-Key": "after-failure"}
    if fault["kind"] == "drop_after":
        with pytest.raises(httpx.TransportError):
            api_v0.post(path, json=body, headers=key)
    else:
        failed = api_v0.post(path, json=body, headers=key)
        assert (failed.status_code, failed.json()["code"]) == (500, "internal_error")
    (sent,) = v0.sent(org.one)
    retried = api_v0.post(path, json=body, headers=key)
    assert retried.json()["message_id"] == sent["message_id"]
    assert len(v0.sent(org.one)) == 1
    assert api_v0.get(f"inboxes/{seg(org.two)}/messages").json()["count"] == 1


def test_a_sent_draft_answers_its_key_again_and_is_gone_otherwise(
    org: Org, api_v0: httpx.Client
) -> None:
    drafts = f"inboxes/{seg(org.one)}/drafts"
    draft = api_v0.post(drafts, json={"to": [org.two], "text": "x"}).json()["draft_id"]
    key = {"Idempotency-Key": "draft-1"}
    first = api_v0.post(f"{drafts}/{draft}/send", json={}, headers=key)
    assert first.status_code == 200
    assert api_v0.post(f"{drafts}/{draft}/send", json={}, headers=key).json() == first.json()
    assert api_v0.post(f"{drafts}/{draft}/send", json={}).status_code == 404
    assert api_v0.get(f"{drafts}/{draft}").status_code == 404


@pytest.mark.parametrize("client_id", ["a@b", "", "a b", pytest.param("x" * 257, id="long")])
def test_a_malformed_client_id_is_refused(org: Org, api_v0: httpx.Client, client_id: str) -> None:
    for path in ("inboxes", f"inboxes/{seg(org.one)}/drafts"):
        assert api_v0.post(path, json={"client_id": client_id}).status_code == 400
