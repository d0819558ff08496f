"""Looks after the drafts that lie on the service, for every office whose service has such.

Closes three traps: a proposal on the service that nobody sees before the Approvals screen is opened, a
service that is asked every second by a program in trouble, and a decision about something that has
been sent elsewhere since it was shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from services.draft import DraftState
from services.errors import Forbidden, MailError, NotFound, Offline, SignedOut, UsageError
from services.events import Event, Notice, Severity
from services.outbound.outbox.outbox_contents import durable
from services.outbound_models import OutboxState
from services.safe_text import EMPTY, SafeText, clean_line, phrase
from services.service_config import AGENTMAIL_TO

if TYPE_CHECKING:
    from services.api.agentmail_to.drafts import RemoteDrafts
    from services.outbound.approvals.server_drafts import ServerDrafts
    from services.outbound.office import Office

LOOK_EVERY: Final = 30.0
"""Seconds between two looks at the drafts of the service."""
NOT_ALLOWED: Final = 3600.0
"""Seconds between two looks where the key may not read drafts."""
_LONGEST_PAUSE: Final = 600.0


class ServerDesk:
    """The looks of all offices that are open; on the loop."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._known: dict[str, ServerDrafts] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._wake: dict[str, asyncio.Event] = {}
        self._told: dict[str, str] = {}

    def attend(self, office: Office) -> None:
        """Look at the drafts of an office's service from now on; nothing where there are none."""
        name = office.account.name
        if office.account.kind != AGENTMAIL_TO or not self._is_free(name):
            return
        loop = asyncio.get_running_loop()
        self._wake.setdefault(name, asyncio.Event())
        self._looking[name] = loop.create_task(self._look_on(office))

    def nudge(self, name: str = "") -> None:
        """Look now: at the drafts of one account, or of all."""
        for account, wake in self._wake.items():
            if name in ("", account):
                wake.set()

    def progress(self) -> SafeText:
        """Say how much was read by the looks that are under way; empty when there is none."""
        read = sum(drafts.read for drafts in self._known.values())
        return phrase("Reading drafts on AgentMail.to: {:,} so far", read) if read else EMPTY

    async def hold(self, office: Office, draft_id: str) -> None:
        """Make sure that a decision is about what lies on the service now; raises as `ServerDrafts`."""
        if office.account.kind == AGENTMAIL_TO:
            await self._drafts(office).hold(draft_id)

    async def close(self) -> None:
        """Stop looking."""
        tasks = tuple(self._looking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_free(self, name: str) -> bool:
        """Whether nobody looks for an account; a look that failed by a bug is raised, once."""
        task = self._looking.get(name)
        if task is None:
            return True
        if not task.done():
            return False
        del self._looking[name]
        if not task.cancelled() and (failure := task.exception()):
            raise failure
        return True

    async def _look_on(self, office: Office) -> None:
        name, failures = office.account.name, 0
        wake = self._wake[name]
        while True:
            wake.clear()
            pause = LOOK_EVERY
            try:
                for sentence in await self._drafts(office).look():
                    self._emit(Notice(phrase("{}: {}", clean_line(name), sentence)))
                failures = 0
                self._told.pop(name, None)
            except (Forbidden, NotFound, UsageError) as error:
                pause = NOT_ALLOWED
                self._tell(name, error)
            except MailError as error:
                failures += 1
                pause = min(LOOK_EVERY * 2.0 ** min(failures - 1, 10), _LONGEST_PAUSE)
                if not isinstance(error, Offline | SignedOut):
                    # Those the mailbox tells itself.
                    self._tell(name, error)
            await _rest(wake, pause, hurries=not failures)

    def _tell(self, name: str, error: MailError) -> None:
        """Tell why drafts on the service are not seen, once as long as it is the same."""
        if self._told.get(name) == error.sentence:
            return
        self._told[name] = error.sentence
        sentence = phrase(
            "{}: drafts on AgentMail.to are not shown. {}",
            clean_line(name),
            clean_line(error.sentence),
        )
        self._emit(Notice(sentence, Severity.WARNING, next_step=clean_line(error.next_step)))

    def _drafts(self, office: Office) -> ServerDrafts:
        name = office.account.name
        if name not in self._known:
            self._known[name] = server_drafts_of(office)
        return self._known[name]


async def _rest(wake: asyncio.Event, seconds: float, *, hurries: bool) -> None:
    """Wait until the next look; a service in trouble is not asked sooner because of a nudge."""
    if not hurries:
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()


def server_drafts_of(office: Office) -> ServerDrafts:
    """Return what keeps an office's proposals and the drafts of its inbox the same."""
    from services.outbound.approvals.server_book import Book
    from services.outbound.approvals.server_drafts import Desk, ServerDrafts
    from services.outbound.approvals.server_files import ServerFiles
    from services.outbound.approvals.server_room import ServerRoom

    drafts, store, inbox_id = office.drafts, office.store, office.account.address
    desk = Desk(
        store=store,
        book=Book(inbox_id, store, drafts, office.proposals, office.audit),
        room=ServerRoom(store, drafts, office.carried),
        files=ServerFiles(office.carried),
        take_back=partial(_take_back, office),
        refused=office.account.policy.refused_drafts,
    )
    return ServerDrafts(desk, partial(_remote, office))


async def _remote(office: Office) -> RemoteDrafts:
    from services.api.agentmail_to.client import AgentMailToClient
    from services.api.agentmail_to.drafts import RemoteDrafts

    client = await office.lender.provider()
    if not isinstance(client, AgentMailToClient):
        raise UsageError("This service keeps no drafts.")
    return RemoteDrafts(client)


async def _take_back(office: Office, draft_id: str) -> bool:
    """Stop what a draft became; False when some of it has left, or may have."""
    entries = await durable(lambda: office.outbox.of_draft(draft_id))
    pending = tuple(one.entry_id for one in entries if one.state is OutboxState.PENDING)
    if pending:
        with suppress(UsageError):
            await office.take_back(pending, "program")
    head = await durable(lambda: office.drafts.head(draft_id))
    return not head.is_settled and head.state is not DraftState.QUEUED
