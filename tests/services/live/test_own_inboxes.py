"""The inboxes of a key: all of them, found by words, and as the set of our own addresses."""

from __future__ import annotations

from typing import Any

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.api.agentmail_to.inboxes import Inboxes, OwnAddresses, RemoteInbox
from services.errors import BadAnswer, Offline, ServerBroken, SignedOut, UsageError
from services.outbound.gate.sender import OwnInboxes
from tests.services.live.conftest import no_pause
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, seg


class Clock:
    """A clock that stands until it is moved."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class FakeInboxes:
    """Lists what it was given, or fails."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.error: Exception | None = None
        self.asked = 0

    async def all(self) -> tuple[RemoteInbox, ...]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return tuple(RemoteInbox(one, one) for one in self.addresses)


@pytest.fixture
def inboxes(client: AgentMailToClient) -> Inboxes:
    return Inboxes(client.door)


def named(found: tuple[RemoteInbox, ...]) -> set[str]:
    return {inbox.address for inbox in found}


async def test_all_inboxes_of_the_key_are_listed(inboxes: Inboxes, org: Org) -> None:
    found = await inboxes.all()
    assert named(found) == {org.one, org.two}
    assert all(inbox.inbox_id == inbox.address and not inbox.is_paused for inbox in found)


@pytest.mark.parametrize("fault", ["short_page", "empty_page", "unknown_fields"])
async def test_no_page_is_taken_for_the_last_without_reason(
    v0: V0Control, inboxes: Inboxes, org: Org, fault: str
) -> None:
    v0.sandbox.fault(fault, operation="v0_list_inboxes")
    assert named(await inboxes.all()) == {org.one, org.two}


async def test_pages_without_end_are_given_up(v0: V0Control, inboxes: Inboxes) -> None:
    v0.sandbox.fault("empty_page", operation="v0_list_inboxes", times=None)
    with pytest.raises(BadAnswer):
        await inboxes.all()


async def test_a_key_of_one_inbox_lists_that_one(v0: V0Control, org: Org) -> None:
    client = AgentMailToClient(v0.base_url, v0.key(org, inbox_id=org.two), org.two, sleep=no_pause)
    inboxes = Inboxes(client.door)
    identity = await inboxes.identity()
    assert (identity.scope, identity.inbox_id) == ("inbox", org.two)
    assert named(await inboxes.all()) == {org.two}
    await client.aclose()


async def test_a_paused_inbox_says_so(v0: V0Control, inboxes: Inboxes, org: Org) -> None:
    with v0.client(org.key) as plain:
        plain.patch(f"inboxes/{seg(org.two)}", json={"status": "paused", "display_name": "Second"})
    second = next(one for one in await inboxes.all() if one.address == org.two)
    assert (second.is_paused, second.display_name) == (True, "Second")


async def test_inboxes_are_found_by_beginnings_of_words(inboxes: Inboxes, org: Org) -> None:
    assert org.two in named(await inboxes.search(org.two[:6]))
    assert await inboxes.search("nobody-of-this-name") == ()


@pytest.mark.parametrize("words", ["", " ", "a", " b ", "x" * 257])
async def test_what_cannot_be_searched_for_is_not_asked(inboxes: Inboxes, words: str) -> None:
    with pytest.raises(UsageError):
        await inboxes.search(words)


@pytest.mark.parametrize(
    "entry",
    [{}, {"inbox_id": 1}, {"inbox_id": ""}, {"inbox_id": "no address"},
     {"inbox_id": "a@b.example", "email": "a@b.example\r\nBcc: c@d.example"},
     {"inbox_id": "a@b.example", "email": "Ann <a@b.example>"},
     {"inbox_id": "a@b.example", "email": "a@ⓑ.example"}, None, "x@y.example"],
    ids=range(9),
)  # fmt: skip
async def test_an_odd_entry_is_left_out(v0: V0Control, inboxes: Inboxes, entry: Any) -> None:
    import json

    body = json.dumps({"count": 2, "inboxes": [entry, {"inbox_id": "c@d.example"}]})
    v0.sandbox.fault("answer", operation="v0_list_inboxes", status=200, body=body)
    assert named(await inboxes.all()) == {"c@d.example"}


# ── our own addresses ────────────────────────────────────────────────────────────────────────────


async def test_own_addresses_are_the_inboxes_of_the_key_and_nothing_else(
    inboxes: Inboxes, org: Org
) -> None:
    own: OwnInboxes = OwnAddresses(inboxes)
    assert await own.addresses() == {org.one.lower(), org.two.lower()}


async def test_a_list_is_believed_for_its_time_and_no_longer() -> None:
    clock, listed = Clock(), FakeInboxes("A@b.example")
    own = OwnAddresses(listed, clock, age=300)  # type: ignore[arg-type]
    assert await own.addresses() == {"a@b.example"}
    listed.addresses = ("new@b.example",)
    clock.now += 299
    assert await own.addresses() == {"a@b.example"}
    clock.now += 1
    assert await own.addresses() == {"new@b.example"}
    assert listed.asked == 2


@pytest.mark.parametrize(
    "error", [Offline("Away."), SignedOut("No."), ServerBroken("Broken."), BadAnswer("Odd.")]
)
async def test_an_old_list_is_not_answered_with_when_no_new_one_comes(error: Exception) -> None:
    clock, listed = Clock(), FakeInboxes("a@b.example")
    own = OwnAddresses(listed, clock, age=300)  # type: ignore[arg-type]
    await own.addresses()
    listed.error = error
    clock.now += 301
    for _ in range(2):
        with pytest.raises(type(error)):
            await own.addresses()
    listed.error = None
    assert await own.addresses() == {"a@b.example"}


async def test_a_clock_that_was_set_back_makes_no_list_older_than_it_is() -> None:
    clock, listed = Clock(), FakeInboxes("a@b.example")
    own = OwnAddresses(listed, clock, age=300)  # type: ignore[arg-type]
    await own.addresses()
    clock.now -= 5_000
    await own.addresses()
    assert listed.asked == 2


async def test_what_was_made_or_deleted_here_is_asked_for_again() -> None:
    listed = FakeInboxes("a@b.example")
    own = OwnAddresses(listed, Clock())  # type: ignore[arg-type]
    await own.addresses()
    own.forget()
    await own.addresses()
    assert listed.asked == 2
