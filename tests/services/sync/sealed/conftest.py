"""Keys, the real render worker, and sessions over mail that is encrypted to the own key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.crypto.own import OwnKey
from services.reading.render_process import RenderWorker
from services.redact import Secret
from services.shown_mail import RenderedMessage
from services.sync.unsealing import Unsealer
from tests.fakes.fake_provider import FakeProvider, items
from tests.fakes.reading_keys import FakeReadingKeys
from tests.fakes.sealed_mail import SENDER, armor, mail
from tests.services.sync.sealed.sealed_stage import PASSPHRASE, WORD, Session


@pytest.fixture(scope="session")
def my_key() -> OwnKey:
    return OwnKey.generate("Me", "me@example.org", None, bits=2048)


@pytest.fixture(scope="session")
def ann() -> OwnKey:
    return OwnKey.generate("Ann", SENDER, None, bits=2048)


@pytest.fixture(scope="session")
def stranger() -> OwnKey:
    return OwnKey.generate("Mallory", "mallory@example.net", None, bits=2048)


@pytest.fixture
def keys(my_key: OwnKey) -> FakeReadingKeys:
    keys = FakeReadingKeys(my_key)
    keys.unlock()
    return keys


@pytest.fixture(scope="session")
def worker() -> Iterator[RenderWorker]:
    worker = RenderWorker()
    yield worker
    worker.close()


@pytest.fixture
def read(worker: RenderWorker, keys: FakeReadingKeys):  # type: ignore[no-untyped-def]
    def read(raw: bytes, *, reveal: bool = False) -> RenderedMessage:
        return worker.render_sync(raw, opener=Unsealer(keys.at_hand()), reveal=reveal)

    return read


@pytest.fixture(scope="session")
def key() -> OwnKey:
    return OwnKey.generate("Me", "me@example.org", Secret(PASSPHRASE), bits=2048)


@pytest.fixture(scope="session")
def newer_key() -> OwnKey:
    return OwnKey.generate("Me", "me@example.org", Secret(PASSPHRASE), bits=2048)


@pytest.fixture
def provider(key: OwnKey) -> FakeProvider:
    provider = FakeProvider(items(8, encrypted=True))
    for number in range(8):
        text = f"{WORD}{number} and more\n"
        provider.mails[f"m{number}"] = mail(armor(text, key.public)).decode()
    return provider


@pytest.fixture
async def start(tmp_path: Path, worker: RenderWorker, provider: FakeProvider, key: OwnKey):  # type: ignore[no-untyped-def]
    running: list[Session] = []

    async def start(*, keep: bool = False, keys: tuple[OwnKey, ...] = (key,)) -> Session:
        while running:
            running.pop().close()
        session = Session(tmp_path / "home", worker, provider, keep)
        running.append(session)
        for own in keys:
            session.chain.own_keys.keep(own)
        await session.mailbox.sync()
        return session

    yield start
    while running:
        running.pop().close()
