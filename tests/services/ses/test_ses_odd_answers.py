"""Answers that are none of Amazon SES, and places that are not its own: told, and never mailed to."""

from __future__ import annotations

import json

import pytest

from services.api.ses import SesTransport
from services.errors import MailError, ServiceError
from services.service_config import SesPlace
from tests.fakes.scripted_service import FakeService, answer

pytest.importorskip("boto3")
ODD = {
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "no UTF-8": b"\xff\xfe",
    "nested without end": b"[" * 200_000,
    "an id that is a list": b'{"MessageId": []}',
    "an id that is an object": b'{"MessageId": {"a": 1}}',
    "a number without end": b'{"MessageId": ' + b"9" * 6_000 + b"}",
    "a page": b"<html>",
}
SEND = pytest.mark.parametrize("body", ODD.values(), ids=[*ODD])
STATUS = pytest.mark.parametrize("status", [200, 400, 500])


def to(service: FakeService) -> SesTransport:
    return SesTransport(SesPlace("bot@agents.example.com", "eu-west-1", service.url))


@SEND
@STATUS
async def test_a_mail_after_an_odd_answer_may_have_left_and_nothing_breaks(
    status: int, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    async with FakeService(answer(status, body)) as service:
        with pytest.raises(ServiceError) as raised:
            await to(service).send_raw(b"mail", to="ann@outside.example")
    if status == 200:
        assert raised.value.uncertain


@SEND
async def test_an_odd_standing_is_told(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    async with FakeService(answer(200, body)) as service:
        with pytest.raises(MailError):
            await to(service).standing()


@pytest.mark.parametrize("quota", [None, 1e999, True, -5], ids=repr)
async def test_odd_numbers_of_a_quota_count_as_none(
    quota: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    told = {"SendQuota": {"Max24HourSend": quota, "MaxSendRate": quota, "SentLast24Hours": quota}}
    async with FakeService(answer(200, json.dumps(told).encode())) as service:
        assert (await to(service).standing()).sentence


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SESV2"])
async def test_mail_goes_to_no_endpoint_that_only_the_environment_names(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.api.ses import _client

    monkeypatch.setenv(name, "https://mail.elsewhere.example")
    client = _client(SesPlace("bot@agents.example.com", "eu-west-1"))
    assert client.meta.endpoint_url == "https://email.eu-west-1.amazonaws.com"
