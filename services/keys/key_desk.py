"""Answers the requests about keys and peers, and tells how everything stands after each.

Closes two traps: a wrong passphrase that counts as a failure (it is an answer of its own, and the
operator is asked again), and a directory that moved on meanwhile (both versions are told, and what
can be chosen). The screen has asked before anything that cannot be undone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from services import key_events as ev
from services.crypto.errors import WrongPassphrase
from services.daemon_call import in_daemon
from services.errors import CryptoError, MailError, Offline, UsageError
from services.events import Event, KeyRequest
from services.key_models import DirectoryStatus
from services.keys import peer_files, words
from services.keys.directory import VersionConflict
from services.keys.keychain import Keychain
from services.keys.views import done, kept_sentence, keys_view, own_warnings, required
from services.safe_text import EMPTY, SafeText, clean_line, ui

_CHOICE = ui("Publish over the version that is there now, or leave it.")


class KeyDesk:
    """Carries out `KeyRequest`s of one account; MailErrors are the caller's to tell."""

    def __init__(self, keychain: Keychain, emit: Callable[[Event], None]) -> None:
        self._chain = keychain
        self._emit = emit
        self._kept: SafeText | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._end = keychain.on_lock(self._on_lock)
        self._answers: dict[type[KeyRequest], Callable[[int, Any], Awaitable[None]]] = {
            ev.ReadKeys: self._read,
            ev.UnlockKeys: self._unlock,
            ev.LockKeys: self._lock,
            ev.GenerateKey: self._generate,
            ev.ImportKey: self._import,
            ev.UseKey: self._use,
            ev.ExportKey: self._export,
            ev.PublishKey: self._publish,
            ev.RevokeKey: self._revoke,
            ev.LookUpPeer: self._look_up,
            ev.AcceptPeerKey: self._accept,
            ev.VerifyPeer: self._verify,
            ev.ForgetPeer: self._forget,
            ev.RequireEncryption: self._require,
            ev.ExportPeers: self._export_peers,
            ev.ImportPeers: self._import_peers,
            ev.TrustSender: self._trust,
            ev.DistrustSender: self._distrust,
        }

    async def answer(self, request_id: int, request: KeyRequest) -> None:
        """Carry out one request; raises MailError, after which nothing was done."""
        answer = self._answers.get(type(request))
        if answer is None:
            raise UsageError("This cannot be asked of the keys.")
        await answer(request_id, request)

    def close(self) -> None:
        """Tell nothing more."""
        self._end()
        for task in self._telling:
            task.cancel()

    # ── own keys ─────────────────────────────────────────────────────────────────────────────────

    async def _read(self, request_id: int, request: ev.ReadKeys) -> None:
        if self._kept is None:
            self._kept = kept_sentence(bool(await in_daemon(self._chain.keeper.get)))
        if request.ask_directory:
            await self._chain.entry.refresh()
        await self._tell(request_id)
        if request.ask_directory:
            await self._ask_trusted()
            await self._tell(request_id)

    async def _ask_trusted(self) -> None:
        chain = self._chain
        known = {chain.agent_id_for(peer.address) for peer in chain.book.peers()} - {""}
        try:
            await chain.trusted.refresh(known | set(chain.book.trusted()))
        except MailError:
            # The list is an extra: what stands in the way is told by the own entry.
            return

    async def _unlock(self, request_id: int, request: ev.UnlockKeys) -> None:
        self._work(request_id, ui("Unlocking your key …"))
        try:
            remark = await self._chain.unlock(request.passphrase, remember=request.remember)
        except WrongPassphrase as error:
            self._emit(ev.WrongPassphrase(request_id, clean_line(str(error))))
            return
        if request.remember:
            self._kept = kept_sentence(not remark)
        await self._done(request_id, ui("Your key is unlocked."), remark)

    async def _lock(self, request_id: int, _: ev.LockKeys) -> None:
        self._chain.lock()
        await self._done(request_id, ui("Your key is locked."))

    async def _generate(self, request_id: int, request: ev.GenerateKey) -> None:
        self._work(request_id, ui("Making an RSA-4096 key …"))
        key = await self._chain.generate(request.name, request.address, request.passphrase)
        self._chain.entry.judge_again()
        shown = words.short(key.fingerprint)
        await self._done(request_id, done("Your new key: {}", shown), *key.warnings)

    async def _import(self, request_id: int, request: ev.ImportKey) -> None:
        if (request.block is None) == (request.file is None):
            raise UsageError("Paste a key or name its file, one of the two.")
        own, block, file = self._chain.own_keys, request.block, request.file

        def take_in() -> Any:
            if file is not None:
                return own.take_in_file(file, make_current=request.make_current)
            assert block is not None
            return own.take_in(block.reveal(), make_current=request.make_current)

        key = await in_daemon(take_in)
        self._chain.entry.judge_again()
        told = own_warnings(self._chain, key, self._chain.now)
        shown = words.short(key.fingerprint)
        is_used = "is your key now" if request.make_current else "opens older mail"
        await self._done(request_id, done("Imported: {} {}.", shown, is_used), *told)

    async def _use(self, request_id: int, request: ev.UseKey) -> None:
        self._chain.own_keys.use(request.fingerprint)
        self._chain.entry.judge_again()
        shown = words.short(request.fingerprint)
        await self._done(request_id, done("{} is your key now. Publish it.", shown))

    async def _export(self, request_id: int, request: ev.ExportKey) -> None:
        own = self._chain.own_keys
        write = own.export_private if request.private else own.export_public
        path = await in_daemon(lambda: write(request.fingerprint, request.file))
        kind = "private" if request.private else "public"
        await self._done(request_id, done("The {} key is in {}.", kind, str(path)))

    # ── the own entry in the directory ───────────────────────────────────────────────────────────

    async def _publish(self, request_id: int, request: ev.PublishKey) -> None:
        try:
            view = await self._chain.entry.publish(request.expected_version)
        except VersionConflict as error:
            await self._conflict(request_id, error)
            return
        if view.status is DirectoryStatus.UNKNOWN:
            sentence = ui("Your key is published; the directory could not be asked again.")
        else:
            sentence = done("Your key is in the directory as version {}.", str(view.version))
        await self._done(request_id, sentence)

    async def _conflict(self, request_id: int, error: VersionConflict) -> None:
        chain = self._chain
        mine = words.view(chain.own_keys.require_current().fingerprint)
        found = chain.entry.note(error.found)
        self._emit(ev.DirectoryConflict(request_id, error.expected, found, mine, _CHOICE))
        await self._tell(request_id)

    async def _revoke(self, request_id: int, _: ev.RevokeKey) -> None:
        await self._chain.entry.revoke()
        await self._done(
            request_id, ui("Your key is out of the directory: nobody can encrypt to you.")
        )

    # ── peers ────────────────────────────────────────────────────────────────────────────────────

    async def _look_up(self, request_id: int, request: ev.LookUpPeer) -> None:
        try:
            key = await self._chain.look_up(request.address, agent_id=request.agent_id)
        except (CryptoError, Offline):
            await self._tell(request_id)
            raise
        shown = words.short(key.fingerprint)
        await self._done(request_id, done("{}: key {}", request.address, shown), key.why)

    async def _accept(self, request_id: int, request: ev.AcceptPeerKey) -> None:
        book = self._chain.book
        peer = book.accept(request.address, request.fingerprint, request.verified_how)
        shown = words.short(request.fingerprint)
        await self._done(request_id, done("{} has {} from now on.", peer.address, shown))

    async def _verify(self, request_id: int, request: ev.VerifyPeer) -> None:
        peer = self._chain.book.verify(request.address, request.fingerprint, request.how)
        await self._done(request_id, done("The key of {} is verified.", peer.address))

    async def _forget(self, request_id: int, request: ev.ForgetPeer) -> None:
        self._chain.book.forget(request.address)
        await self._done(request_id, done("The key of {} is forgotten.", request.address))

    async def _require(self, request_id: int, request: ev.RequireEncryption) -> None:
        named = self._chain.book.require(request.subject, is_required=request.required)
        sentence = required(self._chain.book, named, is_required=request.required)
        await self._done(request_id, sentence)

    async def _export_peers(self, request_id: int, request: ev.ExportPeers) -> None:
        count = peer_files.export_peers(self._chain.book, request.file)
        await self._done(
            request_id, done("Written to {}: {} of your peers.", str(request.file), str(count))
        )

    async def _import_peers(self, request_id: int, request: ev.ImportPeers) -> None:
        book = self._chain.book
        owner = self._chain.named(request.owner) if request.owner else ""
        came = await in_daemon(lambda: peer_files.import_peers(book, request.file, owner))
        told = [f"{address}: another key is pinned here; compare both." for address in came.changed]
        sentence = done("Peers taken in. New: {}, known: {}.", str(came.new), str(came.same))
        await self._done(request_id, sentence, *told, *came.refused, *came.told)

    # ── the service's allow-list ─────────────────────────────────────────────────────────────────

    async def _trust(self, request_id: int, request: ev.TrustSender) -> None:
        agent, rate = request.peer_agent_id, request.rate_limit_per_minute
        await self._chain.trusted.put(agent, is_enabled=request.enabled, rate=rate)
        self._chain.book.note_trusted(agent, is_listed=True)
        await self._done(request_id, done("{} is on the service's list.", agent))

    async def _distrust(self, request_id: int, request: ev.DistrustSender) -> None:
        await self._chain.trusted.remove(request.peer_agent_id)
        self._chain.book.note_trusted(request.peer_agent_id, is_listed=False)
        await self._done(request_id, done("{} is off the service's list.", request.peer_agent_id))

    # ── telling ──────────────────────────────────────────────────────────────────────────────────

    def _work(self, request_id: int, sentence: SafeText) -> None:
        self._emit(ev.KeyWork(request_id, sentence))

    async def _done(self, request_id: int, sentence: SafeText, *warnings: str) -> None:
        told = tuple(clean_line(warning) for warning in warnings if warning)
        self._emit(ev.KeyWorkDone(request_id, sentence, told))
        await self._tell(request_id)

    def _on_lock(self) -> None:
        task = asyncio.get_running_loop().create_task(self._tell(0))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, request_id: int) -> None:
        chain, kept = self._chain, self._kept or EMPTY
        # In a thread: judging hundreds of pinned keys takes longer than a frame.
        view = await in_daemon(lambda: keys_view(chain, chain.now, kept=kept))
        self._emit(ev.KeysChanged(request_id, view))
