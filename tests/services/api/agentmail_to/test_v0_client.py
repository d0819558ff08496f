"""The AgentMail.to client against the sandbox's /v0 door: lists, messages, labels, files, lists of senders."""

from __future__ import annotations

import io
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.api.agentmail_to.door import V0Door
from services.api.agentmail_to.lists import Direction, ListKind, SenderLists
from services.errors import (
    BadAnswer,
    ConfigError,
    Forbidden,
    NotFound,
    PolicyRefused,
    Rejected,
    SignedOut,
    UsageError,
)
from services.ports import MailProvider
from services.reading.mime import raw_bytes
from tests.services.api.agentmail_to.conftest import Asked, no_pause
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail, seg


def fill(v0: V0Control, inbox_id: str, count: int) -> list[str]:
    """Put numbered mail into an inbox, a second apart; their ids, oldest first."""
    return [
        v0.receive(inbox_id, mail(f"No. {number}"), received_at=1_700_000_000.0 + number)[
            "message_id"
        ]
        for number in range(count)
    ]


async def all_ids(client: AgentMailToClient, **filters: Any) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = await client.list_inbox(cursor=cursor, **filters)
        found += [item.message_id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


def server_labels(v0: V0Control, org: Org, message_id: str) -> set[str]:
    with v0.client(org.key) as http:
        return set(http.get(f"inboxes/{org.one}/messages/{seg(message_id)}").json()["labels"])


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
    assert await client.mark_messages_read(ids, is_read=True) == 105
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


def with_files(*files: tuple[str, bytes]) -> bytes:
    made = EmailMessage()
    made["From"], made["Subject"] = "a@b.example", "Files"
    made.set_content("See files.")
    for name, data in files:
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


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
    assert await client.label_messages([*ids, *ids, "<gone@x>"], add=("Lot",)) == 60
    assert [one["operation"] for one in asked()].count("v0_batch_update_messages") == 2
    assert len(await all_ids(client, label="lot")) == 60
    assert await client.label_messages([], add=("lot",)) == 0


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


# ── keys and places ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://api.agentmail.ai/v0/", "api.agentmail.to/v0/"),
        ("https://api.agentmail.to/", "api.agentmail.to/v0/"),
        ("https://api.agentmail.to/v1/", "api.agentmail.to/v0/"),
        ("https://api.agentmail.to.evil.example/v0/", "api.agentmail.to/v0/"),
        ("https://api.agentmail.to:8443/v0/", "api.agentmail.to/v0/"),
        ("https://agentmail.to/v0/", "api.agentmail.to/v0/"),
        ("http://api.agentmail.to/v0/", "https"),
        ("https://user:pw@api.agentmail.to/v0/", "user name"),
        ("https://api.agentmail.to/v0/?x=1", "query"),
        ("https://myagentmail.com/v0/", "api.agentmail.to/v0/"),
        ("http://127.0.0.1:1/", "api.agentmail.to/v0/"),
    ],
)
def test_other_places_are_refused_before_anything_is_sent(url: str, words: str) -> None:
    for make in (
        lambda: V0Door(url, "am_x"),
        lambda: AgentMailToClient(url, "am_x", "a@b.example"),
    ):
        with pytest.raises(UsageError) as refused:
            make()
        assert words in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["https://api.agentmail.to/v0/", "https://api.agentmail.to/v0", "https://api.agentmail.eu/v0/"],
)
def test_the_two_places_of_the_service_are_accepted(url: str) -> None:
    assert str(V0Door(url, "am_x").origin) in url


async def test_a_redirect_never_takes_the_key_elsewhere(v0, org) -> None:
    from tests.fakes.scripted_service import FakeService, answer

    async with FakeService(answer(200, {})) as elsewhere:
        moved = {"Location": f"{elsewhere.url}/v0/auth/me"}
        for status in (301, 302, 303, 307, 308):
            async with FakeService(answer(status, b"", headers=moved)) as service:
                client = AgentMailToClient(
                    f"{service.url}/v0", "am_secret", "a@b.example", sleep=no_pause
                )
                with pytest.raises(BadAnswer, match="redirect"):
                    await client.get_unread_count()
                await client.aclose()
        assert elsewhere.seen == []


@pytest.mark.parametrize(
    "link",
    [
        "http://cdn.agentmail.to/x", "https://10.0.0.1/x", "https://169.254.169.254/latest/",
        "https://evil.example/x", "file:///etc/passwd", "https://cdn.agentmail.to.evil.example/x",
        "https://u:p@cdn.agentmail.to/x", "ftp://cdn.agentmail.to/x", "https://[::1]/x", "",
        "https://cdn.agentmail.to:8080/x",
    ],
)  # fmt: skip
async def test_a_link_to_an_odd_place_is_not_followed(link: str) -> None:
    client = AgentMailToClient("https://api.agentmail.to/v0/", "am_secret", "a@b.example")
    with pytest.raises(PolicyRefused):
        client.attachments.storage.check(link)
    await client.aclose()


async def test_the_hosts_of_the_service_s_files_are_known() -> None:
    client = AgentMailToClient(
        "https://api.agentmail.to/v0/", "am_x", "a@b.example", storage_hosts=("files.example",)
    )
    for link in (
        "https://cdn.agentmail.to/x?s=1",
        "https://cdn.agentmail.eu/x",
        "https://files.example/x",
    ):
        assert client.attachments.storage.check(link) == link
    await client.aclose()


async def test_a_key_of_nobody_and_one_without_permission_are_told_apart(v0, org) -> None:
    nobody = AgentMailToClient(v0.base_url, "am_nobody", org.one, sleep=no_pause)
    with pytest.raises(SignedOut, match="API key"):
        await nobody.list_inbox()
    await nobody.aclose()
    key = v0.key(org, permissions={"message_read": True})
    reader = AgentMailToClient(v0.base_url, key, org.one, sleep=no_pause)
    message_id = v0.receive(org.one, mail())["message_id"]
    assert await all_ids(reader) == [message_id]
    with pytest.raises(Forbidden, match="message_update"):
        await reader.patch_message_read(message_id, is_read=True)
    await reader.aclose()
    other = AgentMailToClient(v0.base_url, v0.key(org, inbox_id=org.two), org.one, sleep=no_pause)
    with pytest.raises(NotFound):
        await other.list_inbox()
    await other.aclose()


async def test_the_key_is_in_no_repr_and_no_log(client, v0, org, caplog) -> None:
    caplog.set_level("DEBUG")
    v0.sandbox.fault("status", status=500, times=1)
    (message_id,) = fill(v0, org.one, 1)
    await client.get_message(message_id)
    with pytest.raises(NotFound) as missing:
        await client.get_message("<nobody@x>")
    shown = io.StringIO()
    shown.write(f"{client!r}{vars(client)!r}{vars(client.door)!r}{vars(client.exchange)!r}")
    shown.write(f"{missing.value!r}{missing.value.__traceback__!r}{caplog.text}")
    assert org.key not in shown.getvalue()
    assert "Signature=" not in shown.getvalue()


def test_an_account_without_an_inbox_is_not_opened() -> None:
    from services.api.factory import provider_for
    from services.config import Account
    from services.redact import Secret

    account = Account("x", "agentmail.to", "https://api.agentmail.to/v0")
    with pytest.raises(ConfigError, match="inbox"):
        provider_for(account, Secret("am_x"))
    made = provider_for(
        Account("x", "agentmail.to", "https://api.agentmail.to/v0", address="a@agentmail.to"),
        Secret("am_x"),
    )
    assert isinstance(made, AgentMailToClient)
    assert made.inbox_id == "a@agentmail.to"


async def test_a_refusal_for_a_system_label_reaches_the_operator_as_a_sentence(
    client, v0, org
) -> None:
    (message_id,) = fill(v0, org.one, 1)
    with pytest.raises(Rejected):
        await client.call(
            "update_message", ids={"message_id": message_id}, body={"add_labels": ["delivered"]}
        )
