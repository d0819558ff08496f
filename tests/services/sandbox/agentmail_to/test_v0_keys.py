"""What a key of the /v0 door sees and may do: scope, permissions, hidden mail."""

from __future__ import annotations

import httpx
import pytest

from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail, seg

# ── keys ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("header", "code"),
    [(None, "missing_authorization"), ("Basic eDp5", "invalid_token_type"),
     ("bearer KEY", "invalid_token_type"), ("Bearer", "invalid_token_type"),
     ("Bearer am_unknown", "unknown_api_key"), ("Bearer KEY ", "unknown_api_key")],
)  # fmt: skip
def test_a_bad_key_is_named(v0: V0Control, org: Org, header: str | None, code: str) -> None:
    headers = {} if header is None else {"Authorization": header.replace("KEY", org.key)}
    if header == "Bearer KEY ":
        headers["Authorization"] = f"Bearer {org.key}x"
    answer = httpx.get(f"{v0.base_url}auth/me", headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (401, code)


def test_a_key_ends(v0: V0Control, org: Org) -> None:
    key = v0.key(org, expires_at="2001-01-01T00:00:00Z")
    with v0.client(key) as client:
        answer = client.get("auth/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "api_key_expired")


def test_what_lies_outside_of_a_key_does_not_exist(v0: V0Control, org: Org) -> None:
    other = v0.new_org()
    message_id = v0.receive(org.one, mail())["message_id"]
    paths = [
        f"inboxes/{seg(org.one)}", f"inboxes/{seg(org.one)}/messages",
        f"inboxes/{seg(org.one)}/messages/{seg(message_id)}", f"pods/{org.pod_id}",
        f"pods/{org.pod_id}/threads",
    ]  # fmt: skip
    narrow = v0.key(org, inbox_id=org.two)
    for key in (other.key, narrow):
        with v0.client(key) as client:
            assert {client.get(path).status_code for path in paths} == {404}
            sent = client.post(
                f"inboxes/{seg(org.one)}/messages/send", json={"to": org.two, "text": "x"}
            )
            assert (sent.status_code, sent.json()["code"]) == (404, "not_found")
    with v0.client(narrow) as client:
        assert [i["inbox_id"] for i in client.get("inboxes").json()["inboxes"]] == [org.two]
        assert client.post("inboxes").status_code == 403
    with v0.client(other.key) as client:
        for inbox_id in (other.one, other.two):
            client.delete(f"inboxes/{seg(inbox_id)}")


def test_a_missing_permission_is_named_with_its_fix(v0: V0Control, org: Org) -> None:
    reader = v0.key(org, permissions={"message_read": True, "draft_create": True})
    with v0.client(reader) as client:
        inbox = f"inboxes/{seg(org.one)}"
        assert client.get(f"{inbox}/messages").status_code == 200
        assert client.post(f"{inbox}/drafts", json={"text": "x"}).status_code == 200
        for method, path in (("POST", f"{inbox}/messages/send"), ("DELETE", inbox),
                             ("POST", f"{inbox}/drafts/x/send")):  # fmt: skip
            answer = client.request(method, path, json={})
            body = answer.json()
            assert (answer.status_code, body["code"]) == (403, "missing_permission")
            assert body["fix"]


@pytest.mark.parametrize("label", ["spam", "blocked", "unauthenticated", "trash"])
def test_hidden_mail_is_listed_on_request_and_by_permission_only(
    v0: V0Control, org: Org, label: str
) -> None:
    message_id = v0.receive(org.one, mail("Hidden"), labels=[label])["message_id"]
    path = f"inboxes/{seg(org.one)}/messages"
    with v0.client(org.key) as client:
        assert client.get(path).json()["count"] == 0
        asked = {f"include_{label}": "true", "labels": label}
        assert client.get(path, params=asked).json()["count"] == 1
        assert client.get(f"inboxes/{seg(org.one)}/threads").json()["count"] == 0
        assert client.get(f"{path}/{seg(message_id)}").status_code == 200
    with v0.client(v0.key(org, permissions={"message_read": True, "message_send": True})) as client:
        assert client.get(path, params=asked).json()["count"] == 0
        assert client.get(f"{path}/{seg(message_id)}").status_code == 404
        assert client.post(f"{path}/{seg(message_id)}/reply", json={"text": "x"}).status_code == 404


def test_a_key_cannot_make_a_stronger_one(v0: V0Control, org: Org) -> None:
    with v0.client(v0.key(org, permissions={"api_key_create": True})) as client:
        wanted = {"permissions": {"message_send": True}}
        answer = client.post(f"inboxes/{seg(org.one)}/api-keys", json=wanted)
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_escalation")
        made = client.post(f"inboxes/{seg(org.one)}/api-keys").json()
    with v0.client(made["api_key"]) as client:
        assert client.get("inboxes").json()["code"] == "missing_permission"
