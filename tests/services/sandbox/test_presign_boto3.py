"""Forms and links that boto3 signs pass the object store's checks."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from services.sandbox.presign import Refused, Signer

boto3 = pytest.importorskip("boto3")
PLACE = "http://127.0.0.1:9000"


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer("a secret", PLACE, time.time)


@pytest.fixture(scope="module")
def s3(signer: Signer) -> Any:
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3", endpoint_url=PLACE, region_name=signer.region,
        aws_access_key_id=signer.access_key, aws_secret_access_key=signer.secret,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )  # fmt: skip


def test_a_form_that_boto3_signed_is_taken_and_a_changed_one_is_not(
    s3: Any, signer: Signer
) -> None:
    form = s3.generate_presigned_post(
        signer.bucket, "uploads/a/1-x.csv", {"Content-Type": "text/csv"},
        [{"Content-Type": "text/csv"}, ["content-length-range", 0, 99]], 60,
    )  # fmt: skip
    terms = signer.check_form(form["fields"])
    assert (terms.key, terms.content_type, terms.max_bytes) == (
        "uploads/a/1-x.csv", "text/csv", 99,
    )  # fmt: skip
    for name, value in (("key", "uploads/b/1-x.csv"), ("Content-Type", "text/html")):
        with pytest.raises(Refused):
            signer.check_form({**form["fields"], name: value})


@pytest.mark.parametrize("key", ["uploads/a/1-x.csv", "uploads/a/Zahlen für März + 100%.csv"])
def test_a_link_that_boto3_signed_is_taken_and_one_for_another_object_is_not(
    s3: Any, signer: Signer, key: str
) -> None:
    asked = {"Bucket": signer.bucket, "Key": key}
    link = urlsplit(s3.generate_presigned_url("get_object", Params=asked, ExpiresIn=60))
    host, query = {"host": link.netloc}, link.query.encode()
    signer.check_link("GET", link.path.encode(), query, host)
    with pytest.raises(Refused):
        signer.check_link("GET", link.path.replace("/a/", "/b/").encode(), query, host)
