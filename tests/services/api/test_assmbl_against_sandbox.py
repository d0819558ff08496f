"""Every operation against the real sandbox over HTTP, in health and with every status (N01)."""

from __future__ import annotations

import base64
import hmac
import io
import os
import tempfile
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import pytest

from services.api import wire
from services.api.assmbl import AssmblClient
from services.api.assmbl_send import MailSender
from services.api.factory import check_account, provider_for
from services.api.file_sink import FileSink
from services.api.presigned import DownloadLink, LinkExpired
from services.api.routes import ROUTES
from services.config import Account
from services.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    Offline,
    PolicyRefused,
    RateLimited,
    Rejected,
    ServerBroken,
    ServiceError,
    SignedOut,
    TimedOut,
)
from services.ports import MailProvider
from services.redact import Secret
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.fakes.scripted_service import FakeSleep

PEM = (
    "-----BEGIN PUBLIC KEY-----\n"
    + base64.b64encode(bytes.fromhex("302a300506032b6570032100") + bytes(range(32))).decode()
    + "\n-----END PUBLIC KEY-----\n"
)
MAIL = "From: a@b.example\nTo: x@y.example\nSubject: {}\n\nbody of {}\n"


@pytest.fixture
async def client(sandbox: SandboxControl, agent: Agent) -> AsyncIterator[AssmblClient]:
    made = AssmblClient(sandbox.base_url, agent.token, "agents.example.com", sleep=FakeSleep())
    yield made
    await made.aclose()


@pytest.fixture
def document() -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        file.write(os.urandom(300_000))
        yield file


def content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


# ── mail ─────────────────────────────────────────────────────────────────────────────────────────


async def test_the_client_is_a_mail_provider(sandbox: SandboxControl, agent: Agent) -> None:
    account = Account("work", "assmbl", sandbox.base_url, "agents.example.com")
    provider: MailProvider = provider_for(account, Secret(agent.token))
    assert await provider.get_unread_count() == 0
    assert provider.capabilities.max_labels == 20
    await provider.aclose()


async def test_mail_is_listed_read_labelled_archived_and_deleted(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent
) -> None:
    first = sandbox.add_mail(agent, MAIL.format("one", "one"), verified=True, labels=["inbox"])
    second = sandbox.add_mail(agent, MAIL.format("two", "two"))
    page = await client.list_inbox()
    assert [item.message_id for item in page.items] == [first, second]
    assert [item.sender_verified for item in page.items] == [True, False]
    assert await client.get_unread_count() == 2

    message = await client.get_message(first)
    assert "body of one" in message.raw_mime
    assert message.item.subject == "one"

    await client.patch_message_read(first, is_read=True)
    await client.patch_message_read(first, is_read=True)
    assert await client.get_unread_count() == 1
    assert [i.message_id for i in (await client.list_inbox(is_read=False)).items] == [second]

    now = await client.patch_message_labels(first, add=["ci", "ops", "ci"], remove=["inbox"])
    assert now == ("ci", "ops")
    assert [i.message_id for i in (await client.list_inbox(label="ops")).items] == [first]

    await client.patch_message_archive(second, archived=True)
    await client.patch_message_archive(second, archived=True)
    assert await client.get_unread_count() == 0
    assert [i.message_id for i in (await client.list_inbox()).items] == [first]
    assert len((await client.list_inbox(include_archived=True)).items) == 2
    await client.patch_message_archive(second, archived=False)

    await client.delete_message(second)
    for gone in (client.get_message, client.delete_message):
        with pytest.raises(NotFound, match="not in the mailbox any more"):
            await gone(second)


async def test_search_and_trust_filters_reach_the_service(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent
) -> None:
    sandbox.add_mail(agent, MAIL.format("Quarterly", "x"), verified=True)
    sandbox.add_mail(agent, MAIL.format("other", "x"))
    assert len((await client.list_inbox(q="QUARTER")).items) == 1
    assert len((await client.list_inbox(verified_only=True)).items) == 1
    assert len((await client.list_inbox(q="other", verified_only=True)).items) == 0


async def test_all_pages_are_walked_oldest_first(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent
) -> None:
    ids = [sandbox.add_mail(agent, MAIL.format(n, n)) for n in range(7)]
    pages = [page async for page in client.iter_inbox_pages(page_size=3)]
    assert [item.message_id for page in pages for item in page.items] == ids
    assert [len(page.items) for page in pages] == [3, 3, 1]


@pytest.mark.parametrize(
    "message_id", ["<a/b+c@d>", "../../x", "a?b=c#d", "é✓", "a b%2F", "%2e%2e"]
)
async def test_hostile_ids_name_exactly_their_message(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, message_id: str
) -> None:
    sandbox.add_mail(agent, MAIL.format("x", "x"), message_id=message_id)
    assert (await client.get_message(message_id)).item.message_id == message_id
    await client.patch_message_read(message_id, is_read=True)
    await client.delete_message(message_id)
    assert (await client.list_inbox()).items == ()


async def test_another_agents_message_is_not_found(
    client: AssmblClient, sandbox: SandboxControl
) -> None:
    other = sandbox.new_agent()
    foreign = sandbox.add_mail(other, MAIL.format("x", "x"))
    with pytest.raises(NotFound):
        await client.get_message(foreign)
    sandbox.remove_agent(other)


async def test_the_twenty_first_label_is_refused_with_the_rule(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent
) -> None:
    one = sandbox.add_mail(agent, MAIL.format("x", "x"))
    await client.patch_message_labels(one, add=[f"l{n}" for n in range(20)])
    with pytest.raises(Rejected, match="at most 20 labels"):
        await client.patch_message_labels(one, add=["one more"])


# ── sending ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_mail_is_sent_and_its_receipt_read(client: AssmblClient, agent: Agent) -> None:
    receipt = await MailSender(client.exchange).send_mail(
        agent.address, "Hello", "text", idempotency_key="draft-1", correlation_id="c-1",
        headers={"In-Reply-To": "<x@y>"}, usage=wire.Usage(tokens_input=3),
    )  # fmt: skip
    assert (receipt.correlation_id, receipt.idempotency_key) == ("c-1", "draft-1")
    assert [item.subject for item in (await client.list_inbox()).items] == ["Hello"]


async def test_the_same_key_is_delivered_once(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent
) -> None:
    sandbox.fault("drop_after", agent, operation="send_mail")
    await MailSender(client.exchange).send_mail(
        agent.address, "s", "b", idempotency_key="draft-2", repeat_uncertain=True
    )
    assert len((await client.list_inbox()).items) == 1


async def test_a_lost_answer_leaves_a_send_uncertain_and_alone(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent
) -> None:
    sandbox.fault("drop_after", agent, operation="send_mail")
    with pytest.raises(ServiceError) as error:
        await MailSender(client.exchange).send_mail(agent.address, "s", "b", idempotency_key="k")
    assert error.value.uncertain
    assert len((await client.list_inbox()).items) == 1


async def test_a_marketplace_transaction_keeps_its_id(client: AssmblClient, agent: Agent) -> None:
    sender = MailSender(client.exchange)
    asked = await sender.send_marketplace_request(agent.address, "job", "do it")
    assert asked.marketplace_request_id
    done = await sender.send_marketplace_response(
        agent.address, asked.marketplace_request_id, wire.Usage(outcomes_returned=1), "done", "ok"
    )
    assert done.marketplace_request_id == asked.marketplace_request_id


# ── attachments ──────────────────────────────────────────────────────────────────────────────────


async def test_a_file_travels_up_out_in_and_down(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    told: list[int] = []
    ref = await client.attachments.upload_file(
        document, file_name="a b.bin", content_type="application/octet-stream",
        on_progress=told.append,
    )  # fmt: skip
    assert ref.size == 300_000
    assert told[-1] == 300_000
    assert told == sorted(told)
    await MailSender(client.exchange).send_mail(agent.address, "s", "b", attachments=[ref])
    message_id = (await client.list_inbox()).items[0].message_id
    status = await client.attachments.get_inbound_attachment_status(message_id, 0)
    assert (status.status, status.file_name, status.size) == ("ready", "a b.bin", 300_000)
    with tempfile.TemporaryFile() as arrived:
        down = await client.attachments.download_file(message_id, 0, arrived.fileno())
        assert content(arrived) == content(document)
    assert down
    assert down.size == 300_000

    own = await client.attachments.request_attachment_download(ref.object_key)
    with tempfile.TemporaryFile() as arrived:
        await client.attachments.storage.download(own, FileSink(arrived.fileno()))
        assert content(arrived) == content(document)

    seen = [request for request in sandbox.requests() if request["door"] == "s3"]
    assert [request["operation"] for request in seen] == ["s3_upload", "s3_download", "s3_download"]
    for request in seen:
        assert "authorization" not in {name.lower() for name in request["headers"]}
        assert request["status"] in (200, 204)


async def test_an_expired_form_is_replaced_once(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    sandbox.fault("status", operation="s3_upload", status=403)
    await client.attachments.upload_file(document, file_name="f", content_type="text/plain")
    forms = [r for r in sandbox.requests(agent) if r["operation"] == "request_attachment_upload"]
    assert len(forms) == 2


async def test_a_form_that_always_expires_ends_with_a_sentence(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    sandbox.fault("short_ttl", agent, operation="request_attachment_upload", seconds=0, times=None)
    sandbox.settings(clock_offset=5)
    with pytest.raises(LinkExpired, match="does not accept the form"):
        await client.attachments.upload_file(document, file_name="f", content_type="text/plain")
    forms = [r for r in sandbox.requests(agent) if r["operation"] == "request_attachment_upload"]
    assert len(forms) == 2


async def test_an_upload_that_breaks_begins_again_under_the_same_key(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    sandbox.fault("drop_before", operation="s3_upload", times=2)
    told: list[int] = []
    ref = await client.attachments.upload_file(
        document, file_name="f", content_type="text/plain", on_progress=told.append
    )
    assert (ref.size, told[-1]) == (300_000, 300_000)
    forms = [r for r in sandbox.requests(agent) if r["operation"] == "request_attachment_upload"]
    assert len(forms) == 1


async def test_a_storage_host_that_is_down_is_not_asked_for_ever(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    sandbox.fault("drop_before", operation="s3_upload", times=None)
    with pytest.raises(Offline):
        await client.attachments.upload_file(document, file_name="f", content_type="text/plain")
    asked = [r["operation"] for r in sandbox.requests()]
    assert asked.count("s3_upload") == 4
    assert asked.count("request_attachment_upload") == 1


async def test_a_file_larger_than_its_form_is_refused(
    client: AssmblClient, document: BinaryIO
) -> None:
    form = await client.attachments.request_attachment_upload("f", "text/plain", 10)
    with pytest.raises(Rejected, match="refused the file"):
        await client.attachments.storage.upload(form, document, content_type="text/plain")


async def inbound(client: AssmblClient, agent: Agent, document: BinaryIO) -> str:
    ref = await client.attachments.upload_file(
        document, file_name="f", content_type="application/octet-stream"
    )
    await MailSender(client.exchange).send_mail(agent.address, "s", "b", attachments=[ref])
    return (await client.list_inbox()).items[0].message_id


async def test_a_download_that_breaks_goes_on_where_it_stood(
    client: AssmblClient, agent: Agent, document: BinaryIO
) -> None:
    message_id = await inbound(client, agent, document)
    whole = content(document)
    with tempfile.TemporaryFile() as arrived:
        arrived.write(whole[:100_000])
        arrived.flush()
        told: list[int] = []
        down = await client.attachments.download_file(
            message_id, 0, arrived.fileno(), resume=True, on_progress=told.append
        )
        assert content(arrived) == whole
    assert down
    assert down.size == len(whole)
    assert told[0] > 100_000


async def test_a_dropped_download_is_tried_again(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    message_id = await inbound(client, agent, document)
    sandbox.fault("drop_before", operation="s3_download", times=2)
    with tempfile.TemporaryFile() as arrived:
        await client.attachments.download_file(message_id, 0, arrived.fileno())
        assert content(arrived) == content(document)


async def test_an_expired_link_is_replaced_once_and_then_told(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    message_id = await inbound(client, agent, document)
    sandbox.fault("status", operation="s3_download", status=403)
    with tempfile.TemporaryFile() as arrived:
        assert await client.attachments.download_file(message_id, 0, arrived.fileno())
    sandbox.fault("status", operation="s3_download", status=403, times=2)
    with tempfile.TemporaryFile() as arrived, pytest.raises(LinkExpired):
        await client.attachments.download_file(message_id, 0, arrived.fileno())


async def test_a_download_above_its_limit_is_stopped(
    client: AssmblClient, agent: Agent, document: BinaryIO
) -> None:
    message_id = await inbound(client, agent, document)
    with tempfile.TemporaryFile() as arrived:
        with pytest.raises(BadAnswer, match="larger than"):
            await client.attachments.download_file(message_id, 0, arrived.fileno(), largest=100_000)
        assert len(content(arrived)) <= 100_000


async def test_a_pending_attachment_is_no_error(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, document: BinaryIO
) -> None:
    message_id = await inbound(client, agent, document)
    sandbox.fault("pending_attachments", agent, times=None)
    status = await client.attachments.get_inbound_attachment_status(message_id, 0)
    assert status.status == "pending"
    with tempfile.TemporaryFile() as arrived:
        assert await client.attachments.download_file(message_id, 0, arrived.fileno()) is None


async def test_files_that_are_not_there_or_not_ours_are_told(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent
) -> None:
    one = sandbox.add_mail(agent, MAIL.format("x", "x"))
    for call in (
        client.attachments.get_inbound_attachment_status,
        client.attachments.request_inbound_attachment_download,
    ):
        with pytest.raises(NotFound, match="attachment is not there"):
            await call(one, 0)
    with pytest.raises(Forbidden, match="another agent"):
        await client.attachments.request_attachment_download("uploads/other/x")


async def test_an_odd_link_is_refused_before_it_connects(client: AssmblClient) -> None:
    for url in ("https://evil.example/x", "http://10.0.0.1/x", "file:///etc/passwd", ""):
        with tempfile.TemporaryFile() as arrived, pytest.raises(PolicyRefused):
            await client.attachments.storage.download(DownloadLink(url), FileSink(arrived.fileno()))


# ── directory, trust, notifications, webhook, billing ────────────────────────────────────────────


async def test_a_key_is_published_rotated_looked_up_and_revoked(
    client: AssmblClient, agent: Agent
) -> None:
    directory = client.directory
    receipt = await directory.register_directory_key(
        public_key=PEM, algorithm="Ed25519", if_match_version=0
    )
    assert receipt.key_version == 1
    entry = await directory.lookup_public_agent(agent.agent_id)
    assert entry.public_key == PEM
    assert entry.key_fingerprint_sha256 == receipt.key_fingerprint_sha256
    with pytest.raises(Conflict, match="has changed meanwhile"):
        await directory.register_directory_key(
            public_key=PEM, algorithm="Ed25519", key_version=2, if_match_version=0
        )
    assert (await directory.revoke_directory_key()).revoked
    assert (await directory.revoke_directory_key()).revoked
    assert (await directory.lookup_public_agent_cached(agent.agent_id)).revoked is False
    fresh = await directory.lookup_public_agent_cached(agent.agent_id, refresh=True)
    assert fresh.revoked
    assert not fresh.public_key
    with pytest.raises(NotFound, match="knows no such agent"):
        await directory.lookup_public_agent("nobody-here")
    with pytest.raises(Rejected, match="public key"):
        await directory.register_directory_key(public_key="x", key_version=3)


async def test_public_lookups_are_asked_without_the_token(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent
) -> None:
    await client.directory.lookup_public_agent(agent.agent_id)
    await client.directory.lookup_public_pricing(agent.agent_id)
    public = [r for r in sandbox.requests() if r["operation"].startswith("lookup_")]
    assert len(public) == 2
    assert all("authorization" not in request["headers"] for request in public)


async def test_trust_notifications_webhook_and_billing_come_back_as_set(
    client: AssmblClient, agent: Agent
) -> None:
    admin = client.admin
    assert (await admin.put_trusted_peer("csv", rate_limit_per_minute=5)).rate_limit_per_minute == 5
    assert (await admin.get_trusted_peer("csv")).enabled
    await admin.delete_trusted_peer("csv")
    with pytest.raises(NotFound):
        await admin.get_trusted_peer("csv")
    assert (await admin.issue_capability_secret("csv")).secret

    rule = wire.NotificationRule(id="r1", name="n", filters=wire.RuleFilters(sender_verified=True))
    assert (await admin.put_notifications([rule])).rules == [rule]
    assert (await admin.get_notifications()).rules == [rule]

    assert (await admin.get_webhook()).url is None
    first = await admin.put_webhook("https://hook.example/x")
    assert first.signing_secret
    assert not (await admin.get_webhook()).signing_secret
    rotated = await admin.put_webhook("https://hook.example/x", rotate_secret=True)
    assert rotated.signing_secret != first.signing_secret
    await admin.delete_webhook()
    assert not (await admin.get_webhook()).enabled

    await admin.put_billing_pricing(wire.BillingPricing(pricing_model="dynamic", base_price=0.01))
    assert (await admin.get_billing_pricing()).base_price == 0.01
    assert (await client.directory.lookup_public_pricing(agent.agent_id)).base_price == 0.01
    assert (await admin.get_billing_balance()).currency
    assert isinstance((await admin.get_billing_usage()).items, list)


def test_a_webhook_signature_is_believed_only_when_it_is_right_and_fresh() -> None:
    verify = AssmblClient.verify_webhook_signature
    digest = hmac.new(b"s3cret", b"1000.{}", sha256).hexdigest()
    assert verify("s3cret", "1000", b"{}", f"v1={digest}", now=1299)
    for bad in (
        ("other", "1000", b"{}", f"v1={digest}"), ("s3cret", "1001", b"{}", f"v1={digest}"),
        ("s3cret", "1000", b"{ }", f"v1={digest}"), ("s3cret", "1000", b"{}", digest),
        ("s3cret", "1000", b"{}", f"v1={digest[:-1]}"), ("s3cret", "1000", b"{}", ""),
        ("s3cret", "-1000", b"{}", f"v1={digest}"), ("s3cret", "x", b"{}", "v1=é\ud800"),
    ):  # fmt: skip
        assert not verify(*bad, now=1000)
    assert not verify("s3cret", "1000", b"{}", f"v1={digest}", now=1301)


# ── faults ───────────────────────────────────────────────────────────────────────────────────────

Operate = Callable[[AssmblClient], Awaitable[object]]
CALLS: dict[str, Operate] = {
    "send_mail": lambda c: MailSender(c.exchange).send_mail("a@b.example", "s", "b"),
    "list_inbox": lambda c: c.list_inbox(),
    "get_message": lambda c: c.get_message("m"),
    "delete_message": lambda c: c.delete_message("m"),
    "patch_message_labels": lambda c: c.patch_message_labels("m", add=["x"]),
    "patch_message_read": lambda c: c.patch_message_read("m", is_read=True),
    "patch_message_archive": lambda c: c.patch_message_archive("m", archived=False),
    "get_unread_count": lambda c: c.get_unread_count(),
    "request_attachment_upload": lambda c: c.attachments.request_attachment_upload("f", "a/b", 1),
    "request_attachment_download": lambda c: c.attachments.request_attachment_download("k"),
    "get_inbound_attachment_status": lambda c: c.attachments.get_inbound_attachment_status("m", 0),
    "request_inbound_attachment_download": lambda c: (
        c.attachments.request_inbound_attachment_download("m", 0)
    ),
    "register_directory_key": lambda c: c.directory.register_directory_key(public_key=PEM),
    "revoke_directory_key": lambda c: c.directory.revoke_directory_key(),
    "lookup_public_agent": lambda c: c.directory.lookup_public_agent("a"),
    "lookup_public_pricing": lambda c: c.directory.lookup_public_pricing("a"),
    "put_trusted_peer": lambda c: c.admin.put_trusted_peer("a"),
    "get_trusted_peer": lambda c: c.admin.get_trusted_peer("a"),
    "delete_trusted_peer": lambda c: c.admin.delete_trusted_peer("a"),
    "issue_capability_secret": lambda c: c.admin.issue_capability_secret("a"),
    "get_notifications": lambda c: c.admin.get_notifications(),
    "put_notifications": lambda c: c.admin.put_notifications([]),
    "get_webhook": lambda c: c.admin.get_webhook(),
    "put_webhook": lambda c: c.admin.put_webhook("https://hook.example"),
    "delete_webhook": lambda c: c.admin.delete_webhook(),
    "get_billing_pricing": lambda c: c.admin.get_billing_pricing(),
    "put_billing_pricing": lambda c: c.admin.put_billing_pricing(wire.BillingPricing()),
    "get_billing_balance": lambda c: c.admin.get_billing_balance(),
    "get_billing_usage": lambda c: c.admin.get_billing_usage(),
}
ONCE = {"send_mail", "register_directory_key", "issue_capability_secret", "put_webhook"}
KINDS: dict[int, type[ServiceError]] = {
    400: Rejected, 401: SignedOut, 403: Forbidden, 404: NotFound, 409: Conflict, 413: Rejected,
    422: Rejected, 429: RateLimited, 500: ServerBroken, 503: ServerBroken,
}  # fmt: skip


def test_every_operation_of_the_contract_is_offered() -> None:
    assert set(CALLS) == set(ROUTES)


@pytest.mark.parametrize("name", CALLS)
async def test_every_status_on_every_operation_is_its_error_and_no_storm(
    client: AssmblClient, sandbox: SandboxControl, name: str
) -> None:
    for status, kind in KINDS.items():
        if status == 409 and name == "request_inbound_attachment_download":
            continue  # means "not ready" there
        sandbox.reset()
        sandbox.fault("status", operation=name, status=status, times=None)
        with pytest.raises(ServiceError) as error:
            await CALLS[name](client)
        assert type(error.value) is kind, status
        asked = len([r for r in sandbox.requests() if r["operation"] == name])
        again = status == 429 or (status >= 500 and name not in ONCE)
        assert asked == (4 if again else 1), status


@pytest.mark.parametrize("kind", ["html", "invalid_json", "truncated", "drop_before", "drop_after"])
async def test_every_broken_answer_is_a_service_error_and_no_storm(
    client: AssmblClient, sandbox: SandboxControl, kind: str
) -> None:
    for name, call in CALLS.items():
        sandbox.reset()
        sandbox.fault(kind, operation=name, times=None)
        with pytest.raises(ServiceError) as error:
            await call(client)
        asked = len([r for r in sandbox.requests() if r["operation"] == name])
        assert asked <= 4, name
        assert error.value.sentence, name


async def test_a_repeated_and_an_expired_cursor_are_told(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent
) -> None:
    for n in range(6):
        sandbox.add_mail(agent, MAIL.format(n, n))
    sandbox.fault("repeated_cursor", agent, operation="list_inbox", times=None)
    with pytest.raises(BadAnswer, match="twice"):
        assert [page async for page in client.iter_inbox_pages(page_size=2)]
    sandbox.clear_faults()
    sandbox.fault("expired_cursor", agent, operation="list_inbox", skip=1)
    with pytest.raises(Rejected, match="expired"):
        assert [page async for page in client.iter_inbox_pages(page_size=2)]


async def test_short_and_empty_pages_lose_nothing(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent
) -> None:
    ids = [sandbox.add_mail(agent, MAIL.format(n, n)) for n in range(6)]
    sandbox.fault("empty_page", agent, operation="list_inbox")
    sandbox.fault("short_page", agent, operation="list_inbox", size=1, times=2, skip=1)
    pages = [page async for page in client.iter_inbox_pages(page_size=3)]
    assert [item.message_id for page in pages for item in page.items] == ids
    assert any(not page.items for page in pages)


async def test_a_deletion_that_worked_but_lost_its_answer_is_done(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent
) -> None:
    one = sandbox.add_mail(agent, MAIL.format("x", "x"))
    sandbox.fault("drop_after", agent, operation="delete_message")
    await client.delete_message(one)
    assert (await client.list_inbox()).items == ()


async def test_a_slow_drip_ends_at_the_deadline(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent
) -> None:
    sandbox.fault("slow_drip", agent, operation="get_unread_count", seconds=600, times=None)
    with pytest.raises(TimedOut):
        await client.exchange.call("get_unread_count", safe=False, seconds=0.2)


# ── set-up check and secrecy ─────────────────────────────────────────────────────────────────────


async def test_the_set_up_check_tells_what_is_wrong(sandbox: SandboxControl, agent: Agent) -> None:
    good = await check_account(sandbox.base_url, agent.token, "agents.example.com")
    assert (good.ok, good.unread) == (True, 0)
    assert good.clock_skew is not None
    for url, token, domain, words in (
        (sandbox.base_url, "wrong-token", "", "does not accept the token"),
        (sandbox.base_url, "two words", "", "not a token"),
        (sandbox.base_url, agent.token, "a b", "mail domain"),
        (f"{sandbox.base_url}/elsewhere", agent.token, "", "no mail service"),
        ("example.com", agent.token, "", "base URL"),
        ("http://example.com", agent.token, "", "https"),
        ("http://127.0.0.1:1", agent.token, "", "cannot be reached"),
    ):
        told = await check_account(url, token, domain)
        assert not told.ok
        assert words in told.sentence
    sandbox.fault("html", agent)
    assert "not JSON" in (await check_account(sandbox.base_url, agent.token)).sentence


def told_below(error: BaseException) -> str:
    """The traceback with locals, without this test's own frame, which knows the token."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    del report.stack[0]
    return "".join(report.format())


async def test_the_token_and_signatures_are_in_no_error_log_or_repr(
    client: AssmblClient, sandbox: SandboxControl, agent: Agent, caplog: pytest.LogCaptureFixture,
    document: BinaryIO,
) -> None:  # fmt: skip
    caplog.set_level("DEBUG")
    shown = io.StringIO()
    for kind, status in (("status", 401), ("status", 500), ("drop_before", None), ("html", None)):
        sandbox.clear_faults()
        sandbox.fault(kind, times=None, **({"status": status} if status else {}))
        try:
            await client.list_inbox(q="query-canary")
        except ServiceError as error:
            shown.write(told_below(error))
    sandbox.clear_faults()
    form = await client.attachments.request_attachment_upload("f", "text/plain", 10)
    signatures = [v for k, v in form.fields.items() if "signature" in k.lower() or k == "policy"]
    assert signatures
    try:
        await client.attachments.storage.upload(form, document, content_type="text/plain")
    except ServiceError as error:
        shown.write(told_below(error))
    document.truncate(10)
    ref = await client.attachments.upload_file(document, file_name="f", content_type="text/plain")
    link = await client.attachments.request_attachment_download(ref.object_key)
    for kind in ("drop_before", "drop_after", "status"):
        sandbox.fault(kind, operation="s3_download")
        with tempfile.TemporaryFile() as arrived:
            try:
                await client.attachments.storage.download(link, FileSink(arrived.fileno()))
                pytest.fail("a fault was ordered")
            except ServiceError as error:
                shown.write(told_below(error))
    assert "Signature=" in link.url
    assert "Signature=" not in shown.getvalue()
    shown.write(f"{client!r}{client.__dict__!r}{form!r}{vars(client.exchange)!r}{caplog.text}")
    assert len(shown.getvalue()) > 1_000
    assert agent.token not in shown.getvalue()
    assert "query-canary" not in caplog.text
    for signature in signatures:
        assert signature not in f"{form!r}{caplog.text}"


def test_no_other_module_makes_an_http_client() -> None:
    root = Path(__file__).resolve().parents[3]
    for folder in ("services", "tui", "widgets"):
        for path in (root / folder).rglob("*.py"):
            if path.name == "http.py" or "sandbox" in path.parts:
                continue
            text = path.read_text()
            assert "AsyncClient(" not in text, path
            assert "httpx.Client(" not in text, path


def test_only_the_gate_can_reach_a_send_route() -> None:
    root = Path(__file__).resolve().parents[3]
    allowed = {"assmbl_send.py", "routes.py", "assmbl.py"}
    for folder in ("services", "tui", "widgets"):
        for path in (root / folder).rglob("*.py"):
            if path.name in allowed or "sandbox" in path.parts:
                continue
            text = path.read_text()
            # Screens have a command of that name, which asks the engine.
            assert folder != "services" or '"send_mail"' not in text, path
            assert "import MailSender" not in text, path
            assert "assmbl_send import" not in text, path
