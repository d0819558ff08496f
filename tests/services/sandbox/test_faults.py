"""Ordered faults: each does what it says, to whom it says, as often as it says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

MAIL = "From: a@b.example\r\nSubject: hello\r\n\r\nText.\r\n"


@pytest.fixture
def client(sandbox, agent):
    """A client without the contract check: these answers are meant to break it."""
    headers = {"Authorization": f"Bearer {agent.token}"}
    with httpx.Client(
        base_url=sandbox.base_url, headers=headers, trust_env=False, verify=False, timeout=10
    ) as made:
        yield made


def walk(client, limit=2, most=20):
    """Return the pages of a walk as lists of ids, until the cursor ends."""
    pages, cursor = [], None
    while len(pages) < most:
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = client.get("/inbox", params=query).json()
        pages.append([item["MessageID"] for item in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            return pages
    return pages


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, "unauthorized"), (403, "forbidden"), (404, "message_not_found"), (429, "rate_limited"),
     (500, "internal_error"), (503, "unavailable")],
)  # fmt: skip
def test_any_status_can_be_ordered_once(sandbox, agent, client, status, error):
    sandbox.fault("status", agent, status=status)
    answer = client.get("/inbox")
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert client.get("/inbox").status_code == 200


@pytest.mark.parametrize(
    "value", ["3", "0", "-1", "soon", "Wed, 21 Oct 2099 07:28:00 GMT", "9" * 99]
)
def test_retry_after_is_sent_as_ordered(sandbox, agent, client, value):
    sandbox.fault("status", agent, status=429, retry_after=value)
    assert client.get("/inbox").headers["retry-after"] == value


def test_a_fault_waits_for_its_operation_and_agent(sandbox, agent, client):
    other = sandbox.new_agent()
    sandbox.fault("status", agent, operation="get_unread_count", times=2)
    assert client.get("/inbox").status_code == 200
    theirs = {"Authorization": f"Bearer {other.token}"}
    assert client.get("/inbox/unread-count", headers=theirs).status_code == 200
    assert [client.get("/inbox/unread-count").status_code for _ in range(3)] == [500, 500, 200]


def test_a_fault_can_let_some_calls_pass_and_stay_for_ever(sandbox, agent, client):
    sandbox.fault("status", agent, skip=2, times=None, status=503)
    assert [client.get("/inbox").status_code for _ in range(5)] == [200, 200, 503, 503, 503]
    sandbox.clear_faults()
    assert client.get("/inbox").status_code == 200


def test_a_dropped_connection_before_handling_changes_nothing(sandbox, agent, client):
    message = sandbox.add_mail(agent, MAIL)
    sandbox.fault("drop_before", agent)
    with pytest.raises(httpx.TransportError):
        client.delete(f"/messages/{message}")
    assert client.get(f"/messages/{message}").status_code == 200


def test_a_dropped_connection_after_handling_has_done_its_work(sandbox, agent, client):
    message = sandbox.add_mail(agent, MAIL)
    sandbox.fault("drop_after", agent)
    with pytest.raises(httpx.TransportError):
        client.delete(f"/messages/{message}")
    assert client.get(f"/messages/{message}").status_code == 404


def test_a_send_whose_answer_was_lost_is_delivered_once_on_retry(sandbox, agent, client):
    body = {"to": agent.address, "subject": "s", "body": "b", "idempotency_key": "k"}
    sandbox.fault("drop_after", agent, operation="send_mail", times=2)
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            client.post("/send", json=body)
    assert client.post("/send", json=body).json()["idempotency_key"] == "k"
    assert len(client.get("/inbox").json()["items"]) == 1


def test_a_truncated_body_ends_early(sandbox, agent, client):
    sandbox.fault("truncated", agent, size=5)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/inbox")
    with client.stream("GET", "/inbox") as answer:
        assert answer.status_code == 200


def test_invalid_json_and_a_login_page_are_200(sandbox, agent, client):
    sandbox.fault("invalid_json", agent)
    answer = client.get("/inbox")
    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()
    sandbox.fault("html", agent)
    answer = client.get("/inbox")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")


def test_any_answer_can_be_ordered(sandbox, agent, client):
    sandbox.fault("answer", agent, body='{"items": 5}')
    assert client.get("/inbox").json() == {"items": 5}
    sandbox.fault("answer", agent, body="", status=204)
    assert client.get("/inbox").status_code == 204


def test_a_slow_body_comes_whole(sandbox, agent, client):
    sandbox.fault("slow_drip", agent, seconds=0.001, size=3)
    assert client.get("/inbox").json() == {"items": [], "next_cursor": None}


def test_latency_comes_before_handling(sandbox, agent, client):
    sandbox.fault("latency", agent, seconds=0.3, times=1)
    with pytest.raises(httpx.ReadTimeout):
        client.get("/inbox", timeout=0.1)
    assert client.get("/inbox").status_code == 200


def test_what_a_delay_holds_back_is_neither_noted_nor_carried_out_after_a_reset(
    sandbox, agent, client
):
    """A test that ended, or a program that was killed, leaves no request to the next one."""
    message = sandbox.add_mail(agent, MAIL)
    sandbox.fault("latency", agent, seconds=600)
    with ThreadPoolExecutor() as pool:
        held = pool.submit(client.delete, f"/messages/{message}", timeout=None)
        while sandbox.http.get("/_sandbox/faults").json()["faults"]:
            pass
        sandbox.reset()
        with pytest.raises(httpx.TransportError):
            held.result()
    assert client.get(f"/messages/{message}").status_code == 200
    assert [one["operation"] for one in sandbox.requests(agent)] == ["get_message"]


def test_what_drips_is_sent_whole_after_a_reset(sandbox, agent, client):
    message = sandbox.add_mail(agent, MAIL)
    sandbox.fault("slow_drip", agent, seconds=600, size=3)
    with client.stream("GET", f"/messages/{message}", timeout=None) as answer:
        pieces = answer.iter_raw()
        first = next(pieces)
        sandbox.reset()
        assert b"".join([first, *pieces]) == client.get(f"/messages/{message}").content


def test_short_and_empty_pages_carry_a_cursor_and_lose_nothing(sandbox, agent, client):
    made = [sandbox.add_mail(agent, MAIL) for _ in range(5)]
    sandbox.fault("short_page", agent, size=1, times=2)
    sandbox.fault("empty_page", agent, skip=2, times=2)
    pages = walk(client)
    assert [len(page) for page in pages] == [1, 1, 0, 0, 2, 1]
    assert [message_id for page in pages for message_id in page] == made


def test_a_repeated_cursor_is_the_one_that_was_sent(sandbox, agent, client):
    for _ in range(5):
        sandbox.add_mail(agent, MAIL)
    sandbox.fault("repeated_cursor", agent, times=None)
    cursor = client.get("/inbox?limit=2").json()["next_cursor"]
    again = client.get("/inbox", params={"limit": 2, "cursor": cursor}).json()["next_cursor"]
    assert again == cursor


def test_an_expired_cursor_is_400_and_a_first_page_is_not(sandbox, agent, client):
    for _ in range(3):
        sandbox.add_mail(agent, MAIL)
    cursor = client.get("/inbox?limit=1").json()["next_cursor"]
    sandbox.fault("expired_cursor", agent, times=2)
    assert client.get("/inbox?limit=1").status_code == 200
    answer = client.get("/inbox", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_cursor")


def test_a_form_with_a_short_life_is_refused_when_it_is_used(sandbox, agent, client):
    sandbox.fault("short_ttl", agent, seconds=0)
    body = {"file_name": "a", "content_type": "text/plain", "max_bytes": 9}
    form = client.post("/attachments/upload-request", json=body).json()["upload"]
    sandbox.settings(clock_offset=1)
    url = form.pop("url")
    answer = httpx.post(url, data=form, files={"file": ("a", b"x", "text/plain")},
                        trust_env=False, verify=False)  # fmt: skip
    assert answer.status_code == 403


@pytest.mark.parametrize(("kind", "times"), [("drop_before", 1), ("drop_after", 1), ("status", 1)])
def test_the_object_store_can_fail_too(sandbox, agent, client, kind, times):
    body = {"file_name": "a", "content_type": "text/plain", "max_bytes": 9}
    form = client.post("/attachments/upload-request", json=body).json()["upload"]
    url = form.pop("url")
    sandbox.fault(kind, operation="s3_upload", times=times)
    files = {"file": ("a", b"x", "text/plain")}
    if kind == "status":
        assert (
            httpx.post(url, data=form, files=files, trust_env=False, verify=False).status_code
            == 500
        )
    else:
        with pytest.raises(httpx.TransportError):
            httpx.post(url, data=form, files=files, trust_env=False, verify=False)
    assert httpx.post(url, data=form, files=files, trust_env=False, verify=False).status_code == 204
    assert [r["door"] for r in sandbox.requests() if r["operation"] == "s3_upload"] == ["s3", "s3"]


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "nonsense"}, {"kind": "status", "status": 99}, {"kind": "latency", "seconds": -1},
     {"kind": "status", "times": 0}, {"kind": "status", "retry_after": "a\nb"}, {"kind": "html", "x": 1}],
)  # fmt: skip
def test_a_fault_that_makes_no_sense_is_refused(sandbox, body):
    assert sandbox.http.post("/_sandbox/faults", json=body).status_code == 400
    assert sandbox.http.get("/_sandbox/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    "operation", ["send_mail", "s3_upload", "ses_send", "v0_send_message", "v0_websocket"]
)
def test_every_door_has_operations_to_order_faults_for(sandbox, operation):
    sandbox.fault("latency", operation=operation, seconds=0)


@pytest.mark.parametrize("operation", ["send_mial", "", "sandbox_add_fault", "V0_EVENT"])
def test_a_fault_for_what_is_no_operation_is_refused_with_the_list(client, operation):
    answer = client.post("/_sandbox/faults", json={"kind": "status", "operation": operation})
    assert answer.status_code == 400
    assert answer.json()["error"] == "unknown_operation"
    assert "send_mail" in answer.json()["message"]
    assert client.get("/_sandbox/faults").json() == {"faults": []}
