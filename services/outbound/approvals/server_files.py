"""The files of drafts on the service, fetched to where files of drafts lie that are not the operator's.

Closes four traps: a proposal whose files are left out without a word (what cannot be fetched keeps the
draft from being proposed), a file that is asked for again at every look, files that stay on the disk
although their draft could not be proposed, and a folder that is held open for each of thousands.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.attachments.names import safe_name
from services.cache.files import open_private, private_folder
from services.draft import DraftFile
from services.errors import MailError, UsageError
from services.outbound.drafts.attaching import ANY_TYPE
from services.outbound.outbox.outbox_contents import durable

if TYPE_CHECKING:
    from services.api.agentmail_to.drafts import RemoteDrafts, ServerDraft, ServerFile
    from services.outbound.drafts.carried_folders import CarriedFolders

LARGEST: Final = 30 * 1024 * 1024
"""Bytes of all files of a draft: more the service does not carry (api/agentmail_to.md §9)."""


class ServerFiles:
    """Fetches files into the folders of one account."""

    def __init__(self, folders: CarriedFolders) -> None:
        self._folders = folders

    @asynccontextmanager
    async def fetched(
        self, remote: RemoteDrafts, found: ServerDraft, draft_id: str
    ) -> AsyncIterator[tuple[DraftFile, ...]]:
        """Fetch the files of a draft and hold them until it is saved or given up.

        Raises ServiceError, UsageError when they are too large; after a MailError nothing of them
        stays.
        """
        if sum(max(file.size, 0) for file in found.files) > LARGEST:
            raise UsageError("Its files are too large.")
        if not found.files:
            yield ()
            return
        await durable(lambda: self._folders.hold(draft_id))
        try:
            files = await self._fetch_all(remote, found, draft_id)
            yield files
        except MailError:
            await durable(lambda: self._folders.remove(draft_id))
            raise
        finally:
            self._folders.let_go(draft_id)

    async def _fetch_all(
        self, remote: RemoteDrafts, found: ServerDraft, draft_id: str
    ) -> tuple[DraftFile, ...]:
        fetched: list[DraftFile] = []
        for number, file in enumerate(found.files):
            place = self._folders.place(draft_id, number, file.name or "file")
            # The sizes that are told may be none.
            left = LARGEST - sum(one.size for one in fetched)
            await self._fetch(remote, found.head.draft_id, file, place, left)
            fetched.append(await durable(partial(_told, place, file)))
        return tuple(fetched)

    async def _fetch(
        self, remote: RemoteDrafts, server_id: str, file: ServerFile, place: Path, largest: int
    ) -> None:
        descriptor = await durable(lambda: _opened(place))
        try:
            await remote.download(server_id, file, descriptor, largest=largest)
        finally:
            os.close(descriptor)


def _opened(place: Path) -> int:
    private_folder(place.parent)
    return open_private(place, os.O_RDWR | os.O_CREAT | os.O_TRUNC)


def _told(place: Path, file: ServerFile) -> DraftFile:
    facts = place.stat()
    kind = file.content_type if "/" in file.content_type else ANY_TYPE
    return DraftFile(place, safe_name(file.name or "file"), kind, facts.st_size, facts.st_mtime_ns)
