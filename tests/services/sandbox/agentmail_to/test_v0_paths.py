"""Paths and queries of the /v0 door: hostile ids, every spelling of a list, pages, search."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail, seg


def verbatim(v0: V0Control, key: str, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
    """Send a path as it is, which httpx would not: status and JSON."""
    connection = http.client.HTTPConnection(urlsplit(v0.root).netloc, timeout=20)
    connection.request(method, path, body or None, {"Authorization": f"Bearer {key}"})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, json.loads(data) if data else None


# ── paths ────────────────────────────────────────────────────────────────────────────────────────

HOSTILE_IDS = {
    "dots": "..",
    "dot": ".",
    "climbing": "</../../../api-keys/k1>",
    "slashes": "<a/b/raw@x>",
    "query": "<a?limit=1@x>",
    "fragment": "<a#b@x>",
    "percent": "<100%25@x>",
    "line ends": "<a\r\nX-Evil: 1@x>",
    "nul": "<a\x00b@x>",
    "escape": "<\x1b[31mred\x1b]0;title\x07@x>",
    "plus and blank": "<a+b c@x>",
    "literal": "search",
    "letters": "<ünïcode-☃-\U0001f600@x>",
    "long": f"<{'x' * 1000}@x>",
}


@pytest.mark.parametrize("message_id", HOSTILE_IDS.values(), ids=HOSTILE_IDS)
def test_a_hostile_id_names_its_message_in_every_operation(
    v0: V0Control, org: Org, message_id: str
) -> None:
    v0.receive(org.one, mail("Bystander"))
    v0.receive(org.one, mail("Target"), message_id=message_id)
    base = f"/v0/inboxes/{org.one}/messages/{seg(message_id)}"
    if message_id == "search":  # the literal operation wins, and only GET is one
        assert verbatim(v0, org.key, "GET", base)[0] == 400
        assert verbatim(v0, org.key, "DELETE", base)[0] == 405
        return
    status, whole = verbatim(v0, org.key, "GET", base)
    assert (status, whole["subject"], whole["message_id"]) == (200, "Target", message_id)
    status, raw = verbatim(v0, org.key, "GET", f"{base}/raw")
    assert (status, raw["message_id"]) == (200, message_id)
    labels = json.dumps({"add_labels": ["seen"]}).encode()
    assert verbatim(v0, org.key, "PATCH", base, labels)[1]["labels"] == [
        "received", "unread", "seen"
    ]  # fmt: skip
    wanted = json.dumps({"message_ids": [message_id]}).encode()
    batch = verbatim(v0, org.key, "POST", f"/v0/inboxes/{org.one}/messages/batch-get", wanted)
    assert batch[1]["count"] == 1
    text = json.dumps({"text": "Answer", "to": ["x@out.example"]}).encode()
    assert verbatim(v0, org.key, "POST", f"{base}/forward", text)[0] == 200
    writable = 400 if "\n" in message_id else 200  # no In-Reply-To can hold a line end
    assert verbatim(v0, org.key, "POST", f"{base}/reply", text)[0] == writable
    assert verbatim(v0, org.key, "DELETE", base)[0] == 200
    left = verbatim(v0, org.key, "GET", f"/v0/inboxes/{org.one}/messages?labels=received")[1]
    assert [m["subject"] for m in left["messages"]] == ["Bystander"]


@pytest.mark.parametrize("path", ["messages/..", "messages/../..", "messages/%2E%2E", "messages/",
                                  "messages//", "messages/%FF", "messages/.", "messages/%00"])  # fmt: skip
def test_a_path_that_is_not_escaped_deletes_nothing(v0: V0Control, org: Org, path: str) -> None:
    received = v0.receive(org.one, mail("Stays"))
    status, _ = verbatim(v0, org.key, "DELETE", f"/v0/inboxes/{org.one}/{path}")
    assert status in (404, 405)
    there = f"/v0/inboxes/{org.one}/messages/{seg(received['message_id'])}"
    assert verbatim(v0, org.key, "GET", there)[0] == 200


def test_the_at_sign_may_be_raw_or_escaped(v0: V0Control, org: Org) -> None:
    message_id = v0.receive(org.one, mail())["message_id"]
    for inbox in (org.one, seg(org.one), org.one.replace("@", "%40")):
        for named in (seg(message_id), quote(message_id, safe="@"), f"%3C{message_id[1:-1]}%3E"):
            path = f"/v0/inboxes/{inbox}/messages/{named}"
            assert verbatim(v0, org.key, "GET", path)[1]["message_id"] == message_id


def test_what_is_no_operation_gets_the_gateways_bare_answer(api_v0: httpx.Client) -> None:
    answer = api_v0.get("nothing/here")
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})
    answer = api_v0.put("inboxes")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


def test_control_characters_and_hostile_text_come_through_as_json(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    nasty = "\x1b]0;owned\x07\u202egnp.exe \x9b31m"
    encoded = base64.b64encode(nasty.encode()).decode()
    v0.receive(org.one, mail(f"=?utf-8?b?{encoded}?=", nasty))
    found = api_v0.get(f"inboxes/{seg(org.one)}/messages").json()["messages"][0]
    assert "\x1b]0;owned\x07" in found["subject"]


# ── queries ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("query", ["labels=%5B%22unread%22%2C+%22x+y%22%5D", "labels=unread,x+y",
                                   "labels=unread&labels=x+y", "labels=UNREAD&labels=X+Y"],
                         ids=["json", "comma", "repeated", "case"])  # fmt: skip
def test_a_list_in_the_query_may_be_written_in_every_way(
    v0: V0Control, org: Org, query: str
) -> None:
    v0.receive(org.one, mail("One"), labels=["x y"])
    v0.receive(org.one, mail("Two"))
    page = verbatim(v0, org.key, "GET", f"/v0/inboxes/{org.one}/messages?{query}")[1]
    assert [m["subject"] for m in page["messages"]] == ["One"]


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "limit=501", "limit=1e3",
                                   "ascending=yes", "after=yesterday", "before=2026-13-01",
                                   "after=2026-01-01T00:00:00", "page_token=", "page_token=%00",
                                   "subject=x&limit=101", "include_trash=1"])  # fmt: skip
def test_a_wrong_value_in_the_query_is_a_validation_error(
    api_v0: httpx.Client, org: Org, query: str
) -> None:
    answer = api_v0.get(f"inboxes/{seg(org.one)}/messages?{query}")
    assert answer.status_code == 400
    body = answer.json()
    assert (body["name"], body["code"]) == ("ValidationError", "validation_error")
    assert body["errors"][0]["path"]


@pytest.mark.parametrize("limit", [1, 7, 50])
@pytest.mark.parametrize("ascending", ["true", "false"])
def test_pages_hold_every_message_once(
    v0: V0Control, org: Org, api_v0: httpx.Client, limit: int, ascending: str
) -> None:
    for number in range(30):  # many of one moment: a page must not break among them
        v0.receive(org.one, mail(str(number)), received_at=1_700_000_000.0 + number // 4)
    query = {"limit": str(limit), "ascending": ascending}
    seen: list[str] = []
    while True:
        page = api_v0.get(f"inboxes/{seg(org.one)}/messages", params=query).json()
        assert page["count"] == len(page["messages"])
        seen += [m["subject"] for m in page["messages"]]
        if "next_page_token" not in page:
            break
        query["page_token"] = page["next_page_token"]
    numbers = [str(n) for n in range(30)]
    assert seen == (numbers if ascending == "true" else numbers[::-1])


def test_a_token_belongs_to_its_list(v0: V0Control, org: Org, api_v0: httpx.Client) -> None:
    for inbox in (org.one, org.one, org.two, org.two):
        v0.receive(inbox, mail())
    token = api_v0.get(f"inboxes/{seg(org.one)}/messages?limit=1").json()["next_page_token"]
    for path in (f"inboxes/{seg(org.two)}/messages", f"inboxes/{seg(org.one)}/threads",
                 f"inboxes/{seg(org.one)}/messages?ascending=true"):  # fmt: skip
        answer = api_v0.get(path, params={**httpx.URL(path).params, "page_token": token})
        assert answer.status_code == 400


def test_an_empty_page_may_be_followed_by_others(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    v0.receive(org.one, mail("There"))
    v0.sandbox.fault("empty_page", operation="v0_list_messages")
    empty = api_v0.get(f"inboxes/{seg(org.one)}/messages").json()
    assert (empty["count"], empty["messages"]) == (0, [])
    token = empty["next_page_token"]
    page = api_v0.get(f"inboxes/{seg(org.one)}/messages?page_token={token}").json()
    assert [m["subject"] for m in page["messages"]] == ["There"]


@pytest.mark.parametrize("words", ["", " ", None])
def test_a_search_for_nothing_is_refused(api_v0: httpx.Client, org: Org, words: str | None) -> None:
    query = {} if words is None else {"q": words}
    assert api_v0.get(f"inboxes/{seg(org.one)}/messages/search", params=query).status_code == 400


@pytest.mark.parametrize("words", ['"', "* OR", "NEAR(a b)", "sub\x00ject", "a AND NOT b", "();--",
                                   "'", "-", "☃", "\ue000"])  # fmt: skip
def test_a_search_takes_words_and_never_a_query_language(
    v0: V0Control, org: Org, api_v0: httpx.Client, words: str
) -> None:
    v0.receive(org.one, mail("Plain subject"))
    found = api_v0.get(f"inboxes/{seg(org.one)}/messages/search", params={"q": words})
    assert (found.status_code, found.json()["count"]) == (200, 0)


def test_a_search_finds_bodies_and_leaves_hidden_mail_out(
    v0: V0Control, org: Org, api_v0: httpx.Client
) -> None:
    v0.receive(org.one, mail("A", "needle in the body"))
    for label in ("spam", "trash", "blocked", "unauthenticated"):
        v0.receive(org.one, mail("needle"), labels=[label])
    v0.receive(org.one, mail("the needle itself", "needle needle"))
    path = f"inboxes/{seg(org.one)}/messages/search"
    found = api_v0.get(path, params={"q": "needle", "include_spam": "true"}).json()
    assert {m["subject"] for m in found["messages"]} == {"A", "the needle itself"}
    first = api_v0.get(path, params={"q": "need", "limit": "1"}).json()
    token = first["next_page_token"]
    second = api_v0.get(path, params={"q": "need", "limit": "1", "page_token": token}).json()
    assert first["messages"][0]["message_id"] != second["messages"][0]["message_id"]
    assert "next_page_token" not in second
