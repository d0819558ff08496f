"""Whatever a client sends, the sandbox answers with JSON and never with a 500."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from services.api.routes import ROUTES
from services.sandbox.body import BODY_LIMIT

IDS = {"message_id": "m", "index": 0, "agent_id": "ops-bot", "peer_agent_id": "p"}
PATHS = {name: op.url_path(**{p: IDS[p] for p in op.parameters}) for name, op in ROUTES.items()}
WITH_BODY = sorted(name for name, op in ROUTES.items() if op.request is not None)


def problem(answer):
    """The error of an answer that must be one of the contract's own."""
    assert answer.headers["content-type"] == "application/json"
    assert 400 <= answer.status_code < 500, answer.text
    body = answer.json()
    assert set(body) <= {"error", "message"}
    return answer.status_code, body["error"]


@pytest.mark.parametrize(
    "token",
    [None, "", "Bearer", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token}x",
     "Bearer \xff", "Bearer {token}, Bearer {token}"],
)  # fmt: skip
def test_no_operation_works_without_the_right_token(sandbox, agent, token):
    headers = (
        []
        if token is None
        else [(b"authorization", token.format(token=agent.token).encode("latin-1"))]
    )
    for name, operation in ROUTES.items():
        if operation.auth:
            answer = sandbox.http.request(operation.method, PATHS[name], headers=headers)
            assert problem(answer) == (401, "unauthorized"), name
            assert answer.headers["www-authenticate"] == "Bearer"


def test_the_scheme_of_the_token_is_case_insensitive(sandbox, agent):
    headers = {"Authorization": f"bearer  {agent.token}"}
    assert sandbox.http.get("/inbox", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b'"x"', b"7", b"\xff\xfe{}", b'{"a": "\xff"}', b"{} {}", b"{'a':1}",
        b"[" * 100_000, b'{"a":' * 100_000, b'{"to":' * 60_000 + b"1" + b"}" * 60_000, b"\xef\xbb\xbf{}",
        b'{"to": "\\ud800", "subject": "\\udfff", "body": ""}', b'{"is_read": "true"}',
        b'{"is_read": 1}', b'{"archived": null}', b'{"to": 1e999}', b'{"max_bytes": 1' + b"0" * 5000 + b"}",
        b"\x00", b"NaN", b'{"add": [NaN]}',
    ],
    ids=range(23),
)  # fmt: skip
def test_a_bad_body_is_400_or_404(sandbox, agent, body):
    headers = {"Authorization": f"Bearer {agent.token}", "Content-Type": "application/json"}
    for name in WITH_BODY:
        answer = sandbox.http.request(
            ROUTES[name].method, PATHS[name], content=body, headers=headers
        )
        if answer.status_code != 200:
            assert problem(answer)[0] in (400, 404), name


@pytest.mark.parametrize("path", ["/", "", "/nope", "/inbox/", "//inbox", "/messages/", "/messages//read",
                                  "/Inbox", "/v0/inbox", "/messages/%FF/read", "/messages/%C3/archive",
                                  "/_sandbox", "/_sandbox/nope", "/messages/a/b/c/d/e", "/%2e%2e/inbox"])  # fmt: skip
def test_an_unknown_path_is_404(sandbox, agent, path):
    headers = {"Authorization": f"Bearer {agent.token}"}
    assert problem(sandbox.http.get(path, headers=headers)) == (404, "not_found")


@pytest.mark.parametrize(
    "method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
)
def test_another_method_is_405_and_names_the_right_ones(sandbox, agent, method):
    headers = {"Authorization": f"Bearer {agent.token}"}
    for name, path in PATHS.items():
        right = {ROUTES[other].method for other, p in PATHS.items() if p == path}
        if method not in right:
            answer = sandbox.http.request(method, path, headers=headers)
            assert problem(answer) == (405, "method_not_allowed"), name
            assert set(answer.headers["allow"].split(", ")) == right


def test_a_body_above_the_limit_is_413_announced_or_not(sandbox, agent):
    headers = {"Authorization": f"Bearer {agent.token}"}
    piece = b"x" * 65_536

    def endless():
        for _ in range(BODY_LIMIT // len(piece) + 2):
            yield piece

    with httpx.Client(base_url=sandbox.base_url, trust_env=False, verify=False) as client:
        for content in (b"x" * (BODY_LIMIT + 1), endless()):
            try:
                answer = client.post("/send", content=content, headers=headers)
            except (httpx.WriteError, httpx.ReadError):
                continue  # the answer came, and the rest of the body was not taken
            assert problem(answer) == (413, "payload_too_large")
        assert client.get("/_sandbox/health").status_code == 200


def test_an_announced_body_above_the_limit_is_refused_before_it_is_sent(sandbox, agent):
    place = urlsplit(sandbox.base_url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as wire:
        wire.sendall(
            f"POST /send HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {agent.token}\r\n"
            f"Content-Length: {10**18}\r\n\r\n".encode()
        )
        assert b" 413 " in wire.recv(65_536)


@pytest.mark.parametrize(
    "request_line",
    [b"GET /inbox?q=\xff\xfe HTTP/1.1", b"GET /messages/\xc3\xa9 HTTP/1.1", b"GET http://x/inbox HTTP/1.1",
     b"GET inbox HTTP/1.1", b"GET * HTTP/1.1", b"GET /inbox?%zz=%&&==& HTTP/1.1", b"nonsense", b"\x16\x03\x01"],
)  # fmt: skip
def test_odd_request_lines_do_not_hurt(sandbox, agent, request_line):
    place = urlsplit(sandbox.base_url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as wire:
        token = f"Authorization: Bearer {agent.token}".encode()
        wire.sendall(request_line + b"\r\nHost: x\r\nConnection: close\r\n" + token + b"\r\n\r\n")
        answer = wire.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 ")
    assert not answer.startswith(b"HTTP/1.1 5")
    assert sandbox.http.get("/_sandbox/health").status_code == 200


def test_half_a_request_is_forgotten(sandbox, agent):
    place = urlsplit(sandbox.base_url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as wire:
        wire.sendall(
            f"POST /send HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {agent.token}\r\n"
            "Content-Length: 100\r\n\r\n{".encode()
        )
    assert sandbox.http.get("/_sandbox/health").status_code == 200
    assert sandbox.sent(agent) == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_the_controls_answer_to_loopback_names_only(sandbox, host):
    answer = sandbox.http.get("/_sandbox/agents", headers={"Host": host})
    assert problem(answer) == (403, "forbidden")


def test_the_controls_do_not_answer_to_web_pages(sandbox):
    headers = {"Origin": "http://localhost"}
    assert problem(sandbox.http.get("/_sandbox/agents", headers=headers)) == (403, "forbidden")


def test_seen_requests_hold_header_names_and_no_values(sandbox, agent, api):
    api.get("/inbox?q=secret-word", headers={"X-Probe": "secret-value"})
    seen = sandbox.requests(agent)[-1]
    assert (seen["operation"], seen["path"], seen["status"]) == ("list_inbox", "/inbox", 200)
    assert {"authorization", "x-probe"} <= set(seen["headers"])
    assert "secret" not in str(seen)
    assert agent.token not in str(seen)


@pytest.mark.parametrize(
    "body", [[], {"footer": 1}, {"x": 1}, {"clock_offset": 1e18}, {"upload_ttl": -1}]
)
def test_a_setting_that_makes_no_sense_is_refused(sandbox, body):
    assert problem(sandbox.http.put("/_sandbox/settings", json=body)) == (400, "invalid_request")
