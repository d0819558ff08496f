"""Every operation against the real sandbox over HTTP, in health; the set-up check and secrecy."""

from __future__ import annotations

import hmac
import io
import tempfile
import traceback
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import pytest

from services.api import wire
from services.api.assmbl import AssmblClient
from services.api.assmbl_send import MailSender
from services.api.factory import check_account, provider_for
from services.api.file_sink import FileSink
from services.config import Account
from services.errors import (
    Conflict,
    NotFound,
    Rejected,
    ServiceError,
)
from services.ports import MailProvider
from services.redact import Secret
from services.sandbox.records import Agent
from services.service_config import ASSMBL
from tests.conftest import SandboxControl
from tests.services.api.assmbl_stage import MAIL, PEM

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


# ── set-up check and secrecy ─────────────────────────────────────────────────────────────────────


async def test_the_set_up_check_tells_what_is_wrong(sandbox: SandboxControl, agent: Agent) -> None:
    account = Account("new", ASSMBL, sandbox.base_url, "agents.example.com")
    good = await check_account(account, agent.token)
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
        told = await check_account(Account("new", ASSMBL, url, domain), token)
        assert not told.ok
        assert words in told.sentence
    sandbox.fault("html", agent)
    assert "not JSON" in (await check_account(account, agent.token)).sentence


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
