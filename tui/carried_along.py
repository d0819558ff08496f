"""The files of a message that a script sends on: fetched before the draft is handed in.

Closes two traps: a forward from the command line that loses what it is about (the app fetches while a
person writes; a verb ends, so it waits), and a file that could not be had and is missed by nobody:
what is left out is named, with the reason.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.carried_events import CarriedFile, CarriedState
from services.errors import NotFound
from services.outbound.carrying_over import CarryingOver
from services.posting import SessionMail
from services.safe_text import SafeText, clean_line, join, phrase

if TYPE_CHECKING:
    from services.draft import Draft, DraftFile
    from services.keys.keychain import Keychain
    from services.outbound.log.lending import Lender
    from services.outbound.office import Office
    from services.outbound.writing.replying import Begun
    from services.ports import MailProvider
    from services.sync.mailbox import Mailbox
    from services.transfer_models import TransferBoard


@dataclass(frozen=True, slots=True)
class _WithMail:
    """What an office borrows, and the mailbox that a verb has open."""

    lender: Lender
    mail: SessionMail
    board: TransferBoard | None = None
    keeps_drafts: bool = False

    async def provider(self) -> MailProvider:
        return await self.lender.provider()

    async def keychain(self) -> Keychain:
        return await self.lender.keychain()


async def with_files(begun: Begun, office: Office, mailbox: Mailbox) -> Begun:
    """Return a begun draft whose files are here; the remark names those that could not be had."""
    lender = _WithMail(office.lender, SessionMail(mailbox))
    carrying = CarryingOver(office.carried, lender, lambda _: None)
    draft = carrying.homed(begun.draft)
    if _is_kept(office, draft.draft_id):
        # Handed in before, under the same key: its files are that draft's.
        return replace(begun, draft=draft)
    carrying.carry(draft.draft_id, draft.files)
    told = await carrying.wait(draft.draft_id)
    arrived = {one.path for one in told if one.state is CarriedState.HERE}
    draft = replace(draft, files=tuple(file for file in draft.files if file.path in arrived))
    missing = [_missing(one) for one in told if one.path not in arrived]
    return replace(begun, draft=draft, remark=join(" ", [*filter(None, (begun.remark,)), *missing]))


def let_go(office: Office, draft: Draft) -> None:
    """Remove the files that were fetched for a draft which is not kept: it was handed in before."""
    if _carried(draft) and not _is_kept(office, draft.draft_id):
        office.carried.remove(draft.draft_id)


def _is_kept(office: Office, draft_id: str) -> bool:
    with suppress(NotFound):
        office.drafts.head(draft_id)
        return True
    return False


def _carried(draft: Draft) -> list[DraftFile]:
    return [file for file in draft.files if file.origin is not None]


def _missing(file: CarriedFile) -> SafeText:
    return phrase("{} is not attached: {}", clean_line(file.path.name), file.sentence)
