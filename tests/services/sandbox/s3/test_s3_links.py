"""The object store hands out by signed links, in ranges, and answers no odd request with a failure."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.sandbox.s3.bucket import Bucket, code_of, raw_exchange

# ── links ────────────────────────────────────────────────────────────────────────────────────────


def test_a_link_names_the_file_it_saves_as(bucket: Bucket) -> None:
    key = bucket.stored(b"x")
    answer = bucket.http.get(bucket.signer.presigned_get(key, 60, 'Über "uns".pdf'))
    shown = answer.headers["content-disposition"]
    assert (
        shown
        == "attachment; filename=\"_ber _uns_.pdf\"; filename*=UTF-8''%C3%9Cber%20%22uns%22.pdf"
    )


def test_a_link_is_refused_once_it_has_expired(bucket: Bucket) -> None:
    url = bucket.signer.presigned_get(bucket.stored(b"x"), 60)
    bucket.clock.now += 60
    assert bucket.http.get(url).status_code == 200
    bucket.clock.now += 1
    answer = bucket.http.get(url)
    assert (answer.status_code, code_of(answer)) == (403, "AccessDenied")
    assert "<Message>Request has expired</Message>" in answer.text


def test_a_changed_link_is_refused(bucket: Bucket) -> None:
    url = bucket.signer.presigned_get(bucket.stored(b"x"), 60)
    for changed, code in (
        (url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"), "SignatureDoesNotMatch"),
        (url.replace("x.bin", "y.bin"), "SignatureDoesNotMatch"),
        (url[:-1] + ("0" if url[-1] != "0" else "1"), "SignatureDoesNotMatch"),
        (url.partition("?")[0], "AccessDenied"),
    ):
        answer = bucket.http.get(changed)
        assert (answer.status_code, code_of(answer)) == (403, code)


def test_a_missing_object_is_404_only_with_a_good_signature(bucket: Bucket) -> None:
    answer = bucket.http.get(bucket.signer.presigned_get("uploads/a/nothing", 60))
    assert (answer.status_code, code_of(answer)) == (404, "NoSuchKey")


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
    bucket: Bucket, wanted: str, status: int, body: bytes, range_: str | None
) -> None:
    url = bucket.signer.presigned_get(bucket.stored(b"0123456789"), 60)
    answer = bucket.http.get(url, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (status, body)
    assert answer.headers.get("content-range") == range_


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_behind_the_end_is_416(bucket: Bucket, wanted: str) -> None:
    url = bucket.signer.presigned_get(bucket.stored(b"0123456789"), 60)
    answer = bucket.http.get(url, headers={"Range": wanted})
    assert (answer.status_code, code_of(answer)) == (416, "InvalidRange")


def test_a_range_of_an_older_version_gets_the_whole_object(bucket: Bucket) -> None:
    url = bucket.signer.presigned_get(bucket.stored(b"0123456789"), 60)
    etag = bucket.http.get(url).headers["etag"]
    same = bucket.http.get(url, headers={"Range": "bytes=5-", "If-Range": etag})
    other = bucket.http.get(url, headers={"Range": "bytes=5-", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


def test_head_needs_a_link_of_its_own(bucket: Bucket) -> None:
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
def test_other_methods_are_not_allowed(bucket: Bucket, method: str) -> None:
    answer = bucket.http.request(method, bucket.signer.presigned_get("k", 60))
    assert (answer.status_code, code_of(answer)) == (405, "MethodNotAllowed")


def test_another_bucket_is_unknown(bucket: Bucket) -> None:
    form = {**bucket.form(), "url": f"{bucket.signer.base_url}/other"}
    answer = bucket.post(form)
    assert (answer.status_code, code_of(answer)) == (404, "NoSuchBucket")


# ── nothing a client sends is a 500 ──────────────────────────────────────────────────────────────


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
    bucket: Bucket, method: str, path: str, kind: str, body: bytes
) -> None:
    target = f"/agentmail{path}".encode()
    head = b"%b %b HTTP/1.1\r\nHost: x\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (
        method.encode(), target, kind.encode(), len(body),
    )  # fmt: skip
    answer = raw_exchange(bucket, head + body)
    assert re.match(rb"HTTP/1.1 4\d\d ", answer), answer
