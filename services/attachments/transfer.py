"""One attachment, from the service into the operator's folder.

Closes four traps: a file that is asked for for ever (polling ends), a link that expired on the
way, a download without an end (the size is capped), and plaintext lying where nobody asked for it:
what is encrypted arrives encrypted in a private folder and is opened straight into the chosen one.
Source: api/assmbl.md §6.3, §7.6.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from services.attachments import landing
from services.attachments.landing import Part, Staging
from services.attachments.names import is_sealed_name, opened_name, safe_name
from services.errors import (
    BadAnswer,
    NotFound,
    Offline,
    RateLimited,
    ServerBroken,
    TimedOut,
)
from services.progress import Meter, Told, in_thread
from services.wire_values import InboundAttachment

if TYPE_CHECKING:
    from services.api.presigned import Downloaded, Progress
    from services.crypto.certs import PeerKey
    from services.crypto.own import UnlockedKey
    from services.crypto.verdicts import Verdict

LARGEST: Final = 1024 * 1024 * 1024
"""Bytes of a file that is fetched, and of what it may unpack to."""
POLL_SECONDS: Final = 1.0
POLL_LIMIT: Final = 30.0
"""Seconds that a file is waited for until the service has prepared it."""
_LONGEST_PAUSE: Final = 5.0
_HEAD: Final = 8 * 1024
_BEGIN: Final = b"-----BEGIN PGP MESSAGE-----"
_BINARY: Final = frozenset({1, 3, 18})
"""Tags that an encrypted message begins with (RFC 4880 §4.3)."""


class AttachmentSource(Protocol):
    """What a mail service offers for received files (`services.api.assmbl_attachments`)."""

    async def get_inbound_attachment_status(
        self, message_id: str, index: int
    ) -> InboundAttachment: ...

    async def download_file(
        self,
        message_id: str,
        index: int,
        descriptor: int,
        *,
        resume: bool = False,
        largest: int = ...,
        on_progress: Progress | None = None,
    ) -> Downloaded | None: ...


class OpeningKeys(Protocol):
    """What opening needs of the account's keys (`services.keys.keychain`)."""

    async def ready(self) -> Sequence[UnlockedKey]:
        """Open in silence what needs no asking."""
        ...

    def opening(self) -> Sequence[UnlockedKey]:
        """Return the open keys; Locked when none is open, NoKey when there is none."""
        ...

    def signer(self, address: str) -> PeerKey | None:
        """Return the key that signatures of an address are judged by."""
        ...


KeySupply = Callable[[], Awaitable[OpeningKeys]]
"""Gives the account's keys when the first encrypted file asks for them; may raise CryptoError."""


class Stage(Enum):
    """How far a file is."""

    WAITING = "waiting"
    """The service still prepares it."""
    FETCHING = "fetching"
    OPENING = "opening"


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far a file is; `done` and `total` in bytes, `total` 0 when unknown."""

    stage: Stage
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """One attachment that is to be saved in `folder`, opened there when `opens` is set.

    `sender` is the address whose pinned key a signature must be by to count.
    """

    message_id: str
    index: int
    folder: Path
    opens: bool = True
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """A file as it lies on the disk now; `size` in bytes.

    `was_marked` tells that its sender called it encrypted, `was_sealed` that its bytes say so,
    `is_other_size` that more or fewer bytes came than the service had announced; `verdict` is set
    when it was opened.
    """

    path: Path
    size: int
    was_marked: bool = False
    was_sealed: bool = False
    is_other_size: bool = False
    verdict: Verdict | None = None

    @property
    def was_opened(self) -> bool:
        """It arrived encrypted and lies decrypted."""
        return self.verdict is not None


class _Patience:
    """Pauses that grow, until half a minute has passed since the first question."""

    def __init__(
        self, sleep: Callable[[float], Awaitable[None]], monotonic: Callable[[], float]
    ) -> None:
        self._sleep = sleep
        self._monotonic = monotonic
        self._started = monotonic()
        self._next = POLL_SECONDS

    async def pause(self) -> None:
        """Wait a while; TimedOut when that would be too long."""
        if self._monotonic() - self._started + self._next > POLL_LIMIT:
            raise TimedOut("The service is still preparing this file.", "Save it again later.")
        await self._sleep(self._next)
        self._next = min(self._next * 1.5, _LONGEST_PAUSE)


class Fetcher:
    """Fetches attachments; `sleep` and `monotonic` are replaced in tests."""

    def __init__(
        self,
        source: AttachmentSource,
        staging: Path,
        keys: KeySupply | None = None,
        *,
        largest: int = LARGEST,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._staging = Staging(staging)
        self._keys = keys
        self._largest = largest
        self._sleep = sleep
        self._monotonic = monotonic

    async def save(
        self, wanted: Wanted, tell: Callable[[Progressed], None] = lambda _: None
    ) -> Saved:
        """Wait for a file, fetch it, open it if it is encrypted, and put it into the folder.

        Raises UsageError (folder), TimedOut (not ready in time), NotFound, DiskFull, ServiceError,
        and CryptoError when it cannot be opened; then nothing is left in the folder. Without a key
        that is unlocked nothing is fetched.
        """
        folder = landing.target_folder(wanted.folder)
        self._staging.tidy()
        patience = _Patience(self._sleep, self._monotonic)
        entry = await self._ready(wanted, patience, tell)
        if wanted.opens and entry.encrypted:
            await self._opening()
        with self._staging.part(wanted.message_id, wanted.index) as part, _kept_to_go_on(part):
            await self._fetch(wanted, entry, part, patience, tell)
            size, is_other = part.size, entry.size not in (None, part.size)
            is_sealed = _is_sealed(entry, part)
            if wanted.opens and is_sealed:
                return await self._open(wanted, entry, part, folder, tell)
            name = safe_name(entry.file_name)
            path = await in_thread(lambda _: landing.land(part.path, folder, name))
        return Saved(path, size, entry.encrypted, is_sealed, is_other)

    # ── the steps ────────────────────────────────────────────────────────────────────────────────

    async def _ready(
        self, wanted: Wanted, patience: _Patience, tell: Callable[[Progressed], None]
    ) -> InboundAttachment:
        """Ask with growing pauses until the service has the file; an unknown state is waited out."""
        while True:
            entry = await self._source.get_inbound_attachment_status(
                wanted.message_id, wanted.index
            )
            status = entry.status.lower()
            if status == "ready":
                return self._checked(entry)
            if status == "failed":
                raise NotFound(
                    "The service could not prepare this file.", "Ask the sender to send it again."
                )
            tell(Progressed(Stage.WAITING, total=entry.size or 0))
            await patience.pause()

    def _checked(self, entry: InboundAttachment) -> InboundAttachment:
        if entry.size is not None and entry.size > self._largest:
            raise BadAnswer(f"The file is larger than {self._largest // 1024 // 1024} MB.")
        return entry

    async def _fetch(
        self,
        wanted: Wanted,
        entry: InboundAttachment,
        part: Part,
        patience: _Patience,
        tell: Callable[[Progressed], None],
    ) -> None:
        """Fetch what is missing; a service that says "ready" and then "not yet" is waited for."""
        total = entry.size or 0
        told = Meter(lambda done: tell(Progressed(Stage.FETCHING, done, total)), total)
        while True:
            held = part.size
            landing.room_for(part.path.parent, total - held)
            if await self._source.download_file(
                wanted.message_id,
                wanted.index,
                part.descriptor,
                resume=0 < held < total,
                largest=self._largest,
                on_progress=told,
            ):
                return
            tell(Progressed(Stage.WAITING, total=total))
            await patience.pause()

    async def _open(
        self,
        wanted: Wanted,
        entry: InboundAttachment,
        part: Part,
        folder: Path,
        tell: Callable[[Progressed], None],
    ) -> Saved:
        from services.crypto.stream import decrypt_file

        keys, unlocked = await self._opening()
        signer = keys.signer(wanted.sender) if wanted.sender else None
        size = part.size
        landing.room_for(folder, size * 7 // 10)

        def work(progress: Told) -> Saved:
            with landing.unfinished(folder) as opened, landing.disk_errors():
                found = decrypt_file(
                    part.path,
                    opened,
                    unlocked,
                    signer=signer,
                    limit=self._largest,
                    progress=progress,
                )
                told = opened.stat().st_size
                name = opened_name(entry.file_name, found.file_name)
                path = landing.land(opened, folder, name)
                is_other = entry.size not in (None, size)
                return Saved(path, told, entry.encrypted, True, is_other, found.verdict)

        saved = await in_thread(work, lambda done: tell(Progressed(Stage.OPENING, done, size)))
        part.discard()
        return saved

    async def _opening(self) -> tuple[OpeningKeys, Sequence[UnlockedKey]]:
        """Return the keys and those that are open; Locked or NoKey when none is."""
        if self._keys is None:
            from services.crypto.errors import NoKey

            raise NoKey(
                "There is no private key to open this file with.",
                "Save it encrypted as it is, or import your key.",
            )
        keys = await self._keys()
        await keys.ready()
        return keys, keys.opening()


async def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex, made in a thread; MailError when it cannot be read."""

    def work(progress: Told) -> str:
        with landing.disk_errors():
            return landing.digest_of(path, progress)

    return await in_thread(work)


@contextmanager
def _kept_to_go_on(part: Part) -> Iterator[None]:
    """Leave what has come only when the transfer can go on there, once it is asked for again."""
    from services.api.failures import CutAnswer
    from services.api.presigned import LinkExpired

    with ExitStack() as undo:
        undo.callback(part.discard)
        try:
            yield
        except (Offline, TimedOut, CutAnswer, LinkExpired, ServerBroken, RateLimited):
            undo.pop_all()
            raise
        undo.pop_all()


def _is_sealed(entry: InboundAttachment, part: Part) -> bool:
    """Whether a file that was fetched is an encrypted message, by its mark or name and its bytes.

    Bytes decide: a signature or a key may end in `.asc` too, and anybody may set the mark.
    """
    if not (entry.encrypted or is_sealed_name(entry.file_name)):
        return False
    head = part.head(_HEAD)
    if _BEGIN in head:
        return True
    first = head[0] if head else 0
    tag = first & 0x3F if first & 0x40 else (first >> 2) & 0x0F
    return bool(first & 0x80) and tag in _BINARY
