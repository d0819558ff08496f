"""The object store's door enforces what S3 enforces, over real HTTP (research/sandbox.md §1).

The door runs in a thread of its own with the sandbox's real object store; the clock is ours, so
that an expired form needs no waiting.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sandbox.presign import Signer
from services.sandbox.s3_door import S3Door
from services.sandbox.store import Store

_FORM_LIMIT = 2 * 2**20
_START = 1_800_000_000.0


class _Clock:
    def __init__(self) -> None:
        self.now = _START

    def __call__(self) -> float:
        return self.now


@dataclass
class _Bucket:
    signer: Signer
    clock: _Clock
    http: httpx.Client
    counter: int = 0

    def form(self, max_bytes: int = 1_000, ttl: float = 60, key: str = "") -> dict[str, str]:
        self.counter += 1
        return self.signer.presigned_post(
            key or f"uploads/a/{self.counter}-x.bin", "text/csv", max_bytes, ttl
        )

    def post(self, form: dict[str, str], data: bytes = b"a,b\n", **headers: str) -> httpx.Response:
        fields = {name: value for name, value in form.items() if name != "url"}
        return self.http.post(form["url"], data=fields, files={"file": data}, headers=headers)

    def stored(self, data: bytes) -> str:
        form = self.form(len(data))
        assert self.post(form, data).status_code == 204
        return form["key"]


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Bucket]:
    # With the protocol named, asyncio turns Nagle's algorithm off: 40 ms an answer otherwise.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    clock = _Clock()
    signer = Signer("test secret", base_url, clock)
    servers: list[uvicorn.Server] = []
    folder = tmp_path_factory.mktemp("bucket")

    def serve() -> None:
        store = Store(folder, durable=False)
        door = S3Door(store.blobs, signer, _FORM_LIMIT)
        config = uvicorn.Config(door, lifespan="off", log_config=None, server_header=False)
        servers.append(uvicorn.Server(config))
        started.set()
        asyncio.run(servers[0].serve(sockets=[listening]))
        store.close()

    started = threading.Event()
    thread = threading.Thread(target=serve)
    thread.start()
    started.wait()
    with httpx.Client(trust_env=False) as http:
        yield _Bucket(signer, clock, http)
    servers[0].should_exit = True
    thread.join()


@pytest.fixture(autouse=True)
def _clock_at_start(bucket: _Bucket) -> None:
    bucket.clock.now = _START


def _code(response: httpx.Response) -> str:
    assert response.headers["content-type"].startswith("application/xml")
    found = re.search(r"<Error><Code>(\w+)</Code><Message>", response.text)
    assert found, response.text
    return found[1]


# ── forms ────────────────────────────────────────────────────────────────────────────────────────


def test_an_upload_is_taken_with_204_and_can_be_downloaded(bucket: _Bucket) -> None:
    form = bucket.form(len(b"a,b\r\n1,2"))
    answer = bucket.post(form, b"a,b\r\n1,2")
    assert (answer.status_code, answer.content) == (204, b"")
    loaded = bucket.http.get(bucket.signer.presigned_get(form["key"], 60))
    assert (loaded.status_code, loaded.content) == (200, b"a,b\r\n1,2")
    assert loaded.headers["content-type"] == "text/csv"
    assert loaded.headers["etag"] == answer.headers["etag"]


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_uploads_with_the_form(bucket: _Bucket, tmp_path: Path) -> None:
    form = bucket.form(3_000_000)
    (tmp_path / "data.bin").write_bytes(bytes(range(256)) * 4_000)
    argv = ["curl", "-sS", "-w", "%{http_code}"]
    for name, value in form.items():
        argv += ["-F", f"{name}={value}"] if name != "url" else []
    done = subprocess.run(
        [*argv, "-F", f"file=@{tmp_path / 'data.bin'}", form["url"]],
        capture_output=True,
        timeout=30,
    )
    assert done.stdout == b"204", done
    loaded = bucket.http.get(bucket.signer.presigned_get(form["key"], 60))
    assert loaded.content == bytes(range(256)) * 4_000


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"key": "uploads/b/other.bin"}, 403, "AccessDenied"),
        ({"Content-Type": "text/html"}, 403, "AccessDenied"),
        ({"acl": "public-read"}, 403, "AccessDenied"),
        ({"policy": None}, 403, "AccessDenied"),
        ({"policy": "bm90IGpzb24="}, 403, "SignatureDoesNotMatch"),
        ({"x-amz-signature": "0" * 64}, 403, "SignatureDoesNotMatch"),
        ({"x-amz-signature": "\u00e9" * 64}, 403, "SignatureDoesNotMatch"),
        ({"x-amz-signature": None}, 400, "InvalidArgument"),
        ({"x-amz-date": "now"}, 400, "AuthorizationQueryParametersError"),
        ({"x-amz-date": "20200101T000000Z"}, 400, "AuthorizationQueryParametersError"),
        ({"x-amz-algorithm": "none"}, 400, "AuthorizationQueryParametersError"),
        ({"x-amz-credential": "AKIAOTHER/x/y/s3/aws4_request"}, 403, "InvalidAccessKeyId"),
        ({"key": None}, 400, "InvalidArgument"),
        ({"x-ignore-filler": "y" * 30_000}, 400, "MaxPostPreDataLengthExceeded"),
    ],
)
def test_a_form_that_was_changed_is_refused(
    bucket: _Bucket, changes: dict[str, str | None], status: int, code: str
) -> None:
    form = bucket.form()
    changed = {name: value for name, value in {**form, **changes}.items() if value is not None}
    answer = bucket.post(changed)
    assert (answer.status_code, _code(answer)) == (status, code)
    assert bucket.http.get(bucket.signer.presigned_get(form["key"], 60)).status_code == 404


def test_a_form_is_refused_once_it_has_expired(bucket: _Bucket) -> None:
    form = bucket.form(ttl=60)
    bucket.clock.now += 60
    assert bucket.post(form).status_code == 204
    bucket.clock.now += 1
    answer = bucket.post(form)
    assert (answer.status_code, _code(answer)) == (403, "AccessDenied")
    assert "Policy expired" in answer.text


@pytest.mark.parametrize("size", [1_001, 500_000])
def test_one_byte_too_many_is_refused_and_leaves_nothing(bucket: _Bucket, size: int) -> None:
    form = bucket.form(1_000)
    answer = bucket.post(form, b"x" * size)
    assert (answer.status_code, _code(answer)) == (400, "EntityTooLarge")
    assert "<MaxSizeAllowed>1000</MaxSizeAllowed>" in answer.text
    assert bucket.http.get(bucket.signer.presigned_get(form["key"], 60)).status_code == 404
    assert bucket.post(form, b"x" * 1_000).status_code == 204


def test_a_refused_upload_does_not_touch_the_object_before_it(bucket: _Bucket) -> None:
    form = bucket.form(5)
    assert bucket.post(form, b"first").status_code == 204
    assert bucket.post(form, b"too long").status_code == 400
    assert bucket.http.get(bucket.signer.presigned_get(form["key"], 60)).content == b"first"


def test_an_announced_length_over_the_cap_is_refused_before_the_body(bucket: _Bucket) -> None:
    head = (
        f"POST /agentmail HTTP/1.1\r\nHost: x\r\nContent-Length: {_FORM_LIMIT + 1}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nExpect: 100-continue\r\n\r\n"
    )
    answer = _raw_exchange(bucket, head.encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>EntityTooLarge</Code>" in answer


def test_a_client_that_sends_too_much_still_reads_why(bucket: _Bucket) -> None:
    answer = bucket.post(bucket.form(), b"x" * _FORM_LIMIT)
    assert (answer.status_code, _code(answer)) == (400, "EntityTooLarge")
    assert f"<MaxSizeAllowed>{_FORM_LIMIT}<" in answer.text


def test_a_body_without_length_is_still_held_to_the_policy(bucket: _Bucket) -> None:
    form = bucket.form(1_000)
    request = bucket.http.build_request(
        "POST",
        form["url"],
        data={k: v for k, v in form.items() if k != "url"},
        files={"file": b"x" * 5_000},
    )
    content_type = request.headers["content-type"]
    body = request.read()
    answer = bucket.http.post(
        form["url"], content=iter((body[:900], body[900:])), headers={"content-type": content_type}
    )
    assert (answer.status_code, _code(answer)) == (400, "EntityTooLarge")


def test_a_token_in_the_header_is_refused_and_not_repeated(bucket: _Bucket) -> None:
    key = bucket.stored(b"x")
    for answer in (
        bucket.post(bucket.form(), Authorization="Bearer secret-token"),
        bucket.http.get(
            bucket.signer.presigned_get(key, 60), headers={"Authorization": "Bearer secret-token"}
        ),
    ):
        assert (answer.status_code, _code(answer)) == (400, "InvalidArgument")
        assert "secret-token" not in answer.text


def _part(name: str, value: bytes, file_name: str = "") -> bytes:
    extra = f'; filename="{file_name}"' if file_name else ""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def _post_parts(bucket: _Bucket, parts: list[bytes], end: bytes = b"--b--\r\n") -> httpx.Response:
    return bucket.http.post(
        f"{bucket.signer.base_url}/agentmail",
        content=b"".join(parts) + end,
        headers={"content-type": "multipart/form-data; boundary=b"},
    )


def _fields(form: dict[str, str]) -> list[bytes]:
    return [_part(name, value.encode()) for name, value in form.items() if name != "url"]


def test_the_file_must_come_last(bucket: _Bucket) -> None:
    form = bucket.form()
    answer = _post_parts(bucket, [_part("file", b"x", "f"), *_fields(form)])
    assert (answer.status_code, _code(answer)) == (400, "InvalidArgument")
    assert "check the order of the fields" in answer.text
    assert (
        _post_parts(
            bucket, [*_fields(form), _part("file", b"x", "f"), _part("late", b"y")]
        ).status_code
        == 204
    )


@pytest.mark.parametrize("files", [0, 2])
def test_a_form_holds_exactly_one_file(bucket: _Bucket, files: int) -> None:
    form = bucket.form()
    answer = _post_parts(bucket, [*_fields(form), *([_part("file", b"x", "f")] * files)])
    assert (answer.status_code, _code(answer)) == (400, "InvalidArgument")
    assert "exactly one file" in answer.text
    assert bucket.http.get(bucket.signer.presigned_get(form["key"], 60)).status_code == 404


def test_a_form_that_ends_too_early_leaves_nothing(bucket: _Bucket) -> None:
    form = bucket.form()
    answer = _post_parts(bucket, [*_fields(form), _part("file", b"cut", "f")], end=b"")
    assert (answer.status_code, _code(answer)) == (400, "MalformedPOSTRequest")
    assert bucket.http.get(bucket.signer.presigned_get(form["key"], 60)).status_code == 404


def test_a_connection_that_breaks_in_the_file_leaves_nothing(bucket: _Bucket) -> None:
    form = bucket.form()
    body = b"".join([*_fields(form), _part("file", b"cut", "f")])
    head = (
        "POST /agentmail HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    assert _raw_exchange(bucket, head.encode() + body) == b""
    assert bucket.http.get(bucket.signer.presigned_get(form["key"], 60)).status_code == 404


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "multipart/mixed; boundary=b", ""]
)
def test_what_is_not_a_form_is_a_failed_precondition(bucket: _Bucket, kind: str) -> None:
    answer = bucket.http.post(
        f"{bucket.signer.base_url}/agentmail", content=b"{}", headers={"content-type": kind}
    )
    assert (answer.status_code, _code(answer)) == (412, "PreconditionFailed")


def test_a_success_status_may_be_asked_for_when_the_policy_allows_it(bucket: _Bucket) -> None:
    form = {**bucket.form(), "success_action_status": "201"}
    assert bucket.post(form).status_code == 403


# ── links ────────────────────────────────────────────────────────────────────────────────────────


def test_a_link_names_the_file_it_saves_as(bucket: _Bucket) -> None:
    key = bucket.stored(b"x")
    answer = bucket.http.get(bucket.signer.presigned_get(key, 60, 'Über "uns".pdf'))
    shown = answer.headers["content-disposition"]
    assert (
        shown
        == "attachment; filename=\"_ber _uns_.pdf\"; filename*=UTF-8''%C3%9Cber%20%22uns%22.pdf"
    )


def test_a_link_is_refused_once_it_has_expired(bucket: _Bucket) -> None:
    url = bucket.signer.presigned_get(bucket.stored(b"x"), 60)
    bucket.clock.now += 60
    assert bucket.http.get(url).status_code == 200
    bucket.clock.now += 1
    answer = bucket.http.get(url)
    assert (answer.status_code, _code(answer)) == (403, "AccessDenied")
    assert "<Message>Request has expired</Message>" in answer.text


def test_a_changed_link_is_refused(bucket: _Bucket) -> None:
    url = bucket.signer.presigned_get(bucket.stored(b"x"), 60)
    for changed, code in (
        (url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"), "SignatureDoesNotMatch"),
        (url.replace("x.bin", "y.bin"), "SignatureDoesNotMatch"),
        (url[:-1] + ("0" if url[-1] != "0" else "1"), "SignatureDoesNotMatch"),
        (url.partition("?")[0], "AccessDenied"),
    ):
        answer = bucket.http.get(changed)
        assert (answer.status_code, _code(answer)) == (403, code)


def test_a_missing_object_is_404_only_with_a_good_signature(bucket: _Bucket) -> None:
    answer = bucket.http.get(bucket.signer.presigned_get("uploads/a/nothing", 60))
    assert (answer.status_code, _code(answer)) == (404, "NoSuchKey")


@pytest.mark.parametrize(
    ("wanted", "status", "body", "range_"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=0-9", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=5-2", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
    ],
)
def test_ranges_are_served(
    bucket: _Bucket, wanted: str, status: int, body: bytes, range_: str | None
) -> None:
    url = bucket.signer.presigned_get(bucket.stored(b"0123456789"), 60)
    answer = bucket.http.get(url, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (status, body)
    assert answer.headers.get("content-range") == range_


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_behind_the_end_is_416(bucket: _Bucket, wanted: str) -> None:
    url = bucket.signer.presigned_get(bucket.stored(b"0123456789"), 60)
    answer = bucket.http.get(url, headers={"Range": wanted})
    assert (answer.status_code, _code(answer)) == (416, "InvalidRange")


def test_a_range_of_an_older_version_gets_the_whole_object(bucket: _Bucket) -> None:
    url = bucket.signer.presigned_get(bucket.stored(b"0123456789"), 60)
    etag = bucket.http.get(url).headers["etag"]
    same = bucket.http.get(url, headers={"Range": "bytes=5-", "If-Range": etag})
    other = bucket.http.get(url, headers={"Range": "bytes=5-", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


def test_head_needs_a_link_of_its_own(bucket: _Bucket) -> None:
    key = bucket.stored(b"0123456789")
    answer = bucket.http.head(bucket.signer.presign("HEAD", key, 60))
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (
        200,
        "10",
        b"",
    )
    refused = bucket.http.head(bucket.signer.presigned_get(key, 60))
    assert (refused.status_code, refused.content) == (403, b"")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_allowed(bucket: _Bucket, method: str) -> None:
    answer = bucket.http.request(method, bucket.signer.presigned_get("k", 60))
    assert (answer.status_code, _code(answer)) == (405, "MethodNotAllowed")


def test_another_bucket_is_unknown(bucket: _Bucket) -> None:
    form = {**bucket.form(), "url": f"{bucket.signer.base_url}/other"}
    answer = bucket.post(form)
    assert (answer.status_code, _code(answer)) == (404, "NoSuchBucket")


# ── nothing a client sends is a 500 ──────────────────────────────────────────────────────────────


def _raw_exchange(bucket: _Bucket, data: bytes) -> bytes:
    host, port = bucket.signer.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(data)
        wire.shutdown(socket.SHUT_WR)
        out = b""
        while piece := wire.recv(65_536):
            out += piece
        return out


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT"]),
    path=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
    kind=st.sampled_from(
        ["multipart/form-data; boundary=b", "multipart/form-data; boundary=", "x/y"]
    ),
    body=st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.sampled_from(
                [
                    b"--b\r\n",
                    b"--b--",
                    b"\r\n",
                    b"\r\n\r\n",
                    b'Content-Disposition: form-data; name="file"',
                    b"x",
                    b":",
                    b"\x00",
                ]
            ),
            max_size=20,
        ).map(b"".join),
    ),
)
def test_odd_requests_are_answered_with_a_client_error(
    bucket: _Bucket, method: str, path: str, kind: str, body: bytes
) -> None:
    target = f"/agentmail{path}".encode()
    head = b"%b %b HTTP/1.1\r\nHost: x\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (
        method.encode(), target, kind.encode(), len(body),
    )  # fmt: skip
    answer = _raw_exchange(bucket, head + body)
    assert re.match(rb"HTTP/1.1 4\d\d ", answer), answer
