"""Where the AgentMail.to client goes and with which key: nowhere else, and never with it."""

from __future__ import annotations

import io

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.api.agentmail_to.door import V0Door
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
from tests.services.api.agentmail_to.conftest import no_pause
from tests.services.api.agentmail_to.v0_inbox import all_ids, fill
from tests.services.sandbox.agentmail_to.v0_control import mail


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
