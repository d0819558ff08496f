"""Decrypted text of a session: found until the lock, kept only when wanted and only sealed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from services.seal_models import SealState
from tests.fakes.fake_provider import until
from tests.services.sync.sealed.sealed_stage import PASSPHRASE, WORD, Session

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
