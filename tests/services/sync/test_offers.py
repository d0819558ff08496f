"""What a kind of service offers holds without a connection too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.api.assmbl import AssmblClient
from services.api.offers import capabilities_of
from services.cache.store import MailStore
from services.errors import UsageError
from services.sync.mailbox import Mailbox
from tests.fakes.fake_provider import items
from tests.fakes.no_wait_disk import FakeDisk

Offline = Callable[[str], Mailbox]


@pytest.fixture
def offline(tmp_path: Path) -> Iterator[Offline]:
    """Open a cached mailbox of an account's kind that never had a connection."""
    stores: list[MailStore] = []

    def make(kind: str) -> Mailbox:
        stores.append(MailStore.open(tmp_path / kind, ops=FakeDisk()))
        stores[-1].put_items(items(3))
        return Mailbox(stores[-1], None, None, offers=lambda: capabilities_of(kind))

    yield make
    for store in stores:
        store.close()


async def test_a_client_offers_what_its_kind_is_known_for() -> None:
    assmbl = AssmblClient("https://assmbl.example", "token", "agents.example.com")
    other = AgentMailToClient("https://api.agentmail.to/v0/", "key", "bot@agentmail.to")
    assert assmbl.capabilities == capabilities_of("assmbl")
    assert other.capabilities == capabilities_of("agentmail.to")
    await assmbl.aclose()
    await other.aclose()


@pytest.mark.parametrize("label", ["sent", "Trash", "spam", "unread"])
async def test_a_label_of_the_service_is_refused_without_a_connection(
    offline: Offline, label: str
) -> None:
    mailbox = offline("agentmail.to")
    with pytest.raises(UsageError, match="only the service sets"):
        await mailbox.change_labels(["m1"], add=(label,))
    assert mailbox.waiting == 0
    assert await offline("assmbl").change_labels(["m1"], add=(label,)) == 1


async def test_labels_are_kept_as_the_service_keeps_them_without_a_connection(
    offline: Offline,
) -> None:
    mailbox = offline("agentmail.to")
    await mailbox.change_labels(["m1"], add=("Needs-Review", "needs-review"))
    shown = mailbox.store.item("m1")
    assert shown is not None
    assert shown.labels == ("needs-review",)
