"""Every operation of Assmbl with every status and fault of the real sandbox (N01)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from services.api import wire
from services.api.assmbl import AssmblClient
from services.api.assmbl_send import MailSender
from services.api.routes import ROUTES
from services.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    ServerBroken,
    ServiceError,
    SignedOut,
    TimedOut,
)
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.services.api.assmbl_stage import MAIL, PEM

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
