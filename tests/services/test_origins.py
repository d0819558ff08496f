"""Base URLs and storage links: what is not plainly right is refused before anything connects (A03)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from services.errors import PolicyRefused, UsageError
from services.origins import Origin, base_url, origin_of, storage_url

API = origin_of("https://api.example.com")
LOCAL = origin_of("http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("  https://API.Example.com/  ", "https://api.example.com"),
        ("https://api.example.com:443/prod/", "https://api.example.com/prod"),
        ("https://api.example.com:8443", "https://api.example.com:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:8000/", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://10.0.0.5", "https://10.0.0.5"),
    ],
)
def test_good_base_urls_are_normalised(typed: str, kept: str) -> None:
    assert base_url(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "", "api.example.com", "ftp://api.example.com", "http://api.example.com",
        "http://127.0.0.1.evil.example", "http://localhost.evil.example",
        "https://user:pw@api.example.com", "https://api.example.com?x=1",
        "https://api.example.com/#x", "https://", "https:///x", "https://api.example.com:99999",
        "https://api.example.com\\@evil.example", "https://api.example.com/\x1b]0;t\x07",
        "https://[::1", "http://2130706433/", "http://0x7f000001", "https://exa mple.com",
        "javascript:alert(1)", "//api.example.com", "https://api\u3002example.com",
    ],
)  # fmt: skip
def test_odd_base_urls_are_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(UsageError) as refusal:
        base_url(typed)
    assert refusal.value.sentence.endswith((".", "request."))


@pytest.mark.parametrize(
    "link",
    [
        "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=1",
        "https://bucket.s3.eu-west-1.amazonaws.com/key",
        "https://bucket.s3.dualstack.us-east-1.amazonaws.com/key",
        "https://s3.us-east-1.amazonaws.com/bucket/key",
        "https://s3-us-west-2.amazonaws.com/bucket/key",
        "https://bucket.s3-accelerate.amazonaws.com/key",
        "https://BUCKET.s3.AMAZONAWS.com:443/key",
        "https://api.example.com/files/key",
    ],
)
def test_storage_links_of_the_service_are_taken(link: str) -> None:
    assert storage_url(link, api=API) == link


def test_a_configured_storage_host_is_taken_with_what_is_under_it() -> None:
    hosts = ("files.example.net",)
    assert storage_url("https://eu.files.example.net/k", api=API, hosts=hosts)
    with pytest.raises(PolicyRefused):
        storage_url("https://evilfiles.example.net/k", api=API, hosts=hosts)


def test_local_storage_is_for_a_local_service_only() -> None:
    assert storage_url("http://127.0.0.1:9000/k", api=LOCAL)
    with pytest.raises(PolicyRefused, match="this machine"):
        storage_url("http://127.0.0.1:9000/k", api=API)
    with pytest.raises(PolicyRefused, match="this machine"):
        storage_url("https://localhost/k", api=API)


@pytest.mark.parametrize(
    "link",
    [
        "https://bucket.s3.amazonaws.com:22/", "https://ec2-1-2-3-4.compute.amazonaws.com/",
        "https://169.254.169.254/latest", "https://s3.amazonaws.com@evil.example/",
        "https://s3.amazonaws.com%2eevil.example/", "https://fakes3.amazonaws.com.evil.example/",
        "https://s3.amazonaws.com.", "https://nots3.amazonaws.com/", "http://[::ffff:127.0.0.1]/",
    ],
)  # fmt: skip
def test_links_that_only_look_right_are_refused(link: str) -> None:
    if link == "https://s3.amazonaws.com.":
        assert storage_url(link, api=API)  # a final dot is the same name
        return
    with pytest.raises(PolicyRefused):
        storage_url(link, api=API)


def corpus_urls() -> list[str]:
    beside = Path(__file__).resolve().parents[2].parent / "shared/corpora"
    corpora = Path(os.environ.get("MAIL_CORPORA", beside))
    file = corpora / "generated/strings.json"
    if not file.exists():
        return []
    found: list[str] = json.loads(file.read_text())["urls"]
    return found


@pytest.mark.parametrize("api", [API, LOCAL], ids=["public", "local"])
def test_every_hostile_url_of_the_corpus_is_refused(api: Origin) -> None:
    urls = corpus_urls()
    if not urls:
        pytest.skip("no corpora beside the project and MAIL_CORPORA is not set")
    local = {"http://127.0.0.1:22/", "http://[::1]/", "https://localhost/"}
    for url in urls:
        if api.is_loopback and url in local:
            continue
        with pytest.raises(PolicyRefused):
            storage_url(url, api=api)
