"""Fetches the files of a message that is sent on, behind the back of whoever writes the draft.

Closes three traps: a draft that waits for 50 MB before a word can be typed, a file that is under its
name before all of it has come, and one that is taken off the draft while it is fetched and comes all
the same. What has begun to arrive is taken up again where it broke off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from services.attachments import landing
from services.attachments.desk import source_of
from services.attachments.transfer import Fetcher, Progressed, Wanted
from services.cache.files import private_folder
from services.carried_events import CarriedFile, CarriedState, CarriedTold
from services.draft import Draft, DraftFile, FileOrigin
from services.errors import MailError, NotFound, Offline
from services.outbound.drafts.carried_folders import CarriedFolders
from services.outbound.drafts.files import LARGEST
from services.outbound.log.lending import Lender
from services.outbound.outbox.outbox_contents import durable
from services.progress import in_thread
from services.safe_text import clean_line


@dataclass(slots=True)
class _Job:
    """The carried files of one draft: what is wanted, how far it is, what is being fetched."""

    draft_id: str
    wanted: dict[Path, DraftFile] = field(default_factory=dict)
    told: dict[Path, CarriedFile] = field(default_factory=dict)
    at: Path | None = None
    fetching: asyncio.Task[None] | None = None
    runner: asyncio.Task[None] | None = None

    def next(self) -> DraftFile | None:
        """The first file that nobody has looked for yet."""
        for path, file in self.wanted.items():
            if self.told[path].state is CarriedState.QUEUED:
                return file
        return None


class CarryingOver:
    """The carried files of the drafts of one account; to be used on the engine's loop only.

    `tell` is called with every move.
    """

    def __init__(
        self, folders: CarriedFolders, lender: Lender, tell: Callable[[CarriedTold], None]
    ) -> None:
        self._folders = folders
        self._lender = lender
        self._tell = tell
        self._jobs: dict[str, _Job] = {}

    def homed(self, draft: Draft) -> Draft:
        """Return a draft whose carried files lie in its own folder, where another's is not swept."""
        return replace(draft, files=tuple(self._homed(draft.draft_id, one) for one in draft.files))

    def carry(self, draft_id: str, files: Iterable[DraftFile]) -> None:
        """Fetch what is missing of these files, remove what is not among them; returns at once."""
        wanted = {
            file.path: file
            for file in files
            if file.origin is not None and self._folders.owns(draft_id, file.path)
        }
        job = self._jobs.get(draft_id)
        if job is None and not wanted:
            # Another run of this program may have left some.
            job = _Job(draft_id)
        job = self._jobs.setdefault(draft_id, job or _Job(draft_id))
        known = {path: told for path, told in job.told.items() if told.state in _STANDING}
        job.wanted = wanted
        job.told = {
            path: known.get(path, CarriedFile(path, CarriedState.QUEUED)) for path in wanted
        }
        if job.fetching is not None and job.at not in wanted:
            job.fetching.cancel()
        if job.runner is None or job.runner.done():
            job.runner = asyncio.get_running_loop().create_task(self._run(job))
        self._told(job)

    async def stop(self, draft_id: str) -> None:
        """Fetch no more for a draft; what is here stays."""
        job = self._jobs.pop(draft_id, None)
        if job is not None:
            await _end(job)
            if not job.wanted:
                await durable(lambda: self._folders.remove(draft_id))

    async def close(self) -> None:
        """Fetch no more for any draft."""
        for draft_id in tuple(self._jobs):
            await self.stop(draft_id)

    async def wait(self, draft_id: str) -> tuple[CarriedFile, ...]:
        """Return how the files of a draft are once nothing moves any more."""
        job = self._jobs.get(draft_id)
        if job is None:
            return ()
        while job.runner is not None and not job.runner.done():
            await asyncio.wait((job.runner,))
        return tuple(job.told.values())

    # ── one draft ────────────────────────────────────────────────────────────────────────────────

    async def _run(self, job: _Job) -> None:
        while True:
            wanted = job.wanted
            try:
                await durable(lambda: self._tidied(job))
            except MailError as error:
                self._failed(job, error)
                return
            if job.wanted is not wanted:
                continue
            file = job.next()
            if file is None:
                break
            job.at = file.path
            job.fetching = asyncio.ensure_future(self._fetched(job, file))
            try:
                await asyncio.wait((job.fetching,))
            except asyncio.CancelledError:
                job.fetching.cancel()
                await asyncio.gather(job.fetching, return_exceptions=True)
                raise
            if not job.fetching.cancelled():
                job.fetching.result()
            job.at = job.fetching = None
        if not job.wanted:
            self._jobs.pop(job.draft_id, None)

    def _tidied(self, job: _Job) -> None:
        """Make the folder, or remove it when nothing is wanted in it any more."""
        if not job.wanted:
            self._folders.remove(job.draft_id)
            return
        with landing.disk_errors():
            self._folders.hold(job.draft_id)
        arrived = all(told.state is CarriedState.HERE for told in job.told.values())
        self._folders.keep_only(job.draft_id, tuple(job.wanted), arrived=arrived)

    async def _fetched(self, job: _Job, file: DraftFile) -> None:
        """Fetch one file, unless it is here; what goes wrong is told in its row."""
        path = file.path
        self._put(job, CarriedFile(path, CarriedState.FETCHING))
        try:
            size = await durable(lambda: _size_of(path))
            if size is None:
                size = await self._fetch(job, file)
        except MailError as error:
            told = clean_line(error.sentence)
            self._put(job, CarriedFile(path, CarriedState.FAILED, sentence=told))
        else:
            self._put(job, CarriedFile(path, CarriedState.HERE, size, 100))

    async def _fetch(self, job: _Job, file: DraftFile) -> int:
        origin, path = file.origin, file.path
        assert origin is not None
        folder = path.parent
        with landing.disk_errors():
            await in_thread(lambda _: private_folder(folder))
        if origin.is_part:
            _, data = await self._part(origin)
            return await in_thread(lambda _: _written(folder, path.name, data))
        source = source_of(await self._lender.provider())
        # No keys: what turns out to be encrypted stays as it is.
        fetcher = Fetcher(source, self._folders.arriving(job.draft_id), largest=LARGEST)
        wanted = Wanted(origin.message_id, origin.index, folder, opens=False)
        saved = await fetcher.save(wanted, lambda progress: self._moved(job, path, progress))
        await in_thread(lambda _: _renamed(saved.path, path))
        return saved.size

    async def _part(self, origin: FileOrigin) -> tuple[str, bytes]:
        mail = self._lender.mail
        if mail is None:
            raise Offline("There is no mailbox at hand.", "Open the draft in its own account.")
        found = await mail.part(origin.message_id, origin.index)
        if found is None:
            raise NotFound(
                "The message holds this file no more, or only a part of it.", "Take it off."
            )
        return found

    def _homed(self, draft_id: str, file: DraftFile) -> DraftFile:
        if file.origin is None or self._folders.owns(draft_id, file.path):
            return file
        place = self._folders.place(draft_id, file.origin.index, file.name)
        return replace(file, path=place)

    # ── telling ──────────────────────────────────────────────────────────────────────────────────

    def _moved(self, job: _Job, path: Path, progress: Progressed) -> None:
        done, total = progress.done, progress.total
        percent = min(99, done * 100 // total) if total else None
        self._put(job, CarriedFile(path, CarriedState.FETCHING, percent=percent))

    def _put(self, job: _Job, told: CarriedFile) -> None:
        if told.path in job.wanted:
            job.told[told.path] = told
            self._told(job)

    def _failed(self, job: _Job, error: MailError) -> None:
        """Nothing more can be fetched for this draft."""
        told = clean_line(error.sentence)
        for path, file in job.told.items():
            if file.state is not CarriedState.HERE:
                job.told[path] = CarriedFile(path, CarriedState.FAILED, sentence=told)
        self._told(job)

    def _told(self, job: _Job) -> None:
        self._tell(CarriedTold(job.draft_id, tuple(job.told.values())))


_STANDING: Final = (CarriedState.HERE, CarriedState.FETCHING)
"""States that a new request leaves as they are; all others begin again."""


async def _end(job: _Job) -> None:
    if job.runner is not None:
        job.runner.cancel()
        await asyncio.gather(job.runner, return_exceptions=True)


def _size_of(path: Path) -> int | None:
    """Return the size of a file that has come whole, None when it has not."""
    with suppress(OSError):
        return path.stat().st_size
    return None


def _written(folder: Path, name: str, data: bytes) -> int:
    landing.room_for(folder, len(data))
    with landing.unfinished(folder) as arrived, landing.disk_errors():
        arrived.write_bytes(data)
        landing.land(arrived, folder, name)
    return len(data)


def _renamed(arrived: Path, path: Path) -> None:
    with landing.disk_errors():
        arrived.replace(path)
