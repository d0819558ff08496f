"""Encrypted mail that lies beside the mailbox: opened with the keys of now, and never after the lock."""

from __future__ import annotations

from typing import Any

import pytest

from services.api.offers import capabilities_of
from services.seal_models import SealState
from services.shelf_events import ReadShelved, ShelvedRead
from services.shelves import Shelf
from services.sync.connecting import Connecting
from services.sync.shelf_desk import ShelfDesk
from services.wire_values import FetchedMessage, InboxPage
from tests.fakes.fake_provider import FakeProvider
from tests.services.sync.sealed.sealed_stage import WORD, Session


class FakeShelf:
    """Every message of a mailbox lies in its trash."""

    capabilities = capabilities_of("agentmail.to")

    def __init__(self, mailbox: FakeProvider) -> None:
        self._mailbox = mailbox

    async def list_shelf(
        self, shelf: Shelf, *, limit: int = 100, cursor: str | None = None
    ) -> InboxPage:
        return InboxPage((), None)

    async def get_shelved(self, shelf: Shelf | None, message_id: str) -> FetchedMessage:
        return await self._mailbox.get_message(message_id)

    async def list_sent_in(self, thread_id: str) -> InboxPage:
        return InboxPage((), None)

    async def undelete_message(self, message_id: str) -> None:
        return


@pytest.fixture
async def session(start: Any, provider: FakeProvider) -> Session:
    """A session whose keys are unlocked, with an encrypted message in the trash of its service."""
    made: Session = await start()
    await made.unlock()
    trash: Any = FakeShelf(provider)
    made.mailbox.provider = trash
    return made


async def read(session: Session) -> ShelvedRead:
    told: list[Any] = []
    desk = ShelfDesk(session.mailbox, Connecting(), told.append)
    await desk.answer(1, ReadShelved(Shelf.TRASH, "m0"))
    (answer,) = told
    assert isinstance(answer, ShelvedRead)
    assert answer.message.seal is not None
    return answer


async def test_it_is_opened_while_the_keys_are_and_nothing_of_it_is_remembered(
    session: Session,
) -> None:
    answer = await read(session)
    assert answer.message.seal.state is SealState.OPENED
    assert f"{WORD}0 and more" in [line.text for line in answer.message.body]
    assert session.mailbox.sealed.recall("m0") is None


async def test_an_answer_from_the_trash_that_comes_after_the_lock_shows_nothing(
    session: Session,
) -> None:
    session.renderer.before_answer = session.chain.lock
    answer = await read(session)
    assert answer.message.seal.state is SealState.LOCKED
    assert WORD not in repr(answer)
