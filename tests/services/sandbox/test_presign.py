"""The object store's signatures are Amazon's: held against the vectors that Amazon published."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from services.sandbox.presign import MAX_TTL, Refused, Signer, disposition, signature

_AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
_AWS_KEY = "AKIAIOSFODNN7EXAMPLE"
_AWS_HOST = "examplebucket.s3.amazonaws.com"
_AWS_LINK = (
    b"X-Amz-Algorithm=AWS4-HMAC-SHA256"
    b"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    b"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    b"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
)
_AWS_POLICY = (
    "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7"
    "ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91"
    "c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3Qi"
    "OiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwi"
    "fSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRh"
    "LXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVT"
    "MjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNy"
    "ZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9"
    "LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAi"
    "MjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9"
)
_AWS_POLICY_SIGNATURE = "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"


def _aws_signer(at: datetime, bucket: str = "examplebucket") -> Signer:
    return Signer(
        _AWS_SECRET, f"https://{_AWS_HOST}", at.timestamp, bucket=bucket, access_key=_AWS_KEY
    )


def _signer(now: float = 1_800_000_000.0) -> Signer:
    return Signer("secret", "http://127.0.0.1:4321", lambda: now)


def test_the_published_link_of_amazon_is_accepted() -> None:
    signer = _aws_signer(datetime(2013, 5, 24, 12, tzinfo=UTC))
    signer.check_link("GET", b"/test.txt", _AWS_LINK, {"host": _AWS_HOST})


def test_the_published_link_of_amazon_ends_after_a_day() -> None:
    signer = _aws_signer(datetime(2013, 5, 25, 0, 0, 1, tzinfo=UTC))
    with pytest.raises(Refused, match="Request has expired"):
        signer.check_link("GET", b"/test.txt", _AWS_LINK, {"host": _AWS_HOST})


def test_the_published_policy_of_amazon_has_the_published_signature() -> None:
    assert signature(_AWS_SECRET, "20151229", "us-east-1", _AWS_POLICY) == _AWS_POLICY_SIGNATURE


def test_the_published_form_of_amazon_is_accepted_with_its_conditions() -> None:
    signer = _aws_signer(datetime(2015, 12, 29, 1, tzinfo=UTC), "sigv4examplebucket")
    fields = {
        "key": "user/user1/pic.jpg",
        "acl": "public-read",
        "success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html",
        "Content-Type": "image/jpeg",
        "x-amz-meta-uuid": "14365123651274",
        "x-amz-server-side-encryption": "AES256",
        "X-Amz-Credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request",
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Date": "20151229T000000Z",
        "x-amz-meta-tag": "",
        "Policy": _AWS_POLICY,
        "X-Amz-Signature": _AWS_POLICY_SIGNATURE,
    }
    assert signer.check_form(fields).key == "user/user1/pic.jpg"
    with pytest.raises(Refused, match="starts-with"):
        signer.check_form({**fields, "Content-Type": "text/html"})


def test_a_form_is_one_flat_dict_with_the_url_beside_the_fields() -> None:
    form = _signer().presigned_post("uploads/a/x.bin", "text/csv", 100, 300)
    assert form["url"] == "http://127.0.0.1:4321/agentmail"
    assert set(form) == {
        "url",
        "key",
        "Content-Type",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "policy",
        "x-amz-signature",
    }


def test_a_form_tells_its_own_terms() -> None:
    signer = _signer()
    form = signer.presigned_post("uploads/a/x.bin", "text/csv", 100, 300)
    terms = signer.check_form({name: form[name] for name in form if name != "url"})
    assert (terms.key, terms.content_type) == ("uploads/a/x.bin", "text/csv")
    assert (terms.min_bytes, terms.max_bytes) == (0, 100)


@pytest.mark.parametrize(
    "key", ["plain.txt", "a b+c/ü/100%.pdf", "x?y=1&z#q", "..", "漢字/\u202e.exe"]
)
def test_a_link_made_for_any_key_is_accepted(key: str) -> None:
    signer = _signer()
    parts = urlsplit(signer.presigned_get(key, 60, "Ünïcode «name».pdf"))
    signer.check_link("GET", parts.path.encode(), parts.query.encode(), {"host": "127.0.0.1:4321"})


def test_a_link_is_bound_to_host_method_key_and_query() -> None:
    signer = _signer()
    parts = urlsplit(signer.presigned_get("k", 60, "name.pdf"))
    path, query = parts.path.encode(), parts.query.encode()
    good = {"host": "127.0.0.1:4321"}
    for method, changed_path, changed_query, headers in (
        ("PUT", path, query, good),
        ("GET", path + b"x", query, good),
        ("GET", path, query.replace(b"name.pdf", b"name.exe"), good),
        ("GET", path, query.replace(b"X-Amz-Expires=60", b"X-Amz-Expires=600"), good),
        ("GET", path, query + b"&more=1", good),
        ("GET", path, query, {"host": "evil.example"}),
    ):
        with pytest.raises(Refused) as refused:
            signer.check_link(method, changed_path, changed_query, headers)
        assert refused.value.code == "SignatureDoesNotMatch"


def test_a_link_lives_a_week_at_most() -> None:
    query = parse_qs(urlsplit(_signer().presigned_get("k", 10 * MAX_TTL)).query)
    assert query["X-Amz-Expires"] == [str(MAX_TTL)]


@pytest.mark.parametrize(
    "query",
    [
        b"X-Amz-Signature=1",
        b"X-Amz-Signature=%ff&X-Amz-Algorithm=x",
        b"&".join([b"a=1"] * 200),
        _AWS_LINK.replace(b"20130524T000000Z", b"yesterday"),
        _AWS_LINK.replace(b"=86400", b"=-1"),
        _AWS_LINK.replace(b"=86400", b"=" + b"9" * 40),
        _AWS_LINK.replace(b"SignedHeaders=host", b"SignedHeaders=date"),
        _AWS_LINK.replace(b"us-east-1", b"eu-west-1"),
        _AWS_LINK.replace(b"SHA256", b"SHA1"),
    ],
)
def test_a_query_that_makes_no_sense_is_a_bad_request(query: bytes) -> None:
    signer = _aws_signer(datetime(2013, 5, 24, 12, tzinfo=UTC))
    with pytest.raises(Refused) as refused:
        signer.check_link("GET", b"/test.txt", query, {"host": _AWS_HOST})
    assert refused.value.status == 400


def test_the_secret_is_not_in_the_repr() -> None:
    assert "secret'" not in repr(_signer())


@pytest.mark.parametrize("name", ['a"b.pdf', "a\r\nb.pdf", "Ü.pdf", "a\\b%22.pdf", "\udcff.bin"])
def test_a_file_name_cannot_leave_its_header(name: str) -> None:
    value = disposition(name)
    assert value.isascii()
    assert value.isprintable()
    assert value.partition("; filename*=")[0].count('"') == 2
