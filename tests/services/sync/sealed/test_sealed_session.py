"""Encrypted mail over a session: unlocked once, read ahead of the cursor, locked again.

Real keys, the real keychain and the real render worker; only the mail service is a fake one.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.cache.store import MailStore
from services.crypto.errors import WrongPassphrase
from services.key_events import LockKeys, ReadAhead, UnlockKeys
from services.keys.keychain import Keychain
from services.redact import Secret
from services.requests import OpenMessage
from services.seal_models import SealState
from services.shown_mail import RenderedMessage
from services.sync.late_keychain import LateKeychain
from services.sync.sealed_reading import REMEMBERED, SealedReading
from tests.fakes.fake_provider import until
from tests.fakes.no_wait_disk import FakeDisk
from tests.services.sync.sealed.sealed_stage import PASSPHRASE, WORD

# ── unlocked once, locked again ──────────────────────────────────────────────────────────────────


async def test_one_passphrase_opens_all_mail_until_the_lock(start) -> None:
    session = await start()
    assert await session.state("m0") is SealState.LOCKED
    with pytest.raises(WrongPassphrase):
        await session.chain.unlock(Secret("wrong"))
    assert await session.state("m0") is SealState.LOCKED
    await session.unlock()
    assert await session.state("m0") is SealState.OPENED
    assert await session.state("m1") is SealState.OPENED
    session.chain.lock()
    assert await session.state("m0") is SealState.LOCKED
    assert WORD not in repr(await session.open("m0"))


async def test_encrypted_mail_without_the_flag_opens_as_well(start, provider) -> None:
    provider.change("m3", encrypted=False)
    session = await start()
    await session.unlock()
    assert await session.state("m3") is SealState.OPENED


async def test_mail_in_clear_makes_no_keychain(start, provider) -> None:
    provider.mails["m5"] = "From: a@example.org\r\nSubject: t\r\n\r\nhello\r\n"
    provider.change("m5", encrypted=False)
    session = await start()
    assert (await session.open("m5")).seal is None
    assert session.mailbox.keychain.made is None


async def test_an_answer_that_comes_after_the_lock_shows_nothing(start) -> None:
    session = await start()
    await session.unlock()
    session.renderer.before_answer = lambda: session.chain.lock()
    message = await session.open("m0")
    assert message.seal is not None
    assert message.seal.state is SealState.LOCKED
    assert WORD not in repr(message)
    assert session.found(f"{WORD}0") == []


# ── ahead of the cursor ──────────────────────────────────────────────────────────────────────────


async def test_what_was_opened_ahead_comes_without_rendering_or_decrypting(start) -> None:
    session = await start()
    await session.unlock()
    await session.mailbox.read_ahead(["m1", "m2"])
    rendered = session.renderer.rendered
    assert rendered == 2
    message = await session.open("m2")
    assert [line.text for line in message.body] == [f"{WORD}2 and more"]
    assert session.renderer.rendered == rendered


async def test_nothing_is_opened_ahead_while_locked(start, provider) -> None:
    session = await start()
    asked = len(provider.requests)
    await session.mailbox.read_ahead(["m1", "m2"])
    assert (session.renderer.rendered, len(provider.requests)) == (0, asked)


async def test_reading_ahead_passes_over_clear_mail_and_failures(start, provider) -> None:
    session = await start()
    await session.unlock()
    provider.change("m1", encrypted=False)
    await session.mailbox.sync(full=True)
    provider.lose("m2")
    await session.mailbox.read_ahead(["m1", "m2", "nobody", "m4"])
    assert session.mailbox.sealed.recall("m4") is not None
    assert session.mailbox.sealed.recall("m1") is None


async def test_locking_forgets_what_was_opened_ahead(start) -> None:
    session = await start()
    await session.unlock()
    await session.mailbox.read_ahead(["m1"])
    session.chain.lock()
    assert session.mailbox.sealed.recall("m1") is None
    assert await session.state("m1") is SealState.LOCKED


async def test_the_memory_of_opened_mail_is_bounded(start, provider, monkeypatch) -> None:
    monkeypatch.setattr("services.sync.sealed_reading.REMEMBERED", 3)
    assert REMEMBERED < 100
    session = await start()
    await session.unlock()
    for number in range(8):
        await session.open(f"m{number}")
    held = [n for n in range(8) if session.mailbox.sealed.recall(f"m{n}")]
    assert held == [5, 6, 7]


async def test_a_newer_request_ends_the_reading_ahead_of_an_older_one(start) -> None:
    from contextlib import nullcontext

    from services.sync.desk import Desk

    session = await start()
    await session.unlock()
    desk = Desk(session.mailbox, lambda _: None, lambda _: nullcontext(), lambda: None)
    first_is_held, go_on = asyncio.Event(), asyncio.Event()
    real = session.renderer.render

    async def held(raw: bytes, **options: object) -> RenderedMessage:
        first_is_held.set()
        await go_on.wait()
        return await real(raw, **options)

    session.renderer.render = held
    desk.take(1, ReadAhead(("m1", "m2")))
    await first_is_held.wait()
    desk.take(2, ReadAhead(("m3",)))
    go_on.set()
    await until(lambda: not desk.is_busy)
    assert session.renderer.rendered == 1
    assert session.mailbox.sealed.recall("m3") is not None
    await desk.close()


async def test_the_desk_unlocks_reads_and_locks(start) -> None:
    from contextlib import nullcontext

    from services.events import MessageOpened
    from services.sync.desk import Desk

    session = await start()
    told: list[object] = []
    desk = Desk(session.mailbox, told.append, lambda _: nullcontext(), lambda: None)
    for number, request in enumerate(
        [OpenMessage("m0"), UnlockKeys(Secret(PASSPHRASE)), OpenMessage("m0"), LockKeys(), OpenMessage("m0")]
    ):  # fmt: skip
        desk.take(number, request)
        await until(lambda: not desk.is_busy)
    states = [event.trust.seal.state for event in told if isinstance(event, MessageOpened)]  # type: ignore[union-attr]
    assert states == [SealState.LOCKED, SealState.OPENED, SealState.LOCKED]
    await desk.close()


# ── keys stay on this side of the pipe ───────────────────────────────────────────────────────────


def test_sessions_over_one_keychain_follow_it_one_at_a_time(tmp_path: Path) -> None:
    chain = Keychain(key_folder=tmp_path / "keys", account_folder=tmp_path / "account")
    store = MailStore.open(tmp_path / "cache", ops=FakeDisk())

    async def main() -> None:
        late = LateKeychain(lambda: chain)
        older = SealedReading(store, late)
        await older.opener("m0")
        older.close()
        newer = SealedReading(store, late)
        await newer.opener("m0")
        assert len(chain._on_lock) == 1

    asyncio.run(main())
    store.close()
