"""One message of the sandbox: read, delete, labels, read state, archive (api/assmbl.md §4.2–§4.7)."""

from __future__ import annotations

from urllib.parse import quote

import pytest

MAIL = "From: a@b.example\r\nSubject: hello\r\n\r\nText.\r\n"


@pytest.fixture
def message(sandbox, agent):
    return sandbox.add_mail(agent, MAIL)


def labels(api, message):
    return api.get(f"/messages/{message}").json()["Labels"]


def change(api, message, **body):
    return api.patch(f"/messages/{message}/labels", json=body)


def test_a_message_is_its_mime_its_manifest_and_its_inbox_fields(api, message):
    told = api.get(f"/messages/{message}").json()
    assert told["raw_mime"] == MAIL
    assert told["attachments"] == []
    assert told["encrypted"] is False
    item = api.get("/inbox").json()["items"][0]
    assert item.items() <= told.items()


def test_reading_does_not_mark_read(api, message):
    api.get(f"/messages/{message}")
    assert api.get("/inbox/unread-count").json() == {"unread_count": 1}


@pytest.mark.parametrize(
    "wanted",
    ["<a/b+c@host>", "../inbox", "..", "%2e%2e", "a b", "ä€😀", "?x=1#y", "a%2Fb", ";x", "\\"],
)
def test_an_id_may_hold_anything_that_can_be_encoded(sandbox, agent, api, wanted):
    sandbox.add_mail(agent, MAIL, message_id=wanted)
    path = f"/messages/{quote(wanted, safe='')}".replace("/..", "/%2E%2E")
    assert api.get(path).json()["MessageID"] == wanted
    assert api.patch(f"{path}/read", json={"is_read": True}).json()["message_id"] == wanted
    assert api.delete(path).json() == {"message_id": wanted, "deleted": True}


def test_a_deleted_message_is_404_everywhere(api, message):
    assert api.delete(f"/messages/{message}").status_code == 200
    for method, path, body in [
        ("GET", "", None), ("DELETE", "", None), ("PATCH", "/labels", {}),
        ("PATCH", "/read", {"is_read": True}), ("PATCH", "/archive", {"archived": True}),
        ("GET", "/attachments/0/status", None), ("POST", "/attachments/0/download-request", None),
    ]:  # fmt: skip
        answer = api.request(method, f"/messages/{message}{path}", json=body)
        assert (answer.status_code, answer.json()["error"]) == (404, "message_not_found")


def test_another_agents_message_is_404(sandbox, api):
    other = sandbox.new_agent()
    theirs = sandbox.add_mail(other, MAIL)
    assert api.get(f"/messages/{theirs}").status_code == 404
    assert api.delete(f"/messages/{theirs}").status_code == 404


def test_labels_are_added_and_removed_in_one_step_and_kept_as_sent(sandbox, agent, api):
    message = sandbox.add_mail(agent, MAIL, labels=["inbox", "old"])
    answer = change(api, message, add=[" Spaced ", "old", "new", "new"], remove=["inbox", "absent"])
    assert answer.json() == {"message_id": message, "labels": ["old", " Spaced ", "new"]}
    assert labels(api, message) == ["old", " Spaced ", "new"]
    assert len(api.get("/inbox", params={"label": " Spaced "}).json()["items"]) == 1
    assert api.get("/inbox", params={"label": "inbox"}).json()["items"] == []


@pytest.mark.parametrize("body", [{}, {"add": []}, {"remove": []}, {"add": None, "remove": None}])
def test_an_empty_change_is_a_no_op(api, message, body):
    assert change(api, message, **body).json()["labels"] == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"add": [""]}, "invalid_label"), ({"add": ["x" * 65]}, "invalid_label"),
        ({"add": ["ok", " \t\n"]}, "invalid_label"), ({"add": ["\u3000"]}, "invalid_label"),
        ({"remove": [""]}, "invalid_label"), ({"add": [7]}, "invalid_label"),
        ({"add": ["a"], "remove": ["a"]}, "invalid_label"), ({"add": "a"}, "invalid_request"),
        ([], "invalid_request"),
    ],
)  # fmt: skip
def test_a_refused_change_changes_nothing(sandbox, agent, api, body, error):
    message = sandbox.add_mail(agent, MAIL, labels=["kept"])
    answer = api.patch(f"/messages/{message}/labels", json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert labels(api, message) == ["kept"]


def test_64_characters_and_20_labels_are_allowed_and_no_more(api, message):
    twenty = ["😀" * 64, *(f"l{n}" for n in range(19))]
    assert change(api, message, add=twenty).json()["labels"] == twenty
    refused = change(api, message, add=["one more"])
    assert (refused.status_code, refused.json()["error"]) == (400, "too_many_labels")
    assert change(api, message, add=["swap"], remove=["l0"]).status_code == 200
    assert change(api, message, add=["l1"]).status_code == 200
    assert len(labels(api, message)) == 20


@pytest.mark.parametrize("state", [True, False])
def test_marking_read_may_be_repeated(api, message, state):
    for _ in range(2):
        answer = api.patch(f"/messages/{message}/read", json={"is_read": state})
        assert answer.json() == {"message_id": message, "is_read": state}
    assert api.get(f"/messages/{message}").json()["IsRead"] is state


def test_archiving_hides_and_a_second_time_is_409(api, message):
    path = f"/messages/{message}/archive"
    assert api.patch(path, json={"archived": True}).json()["archived"] is True
    again = api.patch(path, json={"archived": True})
    assert (again.status_code, again.json()["error"]) == (409, "already_archived")
    assert api.get("/inbox").json()["items"] == []
    assert len(api.get("/inbox?include_archived=true").json()["items"]) == 1
    assert api.get(f"/messages/{message}").json()["Archived"] is True
    assert api.get("/inbox/unread-count").json() == {"unread_count": 0}
    for _ in range(2):
        assert api.patch(path, json={"archived": False}).status_code == 200
    assert api.get("/inbox/unread-count").json() == {"unread_count": 1}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Subject: x\r\n\r\nhä €".encode(), "hä €"),
        (b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\nh\xe4", "hä"),
        (b'Content-Type: text/plain; charset="koi8-r"\r\n\r\n\xf2', "Р"),
        (b"Subject: x\r\n\r\nh\xe4", "h\ufffd"),
        (b"Content-Type: text/plain; charset=nonsense\r\n\r\nh\xe4", "h\ufffd"),
        (b"Content-Type: text/plain; charset=utf-7\r\n\r\nh\xe4", "h\ufffd"),
        (b"\x00\x1b[2J", "\x00\x1b[2J"),
        (b"", ""),
    ],
)
def test_raw_mime_is_text_whatever_the_bytes_are(sandbox, agent, api, raw, text):
    message = sandbox.add_mail(agent, raw)
    assert api.get(f"/messages/{message}").json()["raw_mime"].endswith(text)
