"""The client against answers that no honest server gives: N01, N02, N05, N06, retries."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from services.api.assmbl import AssmblClient
from services.api.assmbl_send import MailSender
from services.errors import (
    BadAnswer,
    Conflict,
    NotFound,
    Offline,
    RateLimited,
    Rejected,
    ServerBroken,
    ServiceError,
    SignedOut,
    UsageError,
)
from services.wire_values import InboxPage
from tests.fakes.scripted_service import DROP, FakeService, FakeSleep, Reply, Script, answer


class Bench:
    """A client, the service it talks to, and the pauses it made."""

    def __init__(self, client: AssmblClient, service: FakeService, sleep: FakeSleep) -> None:
        self.client = client
        self.service = service
        self.sleep = sleep


@asynccontextmanager
async def bench(*replies: Reply, script: Script | None = None) -> AsyncIterator[Bench]:
    async with FakeService(*replies, script=script) as service:
        sleep = FakeSleep()
        client = AssmblClient(service.url, "tok", "agents.example.com", sleep=sleep)
        yield Bench(client, service, sleep)
        await client.aclose()


BROKEN = answer(500, {"error": "internal"})
BUSY = answer(503, b"")
EMPTY = answer(200, {"items": []})


async def test_a_passing_fault_is_asked_again() -> None:
    async with bench(BROKEN, DROP, BUSY, answer(200, {"unread_count": 4})) as b:
        assert await b.client.get_unread_count() == 4
        assert len(b.service.seen) == 4


@pytest.mark.parametrize("reply", [BROKEN, BUSY, DROP, answer(429, {}), answer(408, {})])
async def test_a_lasting_fault_costs_four_requests_and_growing_pauses(reply: Reply) -> None:
    async with bench(reply) as b:
        with pytest.raises(ServiceError):
            await b.client.list_inbox()
        assert len(b.service.seen) == 4
        assert len(b.sleep.waits) == 3
        assert 0 < b.sleep.waits[0] <= 0.6
        assert sum(b.sleep.waits) <= 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 418, 422])
async def test_a_refusal_is_never_asked_again(status: int) -> None:
    async with bench(answer(status, {"error": "nope"})) as b:
        with pytest.raises(ServiceError):
            await b.client.get_message("m")
        assert len(b.service.seen) == 1


async def test_a_short_wait_is_kept_to_the_second() -> None:
    late = answer(429, {}, headers={"Retry-After": "3"})
    async with bench(late, answer(200, {"unread_count": 0})) as b:
        assert await b.client.get_unread_count() == 0
        assert b.sleep.waits == [3.0]


async def test_a_long_wait_is_the_callers_to_show() -> None:
    async with bench(answer(429, {}, headers={"Retry-After": "3600"})) as b:
        with pytest.raises(RateLimited, match="60 minutes") as error:
            await b.client.get_unread_count()
        assert error.value.retry_after == 300
        assert len(b.service.seen) == 1
        assert b.sleep.waits == []


@pytest.mark.parametrize("value", ["-1", "abc", "Thu, 01 Jan 1970 00:00:00 GMT"])
async def test_a_nonsense_wait_is_an_ordinary_pause(value: str) -> None:
    late = answer(429, {}, headers={"Retry-After": value})
    async with bench(late, answer(200, {"unread_count": 0})) as b:
        assert await b.client.get_unread_count() == 0
        assert 0 < b.sleep.waits[0] < 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Welcome</body></html>", b'{"items": [', b"\xff\xfe\x00", b"[" * 300_000,
        b'"text"', b"[]", b"17", b"true", b'{"items": 3}', b'{"items": {"a": 1}}',
        b'{"items": [], "next_cursor": 7}', b"",
    ],
)  # fmt: skip
async def test_an_answer_that_is_no_page_is_a_bad_answer_at_once(body: bytes) -> None:
    async with bench(answer(200, body)) as b:
        with pytest.raises(BadAnswer):
            await b.client.list_inbox()
        assert len(b.service.seen) == 1


async def test_bad_entries_are_skipped_and_counted_and_unknown_keys_kept() -> None:
    entries = [
        {"MessageID": "a", "SenderVerified": "true", "Mystery": 1, "Subject": 5, "labels": None},
        {"Subject": "no id"}, None, "text", {"MessageID": ""}, {"MessageID": 3}, [],
        {"message_id": "b", "sender_verified": True},
    ]  # fmt: skip
    async with bench(answer(200, {"items": entries, "nextCursor": None})) as b:
        page = await b.client.list_inbox()
    assert [item.message_id for item in page.items] == ["a", "b"]
    assert page.skipped == 6
    assert [item.sender_verified for item in page.items] == [False, True]
    assert page.items[0].extra["Mystery"] == 1


@pytest.mark.parametrize("body", [{}, {"items": None}])
async def test_missing_items_are_an_empty_page(body: object) -> None:
    async with bench(answer(200, body)) as b:
        page = await b.client.list_inbox()
    assert page.items == ()
    assert page.next_cursor is None


@pytest.mark.parametrize(
    ("body", "call"),
    [
        ({"unread_count": "3"}, lambda c: c.get_unread_count()),
        ({"unread_count": True}, lambda c: c.get_unread_count()),
        ({"unread_count": -1}, lambda c: c.get_unread_count()),
        ({}, lambda c: c.get_unread_count()),
        ({"raw_mime": None, "MessageID": "m"}, lambda c: c.get_message("m")),
        ({"raw_mime": "x"}, lambda c: c.get_message("m")),
        ([], lambda c: c.get_message("m")),
        ([], lambda c: c.attachments.request_attachment_upload("f", "a/b", 1)),
        ({"object_key": "k"}, lambda c: c.attachments.request_attachment_upload("f", "a/b", 1)),
        ({"url": 1}, lambda c: c.attachments.request_attachment_download("k")),
        ("x", lambda c: c.attachments.get_inbound_attachment_status("m", 0)),
        ({"agent_id": 1}, lambda c: c.directory.lookup_public_agent("a")),
        ([], lambda c: c.admin.get_webhook()),
    ],
)
async def test_wrong_types_are_bad_answers(
    body: object, call: Callable[[AssmblClient], object]
) -> None:
    async with bench(answer(200, body)) as b:
        with pytest.raises(BadAnswer):
            await call(b.client)  # type: ignore[misc]


async def test_mail_that_was_not_utf8_survives_as_lone_surrogates() -> None:
    body = b'{"MessageID": "m", "raw_mime": "Subject: \\udce9t\\u00e9\\n\\nx"}'
    async with bench(answer(200, body)) as b:
        message = await b.client.get_message("m")
    assert message.raw_mime == "Subject: \udce9té\n\nx"


def pages(cursors: list[str | None]) -> list[Reply]:
    return [
        answer(200, {"items": [{"MessageID": str(n)}] if n % 2 else [], "next_cursor": cursor})
        for n, cursor in enumerate(cursors)
    ]


async def test_empty_pages_with_a_cursor_do_not_end_the_walk() -> None:
    async with bench(*pages(["a", "b", "c", None])) as b:
        seen = [
            item.message_id async for page in b.client.iter_inbox_pages() for item in page.items
        ]
    assert seen == ["1", "3"]
    assert [s.target.partition("cursor=")[2][:1] for s in b.service.seen] == ["", "a", "b", "c"]


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "b"]])
async def test_a_cursor_that_comes_back_ends_the_walk(cursors: list[str | None]) -> None:
    walked: list[InboxPage] = []

    async def walk(client: AssmblClient) -> None:
        async for page in client.iter_inbox_pages():
            walked.append(page)  # noqa: PERF401 - what came before the error counts

    async with bench(*pages(cursors)) as b:
        with pytest.raises(BadAnswer, match="twice"):
            await walk(b.client)
        assert len(walked) == len(b.service.seen) == len(cursors)


async def test_an_expired_cursor_is_told_by_its_name() -> None:
    async with bench(answer(400, {"error": "invalid_cursor"})) as b:
        with pytest.raises(Rejected, match="has expired") as error:
            await b.client.list_inbox(cursor="old")
    assert error.value.code == "invalid_cursor"


@pytest.mark.parametrize("q", [None, "", "  ", "\t\n"])
async def test_a_blank_search_is_never_sent(q: str | None) -> None:
    async with bench(EMPTY) as b:
        await b.client.list_inbox(q=q)
    assert b.service.seen[0].target == "/inbox?limit=100"


async def test_filters_travel_under_their_documented_names() -> None:
    async with bench(EMPTY) as b:
        await b.client.list_inbox(
            limit=7, cursor="c+/=", verified_only=True, q=" a&b ", label="x y", is_read=False,
            include_archived=True,
        )  # fmt: skip
    target = b.service.seen[0].target
    for part in ("limit=7", "verified_only=true", "is_read=false", "include_archived=true"):
        assert part in target
    assert "cursor=c%2B%2F%3D" in target
    assert "q=a%26b" in target


@pytest.mark.parametrize("limit", [0, -1, 101])
async def test_a_wrong_page_size_is_never_sent(limit: int) -> None:
    async with bench(EMPTY) as b:
        with pytest.raises(UsageError):
            await b.client.list_inbox(limit=limit)
    assert b.service.seen == []


@pytest.mark.parametrize(
    ("add", "remove"), [([""], []), (["  "], []), (["x" * 65], []), ([], ["\n"]), (["a"], ["a"])]
)
async def test_wrong_labels_are_never_sent(add: list[str], remove: list[str]) -> None:
    async with bench(EMPTY) as b:
        with pytest.raises(UsageError):
            await b.client.patch_message_labels("m", add=add, remove=remove)
    assert b.service.seen == []


@pytest.mark.parametrize("message_id", ["", ".", "..", "a\nb", "a\x00", "\ud800"])
async def test_ids_that_would_walk_are_never_sent(message_id: str) -> None:
    async with bench(EMPTY) as b:
        for call in (b.client.get_message, b.client.delete_message):
            with pytest.raises(UsageError):
                await call(message_id)
    assert b.service.seen == []


@pytest.mark.parametrize("message_id", ["<a/b@c>", "../x", "a?b#c", "a%2Fb", "é\u202e", "a b", "%"])
async def test_an_id_stays_one_segment_of_the_path(message_id: str) -> None:
    async with bench(answer(200, {"MessageID": message_id, "raw_mime": ""})) as b:
        await b.client.get_message(message_id)
    assert re.fullmatch(r"/messages/[A-Za-z0-9._~%-]+", b.service.seen[0].target)


async def test_a_deletion_whose_answer_was_lost_is_done_when_it_is_gone() -> None:
    async with bench(DROP, answer(404, {"error": "message_not_found"})) as b:
        await b.client.delete_message("m")
    assert [seen.method for seen in b.service.seen] == ["DELETE", "DELETE"]


async def test_a_deletion_of_what_was_never_there_is_told() -> None:
    async with bench(answer(429, {}), answer(404, {"error": "message_not_found"})) as b:
        with pytest.raises(NotFound):
            await b.client.delete_message("m")


async def test_archiving_what_is_archived_is_done() -> None:
    async with bench(answer(409, {"error": "already_archived"})) as b:
        await b.client.patch_message_archive("m", archived=True)
        with pytest.raises(Conflict):
            await b.client.patch_message_archive("m", archived=False)


async def test_two_hundred_and_four_is_a_success() -> None:
    silent = Reply(b"HTTP/1.1 204 No Content\r\n\r\n")
    async with bench(silent) as b:
        await b.client.delete_message("m")
        await b.client.patch_message_read("m", is_read=True)
        await b.client.patch_message_archive("m", archived=True)


@pytest.mark.parametrize(
    "reply",
    [answer(409, {"error": "attachment_not_ready"}), answer(202, {}), answer(200, {"url": None})],
)
async def test_an_attachment_that_is_not_ready_is_no_error(reply: Reply) -> None:
    async with bench(reply) as b:
        assert await b.client.attachments.request_inbound_attachment_download("m", 0) is None


async def test_an_upload_form_is_read_flat_and_nested() -> None:
    flat = {"object_key": "k", "upload": {"url": "https://s3/x", "policy": "p"}}
    nested = {"object_key": "k", "upload": {"url": "https://s3/x", "fields": {"policy": "p"}}}
    async with bench(answer(200, flat), answer(200, nested)) as b:
        first = await b.client.attachments.request_attachment_upload("f", "text/plain", 1)
        second = await b.client.attachments.request_attachment_upload("f", "text/plain", 1)
    assert first == second
    assert dict(first.fields) == {"policy": "p"}
    assert "s3" not in repr(first)


async def test_a_public_lookup_goes_without_the_token() -> None:
    async with bench(answer(200, {"agent_id": "a", "public_key": None})) as b:
        await b.client.directory.lookup_public_agent("a")
        await b.client.directory.lookup_public_pricing("a")
    assert all("authorization" not in seen.headers for seen in b.service.seen)


async def test_the_cached_lookup_asks_once_until_refreshed() -> None:
    async with bench(answer(200, {"openpgp_public_key": "x"})) as b:
        for _ in range(3):
            entry = await b.client.directory.lookup_public_agent_cached("a")
        assert len(b.service.seen) == 1
        await b.client.directory.lookup_public_agent_cached("a", refresh=True)
    assert len(b.service.seen) == 2
    assert entry.openpgp_public_key == "x"
    assert entry.revoked is False


async def test_a_send_is_not_repeated_after_a_lost_answer() -> None:
    async with bench(DROP) as b:
        with pytest.raises(Offline) as error:
            await MailSender(b.client.exchange).send_mail("a@b.example", "s", "b")
        assert error.value.uncertain
        assert len(b.service.seen) == 1


async def test_a_send_that_certainly_did_not_happen_is_tried_again() -> None:
    sent = answer(202, {"correlation_id": "c", "idempotency_key": "k", "reservation_key": None})
    async with bench(answer(429, {}), sent) as b:
        receipt = await MailSender(b.client.exchange).send_mail("a@b.example", "s", "b")
    assert receipt.correlation_id == "c"
    assert receipt.reservation_key == ""


async def test_a_send_that_may_be_repeated_sends_the_same_bytes_and_key() -> None:
    async with bench(DROP, BROKEN, answer(200, {"correlation_id": "c"})) as b:
        await MailSender(b.client.exchange).send_mail(
            "a@b.example", "s", "b", idempotency_key="draft-1", repeat_uncertain=True
        )
        bodies = {seen.body for seen in b.service.seen}
    assert len(b.service.seen) == 3
    assert len(bodies) == 1
    assert json.loads(bodies.pop()) == {
        "to": "a@b.example", "subject": "s", "body": "b", "idempotency_key": "draft-1",
    }  # fmt: skip


async def test_a_send_without_a_key_is_never_repeated() -> None:
    async with bench(EMPTY) as b:
        with pytest.raises(UsageError):
            await MailSender(b.client.exchange).send_mail(
                "a@b.example", "s", "b", repeat_uncertain=True
            )
    assert b.service.seen == []


@pytest.mark.parametrize(
    ("to", "subject", "headers"),
    [
        ("a@b.example\nBcc: c@d.example", "s", None), ("", "s", None), ("a, b@c.example", "s", None),
        ("a@b.example", "s\r\nX: 1", None), ("a@b.example", "s", {"X\n": "1"}),
        ("a@b.example", "s", {"X": "1\r\nY: 2"}),
    ],
)  # fmt: skip
async def test_a_mail_that_smuggles_headers_is_never_sent(
    to: str, subject: str, headers: dict[str, str] | None
) -> None:
    async with bench(EMPTY) as b:
        with pytest.raises(UsageError) as error:
            await MailSender(b.client.exchange).send_mail(to, subject, "b", headers=headers)
    assert b.service.seen == []
    assert "Bcc" not in str(error.value)


async def test_a_server_fault_after_a_key_registration_is_uncertain_and_not_repeated() -> None:
    async with bench(BROKEN) as b:
        with pytest.raises(ServerBroken) as error:
            await b.client.directory.register_directory_key(public_key="x")
        assert error.value.uncertain
        assert len(b.service.seen) == 1


async def test_a_refused_token_is_signed_out() -> None:
    async with bench(answer(401, {"error": "unauthorized"})) as b:
        with pytest.raises(SignedOut, match="token"):
            await b.client.get_unread_count()
