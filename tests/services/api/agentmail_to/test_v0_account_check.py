"""The set-up check of an AgentMail.to account: one request, one sentence."""

from __future__ import annotations

import pytest

from services.api.factory import AccountCheck, check_account
from services.config import Account
from services.service_config import AGENTMAIL_TO
from tests.fakes.scripted_service import FakeService, answer
from tests.services.api.agentmail_to.v0_inbox import fill


async def check(url: str, key: str, address: str = "") -> AccountCheck:
    return await check_account(Account("new", AGENTMAIL_TO, url, address=address), key)


async def test_an_inbox_that_can_be_used_tells_its_unread_mail(v0, org, asked) -> None:
    fill(v0, org.one, 3)
    told = await check(v0.base_url, org.key, org.one)
    assert (told.ok, told.sentence, told.unread) == (True, "Connected: 3 unread.", 3)
    assert told.clock_skew is not None
    assert len(asked()) == 1
    fill(v0, org.two, 101)
    more = await check(v0.base_url, org.key, org.two)
    assert (more.ok, more.sentence, more.unread) == (True, "Connected: 100 or more unread.", None)


async def test_a_key_alone_tells_what_it_reaches(v0, org) -> None:
    assert "organization" in (await check(v0.base_url, org.key)).sentence
    own = v0.key(org, inbox_id=org.one)
    assert "one inbox" in (await check(v0.base_url, own)).sentence
    assert (await check(v0.base_url, own, org.one)).ok
    assert "does not reach this inbox" in (await check(v0.base_url, own, org.two)).sentence


async def test_what_is_wrong_is_a_sentence_with_a_next_step(v0, org) -> None:
    for url, key, address, words in (
        (v0.base_url, "am_nobody", org.one, "does not accept the API key"),
        (v0.base_url, "two words", org.one, "not a token"),
        (v0.base_url, org.key, "no address", "not a mail address"),
        (v0.base_url, org.key, "nobody@agents.example.com", "no such inbox"),
        ("https://api.agentmail.ai/v0/", org.key, org.one, "not the host"),
        ("https://example.com/v0/", org.key, org.one, "not the address of AgentMail.to"),
        ("http://127.0.0.1:1/v0/", org.key, org.one, "cannot be reached"),
    ):
        told = await check(url, key, address)
        assert not told.ok
        assert words in told.sentence
        assert told.next_step
    reader = v0.key(org, permissions={"inbox_read": True})
    assert "message_read" in (await check(v0.base_url, reader, org.one)).sentence


@pytest.mark.parametrize("address", ["", "a@b.example"])
@pytest.mark.parametrize(
    "reply",
    [
        answer(200, b"<html>"), answer(200, []), answer(200, {}), answer(200, {"messages": 7}),
        answer(404, b"<html>"), answer(404, {"message": "Not Found"}), answer(302, b""),
        answer(200, b""),
    ],
)  # fmt: skip
async def test_something_else_at_the_address_is_no_service(reply, address: str) -> None:
    async with FakeService(reply) as service:
        told = await check(f"{service.url}/v0/", "am_x", address)
    assert not told.ok
    assert told.sentence.endswith(".")
    assert "ase URL" in told.next_step
