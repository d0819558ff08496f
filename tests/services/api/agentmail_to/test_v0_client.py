"""The AgentMail.to client against the sandbox's /v0 door: lists, messages, labels, files, lists of senders."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.api.agentmail_to.lists import Direction, ListKind, SenderLists
from services.errors import (
    NotFound,
    UsageError,
)
from services.ports import MailProvider
from services.reading.mime import raw_bytes
from tests.services.api.agentmail_to.conftest import Asked
from tests.services.api.agentmail_to.v0_inbox import all_ids, fill, server_labels, with_files
from tests.services.sandbox.agentmail_to.v0_control import mail

# ── lists ────────────────────────────────────────────────────────────────────────────────────────


def test_the_client_is_a_mail_provider(client: AgentMailToClient) -> None:
    provider: MailProvider = client
    assert provider.capabilities.trash
    assert provider.capabilities.lower_case_labels
    assert "received" in provider.capabilities.reserved_labels


async def test_the_inbox_comes_oldest_first_in_pages(client, v0, org, asked) -> None:
    ids = fill(v0, org.one, 7)
    first = await client.list_inbox(limit=3)
    assert [item.message_id for item in first.items] == ids[:3]
    second = await client.list_inbox(limit=3, cursor=first.next_cursor)
    third = await client.list_inbox(limit=3, cursor=second.next_cursor)
    assert [item.message_id for item in (*second.items, *third.items)] == ids[3:]
    assert third.next_cursor is None
    assert {one["operation"] for one in asked()} == {"v0_list_messages"}


async def test_an_item_tells_what_the_service_tells(client, v0, org) -> None:
    message_id = v0.receive(
        org.one, mail("Hello", "Words.", From="Ada L <ada@x.example>"), received_at=1_700_000_123.0
    )["message_id"]
    (item,) = (await client.list_inbox()).items
    assert item.message_id == message_id
    assert item.sender == "Ada L <ada@x.example>"
    assert (item.subject, item.body_preview.strip()) == ("Hello", "Words.")
    assert item.received_at == 1_700_000_123
    assert (item.is_read, item.archived, item.labels) == (False, False, ())
    assert item.sender_verified
    assert item.trust_tier == ""
    assert item.extra["thread_id"]


async def test_mail_that_proves_nothing_about_its_sender_is_shown_as_unverified(
    client, v0, org
) -> None:
    message_id = v0.receive(org.one, mail("Who?"), labels=["unauthenticated"])["message_id"]
    (item,) = (await client.list_inbox()).items
    assert not item.sender_verified
    assert item.trust_tier == "unauthenticated"
    assert item.labels == ("unauthenticated",)
    assert not (await client.list_inbox(verified_only=True)).items
    assert (await client.get_message(message_id)).item.trust_tier == "unauthenticated"


@pytest.mark.parametrize("label", ["spam", "blocked", "trash"])
async def test_what_is_put_away_is_not_in_the_mailbox(client, v0, org, label: str) -> None:
    kept = v0.receive(org.one, mail("Kept"))["message_id"]
    away = v0.receive(org.one, mail("Away"), labels=[label])["message_id"]
    assert await all_ids(client, include_archived=True) == [kept]
    with pytest.raises(NotFound, match=r"trash|spam"):
        await client.get_message(away)
    assert label in (await client.message(away))["labels"]


async def test_sent_mail_is_not_in_the_mailbox(client, v0, org) -> None:
    with v0.client(org.key) as http:
        body = {"to": ["a@b.example"], "subject": "Out", "text": "x"}
        sent = http.post(f"inboxes/{org.one}/messages/send", json=body).json()["message_id"]
    assert await all_ids(client, include_archived=True) == []
    assert await all_ids(client, q="Out", include_archived=True) == []
    with pytest.raises(NotFound, match="sent"):
        await client.get_message(sent)
    assert (await client.message(sent))["subject"] == "Out"


async def test_the_filters_of_the_list(client, v0, org) -> None:
    one, two, three = fill(v0, org.one, 3)
    await client.patch_message_read(one, is_read=True)
    await client.patch_message_archive(two, archived=True)
    await client.patch_message_labels(three, add=("Later",))
    assert await all_ids(client) == [one, three]
    assert await all_ids(client, include_archived=True) == [one, two, three]
    assert await all_ids(client, is_read=True) == [one]
    assert await all_ids(client, is_read=False) == [three]
    assert await all_ids(client, label="LATER") == [three]
    assert await all_ids(client, label="none") == []
    assert await client.get_unread_count() == 1


async def test_unread_are_counted_over_all_pages(client, v0, org) -> None:
    ids = fill(v0, org.one, 105)
    assert await client.get_unread_count() == 105
    assert len(await client.mark_messages_read(ids, is_read=True)) == 105
    assert await client.get_unread_count() == 0


async def test_search_is_the_service_s(client, v0, org, asked) -> None:
    fill(v0, org.one, 3)
    found = v0.receive(org.one, mail("Quarterly zebra", "Stripes."))["message_id"]
    page = await client.list_inbox(q=" zebra ", include_archived=True)
    assert [item.message_id for item in page.items] == [found]
    assert asked()[-1]["operation"] == "v0_search_messages"
    assert (await client.list_inbox(q="   ")).items  # a blank search is a list


@pytest.mark.parametrize("limit", [0, 101, -1])
async def test_a_page_has_a_size(client, limit: int) -> None:
    with pytest.raises(UsageError):
        await client.list_inbox(limit=limit)


@pytest.mark.parametrize("kind", ["unknown_fields", "unknown_labels", "absent_text"])
async def test_what_is_unknown_or_absent_is_passed_over(client, v0, org, kind: str) -> None:
    (message_id,) = fill(v0, org.one, 1)
    v0.sandbox.fault(kind, times=None)
    (item,) = (await client.list_inbox()).items
    assert (item.message_id, item.subject) == (message_id, "No. 0")
    assert (await client.get_message(message_id)).item.subject == "No. 0"


async def test_an_empty_page_with_a_token_is_not_the_end(client, v0, org) -> None:
    ids = fill(v0, org.one, 4)
    v0.sandbox.fault("empty_page", operation="v0_list_messages", times=2)
    v0.sandbox.fault("short_page", operation="v0_list_messages", size=1, times=None)
    assert await all_ids(client) == ids


# ── messages and files ───────────────────────────────────────────────────────────────────────────


async def test_a_message_comes_as_it_was_received_byte_for_byte(client, v0, org) -> None:
    raw = b"From: a@b.example\r\nSubject: odd \xff\xfe bytes\r\n\r\n8-bit: \xe9\xe8\x80 \xf0\x9f\x98\x80\r\n"
    message_id = v0.receive(org.one, raw)["message_id"]
    fetched = await client.get_message(message_id)
    received = raw_bytes(fetched.raw_mime)
    assert received.endswith(raw.partition(b"\r\n\r\n")[2])
    assert b"Subject: odd \xff\xfe bytes" in received


async def test_files_are_listed_and_fetched_by_their_place(client, v0, org, tmp_path: Path) -> None:
    message_id = v0.receive(org.one, with_files(("one.bin", b"1" * 70_000), ("two.bin", b"2" * 5)))[
        "message_id"
    ]
    fetched = await client.get_message(message_id)
    assert [(f.index, f.file_name, f.size, f.status) for f in fetched.attachments] == [
        (0, "one.bin", 70_000, "ready"),
        (1, "two.bin", 5, "ready"),
    ]
    assert fetched.item.attachment_count == 2
    entry = await client.attachments.get_inbound_attachment_status(message_id, 1)
    assert entry == fetched.attachments[1]
    for index, content in enumerate((b"1" * 70_000, b"2" * 5)):
        with (tmp_path / str(index)).open("wb") as file:
            told = await client.attachments.download_file(message_id, index, file.fileno())
        assert told is not None
        assert told.size == len(content)
        assert (tmp_path / str(index)).read_bytes() == content
    for index in (-1, 2):
        with pytest.raises(NotFound):
            await client.attachments.get_inbound_attachment_status(message_id, index)
        with pytest.raises(NotFound):
            await client.attachments.download_file(message_id, index, 0)


async def test_the_key_is_not_sent_to_the_host_of_links(client, v0, org, tmp_path: Path) -> None:
    message_id = v0.receive(org.one, with_files(("one.bin", b"1")))["message_id"]
    await client.get_message(message_id)
    with (tmp_path / "one").open("wb") as file:
        await client.attachments.download_file(message_id, 0, file.fileno())
    told = [one for one in v0.sandbox.requests() if one["door"] == "s3"]
    assert len(told) >= 2
    for one in told:
        assert "authorization" not in one["headers"]
        assert one["status"] == 200


async def test_an_expired_link_is_asked_for_again(client, v0, org, asked) -> None:
    (message_id,) = fill(v0, org.one, 1)
    v0.sandbox.fault("short_ttl", operation="v0_get_message_raw", seconds=0.0)
    assert "No. 0" in (await client.get_message(message_id)).raw_mime
    operations = [one["operation"] for one in asked()]
    assert operations.count("v0_get_message_raw") == 2


# ── labels ───────────────────────────────────────────────────────────────────────────────────────


async def test_labels_are_lower_case_and_answered_without_states(client, v0, org) -> None:
    (message_id,) = fill(v0, org.one, 1)
    told = await client.patch_message_labels(message_id, add=("Needs-Review", "b"))
    assert set(told) == {"b", "needs-review"}
    assert await client.patch_message_labels(message_id, remove=("NEEDS-review",)) == ("b",)
    assert server_labels(v0, org, message_id) == {"received", "unread", "b"}


@pytest.mark.parametrize(
    "label",
    ["received", "SENT", "delivered", "opened", "unread", "Read", "archived", "trash", "spam",
     "blocked", "unauthenticated", "scheduled", " ", ""],
)  # fmt: skip
async def test_labels_that_are_not_a_person_s_are_refused_before_they_are_sent(
    client, org, asked: Asked, label: str
) -> None:
    for way in ({"add": (label,)}, {"remove": (label,)}):
        with pytest.raises(UsageError):
            await client.patch_message_labels("<a@x>", **way)
        with pytest.raises(UsageError):
            await client.label_messages(["<a@x>"], **way)
    assert asked() == []


async def test_read_and_archive_are_labels(client, v0, org) -> None:
    (message_id,) = fill(v0, org.one, 1)
    await client.patch_message_read(message_id, is_read=True)
    assert server_labels(v0, org, message_id) == {"received", "read"}
    await client.patch_message_read(message_id, is_read=False)
    await client.patch_message_archive(message_id, archived=True)
    await client.patch_message_archive(message_id, archived=True)
    assert server_labels(v0, org, message_id) == {"received", "unread", "archived"}
    await client.patch_message_archive(message_id, archived=False)
    assert server_labels(v0, org, message_id) == {"received", "unread"}


async def test_deleting_puts_into_the_trash_and_can_be_taken_back(client, v0, org, asked) -> None:
    (message_id,) = fill(v0, org.one, 1)
    await client.delete_message(message_id)
    await client.delete_message(message_id)
    assert await all_ids(client, include_archived=True) == []
    assert "trash" in server_labels(v0, org, message_id)
    await client.undelete_message(message_id)
    assert await all_ids(client) == [message_id]
    assert "DELETE" not in {one["method"] for one in asked()}
    with pytest.raises(NotFound):
        await client.delete_message("<nobody@x>")


async def test_many_are_changed_in_bunches(client, v0, org, asked) -> None:
    ids = fill(v0, org.one, 60)
    told = await client.label_messages([*ids, *ids, "<gone@x>"], add=("Lot",))
    assert told == dict.fromkeys(ids, ("lot",))
    assert [one["operation"] for one in asked()].count("v0_batch_update_messages") == 2
    assert len(await all_ids(client, label="lot")) == 60
    assert await client.label_messages([], add=("lot",)) == {}


# ── lists of senders ─────────────────────────────────────────────────────────────────────────────


async def test_entries_are_listed_added_and_removed(client, v0, org) -> None:
    lists = client.lists
    assert await lists.entries(Direction.RECEIVE, ListKind.BLOCK) == ()
    for number in range(25):
        await lists.add(Direction.RECEIVE, ListKind.BLOCK, f"no{number}@bad.example")
    added = await lists.add(Direction.RECEIVE, ListKind.BLOCK, " Worse.Example ", "spam")
    assert (added.entry, added.is_domain, added.reason) == ("worse.example", True, "spam")
    found = await lists.entries(Direction.RECEIVE, ListKind.BLOCK)
    assert len(found) == 26
    assert added in found
    assert await lists.entries(Direction.SEND, ListKind.ALLOW) == ()
    assert await lists.remove(Direction.RECEIVE, ListKind.BLOCK, "WORSE.example")
    assert not await lists.remove(Direction.RECEIVE, ListKind.BLOCK, "worse.example")
    v0.receive(org.one, mail("Bad", From="no1@bad.example"))
    assert await all_ids(client) == []


async def test_the_organization_has_lists_of_its_own(client) -> None:
    lists = SenderLists(client.exchange)
    await lists.add(Direction.SEND, ListKind.BLOCK, "x@y.example")
    (entry,) = await lists.entries(Direction.SEND, ListKind.BLOCK)
    assert (entry.entry, entry.direction, entry.kind) == (
        "x@y.example", Direction.SEND, ListKind.BLOCK,
    )  # fmt: skip
    assert await client.lists.entries(Direction.SEND, ListKind.BLOCK) == ()
    assert await lists.remove(Direction.SEND, ListKind.BLOCK, "x@y.example")


@pytest.mark.parametrize("entry", ["", " ", "a b@x.example", "a\nb", "ü@x.example", "x" * 321])
async def test_what_cannot_be_an_entry_is_not_sent(client, asked, entry: str) -> None:
    with pytest.raises(UsageError):
        await client.lists.add(Direction.RECEIVE, ListKind.BLOCK, entry)
    assert asked() == []
