"""The error table of the service as sentences with a next step (api/agentmail_to.md §8, reference 004)."""

from __future__ import annotations

import json

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.api.agentmail_to.failures import of_answer
from services.api.failures import Answer
from services.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    ServerBroken,
    SignedOut,
)
from tests.fakes.scripted_service import FakeService, answer
from tests.services.api.agentmail_to.conftest import no_pause

HTML = b"<html><body><h1>404 Not Found</h1></body></html>"


def told(status: int, body: object = b"", **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, content
    )


def code(name: str, **more: object) -> dict[str, object]:
    return {"name": "SomeError", "code": name, "message": "words of the service am_secret", **more}


@pytest.mark.parametrize(
    ("status", "body", "kind", "sentence", "step"),
    [
        (400, code("validation_error"), Rejected, "did not accept", ""),
        (400, {"name": "ValidationError", "errors": [{"path": ["to"]}]}, Rejected, "did not accept", ""),
        (400, code("query_range_too_wide"), Rejected, "too long a time", "shorter"),
        (401, code("missing_authorization"), SignedOut, "API key", "new API key"),
        (401, code("unknown_api_key"), SignedOut, "API key", "AGENTMAIL_API_KEY"),
        (401, code("api_key_expired"), SignedOut, "expired", "new API key"),
        (401, b"", SignedOut, "API key", "new API key"),
        (401, HTML, SignedOut, "API key", "new API key"),
        (403, {"message": "Forbidden"}, SignedOut, "API key", "new API key"),
        (403, code("missing_permission", fix="Use an API key with draft_send."), Forbidden,
         "lacks the permission draft_send", "made the key"),
        (403, code("missing_permission", message="needs label_spam_read"), Forbidden,
         "label_spam_read", "made the key"),
        (403, code("missing_permission", fix=7), Forbidden, "lacks a permission", "made the key"),
        (403, code("forbidden"), Forbidden, "does not reach", "key of the inbox"),
        (403, code("message_rejected"), Rejected, "does not carry", "without oversight"),
        (403, code("inbox_paused"), Rejected, "paused", "resume"),
        (409, code("inbox_paused"), Rejected, "paused", "resume"),
        (403, code("limit_exceeded"), Rejected, "limit", ""),
        (403, HTML, Forbidden, "does not allow", ""),
        (404, code("not_found"), NotFound, "nothing of this name", "reach"),
        (404, {"message": "Not Found"}, BadAnswer, "no AgentMail.to", "https://api.agentmail.to/v0/"),
        (404, HTML, BadAnswer, "no AgentMail.to", "api.agentmail.ai is not"),
        (404, b"", BadAnswer, "no AgentMail.to", "base URL"),
        (409, code("conflict"), Conflict, "same key", "before sending again"),
        (409, code("race_condition"), ServerBroken, "same moment", ""),
        (413, HTML, Rejected, "6 MB", ""),
        (413, b"", Rejected, "6 MB", ""),
        (422, code("unprocessable"), Rejected, "cannot carry", "recipient"),
        (422, {"detail": "text Field required"}, Rejected, "called text", "fault of the program"),
        (422, {"detail": [{"loc": ["body", "text"]}]}, Rejected, "called text", "fault of the program"),
        (429, code("rate_limit_exceeded"), RateLimited, "fewer requests", ""),
        (429, HTML, RateLimited, "fewer requests", ""),
        (500, code("internal_error"), ServerBroken, "500", "later"),
        (503, HTML, ServerBroken, "503", "later"),
        (418, code("of_tomorrow"), Rejected, "418", ""),
        (302, b"", BadAnswer, "redirect", "base URL"),
    ],
)  # fmt: skip
def test_each_answer_is_a_sentence_with_a_next_step(
    status: int, body: object, kind: type, sentence: str, step: str
) -> None:
    error = of_answer(told(status, body))
    assert type(error) is kind
    assert sentence in error.sentence
    assert step in error.next_step
    assert error.status == status
    assert "am_secret" not in str(error)
    assert "words of the service" not in str(error)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b"{", b"\xff\xfe", b"[" * 9_000, b"{}"]
)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 429, 500, 503])
def test_no_body_is_too_odd(status: int, body: bytes) -> None:
    error = of_answer(told(status, body))
    assert error is not None
    assert error.sentence.endswith(".")


@pytest.mark.parametrize("name", ["", "a" * 50, "with blank", "UPPER", 7, None, ["x"], {"a": 1}])
def test_a_code_that_is_none_is_not_taken_for_one(name: object) -> None:
    error = of_answer(told(404, {"code": name}))
    assert isinstance(error, BadAnswer)
    assert error.code == ""


@pytest.mark.parametrize("value", ["3", "Retry later", "-1"])
def test_a_time_to_wait_is_told(value: str) -> None:
    error = of_answer(told(429, code("rate_limit_exceeded"), retry_after=value))
    assert error is not None
    assert error.retry_after == (3.0 if value == "3" else None)
    assert ("wait 3 s" in error.sentence) is (value == "3")


def test_what_went_well_is_no_error() -> None:
    for status in (200, 201, 202, 204):
        assert of_answer(told(status, b"")) is None


async def test_a_wrong_host_that_answers_404_deletes_nothing() -> None:
    async with FakeService(answer(404, HTML, headers={"Content-Type": "text/html"})) as service:
        client = AgentMailToClient(f"{service.url}/v0", "am_x", "a@b.example", sleep=no_pause)
        with pytest.raises(BadAnswer, match="no AgentMail"):
            await client.get_message("<a@x>")
        with pytest.raises(BadAnswer):
            await client.delete_message("<a@x>")
        await client.aclose()


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, HTML), answer(200, b"{"), answer(200, []), answer(200, {"messages": {}}),
        answer(200, {"messages": [], "next_page_token": 7}),
        answer(200, {"messages": [], "next_page_token": "a\nb"}),
        answer(200, {"messages": [], "next_page_token": "x" * 9_000}),
    ],
    ids=["html", "cut", "array", "object", "number token", "odd token", "long token"],
)  # fmt: skip
async def test_a_page_of_another_shape_is_a_bad_answer(reply) -> None:
    async with FakeService(reply) as service:
        client = AgentMailToClient(f"{service.url}/v0", "am_x", "a@b.example", sleep=no_pause)
        with pytest.raises(BadAnswer):
            await client.list_inbox()
        with pytest.raises(BadAnswer):
            await client.get_unread_count()
        await client.aclose()


async def test_odd_entries_cost_only_themselves() -> None:
    good = {
        "message_id": "<a@x>",
        "labels": ["received", "unread"],
        "timestamp": "2026-01-02T03:04:05Z",
    }
    odd = [
        7, None, [], "x", {}, {"labels": ["received"]}, {**good, "message_id": 7},
        {**good, "message_id": "<b@x>", "labels": "received"},
        {**good, "message_id": "<c@x>", "from": 7, "to": {"a": 1}, "subject": None,
         "attachments": {"a": 1}, "timestamp": 7.5, "created_at": [], "agent_armor": "x"},
        {**good, "message_id": "<d@x>", "to": "one@b.example", "attachments": [7, {"size": -1}, {}]},
    ]  # fmt: skip
    async with FakeService(answer(200, {"count": 1, "messages": [good, *odd]})) as service:
        client = AgentMailToClient(f"{service.url}/v0", "am_x", "a@b.example", sleep=no_pause)
        page = await client.list_inbox()
        await client.aclose()
    assert [item.message_id for item in page.items] == ["<a@x>", "<b@x>", "<c@x>", "<d@x>"]
    assert page.skipped == 2
    assert page.items[0].received_at == 1_767_323_045
    assert page.items[3].recipient == "one@b.example"
    assert page.items[3].attachment_count == 2


async def test_a_list_that_never_ends_is_given_up() -> None:
    def script(seen):
        return answer(200, {"count": 0, "messages": [], "next_page_token": "same"})

    async with FakeService(script=script) as service:
        client = AgentMailToClient(f"{service.url}/v0", "am_x", "a@b.example", sleep=no_pause)
        with pytest.raises(BadAnswer, match="again and again"):
            await client.get_unread_count()
        assert len(service.seen) == 2
        await client.aclose()


async def test_what_is_sent_has_the_key_and_the_query_of_the_official_clients() -> None:
    async with FakeService(answer(200, {"count": 0, "messages": []})) as service:
        client = AgentMailToClient(f"{service.url}/v0/", "am_x", "a b+c@b.example", sleep=no_pause)
        await client.list_inbox(label="x y", is_read=False)
        await client.aclose()
    (seen,) = service.seen
    assert seen.headers["authorization"] == "Bearer am_x"
    assert seen.target.startswith("/v0/inboxes/a%20b%2Bc%40b.example/messages?")
    assert "labels=%5B%22received%22%2C%22x+y%22%2C%22unread%22%5D" in seen.target
    assert "ascending=true" in seen.target
