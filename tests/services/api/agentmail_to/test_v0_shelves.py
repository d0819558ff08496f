"""What lies beside the mailbox, told by a service that lies, never ends or names odd conversations."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.api.agentmail_to.labels import lies_in
from services.api.agentmail_to.shelves import THREAD_PAGES, shelf_of
from services.errors import MailError, UsageError
from services.shelves import Shelf
from tests.fakes.scripted_service import FakeService, Reply, Seen, answer

INBOX = "one@agents.example.com"


def client_at(service: FakeService) -> AgentMailToClient:
    return AgentMailToClient(f"{service.url}/v0/", "am_x", INBOX)


def message(message_id: str, *labels: str) -> dict[str, object]:
    return {"message_id": message_id, "labels": list(labels), "from": "a@b.example"}


@pytest.mark.parametrize(
    ("labels", "shelf"),
    [
        ((), None),
        (("received",), None),
        (("received", "unauthenticated"), None),
        (("received", "archived"), None),
        (("received", "trash"), Shelf.TRASH),
        (("received", "spam"), Shelf.HELD),
        (("received", "blocked", "spam"), Shelf.HELD),
        (("received", "spam", "trash"), None),
        (("sent",), Shelf.SENT),
        (("sent", "delivered", "opened"), Shelf.SENT),
        (("sent", "received"), Shelf.SENT),
        (("sent", "trash"), None),
        (("sent", "spam"), Shelf.HELD),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
def test_labels_tell_where_a_message_lies(labels: tuple[str, ...], shelf: Shelf | None) -> None:
    assert shelf_of(labels) is shelf
    assert [one for one in Shelf if lies_in(one, labels)] == ([] if shelf is None else [shelf])


@pytest.mark.parametrize("shelf", list(Shelf), ids=lambda shelf: shelf.value)
async def test_what_does_not_lie_there_is_left_out_whatever_was_asked_for(shelf: Shelf) -> None:
    listed = {
        "messages": [
            message("in", "received"), message("gone", "received", "trash"), message("out", "sent"),
            message("win", "received", "spam"), message("none"), {"message_id": 7}, "x", None,
        ]
    }  # fmt: skip
    async with FakeService(answer(200, listed)) as service:
        client = client_at(service)
        page = await client.list_shelf(shelf)
        await client.aclose()
    expected = {Shelf.TRASH: ["gone"], Shelf.SENT: ["out"], Shelf.HELD: ["win"]}
    assert [item.message_id for item in page.items] == expected[shelf]
    assert page.next_cursor is None


@pytest.mark.parametrize(
    "told", [[], {"messages": 7}, {"messages": {}}, {"next_page_token": 7}, b"<html>"], ids=repr
)
async def test_an_odd_answer_is_an_error_and_not_an_empty_shelf(told: object) -> None:
    async with FakeService(answer(200, told)) as service:
        client = client_at(service)
        for asking in (client.list_shelf(Shelf.HELD), client.list_sent_in("t1")):
            with pytest.raises(MailError):
                await asking
        await client.aclose()


async def test_a_conversation_without_end_is_asked_for_in_part_and_told_to_be_longer() -> None:
    def script(seen: Seen) -> Reply:
        number = len(service.seen)
        page = {"messages": [message(f"s{number}", "sent")], "next_page_token": f"p{number}"}
        return answer(200, page)

    async with FakeService(script=script) as service:
        client = client_at(service)
        page = await client.list_sent_in("t1")
        await client.aclose()
    assert len(service.seen) == len(page.items) == THREAD_PAGES
    assert page.next_cursor is not None


@pytest.mark.parametrize(
    "thread",
    ["..", ".", "", "search", "a/b", "?x", "#x", "a\r\nb", "a\x00b", "é" * 9],
    ids=ascii,
)
async def test_an_odd_conversation_reaches_its_own_path_or_is_not_asked_for(thread: str) -> None:
    async with FakeService(answer(200, {"messages": []})) as service:
        client = client_at(service)
        try:
            await client.list_sent_in(thread)
        except UsageError:
            assert not service.seen
        else:
            path = f"/v0/inboxes/{quote(INBOX, safe='')}/threads/{quote(thread, safe='')}"
            assert [one.target.partition("?")[0] for one in service.seen] == [path]
        await client.aclose()


@pytest.mark.parametrize("cursor", ["", "x", "[]", "7", '{"spam": 7}', "{"])
async def test_an_odd_cursor_is_refused(cursor: str) -> None:
    async with FakeService(answer(200, {"messages": []})) as service:
        client = client_at(service)
        with pytest.raises(UsageError):
            await client.list_shelf(Shelf.HELD, cursor=cursor)
        await client.aclose()
    assert not service.seen
