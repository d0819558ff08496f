"""The object store takes an upload as S3 does: a signed form, its limits, its file as the last part."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.services.sandbox.s3.bucket import FORM_LIMIT, Bucket, code_of, raw_exchange


def test_an_upload_is_taken_with_204_and_can_be_downloaded(bucket: Bucket) -> None:
    form = bucket.form(len(b"a,b\r\n1,2"))
    answer = bucket.post(form, b"a,b\r\n1,2")
    assert (answer.status_code, answer.content) == (204, b"")
    loaded = bucket.http.get(bucket.signer.presigned_get(form["key"], 60))
    assert (loaded.status_code, loaded.content) == (200, b"a,b\r\n1,2")
    assert loaded.headers["content-type"] == "text/csv"
    assert loaded.headers["etag"] == answer.headers["etag"]


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_uploads_with_the_form(bucket: Bucket, tmp_path: Path) -> None:
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
    bucket: Bucket, changes: dict[str, str | None], status: int, code: str
) -> None:
    form = bucket.form()
    changed = {name: value for name, value in {**form, **changes}.items() if value is not None}
    answer = bucket.post(changed)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert bucket.http.get(bucket.signer.presigned_get(form["key"], 60)).status_code == 404


def test_a_form_is_refused_once_it_has_expired(bucket: Bucket) -> None:
    form = bucket.form(ttl=60)
    bucket.clock.now += 60
    assert bucket.post(form).status_code == 204
    bucket.clock.now += 1
    answer = bucket.post(form)
    assert (answer.status_code, code_of(answer)) == (403, "AccessDenied")
    assert "Policy expired" in answer.text


@pytest.mark.parametrize("size", [1_001, 500_000])
def test_one_byte_too_many_is_refused_and_leaves_nothing(bucket: Bucket, size: int) -> None:
    form = bucket.form(1_000)
    answer = bucket.post(form, b"x" * size)
    assert (answer.status_code, code_of(answer)) == (400, "EntityTooLarge")
    assert "<MaxSizeAllowed>1000</MaxSizeAllowed>" in answer.text
    assert bucket.http.get(bucket.signer.presigned_get(form["key"], 60)).status_code == 404
    assert bucket.post(form, b"x" * 1_000).status_code == 204


def test_a_refused_upload_does_not_touch_the_object_before_it(bucket: Bucket) -> None:
    form = bucket.form(5)
    assert bucket.post(form, b"first").status_code == 204
    assert bucket.post(form, b"too long").status_code == 400
    assert bucket.http.get(bucket.signer.presigned_get(form["key"], 60)).content == b"first"


def test_an_announced_length_over_the_cap_is_refused_before_the_body(bucket: Bucket) -> None:
    head = (
        f"POST /agentmail HTTP/1.1\r\nHost: x\r\nContent-Length: {FORM_LIMIT + 1}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nExpect: 100-continue\r\n\r\n"
    )
    answer = raw_exchange(bucket, head.encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>EntityTooLarge</Code>" in answer


def test_a_client_that_sends_too_much_still_reads_why(bucket: Bucket) -> None:
    answer = bucket.post(bucket.form(), b"x" * FORM_LIMIT)
    assert (answer.status_code, code_of(answer)) == (400, "EntityTooLarge")
    assert f"<MaxSizeAllowed>{FORM_LIMIT}<" in answer.text


def test_a_body_without_length_is_still_held_to_the_policy(bucket: Bucket) -> None:
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
    assert (answer.status_code, code_of(answer)) == (400, "EntityTooLarge")


def test_a_token_in_the_header_is_refused_and_not_repeated(bucket: Bucket) -> None:
    key = bucket.stored(b"x")
    for answer in (
        bucket.post(bucket.form(), Authorization="Bearer secret-token"),
        bucket.http.get(
            bucket.signer.presigned_get(key, 60), headers={"Authorization": "Bearer secret-token"}
        ),
    ):
        assert (answer.status_code, code_of(answer)) == (400, "InvalidArgument")
        assert "secret-token" not in answer.text


def _part(name: str, value: bytes, file_name: str = "") -> bytes:
    extra = f'; filename="{file_name}"' if file_name else ""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def _post_parts(bucket: Bucket, parts: list[bytes], end: bytes = b"--b--\r\n") -> httpx.Response:
    return bucket.http.post(
        f"{bucket.signer.base_url}/agentmail",
        content=b"".join(parts) + end,
        headers={"content-type": "multipart/form-data; boundary=b"},
    )


def _fields(form: dict[str, str]) -> list[bytes]:
    return [_part(name, value.encode()) for name, value in form.items() if name != "url"]


def test_the_file_must_come_last(bucket: Bucket) -> None:
    form = bucket.form()
    answer = _post_parts(bucket, [_part("file", b"x", "f"), *_fields(form)])
    assert (answer.status_code, code_of(answer)) == (400, "InvalidArgument")
    assert "check the order of the fields" in answer.text
    assert (
        _post_parts(
            bucket, [*_fields(form), _part("file", b"x", "f"), _part("late", b"y")]
        ).status_code
        == 204
    )


@pytest.mark.parametrize("files", [0, 2])
def test_a_form_holds_exactly_one_file(bucket: Bucket, files: int) -> None:
    form = bucket.form()
    answer = _post_parts(bucket, [*_fields(form), *([_part("file", b"x", "f")] * files)])
    assert (answer.status_code, code_of(answer)) == (400, "InvalidArgument")
    assert "exactly one file" in answer.text
    assert bucket.http.get(bucket.signer.presigned_get(form["key"], 60)).status_code == 404


def test_a_form_that_ends_too_early_leaves_nothing(bucket: Bucket) -> None:
    form = bucket.form()
    answer = _post_parts(bucket, [*_fields(form), _part("file", b"cut", "f")], end=b"")
    assert (answer.status_code, code_of(answer)) == (400, "MalformedPOSTRequest")
    assert bucket.http.get(bucket.signer.presigned_get(form["key"], 60)).status_code == 404


def test_a_connection_that_breaks_in_the_file_leaves_nothing(bucket: Bucket) -> None:
    form = bucket.form()
    body = b"".join([*_fields(form), _part("file", b"cut", "f")])
    head = (
        "POST /agentmail HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    assert raw_exchange(bucket, head.encode() + body) == b""
    assert bucket.http.get(bucket.signer.presigned_get(form["key"], 60)).status_code == 404


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "multipart/mixed; boundary=b", ""]
)
def test_what_is_not_a_form_is_a_failed_precondition(bucket: Bucket, kind: str) -> None:
    answer = bucket.http.post(
        f"{bucket.signer.base_url}/agentmail", content=b"{}", headers={"content-type": kind}
    )
    assert (answer.status_code, code_of(answer)) == (412, "PreconditionFailed")


def test_a_success_status_may_be_asked_for_when_the_policy_allows_it(bucket: Bucket) -> None:
    form = {**bucket.form(), "success_action_status": "201"}
    assert bucket.post(form).status_code == 403
