"""Encrypted mail over a session: unlocked, read ahead, searched, locked, and kept when wanted.

Real keys, the real keychain and the real render worker; only the mail service is a fake one.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from services.cache.store import MailStore
from services.crypto.errors import WrongPassphrase
from services.crypto.own import OwnKey
from services.key_events import LockKeys, ReadAhead, UnlockKeys
from services.keys.keychain import Keychain
from services.models import Mailbox as Box
from services.models import MailFilter
from services.reading.render_process import RenderWorker
from services.redact import Secret
from services.requests import OpenMessage
from services.seal_models import SealState
from services.shown_mail import RenderedMessage
from services.sync.late_keychain import LateKeychain
from services.sync.mailbox import Mailbox
from services.sync.sealed_reading import REMEMBERED, SealedReading
from tests.fakes.fake_provider import QUICK, FakeProvider, items, until
from tests.fakes.no_wait_disk import FakeDisk
from tests.fakes.sealed_mail import armor, mail

PASSPHRASE = "canary-passphrase-4711"
WORD = "canaryword"


@pytest.fixture(scope="module")
def key() -> OwnKey:
    return OwnKey.generate("Me", "me@example.org", Secret(PASSPHRASE), bits=2048)


@pytest.fixture(scope="module")
def newer_key() -> OwnKey:
    return OwnKey.generate("Me", "me@example.org", Secret(PASSPHRASE), bits=2048)


@pytest.fixture(scope="module")
def worker() -> RenderWorker:
    worker = RenderWorker()
    yield worker
    worker.close()


class FakeLateWorker:
    """The real worker; it counts, and can be told what to do before an answer goes out."""

    def __init__(self, worker: RenderWorker) -> None:
        self._worker = worker
        self.rendered = 0
        self.before_answer = lambda: None

    async def render(self, raw: bytes, **options: object) -> RenderedMessage:
        self.rendered += 1
        message = await self._worker.render(raw, **options)  # type: ignore[arg-type]
        self.before_answer()
        return message

    async def aclose(self) -> None:
        return


class Session:
    """One run of the program over a folder."""

    def __init__(
        self, folder: Path, worker: RenderWorker, provider: FakeProvider, keep: bool
    ) -> None:
        self.folder = folder
        self.renderer = FakeLateWorker(worker)
        self.chain = Keychain(
            key_folder=folder / "keys", account_folder=folder / "account", keep_decrypted=keep
        )
        self.store = MailStore.open(folder / "cache", ops=FakeDisk())
        self.mailbox = Mailbox(
            self.store, provider, self.renderer, pace=QUICK,
            keychain=LateKeychain(lambda: self.chain),
        )  # fmt: skip

    async def open(self, message_id: str) -> RenderedMessage:
        return (await self.mailbox.open(message_id)).message

    async def state(self, message_id: str) -> SealState:
        message = await self.open(message_id)
        assert message.seal is not None
        return message.seal.state

    async def unlock(self) -> None:
        await self.mailbox.keychain.get()
        await self.chain.unlock(Secret(PASSPHRASE))

    def found(self, text: str) -> list[str]:
        rows = self.store.snapshot().select(MailFilter(Box.ALL, text=text))
        return [rows.message_id(number) for number in range(len(rows))]

    def close(self) -> None:
        self.mailbox.sealed.close()
        self.chain.close()
        self.store.close()

    def on_disk(self) -> bytes:
        return b"".join(p.read_bytes() for p in sorted(self.folder.rglob("*")) if p.is_file())


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


# ── searching ────────────────────────────────────────────────────────────────────────────────────


async def test_the_search_finds_decrypted_text_until_the_lock_and_never_on_the_disk(start) -> None:
    session = await start()
    assert session.found(WORD) == []
    await session.unlock()
    await session.open("m2")
    await session.open("m6")
    assert session.found(WORD) == ["m6", "m2"]
    assert session.found(f"{WORD}2 subject") == ["m2"]
    assert session.found(f"from:{WORD}2") == []
    assert "m2" not in session.found(f"subject -{WORD}2")
    session.chain.lock()
    assert session.found(WORD) == []
    session.store.checkpoint()
    assert WORD.encode() not in session.on_disk()


async def test_a_locked_search_result_is_published_anew(start) -> None:
    session = await start()
    await session.unlock()
    await session.open("m2")
    before = session.mailbox.snapshot.version
    session.chain.lock()
    await until(lambda: session.mailbox.snapshot.version != before)


# ── keep_decrypted ───────────────────────────────────────────────────────────────────────────────


async def test_kept_text_is_found_in_a_later_session_and_lies_sealed_on_the_disk(start) -> None:
    first = await start(keep=True)
    await first.unlock()
    await first.open("m2")
    assert list(first.store.kept.contents())
    assert WORD.encode() not in first.on_disk()
    later = await start(keep=True)
    assert later.found(WORD) == []
    await later.unlock()
    await later.mailbox.find_kept()
    assert later.found(f"{WORD}2") == ["m2"]
    later.chain.lock()
    assert later.found(WORD) == []


async def test_kept_text_opens_a_message_whose_key_is_gone(start, key, newer_key) -> None:
    first = await start(keep=True, keys=(key, newer_key))
    await first.unlock()
    assert await first.state("m2") is SealState.OPENED
    first.close()
    for file in (first.folder / "keys").glob(f"{key.fingerprint}*"):
        file.unlink()
    later = Session(first.folder, first.renderer._worker, first.mailbox.provider, True)
    try:
        await later.unlock()
        message = await later.open("m2")
        assert [line.text for line in message.body] == [f"{WORD}2 and more"]
        assert await later.state("m3") is SealState.NOT_FOR_ME
    finally:
        later.close()


async def test_without_the_setting_nothing_is_kept_and_what_was_is_removed(start) -> None:
    first = await start(keep=True)
    await first.unlock()
    await first.open("m2")
    later = await start(keep=False)
    await later.unlock()
    await later.open("m3")
    await later.mailbox.find_kept()
    assert list(later.store.kept.contents()) == []


async def test_kept_text_goes_with_its_message(start) -> None:
    session = await start(keep=True)
    await session.unlock()
    await session.open("m2")
    session.store.remove(["m2"])
    assert list(session.store.kept.contents()) == []


# ── keys stay on this side of the pipe ───────────────────────────────────────────────────────────


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc, which Linux has")
async def test_the_sealed_worker_never_holds_a_key_or_a_passphrase(start, worker, key) -> None:
    session = await start()
    await session.unlock()
    for number in range(8):
        assert await session.state(f"m{number}") is SealState.OPENED
    (unlocked,) = session.chain.unlocked()
    material = unlocked.parts()[0]._held.keymaterial
    pid = worker.pid
    assert pid is not None
    memory = _memory_of(pid)
    assert WORD.encode() in memory, "the scan sees what the worker really holds"
    assert PASSPHRASE.encode() not in memory
    assert b"PRIVATE KEY" not in memory
    assert key.block[:400] not in memory
    for number in (int(material.d), int(material.p), int(material.q)):
        for order in ("big", "little"):
            assert number.to_bytes((number.bit_length() + 7) // 8, order) not in memory


def _memory_of(pid: int) -> bytes:
    out = []
    process = Path(f"/proc/{pid}")
    with (process / "maps").open() as maps, (process / "mem").open("rb", buffering=0) as mem:
        for line in maps:
            span, rights = line.split()[:2]
            if "r" not in rights or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                mem.seek(start)
                out.append(mem.read(end - start))
            except (OSError, OverflowError):
                continue
    return b"".join(out)


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
