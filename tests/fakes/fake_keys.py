"""Keys, peers and a directory in memory: the same requests and events as the engine's, no OpenPGP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha1

from services import key_events as ev
from services.events import Event, KeyRequest, RequestFailed
from services.key_models import (
    DirectoryStatus,
    DirectoryView,
    ExpiryView,
    FingerprintView,
    KeysView,
    LockState,
    OwnKeyView,
    PeerStatus,
    PeerView,
    TrustedSenderView,
)
from services.safe_text import clean_line, phrase, ui
from tests.fakes.rows import NOON

DAY = 86_400
WORDS = ("abandon", "ability", "able", "about", "above", "absent", "absorb", "abstract", "absurd",
         "abuse", "access", "accident", "account", "accuse", "achieve")  # fmt: skip


def fingerprint(seed: str) -> FingerprintView:
    raw = sha1(seed.encode(), usedforsecurity=False).hexdigest().upper()
    groups = " ".join(raw[at : at + 4] for at in range(0, 40, 4))
    turn = int(raw[:4], 16) % len(WORDS)
    return FingerprintView(
        raw, clean_line(groups), clean_line(" ".join((*WORDS[turn:], *WORDS[:turn])))
    )


def own_key(seed: str = "mine", *, current: bool = True, made: int = NOON - 15 * DAY,
            expires: int | None = None, sealed: bool = True) -> OwnKeyView:  # fmt: skip
    return OwnKeyView(
        fingerprint(seed), ui("RSA-4096"), ui("ops-bot <ops-bot@agents.example.com>"), made, expires,
        is_current=current, is_sealed=sealed, is_unlocked=False,
    )  # fmt: skip


def peer(name: str, status: PeerStatus = PeerStatus.PINNED, **more: object) -> PeerView:
    address = f"{name}@agents.example.com"
    made = PeerView(
        address, clean_line(address), status,
        fingerprint(name) if status is not PeerStatus.NO_KEY else None,
        ui("RSA-4096"), since=NOON - 37 * DAY,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def sample_keys() -> KeysView:
    """The keys of the sketch in the design, and one of each other state."""
    peers = (
        peer("research", PeerStatus.VERIFIED, verified_at=NOON - 30 * DAY,
             verified_how=ui("by voice"), requires_encryption=True),
        peer("billing", since=NOON - 17 * DAY, expires=NOON + 21 * DAY),
        peer("csv-worker", PeerStatus.CHANGED, since=NOON - 16 * DAY,
             offered=fingerprint("csv-worker 2"), offered_at=NOON - DAY),
        peer("old-bot", PeerStatus.UNUSABLE, why=ui("The key expired on 2020-12-31.")),
        peer("new-bot", PeerStatus.NO_KEY, since=0),
    )  # fmt: skip
    return KeysView(
        LockState.UNLOCKED,
        locks_at=NOON + 300 + 14 * 60,
        own=(
            replace(own_key(), is_unlocked=True),
            own_key("former", current=False, made=NOON - 400 * DAY),
        ),
        directory=DirectoryView(DirectoryStatus.SAME, 2, fingerprint("mine"), NOON),
        peers=peers,
        required_domains=(ui("bank.example"),),
        trusted=(TrustedSenderView("research", ui("research"), True, 60),),
        offers_trusted=True,
        calendar=(
            ExpiryView(NOON + 21 * DAY, ui("billing@agents.example.com"), False, True),
            ExpiryView(NOON + 300 * DAY, ui("Your key"), True, False),
        ),
    )


NO_KEYS = KeysView(LockState.NO_KEY, directory=DirectoryView(DirectoryStatus.ABSENT, 0, None, NOON))


class FakeKeys:
    """Answers key requests at once; `passphrase` opens, `found` is a conflict waiting."""

    def __init__(self, view: KeysView = NO_KEYS, passphrase: str = "correct horse") -> None:
        self.view = view
        self.passphrase = passphrase
        self.found: DirectoryView | None = None
        self.fails: dict[type, str] = {}
        self.warnings: tuple[str, ...] = ()
        self.slow = False
        self.held: list[tuple[int, KeyRequest]] = []

    def answer(self, number: int, request: KeyRequest, emit: Callable[[Event], None]) -> None:
        if type(request) in self.fails:
            emit(RequestFailed(number, clean_line(self.fails[type(request)]), ui("Try later.")))
            return
        if self.slow and isinstance(request, ev.GenerateKey):
            self.held.append((number, request))
            emit(ev.KeyWork(number, ui("Making an RSA-4096 key …")))
            return
        self.carry_out(number, request, emit)

    def carry_out(self, number: int, request: KeyRequest, emit: Callable[[Event], None]) -> None:
        if isinstance(request, ev.UnlockKeys) and request.passphrase.reveal() != self.passphrase:
            emit(ev.WrongPassphrase(number, ui("That passphrase opens none of your keys.")))
            return
        if isinstance(request, ev.PublishKey) and self.found is not None:
            found, self.found = self.found, None
            mine = self.view.own[0].fingerprint
            emit(ev.DirectoryConflict(number, request.expected_version or 0, found, mine))
            return
        self.view = self._after(request)
        emit(ev.KeysChanged(number, self.view))
        if not isinstance(request, ev.ReadKeys | ev.ReadAhead):
            told = phrase("Done: {}.", clean_line(type(request).__name__))
            emit(ev.KeyWorkDone(number, told, tuple(map(clean_line, self.warnings))))

    def _after(self, request: KeyRequest) -> KeysView:
        match request:
            case ev.UnlockKeys():
                return replace(self.view, lock=LockState.UNLOCKED, locks_at=NOON + 1200)
            case ev.LockKeys():
                return replace(self.view, lock=LockState.LOCKED, locks_at=0)
            case ev.GenerateKey(passphrase=secret):
                return self._with_new_key(is_sealed=secret is not None)
            case ev.PublishKey() | ev.RevokeKey():
                return self._with_entry(is_gone=isinstance(request, ev.RevokeKey))
            case _:
                return self._after_peer_request(request)

    def _with_new_key(self, *, is_sealed: bool) -> KeysView:
        view = self.view
        former = tuple(replace(key, is_current=False) for key in view.own)
        made = own_key(f"key {len(former)}", made=NOON, sealed=is_sealed)
        older = replace(view.directory, status=DirectoryStatus.OLDER)
        lock = LockState.LOCKED if is_sealed else LockState.UNLOCKED
        directory = older if former else view.directory
        return replace(view, lock=lock, own=(made, *former), directory=directory)

    def _with_entry(self, *, is_gone: bool) -> KeysView:
        view, version = self.view, self.view.directory.version
        if is_gone:
            gone = DirectoryView(DirectoryStatus.REVOKED, version, None, NOON)
            return replace(view, directory=gone)
        mine = view.own[0].fingerprint
        entry = DirectoryView(DirectoryStatus.SAME, version + 1, mine, NOON)
        return replace(view, directory=entry)

    def _after_peer_request(self, request: KeyRequest) -> KeysView:
        view = self.view
        match request:
            case ev.LookUpPeer(address):
                known = {one.address for one in view.peers}
                added = () if address in known else (peer(address.partition("@")[0], since=NOON),)
                return replace(view, peers=(*view.peers, *added))
            case ev.VerifyPeer(address, _, how):
                compared = {"verified_how": clean_line(how), "verified_at": NOON}
                return self._peer(address, status=PeerStatus.VERIFIED, **compared)
            case ev.AcceptPeerKey(address):
                offered = next(one.offered for one in view.peers if one.address == address)
                pinned = {"fingerprint": offered, "offered": None}
                return self._peer(address, status=PeerStatus.PINNED, **pinned)
            case ev.ForgetPeer(address):
                kept = tuple(one for one in view.peers if one.address != address)
                return replace(view, peers=kept)
            case ev.RequireEncryption(subject, required) if "@" in subject:
                return self._peer(subject, requires_encryption=required)
            case _:
                return view

    def _peer(self, address: str, **changes: object) -> KeysView:
        peers = tuple(
            replace(one, **changes) if one.address == address else one  # type: ignore[arg-type]
            for one in self.view.peers
        )
        return replace(self.view, peers=peers)
