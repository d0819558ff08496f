"""The desk over the real sandbox: two agents, from the first key to the refusal after a revocation."""

from __future__ import annotations

import asyncio
import logging
import stat
from pathlib import Path
from typing import Any

import pytest

from services import key_events as ev
from services.crypto.errors import KeyChanged, NoKey
from services.crypto.own import OwnKey
from services.errors import MailError, UsageError
from services.key_models import DirectoryStatus, LockState, PeerStatus
from services.redact import Secret
from services.safe_text import SafeText
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import Person, person
from tests.fakes.operators import Operator, own_key

PHRASE = "canary-passphrase-Jgq7"


def keys(who: Operator) -> Any:
    return who.told(ev.KeysChanged).keys


async def test_two_agents_from_the_first_key_to_the_refusal(
    me: Operator, peer: Operator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    # The peer makes a key, sees it is not published, publishes it.
    await peer.ask(ev.GenerateKey("Peer", peer.address, Secret(PHRASE)))
    assert [type(event) for event in peer.events] == [ev.KeyWork, ev.KeyWorkDone, ev.KeysChanged]
    assert keys(peer).lock is LockState.UNLOCKED
    await peer.ask(ev.ReadKeys(ask_directory=True))
    assert keys(peer).directory.status is DirectoryStatus.ABSENT
    await peer.ask(ev.PublishKey(expected_version=0))
    assert keys(peer).directory.status is DirectoryStatus.SAME
    # I look it up, compare the words, verify it, and require encryption.
    await me.ask(ev.LookUpPeer(peer.address))
    (seen,) = keys(me).peers
    first = keys(peer).own[0].fingerprint
    assert (seen.status, seen.fingerprint) == (PeerStatus.PINNED, first)
    await me.ask(ev.VerifyPeer(peer.address, first.raw, "read aloud"))
    await me.ask(ev.RequireEncryption(peer.address, required=True))
    (seen,) = keys(me).peers
    assert (seen.status, seen.verified_how, seen.requires_encryption) == (
        PeerStatus.VERIFIED, "read aloud", True,
    )  # fmt: skip
    # The peer rotates: on an old version first, which is a conflict with both versions.
    await peer.ask(ev.GenerateKey("Peer", peer.address, Secret(PHRASE)))
    assert keys(peer).directory.status is DirectoryStatus.OLDER
    await peer.ask(ev.PublishKey(expected_version=0))
    conflict = peer.told(ev.DirectoryConflict)
    second = keys(peer).own[0].fingerprint
    assert (conflict.expected_version, conflict.found.version) == (0, 1)
    assert (conflict.found.fingerprint, conflict.mine) == (first, second)
    assert keys(peer).directory.status is DirectoryStatus.OLDER
    await peer.ask(ev.PublishKey(expected_version=conflict.found.version))
    assert (keys(peer).directory.status, keys(peer).directory.version) == (DirectoryStatus.SAME, 2)
    assert [key.is_current for key in keys(peer).own] == [True, False]
    # The alarm on my side blocks until I accept the new key.
    with pytest.raises(KeyChanged):
        await me.ask(ev.LookUpPeer(peer.address))
    (seen,) = me.told(ev.KeysChanged).keys.peers
    assert (seen.status, seen.fingerprint, seen.offered) == (PeerStatus.CHANGED, first, second)
    with pytest.raises(KeyChanged):
        await me.chain.peer_for(peer.address)
    with pytest.raises(UsageError):
        await me.ask(ev.AcceptPeerKey(peer.address, "A" * 40))
    await me.ask(ev.AcceptPeerKey(peer.address, second.raw, verified_how="by voice"))
    assert keys(me).peers[0].status is PeerStatus.VERIFIED
    assert (await me.chain.peer_for(peer.address)).fingerprint == second.raw
    # Revoked: nothing is encrypted any more.
    await peer.ask(ev.RevokeKey())
    assert keys(peer).directory.status is DirectoryStatus.REVOKED
    with pytest.raises(NoKey):
        await me.chain.peer_for(peer.address)
    await me.ask(ev.ReadKeys())
    assert keys(me).peers[0].status is PeerStatus.NO_KEY
    nothing_in_clear(tmp_path, caplog.text, PHRASE, (peer.agent.token, me.agent.token))


def nothing_in_clear(folder: Path, log: str, passphrase: str, tokens: tuple[str, ...]) -> None:
    """Every file is 0600 in 0700 folders under known names; no secret stands in one or in the log."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in folder.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o600 if path.is_file() else 0o700), path
    names = {"keys.json", "keys.json.lock", "peers.json", "peers.json.lock", "keys.unlocked"}
    assert {path.name for path in files if path.suffix != ".asc"} == names
    for secret in (passphrase, *tokens):
        assert secret not in log
        for path in files:
            assert secret.encode() not in path.read_bytes()
    sealed = [path for path in files if path.suffix == ".asc"]
    assert len(sealed) == 2
    assert all(OwnKey.load(path.read_bytes()).is_sealed for path in sealed)
    assert "PRIVATE KEY" not in log


async def test_a_wrong_passphrase_is_an_answer_and_no_failure(
    me: Operator, sealed: OwnKey, phrase: Secret
) -> None:
    me.chain.own_keys.keep(sealed)
    events = await me.ask(ev.UnlockKeys(Secret("wrong")))
    assert [type(event) for event in events] == [ev.KeyWork, ev.WrongPassphrase]
    assert "does not open" in me.told(ev.WrongPassphrase).sentence
    await me.ask(ev.UnlockKeys(phrase, remember=True))
    view = keys(me)
    assert view.lock is LockState.UNLOCKED
    assert view.locks_at > 0
    assert view.own[0].is_unlocked
    assert "keyring" in view.passphrase_kept


async def test_locking_is_told_whoever_locks(me: Operator, sealed: OwnKey, phrase: Secret) -> None:
    me.chain.own_keys.keep(sealed)
    await me.ask(ev.UnlockKeys(phrase))
    await me.ask(ev.LockKeys())
    assert keys(me).lock is LockState.LOCKED
    await me.ask(ev.UnlockKeys(phrase))
    me.events.clear()
    me.clock.now += 3_600
    me.chain.lock_if_due()
    await asyncio.gather(*me.desk._telling)
    assert keys(me).lock is LockState.LOCKED
    me.desk.close()
    await me.chain.unlock(phrase)
    me.events.clear()
    me.chain.lock()
    assert me.desk._telling == set()
    assert me.events == []


async def test_a_key_is_imported_by_paste_or_file_used_and_exported(
    me: Operator, ada: Person, sealed: OwnKey, tmp_path: Path
) -> None:
    bea = own_key(person("Bea <bea@agents.example.com>"))
    await me.ask(ev.ImportKey(block=Secret(bea.export_private())))
    assert any("no passphrase" in text for text in me.told(ev.KeyWorkDone).warnings)
    file = tmp_path / "in.asc"
    file.write_text(sealed.export_private())
    await me.ask(ev.ImportKey(file=file, make_current=False))
    assert [key.is_current for key in keys(me).own] == [True, False]
    await me.ask(ev.UseKey(sealed.fingerprint))
    assert keys(me).own[0].fingerprint.raw == sealed.fingerprint
    for private in (False, True):
        out = tmp_path / f"out-{private}.asc"
        await me.ask(ev.ExportKey(sealed.fingerprint, out, private=private))
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        assert ("PRIVATE" in out.read_text()) is private
        with pytest.raises(UsageError):
            await me.ask(ev.ExportKey(sealed.fingerprint, out, private=private))
    for wrong in (ev.ImportKey(), ev.ImportKey(block=Secret("x"), file=file)):
        with pytest.raises(UsageError):
            await me.ask(wrong)


async def test_peers_are_exported_imported_and_forgotten(
    me: Operator, peer: Operator, ada: Person, tmp_path: Path
) -> None:
    await peer.publish(own_key(ada))
    await me.ask(ev.LookUpPeer(peer.address))
    await me.ask(ev.RequireEncryption("Example.com", required=True))
    assert keys(me).peers[0].required_by_domain
    assert keys(me).required_domains == ("example.com",)
    out = tmp_path / "peers"
    await me.ask(ev.ExportPeers(out))
    await me.ask(ev.ForgetPeer(peer.address))
    assert keys(me).peers == ()
    await me.ask(ev.ImportPeers(out))
    assert keys(me).peers[0].status is PeerStatus.PINNED


async def test_trusted_senders_are_shown_and_edited_where_the_service_has_a_list(
    me: Operator, peer: Operator, sandbox: SandboxControl
) -> None:
    await me.ask(ev.ReadKeys(ask_directory=True))
    assert not keys(me).offers_trusted
    await me.ask(ev.TrustSender(peer.agent.agent_id, rate_limit_per_minute=12))
    (row,) = keys(me).trusted
    assert (row.peer_agent_id, row.enabled, row.rate_limit_per_minute) == (
        peer.agent.agent_id, True, 12,
    )  # fmt: skip
    me.chain.trusted.rows = ()
    await me.ask(ev.ReadKeys(ask_directory=True))
    assert keys(me).offers_trusted
    assert keys(me).trusted == (row,)
    await me.ask(ev.DistrustSender(peer.agent.agent_id))
    assert keys(me).trusted == ()
    for status in (404, 501):
        sandbox.fault("status", me.agent, operation="get_trusted_peer", status=status,
                      error="no_such_route", times=9)  # fmt: skip
        me.chain.book.note_trusted("someone", is_listed=True)
        await me.ask(ev.ReadKeys(ask_directory=True))
        assert not keys(me).offers_trusted
        sandbox.clear_faults()


async def test_everything_shown_is_safe_text(me: Operator, peer: Operator) -> None:
    hostile = person("Eve \x1b]0;pwned\x07\u202eevil\u200b <eve@agents.example.com>")
    await peer.publish(own_key(hostile))
    me.chain.own_keys.keep(own_key(hostile))
    await me.ask(ev.LookUpPeer(peer.address))
    pin = me.chain.pinned(peer.address)
    assert pin is not None
    await me.ask(ev.VerifyPeer(peer.address, pin.fingerprint, "by \x1b[31mvoice\u202e"))
    view = keys(me)
    shown = [view.own[0].user_id, view.peers[0].verified_how, view.peers[0].shown]
    assert all(isinstance(text, SafeText) for text in shown)
    assert not {"\x1b", "\x07", "\u202e", "\u200b"} & set("".join(shown))


async def test_what_cannot_be_asked_is_refused(me: Operator) -> None:
    with pytest.raises(UsageError):
        await me.ask(ev.ReadAhead(("m1",)))
    with pytest.raises(MailError):
        await me.ask(ev.PublishKey())
