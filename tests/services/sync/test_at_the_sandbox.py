"""Local changes at the real service over HTTP: which requests it sees, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from services.api.assmbl import AssmblClient
from services.sandbox.records import Agent
from services.sync.mailbox import Mailbox
from services.sync.sender import AT_ONCE
from tests.conftest import SandboxControl
from tests.fakes.fake_provider import until

COUNT = 60
MAIL = "From: Ann <ann@example.com>\r\nSubject: No. {}\r\n\r\nHello\r\n"


class Desk:
    """A synced mailbox of `COUNT` messages and what the service was asked since."""

    def __init__(self, mailbox: Mailbox, sandbox: SandboxControl, agent: Agent) -> None:
        self.mailbox = mailbox
        self.ids = tuple(mailbox.store.ids())
        self._sandbox = sandbox
        self._agent = agent
        self._seen = len(sandbox.requests(agent))

    def asked(self, operation: str) -> list[str]:
        """The paths of the requests of one operation."""
        told = self._sandbox.requests(self._agent)[self._seen :]
        return [request["path"] for request in told if request["operation"] == operation]

    def is_archived(self) -> list[bool]:
        page = self._sandbox.call(self._agent, "GET", "/inbox?include_archived=true&limit=100")
        return [item["Archived"] for item in page["items"]]

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.mailbox.sender.run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def desk(
    start: Callable[..., Mailbox], sandbox: SandboxControl, agent: Agent
) -> AsyncIterator[Desk]:
    for number in range(COUNT):
        sandbox.add_mail(agent, MAIL.format(number), received_at=1_700_000_000 + number)
    client = AssmblClient(sandbox.base_url, agent.token, "agents.example.com")
    mailbox = start(client)
    await mailbox.sync()
    yield Desk(mailbox, sandbox, agent)
    await client.aclose()


async def test_a_message_that_somebody_waits_for_comes_before_the_changes_that_wait(desk, sandbox):
    mailbox = desk.mailbox
    sandbox.fault("latency", operation="get_message", seconds=0.5)
    await mailbox.archive(desk.ids)
    async with desk.sending():
        await until(lambda: mailbox.waiting < COUNT)
        begun = COUNT - mailbox.waiting + AT_ONCE
        await mailbox.raw(desk.ids[0])
        assert len(desk.asked("get_message")) == 1
        assert len(desk.asked("patch_message_archive")) <= begun < COUNT
        await until(lambda: not mailbox.waiting)
    assert all(desk.is_archived())


async def test_an_undo_asks_the_service_for_nothing_about_what_never_left(desk, sandbox):
    mailbox = desk.mailbox
    sandbox.fault("latency", operation="patch_message_archive", seconds=0.05, times=None)
    await mailbox.archive(desk.ids)
    async with desk.sending():
        await until(lambda: mailbox.waiting < COUNT)
        begun = COUNT - mailbox.waiting + AT_ONCE
        assert (await mailbox.undo()).restored == COUNT
        await until(lambda: not mailbox.waiting)
    asked = desk.asked("patch_message_archive")
    assert len(set(asked)) <= begun < COUNT
    assert len(asked) == 2 * len(set(asked))
    assert not any(desk.is_archived())
    assert not any(mailbox.store.item(message_id).archived for message_id in desk.ids)


async def test_an_undo_of_what_was_done_without_a_connection_costs_no_request(desk):
    mailbox = desk.mailbox
    await mailbox.archive(desk.ids)
    await mailbox.change_labels(desk.ids[:3], add=("later",))
    assert (await mailbox.undo()).restored == 3
    assert (await mailbox.undo()).restored == COUNT
    assert mailbox.waiting == 0
    await mailbox.flush()
    assert desk.asked("patch_message_archive") == desk.asked("patch_message_labels") == []
    assert not any(mailbox.store.item(message_id).archived for message_id in desk.ids)


async def test_only_the_unsent_change_of_a_message_is_taken_back(desk):
    mailbox, message_id = desk.mailbox, desk.ids[0]
    await mailbox.mark_read([message_id], True)
    await mailbox.archive([message_id])
    await mailbox.undo()
    item = mailbox.store.item(message_id)
    assert (item.is_read, item.archived) == (True, False)
    assert (await mailbox.flush()).sent == 1
    assert len(desk.asked("patch_message_read")) == 1
    assert desk.asked("patch_message_archive") == []


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"labels": null}', '{"ok": true}'])
async def test_a_label_change_answered_without_labels_is_done_as_asked(desk, sandbox, agent, body):
    mailbox, message_id = desk.mailbox, desk.ids[0]
    sandbox.fault("answer", agent, operation="patch_message_labels", body=body)
    await mailbox.change_labels([message_id], add=("later",))
    assert (await mailbox.flush()).sent == 1
    assert mailbox.waiting == 0
    assert mailbox.store.item(message_id).labels == ("later",)
    # What the service has in truth is seen by the next walk: here it did nothing.
    await mailbox.sync(full=True)
    assert mailbox.store.item(message_id).labels == ()
