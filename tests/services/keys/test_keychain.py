"""Opening and locking: silent where nobody need be asked, ended by idleness, by hand, from elsewhere."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services.config import Account, load
from services.crypto.errors import Locked, NoKey, WrongPassphrase
from services.crypto.own import OwnKey
from services.daemon_call import in_daemon
from services.errors import ConfigError, SecretStoreError
from services.key_models import LockState
from services.keys.keychain import open_keychain
from services.keys.unlocked_keys import IDLE_SECONDS, lock_elsewhere
from services.paths import Paths
from services.redact import Secret
from services.secrets import SecretStore
from tests.fakes.openpgp_keys import Person
from tests.fakes.operators import Operator, own_key

ROOT = Path(__file__).resolve().parents[3]


async def test_the_lock_state_follows_the_keys(
    me: Operator, sealed: OwnKey, phrase: Secret
) -> None:
    chain = me.chain
    assert chain.lock_state is LockState.NO_KEY
    with pytest.raises(NoKey):
        chain.opening()
    chain.own_keys.keep(sealed)
    assert chain.lock_state is LockState.LOCKED
    with pytest.raises(Locked):
        chain.opening()
    assert await chain.ready() == ()
    assert await chain.unlock(phrase) == ""
    assert chain.lock_state is LockState.UNLOCKED
    (opened,) = chain.opening()
    assert opened.fingerprint == sealed.fingerprint
    assert chain.locks_at == me.clock.now + IDLE_SECONDS
    assert chain.lock()
    assert opened.is_closed
    assert (chain.lock_state, chain.locks_at, chain.lock()) == (LockState.LOCKED, 0, False)


async def test_a_wrong_passphrase_changes_nothing(
    me: Operator, sealed: OwnKey, phrase: Secret
) -> None:
    me.chain.own_keys.keep(sealed)
    for _ in range(3):
        with pytest.raises(WrongPassphrase):
            await me.chain.unlock(Secret("wrong"), remember=True)
    assert me.keeper.kept is None
    assert await me.chain.unlock(phrase) == ""
    with pytest.raises(WrongPassphrase):
        await me.chain.unlock(Secret("wrong"))
    assert me.chain.lock_state is LockState.UNLOCKED


async def test_keys_lock_when_idle_and_use_puts_that_off(
    me: Operator, sealed: OwnKey, phrase: Secret
) -> None:
    chain, told = me.chain, []
    chain.own_keys.keep(sealed)
    await chain.unlock(phrase)
    end = chain.on_lock(lambda: told.append("locked"))
    me.clock.now += IDLE_SECONDS - 1
    assert chain.is_unlocked  # looking is no use
    assert not chain.lock_if_due()
    assert chain.unlocked()
    me.clock.now += IDLE_SECONDS - 1
    assert chain.unlocked()
    me.clock.now += IDLE_SECONDS + 2
    assert not chain.is_unlocked
    assert chain.unlocked() == ()
    assert chain.lock_if_due()
    assert told == ["locked"]
    end()
    await chain.unlock(phrase)
    chain.lock()
    assert told == ["locked"]


async def test_a_clock_that_is_set_back_does_not_keep_keys_open(
    me: Operator, sealed: OwnKey, phrase: Secret
) -> None:
    me.chain.own_keys.keep(sealed)
    await me.chain.unlock(phrase)
    me.clock.now -= 3_600
    assert me.chain.unlocked() == ()


async def test_the_loop_itself_locks_idle_keys(
    me: Operator, sealed: OwnKey, phrase: Secret
) -> None:
    me.chain.own_keys.keep(sealed)
    await me.chain.unlock(phrase)
    locked = asyncio.Event()
    me.chain.on_lock(locked.set)
    me.clock.now += IDLE_SECONDS + 5
    await locked.wait()
    assert me.chain.lock_state is LockState.LOCKED


async def test_another_process_can_ask_to_lock(
    me: Operator, sealed: OwnKey, phrase: Secret
) -> None:
    marker = me.chain.marker
    assert lock_elsewhere(marker) is None
    me.chain.own_keys.keep(sealed)
    await me.chain.unlock(phrase)
    script = (
        "import sys; from pathlib import Path; from services.keys.unlocked_keys import *;"
        "print(lock_elsewhere(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", script, str(marker)]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"
    assert me.chain.lock_state is LockState.LOCKED
    assert await asyncio.to_thread(lock_elsewhere, marker) is None


async def test_a_key_without_passphrase_opens_by_itself_once(me: Operator, ada: Person) -> None:
    me.chain.own_keys.keep(own_key(ada))
    assert len(await me.chain.ready()) == 1
    me.chain.lock()
    assert await me.chain.ready() == ()  # locked by hand: not opened behind the operator's back
    await me.chain.unlock(Secret(""))
    assert len(me.chain.unlocked()) == 1


async def test_a_remembered_passphrase_opens_in_silence_until_the_first_lock(
    me: Operator, sealed: OwnKey, phrase: Secret
) -> None:
    me.chain.own_keys.keep(sealed)
    me.keeper.kept = phrase
    first, second = await asyncio.gather(me.chain.ready(), me.chain.ready())
    assert first == second
    assert len(first) == 1
    me.chain.lock()
    assert await me.chain.ready() == ()
    await me.chain.unlock(Secret(""))  # an empty one stands for the remembered one
    assert me.chain.lock_state is LockState.UNLOCKED


async def test_a_remembered_passphrase_that_is_old_asks_the_operator(
    me: Operator, sealed: OwnKey
) -> None:
    me.chain.own_keys.keep(sealed)
    me.keeper.kept = Secret("of another key")
    assert await me.chain.ready() == ()
    assert me.chain.lock_state is LockState.LOCKED


async def test_remembering_that_fails_is_told_and_the_key_is_open_all_the_same(
    me: Operator, sealed: OwnKey, phrase: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    me.chain.own_keys.keep(sealed)

    def refuses(_: Secret) -> str:
        raise SecretStoreError("No keyring that keeps secrets safely was found here.")

    monkeypatch.setattr(me.keeper, "put", refuses)
    remark = await me.chain.unlock(phrase, remember=True)
    assert "is not kept: No keyring" in remark
    assert me.chain.lock_state is LockState.UNLOCKED
    monkeypatch.undo()
    assert await me.chain.unlock(phrase, remember=True) == ""
    assert me.keeper.kept == phrase


async def test_a_generated_key_is_open_and_the_former_one_stays_open(
    me: Operator, sealed: OwnKey, phrase: Secret
) -> None:
    me.chain.own_keys.keep(sealed)
    await me.chain.unlock(phrase)
    key = await me.chain.generate("Ops", me.address, Secret("neu"), bits=2048)
    assert {one.fingerprint for one in me.chain.unlocked()} == {
        key.fingerprint, sealed.fingerprint,
    }  # fmt: skip
    own = me.chain.own
    assert own is not None
    assert own.fingerprint == key.fingerprint
    assert own.is_sealed


async def test_keys_and_pins_are_seen_from_any_thread(
    me: Operator, peer: Operator, sealed: OwnKey, phrase: Secret, bea: Person
) -> None:
    chain = me.chain
    chain.own_keys.keep(sealed)
    await peer.publish(own_key(bea))
    await chain.peer_for(peer.address)
    await chain.unlock(phrase)
    addresses = (peer.address, me.address, "who@else.example")
    opened, signers = await in_daemon(
        lambda: (chain.unlocked(), [chain.signer(address) for address in addresses])
    )
    assert [key.fingerprint for key in opened] == [sealed.fingerprint]
    assert [key.fingerprint if key else "" for key in signers] == [
        own_key(bea).fingerprint, sealed.fingerprint, "",
    ]  # fmt: skip


async def test_a_call_in_a_daemon_hands_over_results_and_errors_and_may_be_left() -> None:
    assert await in_daemon(lambda: threading.current_thread().daemon)

    def fails() -> None:
        raise SecretStoreError("no")

    with pytest.raises(SecretStoreError):
        await in_daemon(fails)
    gate = threading.Event()
    left = asyncio.create_task(in_daemon(gate.wait))
    await asyncio.sleep(0)
    left.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await left


def test_the_configured_idle_time_is_used(isolation: Path) -> None:
    paths = Paths.from_environment()
    paths.config_dir.mkdir(parents=True)
    paths.config_file.write_text("[keys]\nidle_lock_minutes = 2\n")
    account = Account("work", "assmbl", "https://api.example.com", address="a@b.example")

    async def locked_after_two_minutes() -> bool:
        chain = open_keychain(account, paths, SecretStore(paths))
        before = chain.now
        await chain.generate("A", "a@b.example", None, bits=2048)
        in_time = before + 120 <= chain.locks_at <= chain.now + 120
        chain.close()
        return in_time

    assert asyncio.run(locked_after_two_minutes())


@pytest.mark.parametrize("value", ["0", "1441", "-5", "true", '"15"', "1.5"])
def test_an_idle_time_that_makes_no_sense_is_refused(isolation: Path, value: str) -> None:
    paths = Paths.from_environment()
    paths.config_dir.mkdir(parents=True)
    paths.config_file.write_text(f"[keys]\nidle_lock_minutes = {value}\n")
    with pytest.raises(ConfigError, match="idle_lock_minutes"):
        load(paths)
