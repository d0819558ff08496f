"""One's own entry in the directory: how it stands, publishing and rotating it, taking it out.

Closes the trap of publishing blindly: what stands in the directory is looked at first, a key there
that is none of the operator's is a conflict even when its version was not asked for, and what was
published is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from services.crypto.certs import PeerKey
from services.errors import MailError, UsageError
from services.key_models import DirectoryStatus, DirectoryView
from services.keys import words
from services.keys.directory import Directory, VersionConflict, standing_of
from services.keys.own_keys import OwnKeys
from services.keys.service import Entry
from services.safe_text import clean_line, ui


class OwnEntry:
    """The entry of one account; `agent_id` gives its name in the directory, "" when unknown."""

    def __init__(
        self,
        own: OwnKeys,
        directory: Directory,
        agent_id: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        self._own = own
        self._directory = directory
        self._agent_id = agent_id
        self._clock = clock
        self._seen: Entry | None = None
        self.view = DirectoryView(sentence=ui("The directory has not been asked yet."))

    async def refresh(self) -> DirectoryView:
        """Look the entry up; UNKNOWN with the reason when the directory does not answer."""
        try:
            return self.note(await self._look())
        except MailError as error:
            self._seen = None
            self.view = DirectoryView(sentence=clean_line(str(error)))
        return self.view

    def note(self, entry: Entry) -> DirectoryView:
        """Take in an entry that the directory has just shown."""
        self._seen, self.view = entry, self.shown(entry)
        return self.view

    def judge_again(self) -> None:
        """Compare what the directory showed last with the own keys as they are now."""
        if self._seen is not None:
            self.view = replace(self.shown(self._seen), checked_at=self.view.checked_at)

    async def publish(
        self, expected_version: int | None = None, *, replaces: bool = True
    ) -> DirectoryView:
        """Publish the current key, or rotate the entry to it.

        `expected_version` is what the operator has seen; None takes what stands there, unless it is
        a key of somebody else's, or not `replaces` and it is any other key. VersionConflict, NoKey,
        KeyUnusable, ServiceError.
        """
        key = self._own.require_current().public
        key.require()
        entry = await self._look() if self._agent_id() else Entry("")
        standing = standing_of(entry, self._publics(), key)
        refused = {DirectoryStatus.FOREIGN} | (set() if replaces else {DirectoryStatus.OLDER})
        if expected_version is None and standing.status in refused:
            raise VersionConflict(0, entry)
        if expected_version not in (None, entry.version):
            raise VersionConflict(expected_version or 0, entry)
        if standing.status is not DirectoryStatus.SAME:
            agent_id, version = await self._directory.publish(
                key, stands_on=entry.version, agent_id=entry.agent_id
            )
            self._own.remember_published(agent_id, version)
        return await self.refresh()

    async def revoke(self) -> DirectoryView:
        """Take the key out of the directory; nobody can encrypt to the account until a new one."""
        await self._directory.revoke()
        return await self.refresh()

    def shown(self, entry: Entry) -> DirectoryView:
        """Return an entry of the own name as it is shown."""
        current = self._own.current()
        standing = standing_of(entry, self._publics(), current.public if current else None)
        return DirectoryView(
            status=standing.status,
            version=entry.version,
            fingerprint=words.view(standing.fingerprint) if standing.fingerprint else None,
            checked_at=int(self._clock()),
            sentence=clean_line(standing.sentence),
        )

    async def _look(self) -> Entry:
        agent_id = self._agent_id()
        if not agent_id:
            raise UsageError(
                "The account's address is not known, so the directory cannot be asked.",
                'Publish your key, or set "address" in config.toml.',
            )
        entry = await self._directory.look_up(agent_id, fresh=True)
        if entry.revoked and not entry.version:
            # A directory that tells no version of a revoked entry goes on counting all the same.
            return replace(entry, version=self._own.published_version)
        return entry

    def _publics(self) -> tuple[PeerKey, ...]:
        return tuple(key.public for key in self._own.all())
